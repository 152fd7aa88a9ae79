using System.Collections;
using System.Runtime.InteropServices;
using VmSim.Core.Addresses;

namespace VmSim.Core.Mapping;

/// <summary>The parts of a set's areas that lie in a range.</summary>
/// <typeparam name="TAddr">The kind of address.</typeparam>
/// <typeparam name="TFlags">The flags of areas.</typeparam>
/// <typeparam name="TPageTable">What backends change.</typeparam>
/// <typeparam name="TBackend">The backends.</typeparam>
[StructLayout(LayoutKind.Auto)]
public readonly struct AreaPieces<TAddr, TFlags, TPageTable, TBackend> : IEnumerable<MemoryArea<TAddr, TFlags, TBackend>>
    where TAddr : struct, IMemoryAddress<TAddr>
    where TFlags : struct
    where TBackend : IMappingBackend<TAddr, TFlags, TPageTable>
{
    private readonly MemorySet<TAddr, TFlags, TPageTable, TBackend> _set;
    private readonly ulong _first;
    private readonly ulong _last;
    private readonly bool _empty;

    internal AreaPieces(MemorySet<TAddr, TFlags, TPageTable, TBackend> set, ulong first, ulong last, bool empty)
    {
        _set = set;
        _first = first;
        _last = last;
        _empty = empty;
    }

    /// <summary>The parts by rising address.</summary>
    public AreaEnumerator<TAddr, TFlags, TPageTable, TBackend> GetEnumerator() => new(_set, _first, _last, _empty);

    IEnumerator<MemoryArea<TAddr, TFlags, TBackend>> IEnumerable<MemoryArea<TAddr, TFlags, TBackend>>.GetEnumerator() => GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}

/// <summary>Goes through areas, or the parts of areas in a range, by rising address.</summary>
/// <typeparam name="TAddr">The kind of address.</typeparam>
/// <typeparam name="TFlags">The flags of areas.</typeparam>
/// <typeparam name="TPageTable">What backends change.</typeparam>
/// <typeparam name="TBackend">The backends.</typeparam>
[StructLayout(LayoutKind.Auto)]
public struct AreaEnumerator<TAddr, TFlags, TPageTable, TBackend> : IEnumerator<MemoryArea<TAddr, TFlags, TBackend>>
    where TAddr : struct, IMemoryAddress<TAddr>
    where TFlags : struct
    where TBackend : IMappingBackend<TAddr, TFlags, TPageTable>
{
    private readonly MemorySet<TAddr, TFlags, TPageTable, TBackend> _set;
    private readonly ulong _first;
    private readonly ulong _last;
    private AreaPosition _position;
    private int _version;
    private Phase _phase;

    internal AreaEnumerator(MemorySet<TAddr, TFlags, TPageTable, TBackend> set, ulong first, ulong last, bool empty)
    {
        _set = set;
        _first = first;
        _last = last;
        _phase = empty ? Phase.Done : Phase.Before;
    }

    private enum Phase : byte
    {
        Before,
        Inside,
        Done,
    }

    /// <inheritdoc/>
    public MemoryArea<TAddr, TFlags, TBackend> Current { get; private set; }

    readonly object IEnumerator.Current => Current;

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">The set has changed.</exception>
    public bool MoveNext()
    {
        if (_phase == Phase.Done)
        {
            return false;
        }

        _position = _phase == Phase.Before ? _set.Begin(_first, out _version) : _set.Following(_position, _version);
        _phase = Phase.Inside;
        if (_position.Exists)
        {
            MemoryArea<TAddr, TFlags, TBackend> area = _set.AreaAt(_position);
            if (area.Start.Value <= _last)
            {
                Current = area.Cut(_first, _last);
                return true;
            }
        }

        _phase = Phase.Done;
        return false;
    }

    /// <summary>Not offered.</summary>
    public void Reset() => throw new NotSupportedException("Ask the set for a new enumerator.");

    /// <inheritdoc/>
    public readonly void Dispose()
    {
    }
}
