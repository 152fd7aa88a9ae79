using System.Diagnostics;

namespace VmSim.Core.Mapping;

/// <content>Splitting, merging and removing nodes. A node's level is its distance from the leaves.</content>
internal partial struct AreaTree<TFlags, TBackend>
{
    private const int SparseInner = Capacity / 4;

    /// <summary>Grows or splits a full leaf; says where the new area goes.</summary>
    private void MakeRoom(ref int leaf, ref int at)
    {
        if (_row < Capacity)
        {
            GrowRows(Math.Max(SmallestLeaf, _row * 2));
            return;
        }

        if (_leaves == OneLeaf)
        {
            _leaves = [OneLeaf[0]];
        }

        // A run that grows at its end or its start leaves nearly full leaves behind.
        _leaves[leaf].Count = Capacity;
        int kept = at == Capacity ? FullAfterMerge : at == 0 ? Capacity - FullAfterMerge : Capacity / 2;
        int right = TakeLeaf();
        MoveAreas(leaf, kept, right, 0, Capacity - kept);
        _leaves[leaf].Count = kept;
        _leaves[right] = new Leaf { Count = Capacity - kept, Next = _leaves[leaf].Next, Previous = leaf, Parent = -1 };
        if (_leaves[leaf].Next >= 0)
        {
            _leaves[_leaves[leaf].Next].Previous = right;
        }

        _leaves[leaf].Next = right;
        AttachAfter(0, leaf, right);
        if (at > kept)
        {
            leaf = right;
            at -= kept;
        }
    }

    /// <summary>Gives the one leaf of a small set longer rows.</summary>
    private void GrowRows(int row)
    {
        ulong[] bounds = new ulong[(2 * row) + SpareWords];
        bounds.AsSpan(0, row).Fill(Unused);
        Array.Copy(_bounds, 0, bounds, 0, Count);
        Array.Copy(_bounds, _row, bounds, row, Count);
        _bounds = bounds;
        _row = row;
        ResizeSlots(row, Count);
    }

    private void ResizeLeaves(int leaves)
    {
        int before = _bounds.Length;
        Array.Resize(ref _bounds, checked(leaves * ((2 * Capacity) + SpareWords)));
        Array.Fill(_bounds, Unused, before, _bounds.Length - before);
        ResizeSlots(leaves << CapacityShift, _leavesUsed << CapacityShift);
    }

    private void ResizeSlots(int elements, int used)
    {
        AreaSlot<TFlags, TBackend>[] slots = new AreaSlot<TFlags, TBackend>[elements + SpareSlots];
        Array.Copy(_slots, slots, used);
        _slots = slots;
    }

    private int TakeLeaf()
    {
        int leaf = _freeLeaf;
        if (leaf >= 0)
        {
            _freeLeaf = _leaves[leaf].Next;
            return leaf;
        }

        if (_leavesUsed == _leaves.Length)
        {
            int length = _leavesUsed + Math.Max(1, _leavesUsed / 4);
            Array.Resize(ref _leaves, length);
            ResizeLeaves(length);
        }

        return _leavesUsed++;
    }

    private int TakeInner()
    {
        if (_inner == InnerNodes.None)
        {
            _inner = new InnerNodes();
        }

        int inner = _inner.Free;
        if (inner >= 0)
        {
            _inner.Free = _inner.Nodes[inner].Parent;
        }
        else
        {
            if (_inner.Used == _inner.Nodes.Length)
            {
                _inner.Grow();
            }

            inner = _inner.Used++;
        }

        _inner.Nodes[inner] = new Inner { Count = 0, Parent = -1 };
        return inner;
    }

    private void MoveAreas(int from, int fromIndex, int to, int toIndex, int count)
    {
        int source = RowOf(from) + fromIndex;
        int target = RowOf(to) + toIndex;
        Array.Copy(_bounds, source, _bounds, target, count);
        Array.Copy(_bounds, source + _row, _bounds, target + _row, count);
        _bounds.AsSpan(source, count).Fill(Unused);
        int first = (from << CapacityShift) + fromIndex;
        Array.Copy(_slots, first, _slots, (to << CapacityShift) + toIndex, count);
        ClearSlots(first, count);
    }

