using VmSim.Core.Addresses;

namespace VmSim.Core.Memory;

/// <summary>Translations that a TLB may still hold and must not use any more: unmapped, moved, or with other rights than before.</summary>
/// <param name="Start">The lowest address of the covering range; a multiple of the page size.</param>
/// <param name="SpanPages">The covering range's length in pages of <paramref name="PageSize"/>; what a kernel compares with its ceiling
/// for flushing page by page (Linux: tlb_single_page_flush_ceiling). At least 1.</param>
/// <param name="PageSize">The smallest page size among the dead translations: the stride of a page-by-page invalidation (Linux:
/// tlb_get_unmap_shift, include/asm-generic/tlb.h).</param>
/// <param name="Pages">Exactly how many present translations died or changed; a large page counts once. 0 when only
/// table pages without an entry were freed: paging-structure caches may still refer to them.</param>
/// <param name="FreesMemory">Whether frames or table pages wait for the invalidation before they can be used again.</param>
public readonly record struct DeadTranslations(VirtAddr Start, ulong SpanPages, PageSize PageSize, long Pages, bool FreesMemory)
{
    /// <summary>The span of a flush of everything: the pages of a 57-bit user space, the largest of any format.</summary>
    public const ulong WholeSpacePages = 1UL << (56 - PageSizes.BaseShift);

    /// <summary>The byte after the covering range.</summary>
    public VirtAddr End => Start + (SpanPages << (int)PageSize);

    /// <summary>Whether the covering range is the whole address space (fork).</summary>
    public bool IsWholeSpace => SpanPages >= WholeSpacePages;
}
