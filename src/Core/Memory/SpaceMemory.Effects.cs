using VmSim.Core.Addresses;
using VmSim.Core.Paging;

namespace VmSim.Core.Memory;

/// <summary>What the operation under way has done so far, for its result.</summary>
public sealed partial class SpaceMemory
{
    /// <summary>Dead translations that are flushed before the operation goes on, in the order in which they died.</summary>
    private readonly List<DeadTranslations> _forced = [];

    private Effects _effects;
    private ReleaseBatch? _release;
    private TableFreeing _freeing;
    private VirtAddr? _gapStart;
    private VirtAddr _unmapStart;

    /// <summary>Who may hold what has died since the last forced flush; null for nobody, or if that is not kept.</summary>
    private TranslationHolders? _holders;

    /// <summary>Notes a translation that a TLB may hold and must not use any more.</summary>
    public void NoteDead(VirtAddr page, PageSize size)
    {
        NoteDead(page, size.Bytes(), size);
        if (Holders is { } holders)
        {
            (_holders ??= new TranslationHolders(holders.Cores)).AddEverybody();
        }
    }

    /// <summary>Notes a translation that died, whose entry says who may hold it.</summary>
    /// <param name="page">Its first address.</param>
    /// <param name="leaf">The entry as it was.</param>
    private void NoteDead(VirtAddr page, in EntryInfo leaf)
    {
        NoteDead(page, leaf.Size.Bytes(), leaf.Size);
        NoteHolders(page, leaf);
    }

    private void NoteHolders(VirtAddr page, in EntryInfo leaf)
    {
        if (Holders is not { } holders)
        {
            return;
        }

        _holders ??= new TranslationHolders(holders.Cores);
        if ((leaf.Flags & PageFlags.Accessed) != 0)
        {
            _holders.AddEverybody();
        }
        else
        {
            holders.AddTo(_holders, page.PageNumber);
        }
    }

    /// <summary>
    /// The flags of a leaf that takes the place of another with the same frame, or of none. Where holders are kept, it is marked as
    /// accessed only if it was.
    /// </summary>
    private PageFlags MarkedAs(PageFlags flags, PageFlags before) =>
        Holders is null ? flags : (flags & ~PageFlags.Accessed) | (before & PageFlags.Accessed);

    /// <summary>
    /// Notes a large translation that smaller ones replaced: all it covered is invalidated in strides of 4 KiB. Linux flushes the whole 2
    /// MiB so (pmdp_invalidate in __split_huge_pmd_locked, mm/huge_memory.c).
    /// </summary>
    internal void NoteSplit(VirtAddr page, in EntryInfo leaf)
    {
        _effects.Work.LargeSplit++;
        if (leaf.Present)
        {
            NoteDead(page, leaf.Size.Bytes(), PageSize.Size4K);
            NoteHolders(page, leaf);
            Holders?.Split(page.PageNumber, leaf.Size.BasePages(), leaf.Size.BasePages() >> EntryLayout.BitsPerLevel, Table.VisibleAt);
        }
    }

    /// <summary>Translations that the operation has made or made writable so far.</summary>
    internal long Mapped => _effects.MappedByFault;

    /// <summary>Notes that the whole space is invalidated if any translation died.</summary>
    internal void NoteWholeSpace() => _effects.WholeSpace = true;

    /// <summary>Takes over a reference that is dropped at the release.</summary>
    public void Give(PhysAddr frame, ulong count) => (_release ??= new ReleaseBatch()).Add(frame, count);

    /// <summary>
    /// Says which table pages the operation may free when they are empty. Without it they are those that lie wholly in a range that it
    /// unmaps (Linux: CONFIG_PT_RECLAIM, mm/pt_reclaim.c).
    /// </summary>
    /// <param name="gap">The range without areas once the operation is done.</param>
    /// <param name="start">The first address that is unmapped.</param>
    internal void FreeTablesIn(AddrRange<VirtAddr> gap, VirtAddr start)
    {
        _gapStart = gap.Start;
        _unmapStart = start;
        _freeing = TableFreeing.Within(gap);
    }

    /// <summary>
    /// Widens the dead range to the beginning of the lowest freed table page. Linux gathers the first page of each table that it frees
    /// (pte_free_tlb, include/asm-generic/tlb.h).
    /// </summary>
    private void NoteFreedTables()
    {
        if (Table.FreedTables.Length == 0)
        {
            return;
        }

        ulong lowest = _effects.DeadPages > 0 ? _effects.DeadFirst : _unmapStart.Value;
        ulong table = lowest & ~(PageSize.Size2M.Bytes() - 1);
        if (_effects.DeadPages == 0)
        {
            _effects.DeadFirst = table;
            _effects.DeadLast = table + (PageSizes.BaseBytes - 1);
            _effects.Stride = PageSize.Size4K;
        }
        else if (table >= _gapStart.GetValueOrDefault(new VirtAddr(lowest)).Value)
        {
            _effects.DeadFirst = table;
        }
    }

