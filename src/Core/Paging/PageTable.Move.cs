using VmSim.Core.Addresses;

namespace VmSim.Core.Paging;

/// <summary>Moves of ranges to other addresses, as mremap does.</summary>
public sealed unsafe partial class PageTable
{
    /// <summary>Moves the leaves of a range to another range, flags and frames unchanged.</summary>
    /// <param name="from">The first page's first byte.</param>
    /// <param name="to">Where it shall be; the two ranges must not overlap, and no leaf may map the target.</param>
    /// <param name="bytes">A multiple of 4 KiB.</param>
    /// <returns>Leaves moved; -1 if a leaf was in the way or no table page was left, and then a part may be moved: roll back.</returns>
    public long Move(VirtAddr from, VirtAddr to, ulong bytes)
    {
        SilentVisitor visitor = default;
        return Move(from, to, bytes, ref visitor);
    }

    /// <summary>
    /// Moves the leaves of a range to another range, flags and frames unchanged. A whole table moves by its one entry in the level above
    /// where both addresses are aligned to 2 MiB and the target has no table. Linux does the same (move_normal_pmd). Emptied tables stay;
    /// an unmap of the old range frees them.
    /// </summary>
    /// <typeparam name="TVisitor">A struct, so that the call is inlined.</typeparam>
    /// <param name="from">The first page's first byte.</param>
    /// <param name="to">Where it shall be; the two ranges must not overlap, and no leaf may map the target.</param>
    /// <param name="bytes">A multiple of 4 KiB.</param>
    /// <param name="visitor">Hears of every leaf at its old address.</param>
    /// <returns>Leaves moved; -1 if a leaf was in the way or no table page was left, and then a part may be moved: roll back.</returns>
    public long Move<TVisitor>(VirtAddr from, VirtAddr to, ulong bytes, ref TVisitor visitor)
        where TVisitor : struct, IUnmapVisitor
    {
        CheckRange(from, bytes);
        CheckRange(to, bytes);
        if (bytes == 0)
        {
            return 0;
        }

        if (from.Value <= to.Value + (bytes - 1) && to.Value <= from.Value + (bytes - 1))
        {
            throw new ArgumentException($"The range of {bytes} bytes at {to} overlaps the one at {from}.", nameof(to));
        }

        if (!SplitEnds(from.Value, from.Value + (bytes - 1)))
        {
            return -1;
        }

        long leaves = 0;
        ulong done = 0;
        while (done < bytes)
        {
            long moved = MoveStep(from.Value + done, to.Value + done, bytes - done, ref visitor, out ulong step);
            if (moved < 0)
            {
                return -1;
            }

            leaves += moved;
            done += step;
        }

        return leaves;
    }

    /// <summary>Moves what one entry of the source covers, or the run of entries of one lowest table.</summary>
    private long MoveStep<TVisitor>(ulong from, ulong to, ulong bytes, ref TVisitor visitor, out ulong step)
        where TVisitor : struct, IUnmapVisitor
    {
        ulong tableSpan = TableSpanLess1(0) + 1;
        if (!Locate(from, out int page, out int index, out int level))
        {
            // Nothing here, up to the end of the empty entry.
            ulong spanLess1 = (1UL << EntryLayout.LevelShift(level)) - 1;
            step = Math.Min(bytes, (spanLess1 - (from & spanLess1)) + 1);
            if (level > 0)
            {
                return 0;
            }
        }

        if (level > 0)
        {
            return MoveLarge(from, to, page, index, level, ref visitor, out step);
        }

        ulong inTable = tableSpan - (from & (tableSpan - 1));
        step = Math.Min(bytes, Math.Min(inTable, tableSpan - (to & (tableSpan - 1))));
        return step == tableSpan && TryMoveTable(from, to, page, ref visitor, out long leaves)
            ? leaves
            : MoveLeaves(from, to, page, index, (int)(step >> PageSizes.BaseShift), ref visitor);
    }

