using System.Diagnostics;
using System.Runtime.InteropServices;

namespace VmSim.Core.Mapping;

/// <content>Splitting, merging and removing nodes. A node's level is its distance from the leaves.</content>
internal partial struct AreaTree<TFlags, TBackend>
{
    private const int SparseInner = Capacity / 4;

    /// <summary>Grows or splits a full leaf; says where the new area goes.</summary>
    private void MakeRoom(ref int leaf, ref int at)
    {
        if (_starts.Length < Capacity)
        {
            ResizeLeaves(Math.Max(SmallestLeaf, _starts.Length * 2));
            return;
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

    private void ResizeLeaves(int elements)
    {
        int before = _starts.Length;
        Array.Resize(ref _starts, elements);
        Array.Resize(ref _slots, elements);
        Array.Fill(_starts, Unused, before, elements - before);
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
            ResizeLeaves(checked(length << CapacityShift));
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
        int source = (from << CapacityShift) + fromIndex;
        int target = (to << CapacityShift) + toIndex;
        Array.Copy(_starts, source, _starts, target, count);
        Array.Copy(_slots, source, _slots, target, count);
        _starts.AsSpan(source, count).Fill(Unused);
        ClearSlots(source, count);
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

    /// <summary>The arrays of inner nodes, apart from the tree so that a small set is small.</summary>
    private sealed class InnerNodes
    {
        public static readonly InnerNodes None = new();

        public ulong[] Keys = [];
        public ulong[] Lasts = [];
        public ulong[] Gaps = [];
        public int[] Children = [];
        public AlignedBounds[] Columns = [];
        public Inner[] Nodes = [];
        public int Used;
        public int Free = -1;

        public void Grow()
        {
            int length = Used + Math.Max(1, Used / 4);
            int before = Keys.Length;
            Array.Resize(ref Nodes, length);
            Array.Resize(ref Keys, length << CapacityShift);
            Array.Resize(ref Lasts, length << CapacityShift);
            Array.Resize(ref Gaps, length << CapacityShift);
            Array.Resize(ref Children, length << CapacityShift);
            Array.Fill(Keys, Unused, before, Keys.Length - before);
            foreach (AlignedBounds column in Columns)
            {
                Array.Resize(ref column.Bounds, Keys.Length);
            }
        }

        /// <summary>What is known of aligned free ranges for an alignment; null if nothing is.</summary>
        public ulong[]? BoundsFor(ulong align)
        {
            foreach (AlignedBounds column in Columns)
            {
                if (column.Align == align)
                {
                    return column.Bounds;
                }
            }

            return null;
        }

        /// <summary>Begins to remember bounds for an alignment; none is known yet.</summary>
        public ulong[] AddBounds(ulong align)
        {
            AlignedBounds column = new() { Align = align, Bounds = new ulong[Keys.Length] };
            Array.Fill(column.Bounds, Unused);
            Columns = [.. Columns, column];
            return column.Bounds;
        }

        public void CopyBounds(int source, int target, int count)
        {
            foreach (AlignedBounds column in Columns)
            {
                Array.Copy(column.Bounds, source, column.Bounds, target, count);
            }
        }

        /// <summary>Raises the bounds of an element to a length.</summary>
        public void Loosen(int at, ulong length)
        {
            foreach (AlignedBounds column in Columns)
            {
                column.Bounds[at] = Math.Max(column.Bounds[at], length);
            }
        }
    }

    /// <summary>
    /// For each element: no free range below the child, cut down to multiples of the alignment, is longer. Highest number: unknown.
    /// </summary>
    private sealed class AlignedBounds
    {
        public ulong Align;
        public ulong[] Bounds = [];
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Inner
    {
        public int Count;
        public int Parent;
    }
}