    /// <summary>
    /// A dirty page of a shared mapping goes. What has died is flushed before the next table page is looked at, since the page's reverse
    /// mapping must outlive every translation by which a store could still come (Linux: tlb_delay_rmap in zap_present_folio_ptes and
    /// force_flush in zap_pte_range, mm/memory.c, commit 5df397dec7c4).
    /// </summary>
    private void ForceFlush(VirtAddr page)
    {
        _effects.ForcesFlush = true;
        _effects.ForcedTable = page.Value >> EntryLayout.LevelShift(1);
    }

    /// <summary>Before a page is removed: whether a flush is forced for the table page before its own.</summary>
    private void LeaveTable(VirtAddr page)
    {
        if (_effects.ForcesFlush && _effects.ForcedTable != page.Value >> EntryLayout.LevelShift(1))
        {
            EndForced();
        }
    }

    /// <summary>What has died since the last forced flush is a flush of its own, if one is forced.</summary>
    private void EndForced()
    {
        if (_effects.ForcesFlush)
        {
            FlushNow(frees: true);
        }

        _effects.ForcesFlush = false;
    }

    /// <summary>What has died since the last forced flush is a flush of its own.</summary>
    private void FlushNow(bool frees)
    {
        if (Dead(frees) is { } dead)
        {
            _forced.Add(dead);
            _effects.Forced = _forced.Count;
            _effects.DeadPages = 0;
        }
    }

    /// <summary>Forgets forced flushes that were taken back; what had died before them is to be flushed later.</summary>
    private void TrimForced()
    {
        for (int index = _effects.Forced; index < _forced.Count; index++)
        {
            if (_forced[index].Holders is { } holders)
            {
                Holders!.End(holders);
                (_holders ??= new TranslationHolders(Holders.Cores)).AddAll(holders);
            }
        }

        _forced.RemoveRange(_effects.Forced, _forced.Count - _effects.Forced);
    }

    /// <summary>All that died: what is flushed at the end, and what is flushed before.</summary>
    private DeadTranslations? AllDead(DeadTranslations? last)
    {
        DeadTranslations? all = last;
        foreach (DeadTranslations dead in _forced)
        {
            all = all is { } some ? Join(some, dead) : dead;
        }

        return all;
    }

    private static DeadTranslations Join(in DeadTranslations one, in DeadTranslations other)
    {
        if (one.Range.IsWholeSpace || other.Range.IsWholeSpace)
        {
            return new DeadTranslations(DeadRange.WholeSpace, one.Count + other.Count, one.FreesMemory);
        }

        VirtAddr first = new(Math.Min(one.Range.Start.Value, other.Range.Start.Value));
        VirtAddr last = new(Math.Max(one.Range.End.Value, other.Range.End.Value) - 1);
        PageSize stride = (PageSize)Math.Min((byte)one.Range.Stride, (byte)other.Range.Stride);
        return new DeadTranslations(DeadRange.Between(first, last, stride), one.Count + other.Count, one.FreesMemory);
    }

    /// <summary>The dead translations since the last forced flush; null for none.</summary>
    private DeadTranslations? Dead(bool frees, int tablesFreed = 0)
    {
        if (_effects.DeadPages == 0 && tablesFreed == 0)
        {
            return null;
        }

        DeadRange range = _effects.WholeSpace
            ? DeadRange.WholeSpace
            : DeadRange.Between(new VirtAddr(_effects.DeadFirst), new VirtAddr(_effects.DeadLast), _effects.Stride);
        return new DeadTranslations(range, _effects.DeadPages, frees) { Holders = TakeHolders(range, tablesFreed > 0) };
    }

    private TranslationHolders? TakeHolders(DeadRange range, bool freesTables)
    {
        if (Holders is not { } all)
        {
            return null;
        }

        TranslationHolders holders = _holders ?? new TranslationHolders(all.Cores);
        holders.Close(range, Table.VisibleAt, freesTables);
        all.Open(holders);
        _holders = null;
        return holders;
    }

    private void NoteDead(VirtAddr start, ulong bytes, PageSize stride)
    {
        ulong last = start.Value + (bytes - 1);
        if (_effects.DeadPages++ == 0)
        {
            _effects.DeadFirst = start.Value;
            _effects.DeadLast = last;
            _effects.Stride = stride;
            return;
        }

        _effects.DeadFirst = Math.Min(_effects.DeadFirst, start.Value);
        _effects.DeadLast = Math.Max(_effects.DeadLast, last);
        _effects.Stride = (PageSize)Math.Min((byte)_effects.Stride, (byte)stride);
    }

    private struct Effects
    {
        internal ulong DeadFirst;
        internal ulong DeadLast;
        internal long DeadPages;
        internal PageSize Stride;
        internal bool WholeSpace;
        internal bool ForcesFlush;
        internal ulong ForcedTable;
        internal int Forced;
        internal PageWork Work;
        internal long Zapped;
        internal long Protected;
        internal long Populated;
        internal long Moved;
        internal long Collapsed;
        internal long Resident;
        internal long Faults;
        internal long ReadAhead;
        internal long WrittenBack;
        internal long MappedByFault;
        internal int TablesBefore;
    }
}
