using VmSim.Core.Addresses;
using VmSim.Core.Paging;

namespace VmSim.Core.Mmu;

/// <content>Looks into the MMU that change nothing, for the checker.</content>
public sealed unsafe partial class Mmu
{
    /// <summary>The translation that an access of a kind has just used, and nothing changes.</summary>
    /// <param name="kind">What the access does; fetches and others have first levels of their own.</param>
    /// <param name="asid">The tag.</param>
    /// <param name="address">The virtual address.</param>
    /// <param name="frame">Number of the 4 KiB frame that the address lies in.</param>
    /// <returns>False if no TLB has one.</returns>
    public bool PeekUsed(AccessKind kind, Asid asid, ulong address, out ulong frame)
    {
        ulong tag = (ulong)asid.Value << TagShift;
        ref Recent recent = ref kind == AccessKind.Fetch ? ref _recentFetch : ref _recentData;
        if (recent.Key == KeyOf(address >> PageSizes.BaseShift, tag, 0))
        {
            frame = recent.Data >> FrameShift;
            return true;
        }

        for (int size = 0; _sizesSeen >> size != 0; size++)
        {
            ulong page = address >> ShiftOf(size);
            ulong* data = Held(FirstOf(kind, size), page, tag, size);
            data = data == null ? Held(_second, page, tag, size) : data;
            if (data != null)
            {
                ulong within = (address >> PageSizes.BaseShift) & ((1UL << (9 * size)) - 1);
                frame = (*data >> FrameShift) + within;
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
            ulong page = address >> ShiftOf(size);
            ulong begins = frame - ((address >> PageSizes.BaseShift) & ((1UL << (9 * size)) - 1));
            if (Leads(FirstOf(AccessKind.Load, size)) || Leads(FirstOf(AccessKind.Fetch, size)) || Leads(_second))
            {
                return true;
            }

            bool Leads(Tlb? tlb)
            {
                ulong* data = Held(tlb, page, tag, size);
                return data != null && *data >> FrameShift == begins;
            }
        }

        return false;
    }

    /// <summary>Whether a paging-structure cache holds a pointer to one of these table pages under a tag.</summary>
    public bool CachesTable(Asid asid, ReadOnlySpan<int> tablePages)
    {
        ulong tag = (ulong)asid.Value << TagShift;
        foreach (StructureCache? cache in (ReadOnlySpan<StructureCache?>)[_pde, _pdpte, _pml4e])
        {
            foreach (int page in tablePages)
            {
                if (cache is not null && cache.Holds(TagMask, tag, page))
                {
                    return true;
                }
            }
        }

        return false;
    }

    private ulong* Held(Tlb? tlb, ulong page, ulong tag, int size)
    {
        if (tlb is null)
        {
            return null;
        }

        ulong* data = tlb.Peek(KeyOf(page, tag, size), page);
        return data == null && _globals ? tlb.Peek(KeyOf(page, GlobalTag, size), page) : data;
    }
}
