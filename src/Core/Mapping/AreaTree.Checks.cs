namespace VmSim.Core.Mapping;

/// <content>What must always hold; tests ask.</content>
internal partial struct AreaTree<TFlags, TBackend>
{
    /// <summary>Bytes of all arrays.</summary>
    public readonly long ArrayBytes =>
        (_bounds.LongLength * sizeof(ulong)) + (
            _slots.LongLength * System.Runtime.CompilerServices.Unsafe.SizeOf<AreaSlot<TFlags, TBackend>>())
        + (_leaves.LongLength * 4 * sizeof(int)) + (
            _inner.Keys.LongLength * ((3 * sizeof(ulong)) + sizeof(int))) + (_inner.Nodes.LongLength * 2 * sizeof(int))
        + (_inner.Columns.LongLength * _inner.Keys.LongLength * sizeof(ulong));

    /// <summary>Throws if the tree is not sorted, linked, filled and summarised as it says.</summary>
    public readonly void Verify()
    {
        int previousLeaf = -1;
        ulong? previousLast = null;
        int counted = VerifyNode(_height, _root, -1, ref previousLeaf, ref previousLast);
        Expect(counted == Count, "the count is the number of areas");
        Expect(_leaves[previousLeaf].Next == -1, "the last leaf ends the list");
    }

    private static void Expect(bool holds, string what)
    {
        if (!holds)
        {
            throw new InvalidOperationException("The area tree is broken: it does not hold that " + what + ".");
        }
    }

    private readonly ulong LongestAligned(int level, int node, ulong align)
    {
        ulong longest = LongestAlignedBelow(level, node, align, new ulong[_inner.Keys.Length]);
        for (int i = 0; level > 0 && i < _inner.Nodes[node].Count; i++)
        {
            longest = Math.Max(longest, LongestAligned(level - 1, _inner.Children[(node << CapacityShift) + i], align));
        }

        return longest;
    }

    private readonly int VerifyNode(int level, int node, int parent, ref int previousLeaf, ref ulong? previousLast)
    {
        Expect(ParentOf(level, node) == parent, "a node knows its parent");
        int first = node << CapacityShift;
        int counted = 0;
        if (level == 0)
        {
            counted = CountOf(node);
            Expect(counted > 0 || Count == 0, "a leaf is not empty");
            Expect(_leaves[node].Previous == previousLeaf, "leaves are linked");
            Expect(previousLeaf < 0 || _leaves[previousLeaf].Next == node, "leaves are linked");
            previousLeaf = node;
            for (int i = 0; i < counted; i++)
            {
                AreaPosition position = new(node, i);
                Expect(previousLast is null || StartAt(position) > previousLast, "areas are sorted and apart");
                Expect(LastAt(position) >= StartAt(position), "an area is not empty");
                previousLast = LastAt(position);
            }

            for (int i = counted; i < _row; i++)
            {
                Expect(StartAt(new AreaPosition(node, i)) == Unused, "what is unused says so");
            }

            return counted;
        }

        Expect(_inner.Nodes[node].Count > 0, "an inner node is not empty");
        for (int i = 0; i < _inner.Nodes[node].Count; i++)
        {
            int child = _inner.Children[first + i];
            counted += VerifyNode(level - 1, child, node, ref previousLeaf, ref previousLast);
            Expect(
                Summarize(level - 1, child) == new Summary(_inner.Keys[first + i], _inner.Lasts[first + i], _inner.Gaps[first + i]),
                "summaries are current");
            foreach (AlignedBounds column in _inner.Columns)
            {
                Expect(
                    LongestAligned(level - 1, child, column.Align) <= column.Bounds[first + i],
                    "no aligned free range is longer than its bound");
            }
        }

        for (int i = _inner.Nodes[node].Count; i < Capacity; i++)
        {
            Expect(_inner.Keys[first + i] == Unused, "what is unused says so");
        }

        return counted;
    }
}
