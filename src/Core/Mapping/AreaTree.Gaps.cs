using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace VmSim.Core.Mapping;

/// <content>What inner nodes know of the nodes below, and the search for a free range.</content>
internal partial struct AreaTree<TFlags, TBackend>
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
    public readonly bool TryFindFree(ulong from, ulong size, ulong align, ulong limit, out ulong address) =>
        _height == 0
            ? TryFindFreeInRoot(from, size, align, limit, out address)
            : TryFindFreeInTree(from, size, align, limit, out address);

    /// <summary>The same where there are inner nodes; a method of its own, so that neither search keeps the other's values.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private readonly bool TryFindFreeInTree(ulong from, ulong size, ulong align, ulong limit, out ulong address)
    {
        Wanted wanted = new(size, align, limit);
        if (!wanted.Fits(from, limit, out address))
        {
            return false;
        }

        AreaPosition floor = Floor(from);
        if (floor.Index >= 0)
        {
            ulong last = LastAt(floor);
            if (last >= limit)
            {
                return false;
            }

            from = Math.Max(from, last + 1);
        }

        return TryFindFreeAfter(floor, from, wanted, out address);
    }

    private readonly bool TryFindFreeAfter(AreaPosition floor, ulong from, in Wanted wanted, out ulong address)
    {
        AreaPosition next = Next(floor);
        if (!next.Exists)
        {
            return wanted.Fits(from, wanted.Limit, out address);
        }

        if (wanted.FitsBelow(from, StartAt(next), out address))
        {
            return true;
        }

        return ScanLeaf(next.Leaf, next.Index, wanted, out address) ?? ScanOn(next.Leaf, wanted, out address);
    }

    /// <summary>Looks at the gaps after each area of a leaf. Null: go on after the leaf.</summary>
    private readonly bool? ScanLeaf(int leaf, int index, in Wanted wanted, out ulong address)
    {
        int count = CountOf(leaf);
        ulong size = wanted.Size;
        ref ulong starts = ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_bounds), RowOf(leaf));
        ref ulong lasts = ref Unsafe.Add(ref starts, _row);
        for (; index + 1 < count; index++)
        {
            ulong free = Unsafe.Add(ref lasts, index) + 1;
            ulong next = Unsafe.Add(ref starts, index + 1);
            if (next - free >= size && wanted.FitsBelow(free, next, out address))
            {
                return true;
            }
        }

        address = 0;
        return Unsafe.Add(ref lasts, count - 1) >= wanted.Limit ? false : null;
    }

    /// <summary>Goes on after a leaf, passing over every node whose longest gap is too short.</summary>
    private readonly bool ScanOn(int leaf, in Wanted wanted, out ulong address)
    {
        int node = leaf;
        bool aligns = wanted.Align > 1;
        ulong[]? bounds = aligns ? _inner.BoundsFor(wanted.Align) : null;
        uint whole = 0; // a bit for each level whose node is looked through from its first child on
        ulong end = LastAt(new AreaPosition(leaf, CountOf(leaf) - 1));
        for (int level = 0; level < _height;)
        {
            int parent = ParentOf(level, node);
            int index = IndexInParent(parent, node);
            level++;
            node = parent;
            while (true)
            {
                int first = node << CapacityShift;
                index = NextChild(node, index, wanted, bounds, out bool fits, out address);
                if (fits)
                {
                    return true;
                }

                if (index < 0)
                {
                    end = _inner.Lasts[first + _inner.Nodes[node].Count - 1];
                    if (aligns && ((whole >> level) & 1) != 0)
                    {
                        Tighten(level, node, wanted.Align, bounds ??= _inner.AddBounds(wanted.Align));
                    }

                    break;
                }

                node = _inner.Children[first + index];
                level--;
                whole |= 1u << level;
                if (level > 0)
                {
                    index = -1;
                    continue;
                }

                if (ScanLeaf(node, 0, wanted, out address) is { } result)
                {
                    return result;
                }

                if (aligns)
                {
                    Tighten(0, node, wanted.Align, bounds ??= _inner.AddBounds(wanted.Align));
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
    private readonly int NextChild(int node, int index, in Wanted wanted, ulong[]? bounds, out bool fits, out ulong address)
    {
        int first = node << CapacityShift;
        int count = _inner.Nodes[node].Count;
        for (int child = index + 1; child < count; child++)
        {
            if (child > 0 && _inner.Keys[first + child] - _inner.Lasts[first + child - 1] > wanted.Size
                && wanted.FitsBelow(_inner.Lasts[first + child - 1] + 1, _inner.Keys[first + child], out address))
            {
                fits = true;
                return child;
            }

            if (_inner.Gaps[first + child] >= wanted.Size && (bounds is null || bounds[first + child] >= wanted.Size))
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

    /// <summary>
    /// Remembers the longest aligned free range below a node that was looked through in vain, so that the next search for the alignment
    /// passes over it. Readers at the same time write the same.
    /// </summary>
    private readonly void Tighten(int level, int node, ulong align, ulong[] bounds)
    {
        int parent = ParentOf(level, node);
        bounds[(parent << CapacityShift) + IndexInParent(parent, node)] = LongestAlignedBelow(level, node, align, bounds);
    }

    private readonly ulong LongestAlignedBelow(int level, int node, ulong align, ulong[] bounds)
    {
        int first = node << CapacityShift;
        int count = level == 0 ? CountOf(node) : _inner.Nodes[node].Count;
        ulong longest = 0;
        for (int i = 0; i < count; i++)
        {
            if (level > 0)
            {
                longest = Math.Max(longest, Math.Min(_inner.Gaps[first + i], bounds[first + i]));
            }

            if (i > 0)
            {
                ulong free = level == 0 ? _bounds[RowOf(node) + _row + i - 1] + 1 : _inner.Lasts[first + i - 1] + 1;
                ulong next = level == 0 ? _bounds[RowOf(node) + i] : _inner.Keys[first + i];
                longest = Math.Max(longest, AlignedLength(free, next, align));
            }
        }

        return longest;
    }

    private static ulong AlignedLength(ulong free, ulong next, ulong align)
    {
        ulong from = (free + (align - 1)) & ~(align - 1);
        ulong to = next & ~(align - 1);
        return from >= free && to > from ? to - from : 0;
    }

    /// <summary>A gap came into a leaf, and gaps between nodes above it may have grown.</summary>
    private readonly void Loosen(int leaf, ulong grown)
    {
        int node = leaf;
        for (int level = 0; level < _height; level++)
        {
            int parent = ParentOf(level, node);
            _inner.Loosen((parent << CapacityShift) + IndexInParent(parent, node), level == 0 ? grown : Unused);
            node = parent;
        }
    }

    /// <summary>
    /// Tells the nodes above a leaf that it changed. Gaps of the length <paramref name="grown"/> came, gaps of the length
    /// <paramref name="lost"/> at most went; so a node is looked through only if its longest gap may have gone.
    /// </summary>
    private void Refresh(int leaf, ulong grown, ulong lost)
    {
        int node = leaf;
        if (_inner.Columns.Length > 0)
        {
            Loosen(leaf, grown);
        }

        for (int level = 0; level < _height; level++)
        {
            int parent = ParentOf(level, node);
            int index = IndexInParent(parent, node);
            int first = parent << CapacityShift;
            int at = first + index;
            ulong stored = _inner.Gaps[at];
            ulong gap = grown >= stored ? grown : lost < stored ? stored : LongestGapBelow(level, node);
            (ulong start, ulong last) = EndsOf(level, node);
            Summary old = new(_inner.Keys[at], _inner.Lasts[at], stored);
            if (old.First == start && old.Last == last && stored == gap)
            {
                return;
            }

            lost = stored;
            grown = gap;
            if (index > 0)
            {
                lost = Math.Max(lost, old.First - _inner.Lasts[at - 1] - 1);
                grown = Math.Max(grown, start - _inner.Lasts[at - 1] - 1);
            }

            if (index + 1 < _inner.Nodes[parent].Count)
            {
                lost = Math.Max(lost, _inner.Keys[at + 1] - old.Last - 1);
                grown = Math.Max(grown, _inner.Keys[at + 1] - last - 1);
            }

            WriteSummary(at, new Summary(start, last, gap));
            node = parent;
        }
    }

    /// <summary>As <see cref="Refresh"/>, without trust in any stored gap on the way.</summary>
    private void Recompute(int level, int node)
    {
        for (; level < _height; level++)
        {
            int parent = ParentOf(level, node);
            int at = (parent << CapacityShift) + IndexInParent(parent, node);
            WriteSummary(at, Summarize(level, node));
            _inner.Loosen(at, Unused);
            node = parent;
        }
    }

    private readonly void WriteSummary(int at, in Summary summary)
    {
        _inner.Keys[at] = summary.First;
        _inner.Lasts[at] = summary.Last;
        _inner.Gaps[at] = summary.Gap;
    }

    private readonly Summary Summarize(int level, int node)
    {
        (ulong first, ulong last) = EndsOf(level, node);
        return new Summary(first, last, LongestGapBelow(level, node));
    }

    private readonly (ulong First, ulong Last) EndsOf(int level, int node)
    {
        int first = node << CapacityShift;
        return level == 0
            ? (_bounds[RowOf(node)], _bounds[RowOf(node) + _row + _leaves[node].Count - 1])
            : (_inner.Keys[first], _inner.Lasts[first + _inner.Nodes[node].Count - 1]);
    }

    private readonly ulong LongestGapBelow(int level, int node)
    {
        if (level == 0)
        {
            return LongestGap(0, _leaves[node].Count - 1, node);
        }

        int first = node << CapacityShift;
        ReadOnlySpan<ulong> keys = _inner.Keys.AsSpan(first, _inner.Nodes[node].Count);
        ReadOnlySpan<ulong> lasts = _inner.Lasts.AsSpan(first, keys.Length);
        ReadOnlySpan<ulong> gaps = _inner.Gaps.AsSpan(first, keys.Length);
        ulong gap = gaps[^1];
        for (int i = 0; i + 1 < keys.Length; i++)
        {
            gap = Math.Max(gap, Math.Max(gaps[i], keys[i + 1] - lasts[i] - 1));
        }

        return gap;
    }

    private readonly record struct Summary(ulong First, ulong Last, ulong Gap);

    /// <summary>The free range that is looked for.</summary>
    private readonly record struct Wanted(ulong Size, ulong Align, ulong Limit)
    {
        /// <summary>Whether it fits below an area.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
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
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public bool Fits(ulong from, ulong last, out ulong address)
        {
            address = (from + (Align - 1)) & ~(Align - 1);
            return address >= from && address <= last && last - address >= Size - 1;
        }
    }
}