    private void MoveChildren(int level, int from, int fromIndex, int to, int toIndex, int count)
    {
        int source = (from << CapacityShift) + fromIndex;
        int target = (to << CapacityShift) + toIndex;
        Array.Copy(_inner.Keys, source, _inner.Keys, target, count);
        Array.Copy(_inner.Lasts, source, _inner.Lasts, target, count);
        Array.Copy(_inner.Gaps, source, _inner.Gaps, target, count);
        Array.Copy(_inner.Children, source, _inner.Children, target, count);
        _inner.CopyBounds(source, target, count);
        _inner.Keys.AsSpan(source, count).Fill(Unused);
        for (int i = 0; i < count; i++)
        {
            ParentOf(level - 1, _inner.Children[target + i]) = to;
        }
    }

    private readonly ref int ParentOf(int level, int node)
    {
        if (level == 0)
        {
            return ref _leaves[node].Parent;
        }

        return ref _inner.Nodes[node].Parent;
    }

    private readonly int IndexInParent(int parent, int node) =>
        _inner.Children.AsSpan(parent << CapacityShift, _inner.Nodes[parent].Count).IndexOf(node);

    /// <summary>Hangs a new node into the tree as the right neighbour of another of its level.</summary>
    private void AttachAfter(int level, int left, int right)
    {
        if (level == _height)
        {
            int root = TakeInner();
            _inner.Nodes[root].Count = 1;
            _inner.Children[root << CapacityShift] = left;
            _inner.Loosen(root << CapacityShift, Unused);
            ParentOf(level, left) = root;
            _root = root;
            _height++;
        }

        int parent = ParentOf(level, left);
        int index = IndexInParent(parent, left);
        if (_inner.Nodes[parent].Count == Capacity)
        {
            int other = SplitInner(level + 1, parent, index + 1);
            if (index >= _inner.Nodes[parent].Count)
            {
                index -= _inner.Nodes[parent].Count;
                parent = other;
            }
        }

        int at = (parent << CapacityShift) + index + 1;
        int tail = _inner.Nodes[parent].Count - index - 1;
        Array.Copy(_inner.Keys, at, _inner.Keys, at + 1, tail);
        Array.Copy(_inner.Lasts, at, _inner.Lasts, at + 1, tail);
        Array.Copy(_inner.Gaps, at, _inner.Gaps, at + 1, tail);
        Array.Copy(_inner.Children, at, _inner.Children, at + 1, tail);
        _inner.CopyBounds(at - 1, at, tail + 1); // both halves keep the bounds of the whole
        _inner.Children[at] = right;
        _inner.Nodes[parent].Count++;
        ParentOf(level, right) = parent;
        WriteSummary(at - 1, Summarize(level, left));
        WriteSummary(at, Summarize(level, right));
        Recompute(level + 1, parent);
    }

    private int SplitInner(int level, int inner, int at)
    {
        int kept = at == Capacity ? FullAfterMerge : Capacity / 2;
        int right = TakeInner();
        MoveChildren(level, inner, kept, right, 0, Capacity - kept);
        _inner.Nodes[inner].Count = kept;
        _inner.Nodes[right].Count = Capacity - kept;
        AttachAfter(level, inner, right);
        return right;
    }

    private void RemoveLeaf(int leaf)
    {
        Leaf gone = _leaves[leaf];
        if (gone.Previous >= 0)
        {
            _leaves[gone.Previous].Next = gone.Next;
        }

        if (gone.Next >= 0)
        {
            _leaves[gone.Next].Previous = gone.Previous;
        }

        Detach(0, leaf);
        _leaves[leaf] = new Leaf { Next = _freeLeaf, Previous = -1, Parent = -1 };
        _freeLeaf = leaf;
    }

