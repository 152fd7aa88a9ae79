using VmSim.Core.Addresses;
using VmSim.Core.Paging;

namespace VmSim.Core.Mmu;

/// <content>Looks into the MMU that change nothing, for the checker.</content>
public sealed unsafe partial class CoreMmu
{
    /// <summary>The translation that an access would use without a walk, and nothing changes.</summary>
    /// <param name="asid">The tag.</param>
    /// <param name="address">The virtual address.</param>
    /// <param name="frame">Number of the 4 KiB frame where the page's memory begins.</param>
    /// <param name="flags">The page's flags as cached.</param>
    /// <returns>False if no TLB has one.</returns>
    public bool Peek(Asid asid, ulong address, out ulong frame, out PageFlags flags)
    {
        ulong tag = (ulong)asid.Value << TagShift;
        for (int place = 0; place < 4 * Classes; place++)
        {
            AccessKind kind = place % 2 == 0 ? AccessKind.Load : AccessKind.Fetch;
            int size = place / 2 % Classes;
            ulong data = Held(place < 2 * Classes ? FirstOf(kind, size) : SecondOf(kind, size), address, tag, size);
            if (data != 0)
            {
                frame = data >> FrameShift;
                flags = (PageFlags)(data & 0xFFFF);
                return true;
            }
        }

        frame = 0;
        flags = PageFlags.None;
        return false;
    }

    /// <summary>The translation that an access of a kind has just used, and nothing changes.</summary>
    /// <param name="kind">What the access does; fetches and others have first levels of their own.</param>
    /// <param name="asid">The tag.</param>
    /// <param name="address">The virtual address.</param>
    /// <param name="frame">Number of the 4 KiB frame that the address lies in.</param>
    /// <param name="pageSize">Size of the translation.</param>
    /// <returns>False if no TLB has one.</returns>
    public bool PeekUsed(AccessKind kind, Asid asid, ulong address, out ulong frame, out PageSize pageSize)
    {
        pageSize = PageSize.Size4K;
        ulong tag = (ulong)asid.Value << TagShift;
        ref Recent recent = ref kind == AccessKind.Fetch ? ref _recentFetch : ref _recentData;
        if (recent.Key == KeyOf(address >> PageSizes.BaseShift, tag, 0))
        {
            frame = recent.Data >> FrameShift;
            return true;
        }

        for (int size = 0; _sizesSeen >> size != 0; size++)
        {
            ulong data = Held(FirstOf(kind, size), address, tag, size);
            data = data == 0 ? Held(SecondOf(kind, size), address, tag, size) : data;
            if (data != 0)
            {
                int level = size % Group;
                ulong within = (address >> PageSizes.BaseShift) & ((1UL << (9 * level)) - 1);
                frame = (data >> FrameShift) + within;
                pageSize = SizeOf(level);
                return true;
            }
        }

        frame = 0;
        return false;
    }

    /// <summary>Whether any TLB leads from an address to a frame.</summary>
    /// <param name="asid">The tag.</param>
    /// <param name="address">The virtual address.</param>
    /// <param name="frame">Number of a 4 KiB frame.</param>
    public bool MapsTo(Asid asid, ulong address, ulong frame)
    {
        ulong tag = (ulong)asid.Value << TagShift;
        for (int size = 0; _sizesSeen >> size != 0; size++)
        {
            ulong begins = frame - ((address >> PageSizes.BaseShift) & ((1UL << (9 * (size % Group))) - 1));
            foreach (Tlb? tlb in HoldersOf(size))
            {
                ulong data = Held(tlb, address, tag, size);
                if (data != 0 && data >> FrameShift == begins)
                {
                    return true;
                }
            }
        }

        return false;
    }

