using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace VmSim.Core.Mapping;

/// <content>Putting areas in and taking them out. A small set is one leaf without anything above it to keep up to date.</content>
internal partial struct AreaTree<TFlags, TBackend>
{
    /// <summary>Adds an area after a position that <see cref="Floor"/> gave. Returns where it is.</summary>
    public AreaPosition InsertAfter(AreaPosition position, ulong start, ulong last, in AreaSlot<TFlags, TBackend> slot)
    {
        int count = Count;
        if (_height > 0 || count == _row)
        {
            return InsertIntoTree(position, start, last, slot);
        }

        int at = position.Index + 1;
        int row = RowOf(_root);
        InsertWords(_bounds, row, count, at, 1, start, 0);
        InsertWords(_bounds, row + _row, count, at, 1, last, 0);
        InsertSlots(_root << CapacityShift, count, at, 1, slot);
        Count = count + 1;
        return new AreaPosition(_root, at);
    }

    /// <summary>Splits an area in two, the second of which starts at an address inside it. Returns where the second is.</summary>
    public AreaPosition Split(AreaPosition position, ulong start)
    {
        AreaSlot<TFlags, TBackend> right = SlotAt(position);
        ref ulong last = ref _bounds[RowOf(position.Leaf) + _row + position.Index];
        ulong rightLast = last;
        last = start - 1;
        return InsertIntoTree(position, start, rightLast, right);
    }

    /// <summary>Makes an area of its own of [first, last], which lies in an area and is not the whole. Returns where it is.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public AreaPosition Isolate(AreaPosition position, ulong first, ulong last)
    {
        bool hasLower = StartAt(position) < first;
        if (_height == 0 && hasLower && LastAt(position) > last && Count + 2 <= _row)
        {
            // The shortened last address is written behind the vectors, which would wait for it.
            ref ulong end = ref _bounds[RowOf(_root) + _row + position.Index];
            ulong areaLast = end;
            AreaSlot<TFlags, TBackend> slot = SlotAt(position);
            int at = position.Index + 1;
            InsertWords(_bounds, RowOf(_root), Count, at, 2, first, last + 1);
            InsertWords(_bounds, RowOf(_root) + _row, Count, at, 2, last, areaLast);
            InsertSlots(_root << CapacityShift, Count, at, 2, slot);
            end = first - 1;
            Count += 2;
            return new AreaPosition(_root, at);
        }

        position = hasLower ? Split(position, first) : position;
        return LastAt(position) > last ? Previous(Split(position, last + 1)) : position;
    }

    /// <summary>Takes [first, last], which lies inside an area, out of it: two areas are left.</summary>
    public void Punch(AreaPosition position, ulong first, ulong last)
    {
        if (_height > 0 || Count == _row)
        {
            SetLast(Previous(Split(position, last + 1)), first - 1);
            return;
        }

        ref ulong end = ref _bounds[RowOf(_root) + _row + position.Index];
        ulong areaLast = end;
        InsertAfter(position, last + 1, areaLast, SlotAt(position));
        end = first - 1;
    }

    /// <summary>Removes areas of one leaf, from a position on.</summary>
    public void Remove(AreaPosition position, int count)
    {
        int left = Count - count;
        if (_height > 0 || count > 1 || left == 0)
        {
            RemoveFromTree(position, count);
            return;
        }

        int row = RowOf(_root);
        RemoveWord(_bounds, row, left, position.Index);
        RemoveWord(_bounds, row + _row, left, position.Index);
        RemoveSlot(_root << CapacityShift, left, position.Index);
        Count = left;
    }

    /// <summary>Moves an area's start without passing a neighbour.</summary>
    public void SetStart(AreaPosition position, ulong start)
    {
        int at = RowOf(position.Leaf) + position.Index;
        if (_height == 0)
        {
            _bounds[at] = start;
            return;
        }

        bool hasGap = position.Index > 0;
        ulong lost = hasGap ? GapBefore(at) : 0;
        _bounds[at] = start;
        Refresh(position.Leaf, hasGap ? GapBefore(at) : 0, lost);
    }

