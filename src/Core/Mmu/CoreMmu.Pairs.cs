using VmSim.Core.Addresses;

namespace VmSim.Core.Mmu;

/// <content>Spaces that have two tags: one for the kernel's page table, and one for user mode's.</content>
public sealed unsafe partial class CoreMmu
{
    /// <summary>Translates one access of the kernel, under a tag that may be another than the loaded one.</summary>
    /// <param name="asid">The tag.</param>
    /// <param name="kind">What the access does.</param>
    /// <param name="address">Its virtual address.</param>
    /// <param name="time">Time of the access.</param>
    public TranslationResult TranslateAsKernel(Asid asid, AccessKind kind, ulong address, Cycles time)
    {
        ulong loaded = _tag;
        _tag = (ulong)asid.Value << TagShift;
        TranslationResult translation = Translate(kind, address, user: false, time);
        _tag = loaded;
        return translation;
    }

    /// <summary>
    /// Drops the translations of a range under one of two tags of a space, and paging-structure entries under that tag alone, as INVLPG and
    /// INVPCID do (Intel SDM vol. 3A, 4.10.4.1).
    /// </summary>
    /// <returns>TLB entries dropped.</returns>
    public int InvalidateHalf(Asid asid, DeadRange range)
    {
        DropPagingStructures(asid);
        return DropRange(asid, range.Start.Value, range.Pages, range.Stride);
    }

    /// <summary>
    /// Drops every translation under one of two tags of a space but global ones, and paging-structure entries under that tag alone, as a
    /// write of CR3 does (Intel SDM vol. 3A, 4.10.4.1).
    /// </summary>
    /// <returns>TLB entries dropped.</returns>
    public int InvalidateHalf(Asid asid)
    {
        DropPagingStructures(asid);
        return DropTag(asid);
    }

    /// <summary>Counts the entries of all TLBs under a tag; a group of pages is one.</summary>
    /// <param name="asid">The tag.</param>
    /// <param name="range">Where pages must lie, in part at least; null for anywhere.</param>
    public int CountHeld(Asid asid, DeadRange? range)
    {
        ulong tag = (ulong)asid.Value << TagShift;
        int count = 0;
        foreach (Tlb tlb in _arrays)
        {
            for (int entry = 0; entry < tlb.Entries; entry++)
            {
                bool isHeld = tlb.TryRead(entry, out ulong key, out _) && (key & TagMask) == tag;
                count += isHeld && (range is not { } wanted || Lies(key, tlb, wanted)) ? 1 : 0;
            }
        }

        return count;

        static bool Lies(ulong key, Tlb tlb, DeadRange range)
        {
            bool isGroup = IsGroup(key, tlb.GroupShift);
            VirtAddr start = new(AddressOf(isGroup ? KeyInGroup(key, tlb.GroupShift, 0) : key));
            return range.Overlaps(start, start + (1UL << (isGroup ? PageSizes.BaseShift + tlb.GroupShift : ShiftOf(LevelOf(key)))));
        }
    }

    /// <summary>Drops paging-structure entries under one tag.</summary>
    private void DropPagingStructures(Asid asid)
    {
        foreach (StructureCache? cache in (ReadOnlySpan<StructureCache?>)[_pde, _pdpte, _pml4e])
        {
            if (cache is { IsUsed: true })
            {
                cache.DropWhere(TagMask, (ulong)asid.Value << TagShift);
            }
        }
    }
}
