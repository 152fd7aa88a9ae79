using System.Numerics;
using VmSim.Core.Addresses;

namespace VmSim.Core.Paging;

/// <summary>Operations on ranges: one walk of the tree each, however many pages.</summary>
public sealed unsafe partial class PageTable
{
    /// <summary>Maps a range to a range of frames, both contiguous.</summary>
    /// <param name="start">The first virtual page's first byte.</param>
    /// <param name="pa">The first frame's first byte.</param>
    /// <param name="bytes">A multiple of 4 KiB.</param>
    /// <param name="flags">What the pages allow.</param>
    /// <param name="largest">The largest pages to use, where both addresses are aligned and the table is empty; 4 KiB by default.</param>
    /// <returns>
    /// 4 KiB pages mapped. They are fewer than asked if an entry was in the way or no table page was left; then all before that place are
    /// mapped.
    /// </returns>
    public long MapRange(VirtAddr start, PhysAddr pa, ulong bytes, PageFlags flags, PageSize largest = PageSize.Size4K)
    {
        CheckRange(start, bytes);
        CheckAligned(pa.Value, PageSize.Size4K, nameof(pa));
        int largestLevel = Math.Min(PageTableFormat.LevelOf(largest), _format.LargestLeafLevel);
        ulong done = 0;
        while (done < bytes)
        {
            ulong va = start.Value + done;
            PhysAddr frame = pa + done;
            int level = LevelFor(va, frame.Value, bytes - done, largestLevel);
            int page = TableFor(va, level);
            if (page < 0)
            {
                break;
            }

            int shift = EntryLayout.LevelShift(level);
            int index = EntryLayout.Index(va, level);
            int count = (int)Math.Min((ulong)(EntriesPerTable - index), (bytes - done) >> shift);
            int free = CountEmpty(page, index, count);
            if (free > 0)
            {
                FillEntries(page, index, free, _format.EncodeLeaf(frame, flags, level), _layout.AddressBits(1UL << shift));
            }

            done += (ulong)free << shift;
            if (free == count)
            {
                continue;
            }

            // A table in the way of a large page: go on below it with smaller pages.
            ulong blocker = Entries(page)[index + free];
            if (level == 0 || _layout.IsLeaf(blocker, level))
            {
                break;
            }

            ulong span = Math.Min(1UL << shift, bytes - done);
            PageSize smaller = PageTableFormat.SizeOf(level - 1);
            ulong below = (ulong)MapRange(start + done, pa + done, span, flags, smaller) << PageSizes.BaseShift;
            done += below;
            if (below < span)
            {
                break;
            }
        }

        return (long)(done >> PageSizes.BaseShift);
    }

    /// <summary>Maps the empty 4 KiB pages of a range to frames a source gives; pages with an entry are left alone.</summary>
    /// <typeparam name="TSource">A struct, so that the call is inlined.</typeparam>
    /// <param name="start">The first page's first byte.</param>
    /// <param name="bytes">A multiple of 4 KiB.</param>
    /// <param name="source">Gives the frames.</param>
    /// <param name="mapped">4 KiB pages mapped.</param>
    /// <returns>False if no table page was left on the way; the pages before that place are done.</returns>
    public bool MapEmpty<TSource>(VirtAddr start, ulong bytes, ref TSource source, out long mapped)
        where TSource : struct, IMapSource
    {
        CheckRange(start, bytes);
        mapped = 0;
        ulong done = 0;
        while (done < bytes)
        {
            ulong va = start.Value + done;
            int index = EntryLayout.Index(va, 0);
            int count = (int)Math.Min((ulong)(EntriesPerTable - index), (bytes - done) >> PageSizes.BaseShift);
            if (!MapEmptyInTable(va, count, ref source, ref mapped))
            {
                return false;
            }

            done += (ulong)count << PageSizes.BaseShift;
        }

        return true;
    }