    /// <summary>Looks through all TLBs for a translation to a frame.</summary>
    /// <param name="asid">The tag.</param>
    /// <param name="frame">Number of a 4 KiB frame.</param>
    /// <param name="page">Number of the 4 KiB page that leads to it.</param>
    /// <returns>False if there is none.</returns>
    public bool FindFrame(Asid asid, ulong frame, out ulong page)
    {
        ulong tag = (ulong)asid.Value << TagShift;
        foreach (Tlb tlb in _arrays)
        {
            for (int entry = 0; entry < tlb.Entries; entry++)
            {
                if (!tlb.TryRead(entry, out ulong key, out ulong data) || (key & TagMask) != tag)
                {
                    continue;
                }

                if (IsGroup(key, tlb.GroupShift))
                {
                    if (TryFrameOfGroup(tlb, entry, key, frame, out page))
                    {
                        return true;
                    }

                    continue;
                }

                int size = (int)(key >> 1) & (Sizes - 1);
                ulong within = frame - (data >> FrameShift);
                if (within >> (9 * size) == 0)
                {
                    page = ((key >> PageShift) << (9 * size)) + within;
                    return true;
                }
            }
        }

        page = 0;
        return false;
    }

    /// <summary>Looks through all TLBs, that of nested translations included, for one that leads into memory of a host.</summary>
    /// <param name="pages">Numbers of pages of the host, of its page size.</param>
    /// <param name="frameBits">How far a 4 KiB frame's number is shifted right for the number of its page.</param>
    /// <param name="frame">The 4 KiB frame that one leads to.</param>
    /// <returns>False if there is none.</returns>
    internal bool LeadsInto(IReadOnlySet<ulong> pages, int frameBits, out ulong frame)
    {
        foreach (Tlb? tlb in _arrays.Append(_nested))
        {
            for (int entry = 0; tlb is not null && entry < tlb.Entries; entry++)
            {
                if (!tlb.TryRead(entry, out ulong key, out _))
                {
                    continue;
                }

                int shift = IsGroup(key, tlb.GroupShift) ? tlb.GroupShift : 0;
                for (ulong index = 0; index >> shift == 0; index++)
                {
                    ulong data = shift == 0 ? tlb.DataAt(entry, 0) : tlb.DataAt(entry, index);
                    if (data != 0 && pages.Contains(data >> FrameShift >> frameBits))
                    {
                        frame = data >> FrameShift;
                        return true;
                    }
                }
            }
        }

        frame = 0;
        return false;
    }

    /// <summary>Whether a paging-structure cache holds a pointer to one of these table pages under a tag.</summary>
    public bool CachesTable(Asid asid, ReadOnlySpan<int> tablePages)
    {
        ulong tag = (ulong)asid.Value << TagShift;
        foreach (StructureCache? cache in (ReadOnlySpan<StructureCache?>)[_pde, _pdpte, _pml4e])
        {
            if (cache is { IsUsed: true } && cache.HoldsAny(TagMask, tag, tablePages))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>What an array holds for an address, as data; 0 for nothing.</summary>
    private ulong Held(Tlb? tlb, ulong address, ulong tag, int size)
    {
        if (tlb is null)
        {
            return 0;
        }

        ulong page = address >> ShiftOfClass(size);
        ulong* data = tlb.Peek(KeyOfClass(page, tag, size), page);
        data = data == null && _globals ? tlb.Peek(KeyOfClass(page, GlobalTag, size), page) : data;
        return data == null ? 0 : size == Group ? tlb.DataOf(data, (address >> PageSizes.BaseShift) & GroupMask) : *data;
    }

    /// <summary>The page of a group in a place of an array that leads to a frame.</summary>
    private static bool TryFrameOfGroup(Tlb tlb, int entry, ulong key, ulong frame, out ulong page)
    {
        for (ulong index = 0; index >> tlb.GroupShift == 0; index++)
        {
            ulong data = tlb.DataAt(entry, index);
            if (data != 0 && data >> FrameShift == frame)
            {
                page = KeyInGroup(key, tlb.GroupShift, index) >> PageShift;
                return true;
            }
        }

        page = 0;
        return false;
    }
}
