using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace VmSim.Core.Mapping;

/// <summary>All of an area but its start.</summary>
[StructLayout(LayoutKind.Auto)]
internal struct AreaSlot<TFlags, TBackend>
{
    /// <summary>The last address of the area; inclusive, so that an area may end at the highest address.</summary>
    public ulong Last;
    public TBackend Backend;
    public TFlags Flags;
}

/// <summary>
/// Where an area stands in the tree; any insertion or removal ends its validity. An index of -1 is before the first area.
/// </summary>
internal readonly record struct AreaPosition(int Leaf, int Index)
{
    public static AreaPosition None => new(-1, 0);

    public bool Exists => Leaf >= 0;
}

/// <summary>
/// The areas of a set by rising start: a B+-tree in flat arrays, each node augmented with its longest inner gap.
/// </summary>
/// <remarks>
/// Layout. Leaf n owns elements [n * 64, n * 64 + Count) of <c>_starts</c> and <c>_slots</c>; leaves form a list in address order. Inner
/// node n owns the same elements of <c>_inner.Keys</c> (first start below the child), <c>_inner.Lasts</c> (last address below it),
/// <c>_inner.Gaps</c> (longest run of free addresses between two areas below it) and <c>_inner.Children</c>. Unused starts and keys hold
/// the highest 64-bit number, so that a search counts whole vectors. A set of up to 64 areas is one leaf whose arrays grow with it.
/// </remarks>
internal partial struct AreaTree<TFlags, TBackend>
{
    /// <summary>Areas of a leaf and children of an inner node, at most.</summary>
    public const int Capacity = 64;

    private const int CapacityShift = 6;
    private const int SmallestLeaf = 8;
    private const int FullAfterMerge = 56;
    private const int SparseLeaf = Capacity / 2;
    private const ulong Unused = ulong.MaxValue;

    private ulong[] _starts;
    private AreaSlot<TFlags, TBackend>[] _slots;
    private Leaf[] _leaves;
    private InnerNodes _inner;
    private int _leavesUsed;
    private int _freeLeaf;
    private int _root;
    private int _height;

    public AreaTree()
    {
        _starts = [];
        _slots = [];
        _leaves = [new Leaf { Next = -1, Previous = -1, Parent = -1 }];
        _inner = InnerNodes.None;
        _leavesUsed = 1;
        _freeLeaf = -1;
    }

    /// <summary>How many areas there are.</summary>
    public int Count { readonly get; private set; }

    /// <summary>Takes all areas out; the arrays of a tree of one leaf stay.</summary>
    public void Reset()
    {
        if (_starts.Length > Capacity)
        {
            this = new AreaTree<TFlags, TBackend>();
            return;
        }

        _starts.AsSpan().Fill(Unused);
        ClearSlots(0, _slots.Length);
        Count = 0;
    }

    /// <summary>The start of an area.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly ulong StartAt(AreaPosition position) => _starts[(position.Leaf << CapacityShift) + position.Index];

    /// <summary>The rest of an area. The caller changes flags and backend only.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly ref AreaSlot<TFlags, TBackend> SlotAt(AreaPosition position) =>
        ref _slots[(position.Leaf << CapacityShift) + position.Index];

    /// <summary>The last area that starts at or below an address; index -1 if there is none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly AreaPosition Floor(ulong address)
    {
        int node = _height == 0 ? _root : Descend(address);
        int first = node << CapacityShift;
        int count = CountOf(node);
        return new AreaPosition(node, CountAtMost(_starts, first, count, address) - 1);
    }

    /// <summary>The first area that ends at or above an address.</summary>
    public readonly AreaPosition FirstReaching(ulong address)
    {
        AreaPosition floor = Floor(address);
        return floor.Index >= 0 && SlotAt(floor).Last >= address ? floor : Next(floor);
    }