    /// <summary>Unmaps a range. Large pages that reach out of it are split first; empty tables are freed.</summary>
    /// <typeparam name="TVisitor">A struct, so that the call is inlined.</typeparam>
    /// <param name="start">The first page's first byte.</param>
    /// <param name="bytes">A multiple of 4 KiB.</param>
    /// <param name="visitor">Hears of every leaf that goes.</param>
    /// <returns>
    /// Leaves unmapped, of whatever size; -1, with no leaf unmapped, if a large page had to be split and no table page was left.
    /// </returns>
    public long UnmapRange<TVisitor>(VirtAddr start, ulong bytes, ref TVisitor visitor)
        where TVisitor : struct, IUnmapVisitor
        => UnmapRange(start, bytes, ref visitor, TableFreeing.WhenEmpty);

    /// <summary>Unmaps a range. Large pages that reach out of it are split first.</summary>
    /// <typeparam name="TVisitor">A struct, so that the call is inlined.</typeparam>
    /// <param name="start">The first page's first byte.</param>
    /// <param name="bytes">A multiple of 4 KiB.</param>
    /// <param name="visitor">Hears of every leaf that goes.</param>
    /// <param name="freeing">Which empty tables are freed.</param>
    /// <returns>
    /// Leaves unmapped, of whatever size; -1, with no leaf unmapped, if a large page had to be split and no table page was left.
    /// </returns>
    public long UnmapRange<TVisitor>(VirtAddr start, ulong bytes, ref TVisitor visitor, TableFreeing freeing)
        where TVisitor : struct, IUnmapVisitor
    {
        CheckRange(start, bytes);
        if (bytes == 0)
        {
            return 0;
        }

        ulong last = start.Value + (bytes - 1);
        return SplitEnds(start.Value, last)
            ? UnmapTable(Root, _format.Levels - 1, start.Value, last, ref visitor, freeing, out _)
            : -1;
    }

    /// <summary>
    /// Gives every mapped leaf of a range new rights and keeps its other flags. Large pages that reach out of it are split first.
    /// </summary>
    /// <param name="start">The first page's first byte.</param>
    /// <param name="bytes">A multiple of 4 KiB.</param>
    /// <param name="rights">
    /// Read, write and execute as they shall be; other flags do not matter. Without any right the leaves become held.
    /// </param>
    /// <returns>
    /// Mapped leaves in the range; -1, with nothing protected, if a large page had to be split and no table page was left.
    /// </returns>
    public long ProtectRange(VirtAddr start, ulong bytes, PageFlags rights)
    {
        RightsVisitor visitor = new(rights & PageTableFormat.Rights);
        return ProtectRange(start, bytes, ref visitor);
    }

    /// <summary>
    /// Gives every mapped leaf of a range the flags a visitor says. Large pages that reach out of the range are split first.
    /// </summary>
    /// <typeparam name="TVisitor">A struct, so that the call is inlined.</typeparam>
    /// <param name="start">The first page's first byte.</param>
    /// <param name="bytes">A multiple of 4 KiB.</param>
    /// <param name="visitor">Says the new flags of every leaf.</param>
    /// <returns>
    /// Mapped leaves in the range; -1, with nothing protected, if a large page had to be split and no table page was left.
    /// </returns>
    public long ProtectRange<TVisitor>(VirtAddr start, ulong bytes, ref TVisitor visitor)
        where TVisitor : struct, IProtectVisitor
    {
        CheckRange(start, bytes);
        if (bytes == 0)
        {
            return 0;
        }

        ulong last = start.Value + (bytes - 1);
        return SplitEnds(start.Value, last) ? ProtectTable(Root, _format.Levels - 1, start.Value, last, ref visitor) : -1;
    }

    private int LevelFor(ulong va, ulong frame, ulong bytes, int largest)
    {
        int aligned = (Math.Min(BitOperations.TrailingZeroCount(va | frame), 63) - PageSizes.BaseShift) / EntryLayout.BitsPerLevel;
        int level = Math.Min(aligned, largest);
        while (level > 0 && bytes >> EntryLayout.LevelShift(level) == 0)
        {
            level--;
        }

        return level;
    }

