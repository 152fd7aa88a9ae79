using System.Collections;
using System.Numerics;
using System.Runtime.CompilerServices;
using VmSim.Core.Addresses;

namespace VmSim.Core.Mapping;

/// <summary>
/// The areas of an address space, none overlapping another, by rising address. Operations change areas and page table together, wholly or not at all:
/// when a backend refuses half way, both are as before. Every operation costs O(log n + areas touched). Readers may share a set that nobody changes.
/// </summary>
/// <typeparam name="TAddr">The kind of address.</typeparam>
/// <typeparam name="TFlags">The flags of areas.</typeparam>
/// <typeparam name="TPageTable">What backends change.</typeparam>
/// <typeparam name="TBackend">The backends; a struct or sealed class is called directly, an interface or base class through its table.</typeparam>
public sealed partial class MemorySet<TAddr, TFlags, TPageTable, TBackend> : IEnumerable<MemoryArea<TAddr, TFlags, TBackend>>
    where TAddr : struct, IMemoryAddress<TAddr>
    where TFlags : struct
    where TBackend : IMappingBackend<TAddr, TFlags, TPageTable>
{
    private AreaTree<TFlags, TBackend> _tree = new(); // a struct: one object less between a call and its areas
    private readonly bool _merges;
    private readonly ulong _granuleMask;
    private readonly int _maxAreas;
    private int _version;

    /// <summary>Makes an empty byte-granular set.</summary>
    /// <param name="mergeNeighbours">Whether neighbours with equal flags and backends become one area, as in Linux.</param>
    public MemorySet(bool mergeNeighbours = false)
    {
        _merges = mergeNeighbours;
        _maxAreas = int.MaxValue;
    }

    /// <summary>Makes an empty set.</summary>
    /// <exception cref="ArgumentException">The granule is no power of two, or the limit of areas is negative.</exception>
    public MemorySet(MemorySetOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (!BitOperations.IsPow2(options.Granule))
        {
            throw new ArgumentException($"The granule is {options.Granule} bytes; it must be a power of two.", nameof(options));
        }

        if (options.MaxAreas < 0)
        {
            throw new ArgumentException($"The limit is {options.MaxAreas} areas; it must be 0 or more.", nameof(options));
        }

        _merges = options.MergeNeighbours;
        _granuleMask = options.Granule - 1;
        _maxAreas = options.MaxAreas;
    }

    /// <summary>How many areas there are.</summary>
    public int Count => _tree.Count;

    /// <summary>Bytes of the arrays that hold the areas.</summary>
    public long ArrayBytes => _tree.ArrayBytes;

    /// <summary>Gives back memory that removed areas left unused. O(n). Clearing a set does the same.</summary>
    public void TrimExcess()
    {
        AreaTree<TFlags, TBackend> trimmed = new();
        AreaPosition end = trimmed.Floor(0);
        for (AreaPosition position = _tree.FirstReaching(0); position.Exists; position = _tree.Next(position))
        {
            end = trimmed.InsertAfter(end, _tree.StartAt(position), _tree.SlotAt(position));
        }

        _version++;
        _tree = trimmed;
    }

    internal void Verify() => _tree.Verify();

    /// <summary>The area that holds an address.</summary>
    /// <returns>False if none does.</returns>
    public bool TryFind(TAddr address, out MemoryArea<TAddr, TFlags, TBackend> area)
    {
        AreaPosition position = _tree.Floor(address.Value);
        if (position.Index >= 0)
        {
            ref AreaSlot<TFlags, TBackend> slot = ref _tree.SlotAt(position);
            if (slot.Last >= address.Value)
            {
                ulong start = _tree.StartAt(position);
                area = new MemoryArea<TAddr, TFlags, TBackend>(TAddr.FromValue(start), slot.Last - start + 1, slot.Flags, slot.Backend);
                return true;
            }
        }

        area = default;
        return false;
    }

    /// <summary>The first area that starts after an address.</summary>
    /// <returns>False if none does.</returns>
    public bool TryFindNext(TAddr address, out MemoryArea<TAddr, TFlags, TBackend> area) =>
        TryGet(_tree.Next(_tree.Floor(address.Value)), out area);

    /// <summary>The last area that ends at or before an address.</summary>
    /// <returns>False if none does.</returns>
    public bool TryFindPrevious(TAddr address, out MemoryArea<TAddr, TFlags, TBackend> area)
    {
        AreaPosition position = _tree.Floor(address.Value);
        if (position.Index >= 0 && _tree.SlotAt(position).Last >= address.Value)
        {
            position = _tree.Previous(position);
        }

        return TryGet(position.Index < 0 ? AreaPosition.None : position, out area);
    }

    /// <summary>
    /// Whether an area starts before the range's end and ends after its start; so an empty range inside an area overlaps it. An end of 0 stands for the
    /// address after the highest, as in <see cref="MemoryArea{TAddr, TFlags, TBackend}.End"/>.
    /// </summary>
    public bool Overlaps(AddrRange<TAddr> range)
    {
        AreaPosition floor = _tree.Floor(LastOf(range));
        return floor.Index >= 0 && _tree.SlotAt(floor).Last >= range.Start.Value && (range.End.Value | range.Start.Value) != 0;
    }

    /// <summary>Whether areas cover the whole of a range; true for an empty one.</summary>
    public bool Covers(TAddr start, ulong size) => size == 0 || FirstHole(start.Value, start.Value + (size - 1)) is null;

    /// <summary>The parts of areas that lie in a range, by rising address. The set must not change meanwhile. No allocation in a foreach.</summary>
    /// <param name="start">First address.</param>
    /// <param name="size">Bytes; the range ends at the highest address at most.</param>
    public AreaPieces<TAddr, TFlags, TPageTable, TBackend> Pieces(TAddr start, ulong size)
    {
        ulong last = size - 1 > TAddr.MaxValue - start.Value ? TAddr.MaxValue : start.Value + (size - 1);
        return new AreaPieces<TAddr, TFlags, TPageTable, TBackend>(this, start.Value, last, size == 0);
    }

    /// <summary>
    /// The lowest address, at or above the hint and in the limit, that is a multiple of the alignment and from which that many bytes are free.
    /// </summary>
    /// <param name="hint">Never below this.</param>
    /// <param name="size">Bytes; a multiple of the alignment, not 0.</param>
    /// <param name="limit">The bytes lie in here; an end of 0 stands for the address after the highest.</param>
    /// <param name="align">A power of two.</param>
    /// <returns>Null if there is no such address, or the size or alignment is not legal.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TAddr? FindFreeArea(TAddr hint, ulong size, AddrRange<TAddr> limit, ulong align) =>
        limit.Start.Value == limit.End.Value ? null : FindFreeArea(hint, size, limit.Start, TAddr.FromValue(LastOf(limit)), align);

    /// <summary>As above, with a limit that may include the highest address.</summary>
    /// <param name="hint">Never below this.</param>
    /// <param name="size">Bytes; a multiple of the alignment, not 0.</param>
    /// <param name="lowest">First address of the limit.</param>
    /// <param name="highest">Last address of the limit.</param>
    /// <param name="align">A power of two.</param>
    /// <returns>Null if there is no such address, or the size or alignment is not legal.</returns>
    public TAddr? FindFreeArea(TAddr hint, ulong size, TAddr lowest, TAddr highest, ulong align)
    {
        if (size == 0 || !BitOperations.IsPow2(align) || (size & (align - 1)) != 0 || (size & _granuleMask) != 0)
        {
            return null;
        }

        ulong from = Math.Max(hint.Value, lowest.Value);
        return _tree.TryFindFree(from, size, Math.Max(align, _granuleMask + 1), highest.Value, out ulong address) ? TAddr.FromValue(address) : null;
    }

    /// <summary>The areas by rising address. No allocation in a foreach.</summary>
    public AreaEnumerator<TAddr, TFlags, TPageTable, TBackend> GetEnumerator() => new(this, 0, TAddr.MaxValue, empty: false);

    IEnumerator<MemoryArea<TAddr, TFlags, TBackend>> IEnumerable<MemoryArea<TAddr, TFlags, TBackend>>.GetEnumerator() => GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    internal AreaPosition Begin(ulong first, out int version)
    {
        version = _version;
        return _tree.FirstReaching(first);
    }

    internal AreaPosition Following(AreaPosition position, int version)
    {
        if (version != _version)
        {
            throw new InvalidOperationException("The memory set changed while its areas were being enumerated.");
        }

        return _tree.Next(position);
    }

    internal MemoryArea<TAddr, TFlags, TBackend> AreaAt(AreaPosition position)
    {
        ulong start = _tree.StartAt(position);
        ref AreaSlot<TFlags, TBackend> slot = ref _tree.SlotAt(position);
        return new MemoryArea<TAddr, TFlags, TBackend>(TAddr.FromValue(start), slot.Last - start + 1, slot.Flags, slot.Backend);
    }

    private static ulong LastOf(AddrRange<TAddr> range) => range.End.Value == 0 ? TAddr.MaxValue : range.End.Value - 1;

    private bool TryGet(AreaPosition position, out MemoryArea<TAddr, TFlags, TBackend> area)
    {
        area = position.Exists ? AreaAt(position) : default;
        return position.Exists;
    }

    /// <summary>The first run of addresses in a range that no area covers, up to the range's end at most.</summary>
    private (ulong First, ulong Last)? FirstHole(ulong first, ulong last)
    {
        ulong next = first;
        AreaPosition position = _tree.FirstReaching(first);
        for (; position.Exists; position = _tree.Next(position))
        {
            ulong start = _tree.StartAt(position);
            if (start > next)
            {
                return (next, Math.Min(last, start - 1));
            }

            ulong end = _tree.SlotAt(position).Last;
            if (end >= last)
            {
                return null;
            }

            next = end + 1;
        }

        return (next, last);
    }
}
