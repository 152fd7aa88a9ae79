using System.Runtime.CompilerServices;

namespace VmSim.Core.Mapping;

/// <content>What inner nodes know of the nodes below, and the search for a free range.</content>
internal sealed partial class AreaTree<TFlags, TBackend>
{
    /// <summary>
    /// The lowest free range at or above an address.
    /// </summary>
    /// <param name="from">Lowest address.</param>
    /// <param name="size">Bytes, 1 or more.</param>
    /// <param name="align">A power of two; the range starts at a multiple.</param>
    /// <param name="limit">Highest address of the range's last byte.</param>
    /// <param name="address">Where the range starts.</param>
    /// <returns>False if there is none.</returns>
    public bool TryFindFree(ulong from, ulong size, ulong align, ulong limit, out ulong address)
    {
        Wanted wanted = new(size, align, limit);
        if (!wanted.Fits(from, limit, out address))
        {
            return false;
        }

        AreaPosition floor = Floor(from);
        if (floor.Index >= 0)
        {
            ulong last = SlotAt(floor).Last;
            if (last >= from)
            {
                if (last >= limit)
                {
                    return false;
                }

                from = last + 1;
            }
        }

        AreaPosition next = Next(floor);
        if (!next.Exists)
        {
            return wanted.Fits(from, limit, out address);
        }

        if (wanted.FitsBelow(from, StartAt(next), out address))
        {
            return true;
        }

        return ScanLeaf(next.Leaf, next.Index, wanted, out address) ?? ScanOn(next.Leaf, wanted, out address);
    }

    /// <summary>Looks at the gaps after each area of a leaf. Null: go on after the leaf.</summary>
    private bool? ScanLeaf(int leaf, int index, in Wanted wanted, out ulong address)
    {
        int first = leaf << CapacityShift;
        int count = _leaves[leaf].Count;
        ReadOnlySpan<ulong> starts = _starts.AsSpan(first, count);
        ReadOnlySpan<AreaSlot<TFlags, TBackend>> slots = _slots.AsSpan(first, count);
        for (; index + 1 < starts.Length; index++)
        {
            ulong free = slots[index].Last + 1;
            if (starts[index + 1] - free >= wanted.Size && wanted.FitsBelow(free, starts[index + 1], out address))
            {
                return true;
            }
        }

        address = 0;
        return slots[^1].Last >= wanted.Limit ? false : null;
    }

    /// <summary>Goes on after a leaf, passing over every node whose longest gap is too short.</summary>
    private bool ScanOn(int leaf, in Wanted wanted, out ulong address)
    {
        int node = leaf;
        ulong end = SlotAt(new AreaPosition(leaf, _leaves[leaf].Count - 1)).Last;
        for (int level = 0; level < _height;)
        {
            int parent = ParentOf(level, node);
            int index = IndexInParent(parent, node);
            level++;
            node = parent;
            while (true)
            {
                int first = node << CapacityShift;
                index = NextChild(node, index, wanted, out bool fits, out address);
                if (fits)
                {
                    return true;
                }

                if (index < 0)
                {
                    end = _lasts[first + _inners[node].Count - 1];
                    break;
                }

                node = _children[first + index];
                level--;
                if (level > 0)
                {
                    index = -1;
                    continue;
                }

                if (ScanLeaf(node, 0, wanted, out address) is { } result)
                {
                    return result;
                }

                break;
            }

            if (end >= wanted.Limit)
            {
                break;
            }
        }

        address = 0;
        return end < wanted.Limit && wanted.Fits(end + 1, wanted.Limit, out address);
    }

    /// <summary>The next child with a long enough gap, unless a gap between two children fits before it; -1 if neither is there.</summary>
    private int NextChild(int node, int index, in Wanted wanted, out bool fits, out ulong address)
    {
        int first = node << CapacityShift;
        int count = _inners[node].Count;
        for (int child = index + 1; child < count; child++)
        {
            if (child > 0 && wanted.FitsBelow(_lasts[first + child - 1] + 1, _keys[first + child], out address))
            {
                fits = true;
                return child;
            }

            if (_gaps[first + child] >= wanted.Size)
            {
                fits = false;
                address = 0;
                return child;
            }
        }

        fits = false;
        address = 0;
        return -1;
    }

    /// <summary>Tells the nodes above a leaf that it changed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void RefreshFrom(int leaf)
    {
        if (_height > 0)
        {
            Refresh(0, leaf);
        }
    }

    private void Refresh(int level, int node)
    {
        for (; level < _height; level++)
        {
            int parent = ParentOf(level, node);
            int at = (parent << CapacityShift) + IndexInParent(parent, node);
            Summary summary = Summarize(level, node);
            if (_keys[at] == summary.First && _lasts[at] == summary.Last && _gaps[at] == summary.Gap)
            {
                return;
            }

            WriteSummary(at, summary);
            node = parent;
        }
    }

    private void WriteSummary(int at, in Summary summary)
    {
        _keys[at] = summary.First;
        _lasts[at] = summary.Last;
        _gaps[at] = summary.Gap;
    }

    private Summary Summarize(int level, int node)
    {
        int first = node << CapacityShift;
        ulong gap = 0;
        if (level == 0)
        {
            ReadOnlySpan<ulong> starts = _starts.AsSpan(first, _leaves[node].Count);
            ReadOnlySpan<AreaSlot<TFlags, TBackend>> slots = _slots.AsSpan(first, starts.Length);
            for (int i = 0; i + 1 < starts.Length; i++)
            {
                gap = Math.Max(gap, starts[i + 1] - slots[i].Last - 1);
            }

            return new Summary(starts[0], slots[^1].Last, gap);
        }

        ReadOnlySpan<ulong> keys = _keys.AsSpan(first, _inners[node].Count);
        ReadOnlySpan<ulong> lasts = _lasts.AsSpan(first, keys.Length);
        ReadOnlySpan<ulong> gaps = _gaps.AsSpan(first, keys.Length);
        for (int i = 0; i + 1 < keys.Length; i++)
        {
            gap = Math.Max(gap, Math.Max(gaps[i], keys[i + 1] - lasts[i] - 1));
        }

        return new Summary(keys[0], lasts[^1], Math.Max(gap, gaps[^1]));
    }

    private readonly record struct Summary(ulong First, ulong Last, ulong Gap);

    /// <summary>The free range that is looked for.</summary>
    private readonly record struct Wanted(ulong Size, ulong Align, ulong Limit)
    {
        /// <summary>Whether it fits below an area.</summary>
        public bool FitsBelow(ulong from, ulong next, out ulong address)
        {
            if (next <= from)
            {
                address = 0;
                return false;
            }

            return Fits(from, Math.Min(next - 1, Limit), out address);
        }

        /// <summary>Whether it fits into [from, last].</summary>
        public bool Fits(ulong from, ulong last, out ulong address)
        {
            address = (from + (Align - 1)) & ~(Align - 1);
            return address >= from && address <= last && last - address >= Size - 1;
        }
    }
}