    /// <summary>The area after a position, or none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly AreaPosition Next(AreaPosition position)
    {
        int index = position.Index + 1;
        if (_height == 0)
        {
            return index < Count ? new AreaPosition(position.Leaf, index) : AreaPosition.None;
        }

        return index < _leaves[position.Leaf].Count
            ? new AreaPosition(position.Leaf, index)
            : new AreaPosition(_leaves[position.Leaf].Next, 0);
    }

    /// <summary>The area before a position, or none.</summary>
    public readonly AreaPosition Previous(AreaPosition position)
    {
        if (position.Index > 0)
        {
            return new AreaPosition(position.Leaf, position.Index - 1);
        }

        int leaf = _height == 0 ? -1 : _leaves[position.Leaf].Previous;
        return leaf < 0 ? AreaPosition.None : new AreaPosition(leaf, _leaves[leaf].Count - 1);
    }

    /// <summary>Adds an area after a position that <see cref="Floor"/> gave. Returns where it is.</summary>
    public AreaPosition InsertAfter(AreaPosition position, ulong start, in AreaSlot<TFlags, TBackend> slot)
    {
        int leaf = position.Leaf;
        int at = position.Index + 1;
        int count = CountOf(leaf);
        if (count == Math.Min(Capacity, _starts.Length))
        {
            MakeRoom(ref leaf, ref at);
            count = CountOf(leaf);
        }

        int first = (leaf << CapacityShift) + at;
        int tail = count - at;
        if (tail > 0)
        {
            _starts.AsSpan(first, tail).CopyTo(_starts.AsSpan(first + 1, tail));
            _slots.AsSpan(first, tail).CopyTo(_slots.AsSpan(first + 1, tail));
        }

        _starts[first] = start;
        _slots[first] = slot;
        Count++;
        if (_height > 0)
        {
            _leaves[leaf].Count = count + 1;
            ulong below = at > 0 ? GapBefore(first) : 0;
            ulong above = tail > 0 ? GapBefore(first + 1) : 0;
            Refresh(leaf, Math.Max(below, above), lost: at > 0 && tail > 0 ? _starts[first + 1] - _slots[first - 1].Last - 1 : 0);
        }

        return new AreaPosition(leaf, at);
    }

    /// <summary>Splits an area in two, the second of which starts at an address inside it. Returns where the second is.</summary>
    public AreaPosition Split(AreaPosition position, ulong start)
    {
        AreaSlot<TFlags, TBackend> right = SlotAt(position);
        SlotAt(position).Last = start - 1;
        return InsertAfter(position, start, right);
    }

    /// <summary>Removes areas of one leaf, from a position on.</summary>
    public void Remove(AreaPosition position, int count)
    {
        if (Count == count)
        {
            Reset();
            return;
        }

        int leaf = position.Leaf;
        int at = position.Index;
        int first = (leaf << CapacityShift) + at;
        int left = CountOf(leaf) - count;
        int tail = left - at;
        Debug.Assert(count > 0 && tail >= 0, "removal within a leaf");
        ulong lost = _height > 0 ? LongestGap(Math.Max(at - 1, 0), Math.Min(at + count, left + count - 1), leaf) : 0;
        if (tail > 0)
        {
            _starts.AsSpan(first + count, tail).CopyTo(_starts.AsSpan(first, tail));
            _slots.AsSpan(first + count, tail).CopyTo(_slots.AsSpan(first, tail));
        }

        _starts.AsSpan(first + tail, count).Fill(Unused);
        ClearSlots(first + tail, count);
        Count -= count;
        if (_height == 0)
        {
            return;
        }

        _leaves[leaf].Count = left;
        if (left == 0)
        {
            RemoveLeaf(leaf);
            return;
        }

        Refresh(leaf, at > 0 && tail > 0 ? GapBefore(first) : 0, lost);
        if (left < SparseLeaf)
        {
            MergeLeaf(leaf);
        }
    }

