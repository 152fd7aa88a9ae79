using VmSim.Core.Addresses;
using VmSim.Core.Paging;

namespace VmSim.Core.Mmu;

/// <content>Invalidation.</content>
public sealed unsafe partial class CoreMmu
{
    /// <summary>
    /// Drops the translations of one address, and all paging-structure entries, as INVLPG does (Intel SDM vol. 3A, 4.10.4.1).
    /// </summary>
    /// <returns>TLB entries dropped.</returns>
    public int InvalidatePage(Asid asid, ulong address) => InvalidateRange(asid, address, 1, PageSize.Size4K);

    /// <summary>Drops the translations of a range, global ones included, and all paging-structure entries.</summary>
    /// <returns>TLB entries dropped.</returns>
    public int InvalidateRange(Asid asid, DeadRange range) => InvalidateRange(asid, range.Start.Value, range.Pages, range.Stride);

    /// <summary>Drops the translations of a range, global ones included, and all paging-structure entries.</summary>
    /// <param name="asid">The tag.</param>
    /// <param name="address">Any address of the first page.</param>
    /// <param name="pages">Pages of the stride's size.</param>
    /// <param name="stride">Size of a page.</param>
    /// <returns>TLB entries dropped.</returns>
    public int InvalidateRange(Asid asid, ulong address, ulong pages, PageSize stride)
    {
        DropPagingStructures();
        return DropRange(asid, address, pages, stride);
    }

    /// <summary>
    /// Drops the translations of a range and keeps the paging-structure entries, as TLBI VALE1IS does (Arm ARM, D8.14): for leaves whose
    /// table pages stay.
    /// </summary>
    /// <returns>TLB entries dropped.</returns>
    public int InvalidateLeaves(Asid asid, DeadRange range) => DropRange(asid, range.Start.Value, range.Pages, range.Stride);

    private int DropRange(Asid asid, ulong address, ulong pages, PageSize stride)
    {
        ForgetRecent();
        ulong tag = (ulong)asid.Value << TagShift;
        ulong bytes = pages << (int)stride;
        address &= ~(stride.Bytes() - 1);
        ForgetLosses(tag, address, bytes);
        int dropped = 0;
        for (int size = 0; _sizesSeen >> size != 0; size++)
        {
            int shift = ShiftOfClass(size);
            ulong first = address >> shift;
            ulong count = ((address + bytes - 1) >> shift) - first + 1;
            foreach (Tlb? tlb in HoldersOf(size))
            {
                dropped += tlb is null ? 0 : DropPages(tlb, tag, size, first, count);
            }
        }

        return dropped;
    }

    /// <summary>Drops every translation of a tag but global ones, and all paging-structure entries.</summary>
    /// <returns>TLB entries dropped.</returns>
    public int InvalidateAsid(Asid asid)
    {
        DropPagingStructures();
        return DropTag(asid);
    }

    private int DropTag(Asid asid)
    {
        ForgetRecent();
        ForgetLossesOf((ulong)asid.Value << TagShift);
        return DropEverywhere(TagMask, (ulong)asid.Value << TagShift);
    }

    /// <summary>Drops every translation, and all paging-structure entries.</summary>
    /// <param name="globals">Whether global ones go too.</param>
    /// <returns>TLB entries dropped.</returns>
    public int InvalidateAll(bool globals)
    {
        DropPagingStructures();
        ForgetRecent();
        ForgetAllLosses();
        int dropped = 0;
        foreach (Tlb tlb in _arrays)
        {
            dropped += globals || !_globals ? tlb.DropAll(Noting) : tlb.DropUnless(TagMask, GlobalTag, Noting);
        }

        return dropped;
    }

    /// <summary>
    /// Drops every translation and paging-structure entry, guest's and nested, as a host must after a change of a virtual machine's host
    /// table (INVEPT, all contexts).
    /// </summary>
    /// <returns>TLB entries dropped; nested translations are not counted.</returns>
    public int InvalidateNested()
    {
        _nested?.DropAll();
        return InvalidateAll(globals: true);
    }

    /// <summary>A fault drops what the TLBs hold for its address (Intel SDM vol. 3A, 4.10.4.1).</summary>
    private void DropStale(ulong address)
    {
        ForgetRecent();
        ForgetLosses(_tag, address, 1);
        for (int size = 0; _sizesSeen >> size != 0; size++)
        {
            ulong page = address >> ShiftOfClass(size);
            foreach (Tlb? tlb in HoldersOf(size))
            {
                tlb?.Drop(KeyOfClass(page, _tag, size), page);
                _ = _globals && tlb is not null ? tlb.Drop(KeyOfClass(page, GlobalTag, size), page) : 0;
            }
        }
    }

    /// <summary>
    /// A fault that only a stale paging-structure entry caused does not happen again when the access is repeated (Intel SDM vol. 3A,
    /// 4.10.4.1). So all are dropped if the entry that the next walk would begin with leads elsewhere than the table does.
    /// </summary>
    private void DropStaleStructures(ulong address, PageTable table, long time)
    {
        int start = FindStart(address, out int cached);
        int page = 0;
        for (int level = _levels - 1; level > start; level--)
        {
            ulong entry = table.ReadEntry(page, EntryLayout.Index(address, level), time);
            if (!_layout.IsPresent(entry))
            {
                return;
            }

            if (_layout.IsLeaf(entry, level))
            {
                DropPagingStructures();
                return;
            }

            page = _layout.ChildTable(entry);
        }

        if (page != cached)
        {
            DropPagingStructures();
        }
    }

    private int DropPages(Tlb tlb, ulong tag, int size, ulong first, ulong count)
    {
        if (count > (ulong)tlb.Entries)
        {
            ulong exact = TagMask | (3UL << 1);
            ulong wanted = (ulong)(size % Group) << 1;
            ulong from = size == Group ? GroupKey(first, 0) >> PageShift : Field(first);
            int swept = tlb.DropWhere(exact, tag | wanted, PageShift, from, count, Noting);
            return _globals ? swept + tlb.DropWhere(exact, GlobalTag | wanted, PageShift, from, count, Noting) : swept;
        }

        int dropped = 0;
        for (ulong page = first; page < first + count; page++)
        {
            dropped += tlb.Drop(KeyOfClass(page, tag, size), page, Noting);
            dropped += _globals ? tlb.Drop(KeyOfClass(page, GlobalTag, size), page, Noting) : 0;
        }

        return dropped;
    }

    /// <summary>A page number as it stands in a key: without the bits that do not fit.</summary>
    private static ulong Field(ulong page) => page << PageShift >> PageShift;

    private int DropEverywhere(ulong mask, ulong value)
    {
        int dropped = 0;
        foreach (Tlb tlb in _arrays)
        {
            dropped += tlb.DropWhere(mask, value, PageShift, 0, ulong.MaxValue, Noting);
        }

        return dropped;
    }

    /// <summary>
    /// Drops paging-structure entries. Nested translations stay: what a guest invalidates are translations of its own addresses, which no
    /// processor needs to take for those of guest-physical ones (Intel SDM vol. 3C, 29.4.3.1).
    /// </summary>
    private void DropPagingStructures()
    {
        Drop(_pde);
        Drop(_pdpte);
        Drop(_pml4e);

        static void Drop(StructureCache? cache)
        {
            if (cache is { IsUsed: true })
            {
                cache.Clear();
            }
        }
    }
}