    private int CountEmpty(int page, int index, int count)
    {
        if (_infos[page].Live == 0)
        {
            return count;
        }

        int used = new ReadOnlySpan<ulong>(Entries(page) + index, count).IndexOfAnyExcept(0UL);
        return used < 0 ? count : used;
    }

    /// <summary>Fills empty entries with first, first + step, ...</summary>
    private void FillEntries(int page, int index, int count, ulong first, ulong step)
    {
        RecordRun(page, index, count);
        Span<ulong> run = new(Entries(page) + index, count);
        int at = 0;
        if (count >= Vector<ulong>.Count)
        {
            Vector<ulong> value = new Vector<ulong>(first) + (Vector<ulong>.Indices * step);
            Vector<ulong> stride = new(step * (ulong)Vector<ulong>.Count);
            for (; at <= count - Vector<ulong>.Count; at += Vector<ulong>.Count)
            {
                value.CopyTo(run[at..]);
                value += stride;
            }
        }

        for (; at < count; at++)
        {
            run[at] = first + ((ulong)at * step);
        }

        _infos[page].Live += (short)count;
        LogRun(page, index, count);
    }

    private bool MapEmptyInTable<TSource>(ulong va, int count, ref TSource source, ref long mapped)
        where TSource : struct, IMapSource
    {
        if (Locate(va, out int page, out int index, out int level) && level > 0)
        {
            return true;
        }

        bool hasTable = level == 0;
        for (int i = 0; i < count; i++)
        {
            ulong address = va + ((ulong)i << PageSizes.BaseShift);
            index = EntryLayout.Index(address, 0);
            if (hasTable && Entries(page)[index] != 0)
            {
                continue;
            }

            if (!source.TryGetFrame(new VirtAddr(address), out PhysAddr frame, out PageFlags flags))
            {
                continue;
            }

            if (!hasTable)
            {
                page = TableFor(va, 0);
                if (page < 0)
                {
                    return false;
                }

                hasTable = true;
            }

            Store(page, index, _format.EncodeLeaf(frame, flags, 0));
            mapped++;
        }

        return true;
    }

    private bool SplitEnds(ulong first, ulong last) => SplitBelow(first) && (last == ulong.MaxValue || SplitBelow(last + 1));

    /// <summary>Splits large leaves until none has <paramref name="address"/> in its inside.</summary>
    private bool SplitBelow(ulong address)
    {
        while (Locate(address, out int page, out int index, out int level) && (address & ((1UL << EntryLayout.LevelShift(level)) - 1)) != 0)
        {
            if (!SplitEntry(page, index, level))
            {
                return false;
            }
        }

        return true;
    }

    private static ulong TableSpanLess1(int level) => (1UL << EntryLayout.LevelShift(level + 1)) - 1;

    private static ulong TableStart(ulong address, int level) => address & ~TableSpanLess1(level);

    private void CheckRange(VirtAddr start, ulong bytes)
    {
        CheckAligned(start.Value, PageSize.Size4K, nameof(start));
        CheckAligned(bytes, PageSize.Size4K, nameof(bytes));
        if (bytes == 0)
        {
            return;
        }

        ulong last = start.Value + (bytes - 1);
        CheckCanonical(start.Value);
        CheckCanonical(last);
        if (last < start.Value || (start.Value ^ last) >> _format.RangeBits != 0)
        {
            throw new ArgumentException(
                $"The range from {start} of {bytes} bytes leaves the part of the address space that it starts in.", nameof(bytes));
        }
    }

    private readonly struct RightsVisitor(PageFlags rights) : IProtectVisitor
    {
        public PageFlags OnProtect(VirtAddr address, in EntryInfo entry) => (entry.Flags & ~PageTableFormat.Rights) | rights;
    }
}
