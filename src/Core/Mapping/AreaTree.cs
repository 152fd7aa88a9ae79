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

/// <summary>Where an area stands in the tree; any insertion or removal ends its validity. An index of -1 is before the first area.</summary>
internal readonly record struct AreaPosition(int Leaf, int Index)
{
    public static AreaPosition None => new(-1, 0);

    public bool Exists => Leaf >= 0;
}

/// <summary>
/// The areas of a set by rising start: a B+-tree in flat arrays, each node augmented with its longest inner gap.
/// </summary>
/// <remarks>
/// Layout. Leaf n owns elements [n * 64, n * 64 + Count) of <c>_starts</c> and <c>_slots</c>; leaves form a list in address order. Inner node n owns the
/// same elements of <c>_keys</c> (first start below the child), <c>_lasts</c> (last address below it), <c>_gaps</c> (longest run of free addresses between two
/// areas below it) and <c>_children</c>. Unused starts and keys hold the highest 64-bit number, so that a search counts whole vectors.
/// A set of up to 64 areas is one leaf whose arrays grow with it.
/// </remarks>
internal sealed partial class AreaTree<TFlags, TBackend>
{
    /// <summary>Areas of a leaf and children of an inner node, at most.</summary>
    public const int Capacity = 64;

    private const int CapacityShift = 6;
    private const int SmallestLeaf = 8;
    private const int FullAfterMerge = 56;
    private const int SparseLeaf = Capacity / 2;
    private const ulong Unused = ulong.MaxValue;

    private ulong[] _starts = [];
    private AreaSlot<TFlags, TBackend>[] _slots = [];
    private Leaf[] _leaves = new Leaf[1];
    private int _leavesUsed;
    private int _freeLeaf;
    private int _root;
    private int _height;

    public AreaTree() => Reset();

    /// <summary>How many areas there are.</summary>
    public int Count { get; private set; }

    /// <summary>Removes all areas.</summary>
    public void Reset()
    {
        if (_starts.Length > Capacity)
        {
            _starts = [];
            _slots = [];
            _leaves = new Leaf[1];
            DropInner();
        }
        else
        {
            Array.Fill(_starts, Unused);
            ClearSlots(0, _slots.Length);
        }

        _leavesUsed = 1;
        _freeLeaf = -1;
        _root = 0;
        _height = 0;
        Count = 0;
        _leaves[0] = new Leaf { Next = -1, Previous = -1, Parent = -1 };
    }

    /// <summary>The start of an area.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong StartAt(AreaPosition position) => _starts[(position.Leaf << CapacityShift) + position.Index];

    /// <summary>The rest of an area. The caller changes flags and backend only.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ref AreaSlot<TFlags, TBackend> SlotAt(AreaPosition position) => ref _slots[(position.Leaf << CapacityShift) + position.Index];

    /// <summary>The last area that starts at or below an address; index -1 if there is none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public AreaPosition Floor(ulong address)
    {
        int node = _height == 0 ? _root : Descend(address);
        int first = node << CapacityShift;
        int count = _leaves[node].Count;
        return new AreaPosition(node, CountAtMost(_starts, first, count, address) - 1);
    }

    /// <summary>The first area that ends at or above an address.</summary>
    public AreaPosition FirstReaching(ulong address)
    {
        AreaPosition floor = Floor(address);
        return floor.Index >= 0 && SlotAt(floor).Last >= address ? floor : Next(floor);
    }

    /// <summary>The area after a position, or none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public AreaPosition Next(AreaPosition position)
    {
        int index = position.Index + 1;
        return index < _leaves[position.Leaf].Count ? new AreaPosition(position.Leaf, index) : new AreaPosition(_leaves[position.Leaf].Next, 0);
    }

    /// <summary>The area before a position, or none.</summary>
    public AreaPosition Previous(AreaPosition position)
    {
        if (position.Index > 0)
        {
            return new AreaPosition(position.Leaf, position.Index - 1);
        }

        int leaf = _leaves[position.Leaf].Previous;
        return leaf < 0 ? AreaPosition.None : new AreaPosition(leaf, _leaves[leaf].Count - 1);
    }

    /// <summary>Adds an area after a position that <see cref="Floor"/> gave.</summary>
    public void InsertAfter(AreaPosition position, ulong start, in AreaSlot<TFlags, TBackend> slot)
    {
        int leaf = position.Leaf;
        int at = position.Index + 1;
        if (_leaves[leaf].Count == Math.Min(Capacity, _starts.Length))
        {
            MakeRoom(ref leaf, ref at);
        }

        int first = leaf << CapacityShift;
        int count = _leaves[leaf].Count;
        int tail = count - at;
        if (tail > 0)
        {
            _starts.AsSpan(first + at, tail).CopyTo(_starts.AsSpan(first + at + 1, tail));
            _slots.AsSpan(first + at, tail).CopyTo(_slots.AsSpan(first + at + 1, tail));
        }

        _starts[first + at] = start;
        _slots[first + at] = slot;
        _leaves[leaf].Count = count + 1;
        Count++;
        RefreshFrom(leaf);
    }

    /// <summary>Removes areas of one leaf, from a position on.</summary>
    public void Remove(AreaPosition position, int count)
    {
        int leaf = position.Leaf;
        int first = leaf << CapacityShift;
        int at = position.Index;
        int left = _leaves[leaf].Count - count;
        if (Count == count)
        {
            Reset();
            return;
        }

        Debug.Assert(count > 0 && at + count <= _leaves[leaf].Count, "removal within a leaf");
        int tail = left - at;
        if (tail > 0)
        {
            _starts.AsSpan(first + at + count, tail).CopyTo(_starts.AsSpan(first + at, tail));
            _slots.AsSpan(first + at + count, tail).CopyTo(_slots.AsSpan(first + at, tail));
        }

        _starts.AsSpan(first + left, count).Fill(Unused);
        ClearSlots(first + left, count);
        _leaves[leaf].Count = left;
        Count -= count;
        if (_height == 0)
        {
            return;
        }

        if (left == 0)
        {
            RemoveLeaf(leaf);
        }
        else
        {
            RefreshFrom(leaf);
            if (left < SparseLeaf)
            {
                MergeLeaf(leaf);
            }
        }
    }

    /// <summary>How many areas from a position to the end of its leaf end at or before an address.</summary>
    public int RunEndingBy(AreaPosition position, ulong last)
    {
        int first = position.Leaf << CapacityShift;
        int count = _leaves[position.Leaf].Count;
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
        _starts[(position.Leaf << CapacityShift) + position.Index] = start;
        RefreshFrom(position.Leaf);
    }

    /// <summary>Moves an area's last address without passing a neighbour.</summary>
    public void SetLast(AreaPosition position, ulong last)
    {
        SlotAt(position).Last = last;
        RefreshFrom(position.Leaf);
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

    /// <summary>The leaf below the root that an address belongs to.</summary>
    private int Descend(ulong address)
    {
        int node = _root;
        for (int level = _height; level > 0; level--)
        {
            int first = node << CapacityShift;
            int child = CountAtMost(_keys, first, _inners[node].Count, address) - 1;
            node = _children[first + Math.Max(child, 0)];
        }

        return node;
    }

    private void ClearSlots(int first, int count)
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
