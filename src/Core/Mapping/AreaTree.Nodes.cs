using System.Diagnostics;
using System.Runtime.InteropServices;

namespace VmSim.Core.Mapping;

/// <content>Splitting, merging and removing nodes. A node's level is its distance from the leaves.</content>
internal sealed partial class AreaTree<TFlags, TBackend>
{
    private const int SparseInner = Capacity / 4;

    private ulong[] _keys = [];
    private ulong[] _lasts = [];
    private ulong[] _gaps = [];
    private int[] _children = [];
    private Inner[] _inners = [];
    private int _innersUsed;
    private int _freeInner = -1;

    private void DropInner()
    {
        _keys = [];
        _lasts = [];
        _gaps = [];
        _children = [];
        _inners = [];
        _innersUsed = 0;
        _freeInner = -1;
    }

    /// <summary>Grows or splits a full leaf; says where the new area goes.</summary>
    private void MakeRoom(ref int leaf, ref int at)
    {
        if (_starts.Length < Capacity)
        {
            ResizeLeaves(Math.Max(SmallestLeaf, _starts.Length * 2));
            return;
        }

        // A run that grows at its end or its start leaves nearly full leaves behind.
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
        int inner = _freeInner;
        if (inner >= 0)
        {
            _freeInner = _inners[inner].Parent;
        }
        else
        {
            if (_innersUsed == _inners.Length)
            {
                int length = _innersUsed + Math.Max(1, _innersUsed / 4);
                int before = _keys.Length;
                Array.Resize(ref _inners, length);
                Array.Resize(ref _keys, length << CapacityShift);
                Array.Resize(ref _lasts, length << CapacityShift);
                Array.Resize(ref _gaps, length << CapacityShift);
                Array.Resize(ref _children, length << CapacityShift);
                Array.Fill(_keys, Unused, before, _keys.Length - before);
            }

            inner = _innersUsed++;
        }

        _inners[inner] = new Inner { Count = 0, Parent = -1 };
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
        Array.Copy(_keys, source, _keys, target, count);
        Array.Copy(_lasts, source, _lasts, target, count);
        Array.Copy(_gaps, source, _gaps, target, count);
        Array.Copy(_children, source, _children, target, count);
        _keys.AsSpan(source, count).Fill(Unused);
        for (int i = 0; i < count; i++)
        {
            ParentOf(level - 1, _children[target + i]) = to;
        }
    }

    private ref int ParentOf(int level, int node)
    {
        if (level == 0)
        {
            return ref _leaves[node].Parent;
        }

        return ref _inners[node].Parent;
    }

    private int IndexInParent(int parent, int node) => _children.AsSpan(parent << CapacityShift, _inners[parent].Count).IndexOf(node);

    /// <summary>Hangs a new node into the tree as the right neighbour of another of its level.</summary>
    private void AttachAfter(int level, int left, int right)
    {
        if (level == _height)
        {
            int root = TakeInner();
            _inners[root].Count = 1;
            _children[root << CapacityShift] = left;
            ParentOf(level, left) = root;
            _root = root;
            _height++;
        }

        int parent = ParentOf(level, left);
        int index = IndexInParent(parent, left);
        if (_inners[parent].Count == Capacity)
        {
            int other = SplitInner(level + 1, parent, index + 1);
            if (index >= _inners[parent].Count)
            {
                index -= _inners[parent].Count;
                parent = other;
            }
        }

        int at = (parent << CapacityShift) + index + 1;
        int tail = _inners[parent].Count - index - 1;
        Array.Copy(_keys, at, _keys, at + 1, tail);
        Array.Copy(_lasts, at, _lasts, at + 1, tail);
        Array.Copy(_gaps, at, _gaps, at + 1, tail);
        Array.Copy(_children, at, _children, at + 1, tail);
        _children[at] = right;
        _inners[parent].Count++;
        ParentOf(level, right) = parent;
        WriteSummary(at - 1, Summarize(level, left));
        WriteSummary(at, Summarize(level, right));
        Refresh(level + 1, parent);
    }

    private int SplitInner(int level, int inner, int at)
    {
        int kept = at == Capacity ? FullAfterMerge : Capacity / 2;
        int right = TakeInner();
        MoveChildren(level, inner, kept, right, 0, Capacity - kept);
        _inners[inner].Count = kept;
        _inners[right].Count = Capacity - kept;
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
        int left = --_inners[parent].Count;
        int tail = left - index;
        Array.Copy(_keys, at + 1, _keys, at, tail);
        Array.Copy(_lasts, at + 1, _lasts, at, tail);
        Array.Copy(_gaps, at + 1, _gaps, at, tail);
        Array.Copy(_children, at + 1, _children, at, tail);
        _keys[(parent << CapacityShift) + left] = Unused;
        if (left == 0)
        {
            RemoveInner(level + 1, parent);
            return;
        }

        Refresh(level + 1, parent);
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
        _inners[inner] = new Inner { Count = 0, Parent = _freeInner };
        _freeInner = inner;
    }

    private void LowerRoot()
    {
        while (_height > 0 && _inners[_root].Count == 1)
        {
            int old = _root;
            _root = _children[old << CapacityShift];
            _keys[old << CapacityShift] = Unused;
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
        ReadOnlySpan<int> children = _children.AsSpan(parent << CapacityShift, _inners[parent].Count);
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
        RefreshFrom(left);
        RemoveLeaf(right);
    }

    private void MergeInner(int level, int inner)
    {
        int parent = _inners[inner].Parent;
        int index = IndexInParent(parent, inner);
        ReadOnlySpan<int> children = _children.AsSpan(parent << CapacityShift, _inners[parent].Count);
        if (index + 1 < children.Length && _inners[inner].Count + _inners[children[index + 1]].Count <= FullAfterMerge)
        {
            JoinInners(level, inner, children[index + 1]);
        }
        else if (index > 0 && _inners[inner].Count + _inners[children[index - 1]].Count <= FullAfterMerge)
        {
            JoinInners(level, children[index - 1], inner);
        }
    }

    private void JoinInners(int level, int left, int right)
    {
        MoveChildren(level, right, 0, left, _inners[left].Count, _inners[right].Count);
        _inners[left].Count += _inners[right].Count;
        _inners[right].Count = 0;
        Refresh(level, left);
        Detach(level, right);
        FreeInner(right);
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Inner
    {
        public int Count;
        public int Parent;
    }
}
