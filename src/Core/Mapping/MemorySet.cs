using System.Collections;
using System.Numerics;
using VmSim.Core.Addresses;

namespace VmSim.Core.Mapping;

/// <summary>
/// The areas of an address space, none overlapping another, by rising address. Operations change areas and page table together, wholly or
/// not at all: when a backend refuses half way, both are as before. Every operation costs O(log n + areas touched). Readers may share a set
/// that nobody changes.
/// </summary>
/// <remarks>
/// <see cref="MemorySet{TFlags, TPageTable}"/> is the same over <see cref="VirtAddr"/> with backends of any type. A program that wants its
/// own address type,
/// or backends that are called directly, names its set once: <c>sealed class GuestSet : MemorySet&lt;GuestAddr, Rights, GuestTable,
/// GuestBackend&gt;;</c> from there on it is <c>GuestSet</c>, and an area of it a <c>GuestSet.Area</c>.
/// </remarks>
/// <typeparam name="TAddr">The kind of address.</typeparam>
/// <typeparam name="TFlags">The flags of areas.</typeparam>
/// <typeparam name="TPageTable">What backends change.</typeparam>
/// <typeparam name="TBackend">
/// The backends; a struct or sealed class is called directly, an interface or base class through its table.
/// </typeparam>
public partial class MemorySet<TAddr, TFlags, TPageTable, TBackend> : IEnumerable<MemorySet<TAddr, TFlags, TPageTable, TBackend>.Area>
    where TAddr : struct, IMemoryAddress<TAddr>
    where TFlags : struct
    where TBackend : IMappingBackend<TAddr, TFlags, TPageTable>
{
    private AreaTree<TFlags, TBackend> _tree = new(); // a struct: one object less between a call and its areas
    private readonly bool _merges;
    private readonly ulong _granuleMask;
    private readonly int _maxAreas;
    private int _version;

    /// <summary>Makes an empty byte-granular set that never merges areas and has no limit.</summary>
    public MemorySet() => _maxAreas = int.MaxValue;

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
            end = trimmed.InsertAfter(end, _tree.StartAt(position), _tree.LastAt(position), _tree.SlotAt(position));
        }

        _version++;
        _tree = trimmed;
    }

    /// <summary>
    /// Checks what must always hold. Areas are sorted, apart, aligned, merged where they must be and not too many, and the tree that keeps
    /// them is sound. O(n). It is for tests of programs that change a set from several places. It never fails unless a set was changed by
    /// two threads at once or is broken.
    /// </summary>
    /// <exception cref="InvalidOperationException">Something does not hold; the message says what.</exception>
    public void Verify()
    {
        _tree.Verify();
        Expect(_tree.Count <= _maxAreas, "there are no more areas than the limit allows");
        AreaPosition previous = AreaPosition.None;
        for (AreaPosition position = _tree.FirstReaching(0); position.Exists; position = _tree.Next(position))
        {
            ulong start = _tree.StartAt(position);
            Expect(IsRange(start, _tree.LastAt(position) - start + 1), "areas are aligned and end at the highest address at most");
            Expect(!_merges || !previous.Exists || !AreEqualNeighbours(previous, position), "equal neighbours are one area");
            previous = position;
        }
    }

    /// <summary>The area that holds an address.</summary>
    /// <returns>False if none does.</returns>
    public bool TryFind(TAddr address, out Area area)
    {
        bool found = _tree.TryFind(address.Value, out ulong start, out ulong size, out AreaSlot<TFlags, TBackend> slot);
        area = new Area(TAddr.FromValue(start), size, slot.Flags, slot.Backend);
        return found;
    }

    /// <summary>The first area that starts after an address.</summary>
    /// <returns>False if none does.</returns>
    public bool TryFindNext(TAddr address, out Area area) =>
        TryGet(_tree.Next(_tree.Floor(address.Value)), out area);

    /// <summary>The last area that lies wholly below an address.</summary>
    /// <returns>False if none does.</returns>
    public bool TryFindPrevious(TAddr address, out Area area)
    {
        AreaPosition position = _tree.Floor(address.Value);
        if (position.Index >= 0 && _tree.LastAt(position) >= address.Value)
        {
            position = _tree.Previous(position);
        }

        return TryGet(position.Index < 0 ? AreaPosition.None : position, out area);
    }

    /// <summary>Whether an area and the range share an address.</summary>
    public bool Overlaps(AddrRange<TAddr> range)
    {
        AreaPosition floor = _tree.Floor(range.Last.Value);
        return floor.Index >= 0 && _tree.LastAt(floor) >= range.Start.Value;
    }

    /// <summary>Whether areas cover the whole of a range; true for an empty one.</summary>
    public bool Covers(TAddr start, ulong size) => size == 0 || FirstHole(start.Value, start.Value + (size - 1)) is null;

    /// <summary>
    /// The parts of areas that lie in a range, by rising address. The set must not change meanwhile. No allocation in a foreach.
    /// </summary>
    /// <param name="start">First address.</param>
    /// <param name="size">Bytes; the range ends at the highest address at most.</param>
    public AreaPieces Pieces(TAddr start, ulong size)
    {
        ulong last = size - 1 > TAddr.MaxValue - start.Value ? TAddr.MaxValue : start.Value + (size - 1);
        return new AreaPieces(this, start.Value, last, size == 0);
    }

    /// <summary>
    /// The lowest address, at or above the hint and in the limit, that is a multiple of the alignment and from which that many bytes are
    /// free.
    /// </summary>
    /// <param name="hint">Never below this.</param>
    /// <param name="size">Bytes; a multiple of the alignment, not 0.</param>
    /// <param name="limit">The bytes lie in here.</param>
    /// <param name="align">A power of two.</param>
    /// <returns>Null if there is no such address, or the size or alignment is not legal.</returns>
    public TAddr? FindFreeArea(TAddr hint, ulong size, AddrRange<TAddr> limit, ulong align)
    {
        if (size == 0 || !BitOperations.IsPow2(align) || (size & (align - 1)) != 0 || (size & _granuleMask) != 0)
        {
            return null;
        }

        ulong from = Math.Max(hint.Value, limit.Start.Value);
        return _tree.TryFindFree(from, size, Math.Max(align, _granuleMask + 1), limit.Last.Value, out ulong address)
            ? TAddr.FromValue(address)
            : null;
    }

    /// <summary>The areas by rising address. No allocation in a foreach.</summary>
    public AreaEnumerator GetEnumerator() => new(this, 0, TAddr.MaxValue, empty: false);

    IEnumerator<Area> IEnumerable<Area>.GetEnumerator() => GetEnumerator();

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

    internal Area AreaAt(AreaPosition position)
    {
        ulong start = _tree.StartAt(position);
        ref AreaSlot<TFlags, TBackend> slot = ref _tree.SlotAt(position);
        return new Area(TAddr.FromValue(start), _tree.LastAt(position) - start + 1, slot.Flags, slot.Backend);
    }

    private static void Expect(bool holds, string what)
    {
        if (!holds)
        {
            throw new InvalidOperationException("The memory set is broken: it does not hold that " + what + ".");
        }
    }

    private bool TryGet(AreaPosition position, out Area area)
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

            ulong end = _tree.LastAt(position);
            if (end >= last)
            {
                return null;
            }

            next = end + 1;
        }

        return (next, last);
    }
}