    /// <summary>Takes an empty node out of its parent, and empty or sparse parents out of theirs.</summary>
    private void Detach(int level, int node)
    {
        int parent = ParentOf(level, node);
        int index = IndexInParent(parent, node);
        int at = (parent << CapacityShift) + index;
        int left = --_inner.Nodes[parent].Count;
        int tail = left - index;
        Array.Copy(_inner.Keys, at + 1, _inner.Keys, at, tail);
        Array.Copy(_inner.Lasts, at + 1, _inner.Lasts, at, tail);
        Array.Copy(_inner.Gaps, at + 1, _inner.Gaps, at, tail);
        Array.Copy(_inner.Children, at + 1, _inner.Children, at, tail);
        _inner.CopyBounds(at + 1, at, tail);
        _inner.Keys[(parent << CapacityShift) + left] = Unused;
        if (left == 0)
        {
            RemoveInner(level + 1, parent);
            return;
        }

        Recompute(level + 1, parent);
        if (parent == _root && level + 1 == _height)
        {
            LowerRoot();
        }
        else if (left < SparseInner)
        {
            MergeInner(level + 1, parent);
        }
    }

    private void RemoveInner(int level, int inner)
    {
        Debug.Assert(level < _height, "only an empty tree, which has no inner nodes, loses its root");
        Detach(level, inner);
        FreeInner(inner);
    }

    private void FreeInner(int inner)
    {
        _inner.Nodes[inner] = new Inner { Count = 0, Parent = _inner.Free };
        _inner.Free = inner;
    }

    private void LowerRoot()
    {
        while (_height > 0 && _inner.Nodes[_root].Count == 1)
        {
            int old = _root;
            _root = _inner.Children[old << CapacityShift];
            _inner.Keys[old << CapacityShift] = Unused;
            _height--;
            ParentOf(_height, _root) = -1;
            FreeInner(old);
        }
    }

    /// <summary>Joins a sparse leaf with a neighbour below the same parent if both fit into one.</summary>
    private void MergeLeaf(int leaf)
    {
        int parent = _leaves[leaf].Parent;
        int index = IndexInParent(parent, leaf);
        ReadOnlySpan<int> children = _inner.Children.AsSpan(parent << CapacityShift, _inner.Nodes[parent].Count);
        if (index + 1 < children.Length && _leaves[leaf].Count + _leaves[children[index + 1]].Count <= FullAfterMerge)
        {
            JoinLeaves(leaf, children[index + 1]);
        }
        else if (index > 0 && _leaves[leaf].Count + _leaves[children[index - 1]].Count <= FullAfterMerge)
        {
            JoinLeaves(children[index - 1], leaf);
        }
    }

    private void JoinLeaves(int left, int right)
    {
        MoveAreas(right, 0, left, _leaves[left].Count, _leaves[right].Count);
        _leaves[left].Count += _leaves[right].Count;
        _leaves[right].Count = 0;
        Recompute(0, left);
        RemoveLeaf(right);
    }

    private void MergeInner(int level, int inner)
    {
        int parent = _inner.Nodes[inner].Parent;
        int index = IndexInParent(parent, inner);
        ReadOnlySpan<int> children = _inner.Children.AsSpan(parent << CapacityShift, _inner.Nodes[parent].Count);
        if (index + 1 < children.Length && _inner.Nodes[inner].Count + _inner.Nodes[children[index + 1]].Count <= FullAfterMerge)
        {
            JoinInners(level, inner, children[index + 1]);
        }
        else if (index > 0 && _inner.Nodes[inner].Count + _inner.Nodes[children[index - 1]].Count <= FullAfterMerge)
        {
            JoinInners(level, children[index - 1], inner);
        }
    }

    private void JoinInners(int level, int left, int right)
    {
        MoveChildren(level, right, 0, left, _inner.Nodes[left].Count, _inner.Nodes[right].Count);
        _inner.Nodes[left].Count += _inner.Nodes[right].Count;
        _inner.Nodes[right].Count = 0;
        Recompute(level, left);
        Detach(level, right);
        FreeInner(right);
    }
}
