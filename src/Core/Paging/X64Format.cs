using VmSim.Core.Addresses;

namespace VmSim.Core.Paging;

/// <summary>
/// x86-64 paging with 4 or 5 levels. Intel 64 and IA-32 Architectures Software Developer's Manual, volume 3A, section 4.5, tables 4-15 to 4-20
/// (325384-080US): P bit 0, R/W 1, U/S 2, PWT 3, PCD 4, A 5, D 6, PS 7, G 8, address 12-51, XD 63.
/// </summary>
/// <param name="levels">4 or 5.</param>
public sealed class X64Format(int levels) : PageTableFormat
{
    private const ulong Present = 1UL << 0;
    private const ulong Writable = 1UL << 1;
    private const ulong UserMode = 1UL << 2;
    private const ulong WriteThrough = 1UL << 3;
    private const ulong CacheDisable = 1UL << 4;
    private const ulong AccessedBit = 1UL << 5;
    private const ulong DirtyBit = 1UL << 6;
    private const ulong LargePage = 1UL << 7;
    private const ulong GlobalBit = 1UL << 8;
    private const ulong NoExecute = 1UL << 63;
    private const ulong AddressBits = 0x000F_FFFF_FFFF_F000;

    /// <summary>Marks an entry without rights that holds a frame: bit 8 with P clear, as Linux does (_PAGE_PROTNONE, arch/x86/include/asm/pgtable_types.h).</summary>
    private const ulong NoRights = GlobalBit;

    /// <inheritdoc/>
    public override string Name => levels == 4 ? "x86-64" : "x86-64-5level";

    /// <inheritdoc/>
    public override int Levels => levels;

    /// <inheritdoc/>
    public override int VirtualBits => 12 + (BitsPerLevel * levels);

    /// <inheritdoc/>
    public override int PhysicalBits => 52;

    /// <inheritdoc/>
    public override int AsidBits => 12;

    /// <inheritdoc/>
    public override IReadOnlyList<PageSize> PageSizes { get; } = [PageSize.Size4K, PageSize.Size2M, PageSize.Size1G];

    /// <inheritdoc/>
    public override bool HardwareSetsAccessed => true;

    /// <inheritdoc/>
    public override bool HardwareSetsDirty => true;

    /// <inheritdoc/>
    public override EntryLayout Layout => new()
    {
        TableValidMask = Present,
        ValidMask = Present,
        LeafMask = LargePage,
        AddressMask = AddressBits,
    };

    /// <inheritdoc/>
    public override ulong EncodeLeaf(PhysAddr frame, int level, PageFlags flags)
    {
        ulong entry = (frame.Value & AddressBits) | (level > 0 ? LargePage : 0);
        entry |= (flags & PageFlags.Accessed) != 0 ? AccessedBit : 0;
        entry |= (flags & PageFlags.Dirty) != 0 ? DirtyBit : 0;
        entry |= (flags & PageFlags.User) != 0 ? UserMode : 0;
        entry |= (flags & PageFlags.Execute) != 0 ? 0 : NoExecute;
        entry |= (flags & (PageFlags.Device | PageFlags.Uncached)) != 0 ? CacheDisable : 0;
        entry |= (flags & PageFlags.Device) != 0 ? WriteThrough : 0;
        if ((flags & (PageFlags.Read | PageFlags.Write | PageFlags.Execute)) == 0)
        {
            return entry | NoRights;
        }

        entry |= (flags & PageFlags.Write) != 0 ? Writable : 0;
        entry |= (flags & PageFlags.Global) != 0 ? GlobalBit : 0;
        return entry | Present;
    }

    /// <inheritdoc/>
    public override ulong EncodeTable(PhysAddr table, int level) => (table.Value & AddressBits) | Present | Writable | UserMode | AccessedBit;

    /// <inheritdoc/>
    public override PageFlags FlagsOf(ulong entry, int level)
    {
        PageFlags flags = PageFlags.None;
        flags |= (entry & AccessedBit) != 0 ? PageFlags.Accessed : 0;
        flags |= (entry & DirtyBit) != 0 ? PageFlags.Dirty : 0;
        flags |= (entry & UserMode) != 0 ? PageFlags.User : 0;
        flags |= (entry & WriteThrough) != 0 ? PageFlags.Device : (entry & CacheDisable) != 0 ? PageFlags.Uncached : 0;
        if ((entry & Present) == 0)
        {
            return flags;
        }

        flags |= PageFlags.Read;
        flags |= (entry & Writable) != 0 ? PageFlags.Write : 0;
        flags |= (entry & NoExecute) == 0 ? PageFlags.Execute : 0;
        flags |= (entry & GlobalBit) != 0 ? PageFlags.Global : 0;
        return flags;
    }

    /// <inheritdoc/>
    public override ulong WithAccessedDirty(ulong entry, PageFlags bits) =>
        entry | ((bits & PageFlags.Accessed) != 0 ? AccessedBit : 0) | ((bits & PageFlags.Dirty) != 0 ? DirtyBit : 0);
}
