using VmSim.Core.Addresses;

namespace VmSim.Core.Paging.Formats;

/// <summary>
/// LoongArch64 with 4 KiB pages, 4 levels and 48-bit addresses, as on the 3A5000. LoongArch Reference Manual, volume 1 (v1.00), section 5.4
/// "Page Table Mapping Virtual-to-Physical Address Translation Mode": V 0, D 1, PLV 3:2, MAT 5:4, G 6, P 7, W 8, address 47:12, NR 61, NX
/// 62; in entries of directories bit 6 is H, a huge page, whose G is bit 12; other entries of directories are the bare address of a table.
/// Memory access types (section 5.2): 0 strongly ordered uncached, 1 coherent cached, 2 weakly ordered uncached. Hardware sets neither
/// accessed nor dirty: a store that meets D clear takes a page-modification exception. Bits 9 and 10 are software's (bit 9 is Linux's
/// _PAGE_MODIFIED).
/// </summary>
public sealed class LoongArch64Format : PageTableFormat
{
    private const ulong Valid = 1UL << 0;
    private const ulong MayStore = 1UL << 1;
    private const ulong UserLevel = 3UL << 2;
    private const ulong MemoryTypeMask = 3UL << 4;
    private const ulong CoherentCached = 1UL << 4;
    private const ulong WeaklyOrdered = 2UL << 4;
    private const ulong GlobalBit = 1UL << 6;
    private const ulong Huge = 1UL << 6;
    private const ulong Present = 1UL << 7;
    private const ulong Writable = 1UL << 8;
    private const ulong SoftwareDirty = 1UL << 9;
    private const ulong SoftwareAccessed = 1UL << 10;
    private const ulong HugeGlobal = 1UL << 12;
    private const ulong NoRead = 1UL << 61;
    private const ulong NoExecute = 1UL << 62;
    private const ulong Address = 0x0000_FFFF_FFFF_F000;

    /// <summary>Makes the format.</summary>
    public LoongArch64Format()
        : base(
            "loongarch64",
            levels: 4,
            asidBits: 10,
            PageSize.Size1G,
            signExtended: true,
            new EntryLayout(Valid, Huge, 0, Address, 0, bareTablePointers: true))
    {
    }

    /// <inheritdoc/>
    public override bool HardwareSetsAccessed => false;

    /// <inheritdoc/>
    public override bool HardwareSetsDirty => false;

    /// <inheritdoc/>
    /// <remarks>Linux: handle_tlb_load, handle_tlb_store and handle_tlb_modify, arch/loongarch/mm/tlbex.S.</remarks>
    public override bool HandlerSets => true;

    /// <inheritdoc/>
    public override PageFlags LeafFlags(ulong entry, int level)
    {
        PageFlags flags = PageFlags.None;
        if ((entry & Valid) != 0)
        {
            flags |= (entry & NoRead) == 0 ? PageFlags.Read : PageFlags.None;
            flags |= (entry & Writable) != 0 ? PageFlags.Write : PageFlags.None;
            flags |= (entry & NoExecute) == 0 ? PageFlags.Execute : PageFlags.None;
        }

        flags |= (entry & UserLevel) != 0 ? PageFlags.User : PageFlags.None;
        flags |= (entry & (level > 0 ? HugeGlobal : GlobalBit)) != 0 ? PageFlags.Global : PageFlags.None;
        flags |= (entry & SoftwareAccessed) != 0 ? PageFlags.Accessed : PageFlags.None;
        flags |= (entry & SoftwareDirty) != 0 ? PageFlags.Dirty : PageFlags.None;
        return (entry & MemoryTypeMask) switch
        {
            CoherentCached => flags,
            WeaklyOrdered => flags | PageFlags.Uncached,
            _ => flags | PageFlags.Device,
        };
    }

    /// <inheritdoc/>
    public override ulong EncodeLeaf(PhysAddr frame, PageFlags flags, int level)
    {
        bool writable = (flags & PageFlags.Write) != PageFlags.None;
        bool dirty = (flags & PageFlags.Dirty) != PageFlags.None;
        ulong entry = (frame.Value & Address) | Present;
        entry |= (flags & Rights) != PageFlags.None ? Valid : 0;
        entry |= (flags & (PageFlags.Read | PageFlags.Write)) != PageFlags.None ? 0 : NoRead;
        entry |= (flags & PageFlags.Execute) != PageFlags.None ? 0 : NoExecute;
        entry |= writable ? Writable : 0;
        entry |= dirty ? SoftwareDirty : 0;
        entry |= writable && dirty ? MayStore : 0;
        entry |= (flags & PageFlags.Accessed) != PageFlags.None ? SoftwareAccessed : 0;
        entry |= (flags & PageFlags.User) != PageFlags.None ? UserLevel : 0;
        if ((flags & PageFlags.Global) != PageFlags.None)
        {
            entry |= level > 0 ? HugeGlobal : GlobalBit;
        }

        entry |= level > 0 ? Huge : 0;
        if ((flags & PageFlags.Device) != PageFlags.None)
        {
            return entry;
        }

        return entry | ((flags & PageFlags.Uncached) != PageFlags.None ? WeaklyOrdered : CoherentCached);
    }

    /// <inheritdoc/>
    public override ulong EncodeTable(int tablePage) => (ulong)tablePage << PageSizes.BaseShift;
}