    /// <summary>How many areas from a position to the end of its leaf end at or before an address.</summary>
    public readonly int RunEndingBy(AreaPosition position, ulong last)
    {
        int first = position.Leaf << CapacityShift;
        int count = CountOf(position.Leaf);
        int index = position.Index;
        while (index < count && _slots[first + index].Last <= last)
        {
            index++;
        }

        return index - position.Index;
    }

    /// <summary>Moves an area's start without passing a neighbour.</summary>
    public void SetStart(AreaPosition position, ulong start)
    {
        int at = (position.Leaf << CapacityShift) + position.Index;
        bool hasGap = position.Index > 0;
        ulong lost = hasGap ? GapBefore(at) : 0;
        _starts[at] = start;
        if (_height > 0)
        {
            Refresh(position.Leaf, hasGap ? GapBefore(at) : 0, lost);
        }
    }

    /// <summary>Moves an area's last address without passing a neighbour.</summary>
    public void SetLast(AreaPosition position, ulong last)
    {
        int at = (position.Leaf << CapacityShift) + position.Index;
        bool hasGap = position.Index + 1 < CountOf(position.Leaf);
        ulong lost = hasGap ? GapBefore(at + 1) : 0;
        _slots[at].Last = last;
        if (_height > 0)
        {
            Refresh(position.Leaf, hasGap ? GapBefore(at + 1) : 0, lost);
        }
    }

    /// <summary>How many of the sorted numbers from an element on are at most a number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int CountAtMost(ulong[] sorted, int first, int count, ulong number)
    {
        if (!Vector512.IsHardwareAccelerated)
        {
            return CountAtMostByHalves(sorted.AsSpan(first, count), number);
        }

        // Every node's elements are a multiple of eight, so that whole vectors stay inside the array; unused ones compare as above.
        Debug.Assert(count == 0 || first + ((count + 7) & ~7) <= sorted.Length, "whole vectors");
        ref ulong origin = ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(sorted), (nint)(uint)first);
        Vector512<ulong> wanted = Vector512.Create(number);
        int found = 0;
        for (int i = 0; i < count; i += 8)
        {
            Vector512<ulong> eight = Vector512.LoadUnsafe(ref origin, (nuint)(uint)i);
            found += BitOperations.PopCount(Vector512.LessThanOrEqual(eight, wanted).ExtractMostSignificantBits());
        }

        return Math.Min(found, count);
    }

    private static int CountAtMostByHalves(ReadOnlySpan<ulong> sorted, ulong number)
    {
        int low = 0;
        int high = sorted.Length;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (sorted[middle] <= number)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }

    /// <summary>Areas of a leaf. A tree of one leaf does not look it up.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly int CountOf(int leaf) => _height == 0 ? Count : _leaves[leaf].Count;

    /// <summary>Free addresses between an element and the one before it in its leaf.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly ulong GapBefore(int element) => _starts[element] - _slots[element - 1].Last - 1;

    /// <summary>The longest run of free addresses between areas of a leaf, from an index to another, inclusive.</summary>
    private readonly ulong LongestGap(int from, int to, int leaf)
    {
        int first = leaf << CapacityShift;
        ulong gap = 0;
        for (int i = from + 1; i <= to; i++)
        {
            gap = Math.Max(gap, GapBefore(first + i));
        }

        return gap;
    }

    /// <summary>The leaf below the root that an address belongs to.</summary>
    private readonly int Descend(ulong address)
    {
        int node = _root;
        for (int level = _height; level > 0; level--)
        {
            int first = node << CapacityShift;
            int child = CountAtMost(_inner.Keys, first, _inner.Nodes[node].Count, address) - 1;
            node = _inner.Children[first + Math.Max(child, 0)];
        }

        return node;
    }

    private readonly void ClearSlots(int first, int count)
    {
        if (RuntimeHelpers.IsReferenceOrContainsReferences<AreaSlot<TFlags, TBackend>>())
        {
            Array.Clear(_slots, first, count);
        }
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Leaf
    {
        public int Count;
        public int Next;
        public int Previous;
        public int Parent;
    }
}
