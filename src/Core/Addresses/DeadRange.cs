namespace VmSim.Core.Addresses;

/// <summary>
/// The pages that cover translations which died in one operation: what a shootdown carries from the operation to every TLB and into its
/// record. The default value covers nothing.
/// </summary>
/// <remarks>
/// 16 bytes, because it travels in messages. The first word is the first address. The second has the number of pages in bits 0 to 47 and
/// the binary logarithm of a page's bytes in bits 48 to 55.
/// </remarks>
public readonly record struct DeadRange
{
    /// <summary>Pages of 4 KiB in a 57-bit user space, the largest of any format.</summary>
    private const ulong WholeSpacePages = 1UL << (56 - PageSizes.BaseShift);

    private const int StrideShift = 48;
    private const ulong PagesMask = (1UL << StrideShift) - 1;
    private readonly ulong _start;
    private readonly ulong _shape;

    /// <summary>Makes a range.</summary>
    /// <param name="start">Its first address; a multiple of the page size.</param>
    /// <param name="pages">Its length in pages of <paramref name="stride"/>, below 2^48; what a kernel compares with its ceiling for
    /// flushing page by page
    /// (Linux: tlb_single_page_flush_ceiling, arch/x86/mm/tlb.c).</param>
    /// <param name="stride">The size of the smallest dead translation: the stride of a page-by-page invalidation (Linux:
    /// tlb_get_unmap_shift,
    /// include/asm-generic/tlb.h).</param>
    /// <exception cref="ArgumentOutOfRangeException">There are too many pages, or the first address lies within a page.</exception>
    public DeadRange(VirtAddr start, ulong pages, PageSize stride)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(pages, PagesMask);
        ArgumentOutOfRangeException.ThrowIfNotEqual(start.Value & (stride.Bytes() - 1), 0UL, nameof(start));
        _start = start.Value;
        _shape = pages | ((ulong)stride << StrideShift);
    }

    /// <summary>The whole address space, by pages of 4 KiB: what a fork leaves behind.</summary>
    public static DeadRange WholeSpace { get; } = new(default, WholeSpacePages, PageSize.Size4K);

    /// <summary>Whether it is <see cref="WholeSpace"/>.</summary>
    public bool IsWholeSpace => this == WholeSpace;

    /// <summary>Its first address.</summary>
    public VirtAddr Start => new(_start);

    /// <summary>Its length in pages of <see cref="Stride"/>.</summary>
    public ulong Pages => _shape & PagesMask;

    /// <summary>The size of its pages.</summary>
    public PageSize Stride => (PageSize)(_shape >> StrideShift);

    /// <summary>Its length in bytes.</summary>
    public ulong Bytes => Pages << (int)Stride;

    /// <summary>The address after the last one.</summary>
    public VirtAddr End => Start + Bytes;

    /// <summary>The range from one address to another, both included.</summary>
    /// <param name="first">The first address; a multiple of the page size.</param>
    /// <param name="last">The last address; not below <paramref name="first"/>.</param>
    /// <param name="stride">The size of the pages.</param>
    public static DeadRange Between(VirtAddr first, VirtAddr last, PageSize stride) =>
        new(first, ((last.Value - first.Value) >> (int)stride) + 1, stride);

    /// <summary>Whether an address lies in it.</summary>
    public bool Contains(VirtAddr address) => address.Value - _start < Bytes;

    /// <summary>Whether it shares an address with [<paramref name="start"/>, <paramref name="end"/>).</summary>
    public bool Overlaps(VirtAddr start, VirtAddr end) => Start < end && start < End;

    /// <summary>First address, pages and their size.</summary>
    public override string ToString() => IsWholeSpace ? "the whole space" : $"{Start} + {Pages} x {Stride.Bytes()} bytes";
}
