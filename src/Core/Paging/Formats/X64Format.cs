using VmSim.Core.Addresses;

namespace VmSim.Core.Paging.Formats;

/// <summary>
/// x86-64 with 4 or 5 levels. Intel 64 and IA-32 Architectures Software Developer's Manual, volume 3A, section 5.5 "4-level paging and
/// 5-level paging" (section 4.5 in editions before 2024), tables "Format of a Page-Table Entry that Maps a 4-KByte Page" and following:
/// P 0, R/W 1, U/S 2, PWT 3, PCD 4, A 5, D 6, PS 7, G 8, address 51:12, XD 63; bits 11:9 are ignored.
/// Memory types by the reset value of IA32_PAT (section "Programming the PAT"): PCD alone is UC-, PCD with PWT is UC.
/// </summary>
public sealed class X64Format : PageTableFormat
{
    private const ulong Present = 1UL << 0;
    private const ulong Writable = 1UL << 1;
    private const ulong UserMode = 1UL << 2;
    private const ulong WriteThrough = 1UL << 3;
    private const ulong CacheDisable = 1UL << 4;
    private const ulong AccessedBit = 1UL << 5;
    private const ulong DirtyBit = 1UL << 6;
    private const ulong PageSizeBit = 1UL << 7;
    private const ulong GlobalBit = 1UL << 8;
    private const ulong ExecuteDisable = 1UL << 63;

    /// <summary>Marks a held leaf; hardware ignores every bit of an entry that is not present.</summary>
    private const ulong Held = 1UL << 9;

    private const ulong Address = 0x000F_FFFF_FFFF_F000;

    /// <summary>What Linux gives entries for tables (_PAGE_TABLE): all rights, accessed and dirty set; the leaf decides.</summary>
    private const ulong Table = Present | Writable | UserMode | AccessedBit | DirtyBit;

    /// <summary>Makes a format.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="levels">Levels of tables: 4, or 5 with LA57.</param>
    public X64Format(string name, int levels)
        : base(
            name,
            levels,
            asidBits: 12,
            PageSize.Size1G,
            signExtended: true,
            new EntryLayout(Present, PageSizeBit, 0, Address, 0, bareTablePointers: false))
    {
    }

    /// <inheritdoc/>
    public override bool HardwareSetsAccessed => true;

    /// <inheritdoc/>
    public override bool HardwareSetsDirty => true;

    /// <inheritdoc/>
    public override PageFlags LeafFlags(ulong entry, int level)
    {
        PageFlags flags = PageFlags.None;
        if ((entry & Present) != 0)
        {
            flags |= PageFlags.Read;
            flags |= (entry & Writable) != 0 ? PageFlags.Write : PageFlags.None;
            flags |= (entry & ExecuteDisable) == 0 ? PageFlags.Execute : PageFlags.None;
        }

        flags |= (entry & UserMode) != 0 ? PageFlags.User : PageFlags.None;
        flags |= (entry & GlobalBit) != 0 ? PageFlags.Global : PageFlags.None;
        flags |= (entry & AccessedBit) != 0 ? PageFlags.Accessed : PageFlags.None;
        flags |= (entry & DirtyBit) != 0 ? PageFlags.Dirty : PageFlags.None;
        return (entry & (CacheDisable | WriteThrough)) switch
        {
            CacheDisable => flags | PageFlags.Uncached,
            CacheDisable | WriteThrough => flags | PageFlags.Device,
            _ => flags,
        };
    }

    /// <inheritdoc/>
    public override ulong EncodeLeaf(PhysAddr frame, PageFlags flags, int level)
    {
        ulong entry = frame.Value & Address;
        entry |= (flags & Rights) != PageFlags.None ? Present : Held;
        entry |= (flags & PageFlags.Write) != PageFlags.None ? Writable : 0;
        entry |= (flags & PageFlags.Execute) == PageFlags.None ? ExecuteDisable : 0;
        entry |= (flags & PageFlags.User) != PageFlags.None ? UserMode : 0;
        entry |= (flags & PageFlags.Global) != PageFlags.None ? GlobalBit : 0;
        entry |= (flags & PageFlags.Accessed) != PageFlags.None ? AccessedBit : 0;
        entry |= (flags & PageFlags.Dirty) != PageFlags.None ? DirtyBit : 0;
        entry |= (flags & PageFlags.Uncached) != PageFlags.None ? CacheDisable : 0;
        entry |= (flags & PageFlags.Device) != PageFlags.None ? CacheDisable | WriteThrough : 0;
        return level > 0 ? entry | PageSizeBit : entry;
    }

    /// <inheritdoc/>
    public override ulong EncodeTable(int tablePage) => ((ulong)tablePage << PageSizes.BaseShift) | Table;
}
