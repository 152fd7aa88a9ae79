using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace VmSim.Core.Mapping;

/// <summary>All of an area but its addresses.</summary>
[StructLayout(LayoutKind.Auto)]
internal struct AreaSlot<TFlags, TBackend>
{
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
/// Layout. Leaf n owns elements [n * 64, n * 64 + Count) of <c>_slots</c>, and of <c>_bounds</c> a row of 64 starts from n * 129 on, a row
/// of their last addresses behind it, and a spare word; leaves form a list in address order. Inner node n owns elements
/// [n * 64, n * 64 + Count) of <c>_inner.Keys</c> (first start below the child), <c>_inner.Lasts</c> (last address below it),
/// <c>_inner.Gaps</c> (longest run of free addresses between two areas below it) and <c>_inner.Children</c>. Unused starts and keys hold
/// the highest 64-bit number, so that a search counts whole vectors. A set of up to 64 areas is one leaf whose rows grow with it, by whole
/// vectors.
/// </remarks>
internal partial struct AreaTree<TFlags, TBackend>
{
    /// <summary>Areas of a leaf and children of an inner node, at most.</summary>
    public const int Capacity = 64;

    private const int CapacityShift = 6;
    private const int SmallestLeaf = 8;

    // Behind a leaf's rows, for a vector that begins one element higher. It also spreads the rows of starts over a cache's sets: leaves
    // of a power of two would have them in one half of the sets.
    private const int SpareWords = 1;
    private const int FullAfterMerge = 56;
    private const int SparseLeaf = Capacity / 2;
    private const ulong Unused = ulong.MaxValue;

    // What an empty set has; nobody writes to them.
    private static readonly ulong[] NoBounds = new ulong[SpareWords];
    private static readonly AreaSlot<TFlags, TBackend>[] NoSlots = new AreaSlot<TFlags, TBackend>[1];
    private static readonly Leaf[] OneLeaf = [new Leaf { Next = -1, Previous = -1, Parent = -1 }];

    private ulong[] _bounds;
    private AreaSlot<TFlags, TBackend>[] _slots;
    private Leaf[] _leaves;
    private InnerNodes _inner;
    private int _row; // starts, and last addresses, of a leaf: 64, or fewer in a small set
    private int _leavesUsed;
    private int _freeLeaf;
    private int _root;
    private int _height;

    public AreaTree()
    {
        _bounds = NoBounds;
        _slots = NoSlots;
        _leaves = OneLeaf;
        _inner = InnerNodes.None;
        _leavesUsed = 1;
        _freeLeaf = -1;
    }

    /// <summary>How many areas there are.</summary>
    public int Count { readonly get; private set; }

    /// <summary>Takes all areas out; the arrays of a tree of one leaf stay.</summary>
    public void Reset()
    {
        if (_leavesUsed > 1)
        {
            this = new AreaTree<TFlags, TBackend>();
            return;
        }

        for (int i = 0; i < Count; i += Words)
        {
            Vector512.Create(Unused).CopyTo(_bounds, i);
        }

        ClearSlots(0, Count);
        Count = 0;
    }

    /// <summary>The start of an area.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly ulong StartAt(AreaPosition position) => _bounds[RowOf(position.Leaf) + position.Index];

    /// <summary>The last address of an area, in it, so that an area may end at the highest address.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly ulong LastAt(AreaPosition position) => _bounds[RowOf(position.Leaf) + _row + position.Index];

    /// <summary>The rest of an area.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly ref AreaSlot<TFlags, TBackend> SlotAt(AreaPosition position) =>
        ref _slots[(position.Leaf << CapacityShift) + position.Index];

    /// <summary>The last area that starts at or below an address; index -1 if there is none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly AreaPosition Floor(ulong address)
    {
        int node = _root;
        int count = Count;
        if (_height > 0)
        {
            node = Descend(address);
            count = _leaves[node].Count;
        }

        return new AreaPosition(node, CountAtMost(_bounds, RowOf(node), count, address) - 1);
    }

