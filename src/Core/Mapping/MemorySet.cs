using System.Collections;
using VmSim.Core.Addresses;

namespace VmSim.Core.Mapping;

/// <summary>
/// The areas of an address space, none overlapping another, by rising address. Operations change areas and page table together, wholly or not at all:
/// when a backend refuses half way, both are as before.
/// </summary>
/// <typeparam name="TAddr">The kind of address.</typeparam>
/// <typeparam name="TFlags">The flags of areas.</typeparam>
/// <typeparam name="TPageTable">What backends change.</typeparam>
/// <typeparam name="TBackend">The backends.</typeparam>
public sealed partial class MemorySet<TAddr, TFlags, TPageTable, TBackend> : IEnumerable<MemoryArea<TAddr, TFlags, TBackend>>
    where TAddr : struct, IMemoryAddress<TAddr>
    where TFlags : struct
    where TBackend : class, IMappingBackend<TAddr, TFlags, TPageTable>
{
    private readonly AreaList<TAddr, TFlags, TBackend> _areas = new();
    private readonly bool _merges;

    /// <summary>Makes an empty set.</summary>
    /// <param name="mergeNeighbours">Whether neighbours with equal flags and backends become one area, as in Linux.</param>
    public MemorySet(bool mergeNeighbours = false) => _merges = mergeNeighbours;

    /// <summary>How many areas there are.</summary>
    public int Count => _areas.Count;

    /// <summary>The area that holds an address.</summary>
    /// <returns>False if none does.</returns>
    public bool TryFind(TAddr address, out MemoryArea<TAddr, TFlags, TBackend> area)
    {
        int index = _areas.FirstEndingAfter(address.Value);
        area = index < _areas.Count ? _areas[index] : default;
        return index < _areas.Count && area.Contains(address);
    }

    /// <summary>The first area that starts after an address.</summary>
    /// <returns>False if none does.</returns>
    public bool TryFindNext(TAddr address, out MemoryArea<TAddr, TFlags, TBackend> area)
    {
        int index = _areas.FirstEndingAfter(address.Value);
        index += index < _areas.Count && _areas[index].Start.Value <= address.Value ? 1 : 0;
        area = index < _areas.Count ? _areas[index] : default;
        return index < _areas.Count;
    }

    /// <summary>The last area that ends at or before an address.</summary>
    /// <returns>False if none does.</returns>
    public bool TryFindPrevious(TAddr address, out MemoryArea<TAddr, TFlags, TBackend> area)
    {
        int index = _areas.FirstEndingAfter(address.Value) - 1;
        area = index >= 0 ? _areas[index] : default;
        return index >= 0;
    }

    /// <summary>Whether a range overlaps an area.</summary>
    public bool Overlaps(AddrRange<TAddr> range)
    {
        int index = _areas.FirstEndingAfter(range.Start.Value);
        return !range.IsEmpty && index < _areas.Count && _areas[index].Start.Value < range.End.Value;
    }

    /// <summary>Whether areas cover the whole of a range.</summary>
    public bool Covers(TAddr start, ulong size)
    {
        ulong next = start.Value;
        ulong end = start.Value + size;
        for (int index = _areas.FirstEndingAfter(next); next < end && index < _areas.Count && _areas[index].Start.Value <= next; index++)
        {
            next = _areas[index].End.Value;
        }

        return next >= end;
    }

    /// <summary>The parts of areas that lie in a range, by rising address.</summary>
    public IEnumerable<MemoryArea<TAddr, TFlags, TBackend>> Pieces(TAddr start, ulong size)
    {
        ulong end = start.Value + size;
        for (int index = _areas.FirstEndingAfter(start.Value); index < _areas.Count && _areas[index].Start.Value < end; index++)
        {
            yield return _areas[index].Cut(start.Value, end);
        }
    }

    /// <summary>
    /// The lowest address, at or above the hint and in the limit, that is a multiple of the alignment and from which that many bytes are free.
    /// </summary>
    /// <param name="hint">Never below this.</param>
    /// <param name="size">Bytes; a multiple of the alignment, not 0.</param>
    /// <param name="limit">The bytes lie in here.</param>
    /// <param name="align">A power of two.</param>
    /// <returns>Null if there is no such address, or the size or alignment is not legal.</returns>
    public TAddr? FindFreeArea(TAddr hint, ulong size, AddrRange<TAddr> limit, ulong align)
    {
        if (size == 0 || align == 0 || (align & (align - 1)) != 0 || (size & (align - 1)) != 0)
        {
            return null;
        }

        ulong candidate = Math.Max(hint.Value, limit.Start.Value);
        for (int index = _areas.FirstEndingAfter(candidate); ; index++)
        {
            ulong aligned = (candidate + (align - 1)) & ~(align - 1);
            ulong end = aligned + size;
            if (aligned < candidate || end < aligned || end > limit.End.Value)
            {
                return null;
            }

            if (index == _areas.Count || end <= _areas[index].Start.Value)
            {
                return TAddr.FromValue(aligned);
            }

            candidate = Math.Max(candidate, _areas[index].End.Value);
        }
    }

    /// <summary>The areas by rising address.</summary>
    public IEnumerator<MemoryArea<TAddr, TFlags, TBackend>> GetEnumerator()
    {
        for (int index = 0; index < _areas.Count; index++)
        {
            yield return _areas[index];
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