    /// <summary>Moves an area's last address without passing a neighbour.</summary>
    public void SetLast(AreaPosition position, ulong last)
    {
        int at = RowOf(position.Leaf) + position.Index;
        if (_height == 0)
        {
            _bounds[at + _row] = last;
            return;
        }

        bool hasGap = position.Index + 1 < CountOf(position.Leaf);
        ulong lost = hasGap ? GapBefore(at + 1) : 0;
        _bounds[at + _row] = last;
        Refresh(position.Leaf, hasGap ? GapBefore(at + 1) : 0, lost);
    }

    /// <summary>Adds an area, also where there are inner nodes or the root is full.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private AreaPosition InsertIntoTree(AreaPosition position, ulong start, ulong last, in AreaSlot<TFlags, TBackend> slot)
    {
        int leaf = position.Leaf;
        int at = position.Index + 1;
        int count = CountOf(leaf);
        if (count == _row)
        {
            MakeRoom(ref leaf, ref at);
            count = CountOf(leaf);
        }

        int row = RowOf(leaf);
        InsertWords(_bounds, row, count, at, 1, start, 0);
        InsertWords(_bounds, row + _row, count, at, 1, last, 0);
        InsertSlots(leaf << CapacityShift, count, at, 1, slot);
        Count++;
        if (_height > 0)
        {
            _leaves[leaf].Count = count + 1;
            bool hasLower = at > 0;
            bool hasUpper = at < count;
            ulong below = hasLower ? GapBefore(row + at) : 0;
            ulong above = hasUpper ? GapBefore(row + at + 1) : 0;
            ulong lost = hasLower && hasUpper ? _bounds[row + at + 1] - _bounds[row + _row + at - 1] - 1 : 0;
            Refresh(leaf, Math.Max(below, above), lost);
        }

        return new AreaPosition(leaf, at);
    }

    /// <summary>Removes areas where there are inner nodes, or several, or all.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void RemoveFromTree(AreaPosition position, int count)
    {
        if (Count == count)
        {
            Reset();
            return;
        }

        int leaf = position.Leaf;
        int at = position.Index;
        int left = CountOf(leaf) - count;
        Debug.Assert(count > 0 && left >= at, "removal within a leaf");
        ulong lost = _height > 0 ? LongestGap(Math.Max(at - 1, 0), Math.Min(at + count, left + count - 1), leaf) : 0;
        int row = RowOf(leaf);
        if (count == 1)
        {
            RemoveWord(_bounds, row, left, at);
            RemoveWord(_bounds, row + _row, left, at);
            RemoveSlot(leaf << CapacityShift, left, at);
        }
        else
        {
            RemoveMany(leaf, at, left, count);
        }

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

        Refresh(leaf, at > 0 && at < left ? GapBefore(row + at) : 0, lost);
        if (left < SparseLeaf)
        {
            MergeLeaf(leaf);
        }
    }

    private readonly void RemoveMany(int leaf, int at, int left, int count)
    {
        int row = RowOf(leaf);
        int tail = left - at;
        _bounds.AsSpan(row + at + count, tail).CopyTo(_bounds.AsSpan(row + at, tail));
        _bounds.AsSpan(row + _row + at + count, tail).CopyTo(_bounds.AsSpan(row + _row + at, tail));
        _bounds.AsSpan(row + left, count).Fill(Unused);
        int first = leaf << CapacityShift;
        _slots.AsSpan(first + at + count, tail).CopyTo(_slots.AsSpan(first + at, tail));
        ClearSlots(first + left, count);
    }

    private readonly void ClearSlots(int first, int count)
    {
        if (RuntimeHelpers.IsReferenceOrContainsReferences<AreaSlot<TFlags, TBackend>>())
        {
            Array.Clear(_slots, first, count);
        }
    }
}
