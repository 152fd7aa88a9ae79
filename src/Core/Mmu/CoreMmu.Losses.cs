using System.Runtime.CompilerServices;
using VmSim.Core.Addresses;
using VmSim.Core.Paging;

namespace VmSim.Core.Mmu;

/// <content>What invalidations for shootdowns cost the core later: the translations they dropped that walks must bring back.</content>
public sealed unsafe partial class CoreMmu
{
    private const ulong RightsMask = (ulong)(PageTableFormat.Rights | PageFlags.User);

    private LostTranslations? _losses;

    /// <summary>The losses, where invalidations note what they drop; null while notes are not going on.</summary>
    private LostTranslations? Noting => _losses is { Notes: true } losses ? losses : null;

    /// <summary>Has the MMU remember what it loses to shootdowns from now on.</summary>
    /// <param name="counter">Told of refill misses.</param>
    /// <returns>Where it remembers.</returns>
    public LostTranslations RememberLosses(IRefillCounter counter) =>
        _losses = new LostTranslations(_arrays.Sum(tlb => tlb.Entries), counter);

    /// <summary>The virtual address where the page of a key begins.</summary>
    internal static ulong AddressOf(ulong key) => key >> PageShift << ShiftOf(LevelOf(key));

    /// <summary>The level of the leaf that a key stands for.</summary>
    internal static int LevelOf(ulong key) => (int)(key >> 1) & 3;

    /// <summary>Whether a translation's data give the same frame as another's, and at least its rights.</summary>
    internal static bool Covers(ulong data, ulong other) => data >> FrameShift == other >> FrameShift && (other & ~data & RightsMask) == 0;

    /// <summary>The data of a TLB entry.</summary>
    internal static ulong DataOf(ulong frame, PageFlags flags) => (frame << FrameShift) | (ulong)flags;

    /// <summary>What a page table gives an address, as the data of a TLB entry.</summary>
    /// <returns>False if no leaf of this level maps it.</returns>
    internal static bool Lookup(PageTable table, ulong address, int leafLevel, long time, out ulong data)
    {
        EntryLayout layout = table.Format.Layout;
        int page = table.Root;
        data = 0;
        for (int level = table.Format.Levels - 1; ; level--)
        {
            ulong entry = table.ReadEntry(page, EntryLayout.Index(address, level), time);
            if (!layout.IsPresent(entry))
            {
                return false;
            }

            if (layout.IsLeaf(entry, level))
            {
                data = DataOf(layout.LeafFrame(entry, level).PageNumber, table.Format.LeafFlags(entry, level));
                return level == leafLevel;
            }

            page = layout.ChildTable(entry);
        }
    }

    /// <summary>An address has faulted, or a newer invalidation drops its range: that it was lost before matters no more.</summary>
    private void ForgetLosses(ulong tag, ulong address, ulong bytes)
    {
        if (_losses is not { Count: > 0 } losses || bytes == 0)
        {
            return;
        }

        for (int size = 0; size < Sizes && _sizesSeen >> size != 0; size++)
        {
            ulong first = address >> ShiftOf(size);
            ulong count = ((address + bytes - 1) >> ShiftOf(size)) - first + 1;
            if (count > (ulong)losses.Used)
            {
                losses.ForgetWhere(TagMask | (3UL << 1), tag | ((ulong)size << 1), PageShift, Field(first), count);
                continue;
            }

            for (ulong page = first; page < first + count; page++)
            {
                losses.Forget(KeyOf(page, tag, size));
            }
        }
    }

    /// <summary>
    /// A tag is flushed. If that is not for a shootdown, no earlier loss under it counts any more; else those in the ranges of what died do
    /// not.
    /// </summary>
    private void ForgetLossesOf(ulong tag)
    {
        if (Noting is { } noting)
        {
            ForgetLosses(tag, noting.Dead.Start.Value, noting.Dead.Bytes);
            foreach (DeadRange dead in noting.MoreDead)
            {
                ForgetLosses(tag, dead.Start.Value, dead.Bytes);
            }
        }
        else if (_losses is { Count: > 0 } losses)
        {
            losses.ForgetWhere(TagMask, tag, PageShift, 0, ulong.MaxValue);
        }
    }

    private void ForgetAllLosses()
    {
        if (_losses is { Count: > 0, Notes: false } losses)
        {
            losses.ForgetWhere(0, 0, PageShift, 0, ulong.MaxValue);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void TellWalk(LostTranslations losses, ulong key, ulong data) => losses.OnWalk(key, data);
}