    /// <summary>
    /// The area that holds an address, or else 0, 0 and defaults. No branch depends on which, and the rest of the program goes on before
    /// the areas have come from the caches.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly bool TryFind(ulong address, out ulong start, out ulong size, out AreaSlot<TFlags, TBackend> slot)
    {
        AreaPosition floor = Floor(address);
        int index = Math.Max(floor.Index, 0);
        ref ulong row = ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_bounds), (nint)(uint)(RowOf(floor.Leaf) + index));
        ulong last = Unsafe.Add(ref row, _row);
        bool found = (floor.Index >= 0) & (last >= address);
        start = Choose(found, row, 0);
        size = Choose(found, last - row + 1, 0);
        AreaSlot<TFlags, TBackend>[] slots = _slots;
        ulong at = Choose(found, (ulong)(uint)((floor.Leaf << CapacityShift) + index), (ulong)(uint)(slots.Length - 1));
        slot = Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(slots), (nint)at);
        return found;
    }

    /// <summary>The first area, or none.</summary>
    public readonly AreaPosition First() => _height == 0 && Count > 0 ? new AreaPosition(_root, 0) : FirstReaching(0);

    /// <summary>The first area that ends at or above an address.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly AreaPosition FirstReaching(ulong address)
    {
        AreaPosition floor = Floor(address);
        return floor.Index >= 0 && LastAt(floor) >= address ? floor : Next(floor);
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

    /// <summary>
    /// The areas from a position to the end of its leaf. They stay what they are, and safe to read, when a backend changes the set.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly AreaRun RunFrom(AreaPosition position)
    {
        int row = RowOf(position.Leaf) + position.Index;
        int count = CountOf(position.Leaf) - position.Index;
        int slot = (position.Leaf << CapacityShift) + position.Index;
        _ = _bounds[row + _row + count - 1];
        _ = _slots[slot + count - 1];
        return new AreaRun(count, ref _bounds[row], ref _bounds[row + _row], ref _slots[slot]);
    }

    /// <summary>How many areas from a position to the end of its leaf end at or before an address.</summary>
    public readonly int RunEndingBy(AreaPosition position, ulong last)
    {
        int lasts = RowOf(position.Leaf) + _row;
        int count = CountOf(position.Leaf);
        int index = position.Index;
        while (index < count && _bounds[lasts + index] <= last)
        {
            index++;
        }

        return index - position.Index;
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

    /// <summary>Where a leaf's starts begin in the bounds. Its last addresses begin a row later.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int RowOf(int leaf) => leaf * ((2 * Capacity) + SpareWords);

    /// <summary>Free addresses between an area, of which the place of its start is given, and the one before it in its leaf.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly ulong GapBefore(int start) => _bounds[start] - _bounds[start + _row - 1] - 1;

    /// <summary>The longest run of free addresses between areas of a leaf, from an index to another, inclusive.</summary>
    private readonly ulong LongestGap(int from, int to, int leaf)
    {
        int row = RowOf(leaf);
        ulong gap = 0;
        for (int i = from + 1; i <= to; i++)
        {
            gap = Math.Max(gap, GapBefore(row + i));
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

    /// <summary>One of two numbers, without a branch: the compiler makes one of a conditional inside a loop.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Choose(bool first, ulong one, ulong other) => other ^ ((one ^ other) & (0UL - Unsafe.BitCast<bool, byte>(first)));

    /// <summary>Areas that stand one after the other in the arrays.</summary>
    public readonly ref struct AreaRun
    {
        private readonly ref ulong _starts;
        private readonly ref ulong _lasts;
        private readonly ref AreaSlot<TFlags, TBackend> _slots;

        public AreaRun(int count, ref ulong starts, ref ulong lasts, ref AreaSlot<TFlags, TBackend> slots)
        {
            Count = count;
            _starts = ref starts;
            _lasts = ref lasts;
            _slots = ref slots;
        }

        public int Count { get; }

        public ulong StartAt(int index) => Unsafe.Add(ref _starts, index);

        public ulong LastAt(int index) => Unsafe.Add(ref _lasts, index);

        public ref AreaSlot<TFlags, TBackend> SlotAt(int index) => ref Unsafe.Add(ref _slots, index);
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