    private long MoveLarge<TVisitor>(ulong from, ulong to, int page, int index, int level, ref TVisitor visitor, out ulong step)
        where TVisitor : struct, IUnmapVisitor
    {
        step = 1UL << EntryLayout.LevelShift(level);
        ulong entry = Entries(page)[index];
        if ((to & (step - 1)) != 0)
        {
            // The target is not aligned for so large a page: split it, and come again for the first piece.
            step = 0;
            return SplitEntry(page, index, level) ? 0 : -1;
        }

        int target = TableFor(to, level);
        int targetIndex = EntryLayout.Index(to, level);
        if (target < 0 || Entries(target)[targetIndex] != 0)
        {
            step = 0;
            return target >= 0 && !_layout.IsLeaf(Entries(target)[targetIndex], level) && SplitEntry(page, index, level) ? 0 : -1;
        }

        visitor.OnUnmapped(new VirtAddr(from), Describe(entry, level));
        Store(page, index, 0);
        Store(target, targetIndex, entry);
        return 1;
    }

    /// <summary>Hangs a whole lowest table under another address.</summary>
    private bool TryMoveTable<TVisitor>(ulong from, ulong to, int page, ref TVisitor visitor, out long leaves)
        where TVisitor : struct, IUnmapVisitor
    {
        leaves = 0;
        int target = TableFor(to, 1);
        int targetIndex = EntryLayout.Index(to, 1);
        if (target < 0 || Entries(target)[targetIndex] != 0)
        {
            return false;
        }

        leaves = VisitTable(page, from, ref visitor);
        int parent = TableFor(from, 1);
        int parentIndex = EntryLayout.Index(from, 1);
        ulong entry = Entries(parent)[parentIndex];
        Store(parent, parentIndex, 0);
        Store(target, targetIndex, entry);
        return true;
    }

    private long VisitTable<TVisitor>(int page, ulong tableFirst, ref TVisitor visitor)
        where TVisitor : struct, IUnmapVisitor
    {
        long leaves = 0;
        for (int index = 0; index < EntriesPerTable; index++)
        {
            ulong entry = Entries(page)[index];
            if (entry != 0)
            {
                visitor.OnUnmapped(new VirtAddr(tableFirst + ((ulong)index << PageSizes.BaseShift)), Describe(entry, 0));
                leaves++;
            }
        }

        return leaves;
    }

    private long MoveLeaves<TVisitor>(ulong from, ulong to, int page, int index, int count, ref TVisitor visitor)
        where TVisitor : struct, IUnmapVisitor
    {
        if (new ReadOnlySpan<ulong>(Entries(page) + index, count).IndexOfAnyExcept(0UL) < 0)
        {
            return 0;
        }

        int target = TableFor(to, 0);
        int targetIndex = EntryLayout.Index(to, 0);
        if (target < 0 || CountEmpty(target, targetIndex, count) < count)
        {
            return -1;
        }

        RecordRun(page, index, count);
        RecordRun(target, targetIndex, count);
        Span<ulong> source = new(Entries(page) + index, count);
        source.CopyTo(new Span<ulong>(Entries(target) + targetIndex, count));
        for (int i = 0; i < count; i++)
        {
            if (source[i] != 0)
            {
                visitor.OnUnmapped(new VirtAddr(from + ((ulong)i << PageSizes.BaseShift)), Describe(source[i], 0));
            }
        }

        int leaves = CountUsed(source);
        source.Clear();
        _infos[page].Live -= (short)leaves;
        _infos[target].Live += (short)leaves;
        LogRun(page, index, count);
        LogRun(target, targetIndex, count);
        return leaves;
    }

    private struct SilentVisitor : IUnmapVisitor
    {
        public readonly void OnUnmapped(VirtAddr address, in EntryInfo entry)
        {
            // A move without a visitor reports to nobody.
        }
    }
}
