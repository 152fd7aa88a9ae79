using VmSim.Core.Addresses;

namespace VmSim.Core.Paging.Formats;

/// <summary>
/// AArch64 stage 1 with a 4 KiB granule and 48-bit addresses; the table of the lower address range (TTBR0_EL1), whose addresses have bits
/// 63:48 clear. Arm Architecture Reference Manual for A-profile, DDI 0487, sections D8.3.1 "VMSAv8-64 translation table descriptor formats"
/// and D8.3.2 "Memory region attributes": type 1:0, AttrIndx 4:2, AP 7:6, SH 9:8, AF 10, nG 11, address 47:12, DBM 51, PXN 53, UXN 54;
/// bits 58:55 are for software. Accessed and dirty by FEAT_HAFDBS (section D8.5): an entry with DBM is writable, and clean while AP[2] is
/// set. The memory-attribute indices are those Linux puts into MAIR_EL1 (arch/arm64/include/asm/memory.h).
/// </summary>
public sealed class AArch64Format : PageTableFormat
{
    private const ulong Valid = 1UL << 0;

    /// <summary>Set for a table, and for a page of the lowest level; clear for a block.</summary>
    private const ulong TableOrPage = 1UL << 1;

    private const int AttributeShift = 2;
    private const ulong AttributeMask = 7UL << AttributeShift;
    private const ulong NormalCached = 0UL << AttributeShift;
    private const ulong NormalUncached = 2UL << AttributeShift;
    private const ulong DeviceNgnre = 4UL << AttributeShift;
    private const ulong UserAccess = 1UL << 6;
    private const ulong ReadOnly = 1UL << 7;
    private const ulong InnerShareable = 3UL << 8;
    private const ulong AccessFlag = 1UL << 10;
    private const ulong NotGlobal = 1UL << 11;
    private const ulong DirtyModifier = 1UL << 51;
    private const ulong PrivilegedNever = 1UL << 53;
    private const ulong UserNever = 1UL << 54;

    /// <summary>Software's dirty flag, for pages that are not writable any more (Linux: PTE_DIRTY).</summary>
    private const ulong SoftwareDirty = 1UL << 55;

    /// <summary>Marks a held leaf; hardware ignores every other bit of an entry that is not valid.</summary>
    private const ulong Held = 1UL << 58;

    private const ulong Address = 0x0000_FFFF_FFFF_F000;

    /// <summary>Makes the format.</summary>
    public AArch64Format()
        : base(
            "aarch64",
            levels: 4,
            asidBits: 16,
            PageSize.Size1G,
            signExtended: false,
            new EntryLayout(Valid, TableOrPage, TableOrPage, Address, 0, bareTablePointers: false))
    {
    }

    /// <inheritdoc/>
    public override bool HardwareSetsAccessed => true;

    /// <inheritdoc/>
    public override bool HardwareSetsDirty => true;

    /// <inheritdoc/>
    public override PageFlags LeafFlags(ulong entry, int level)
    {
        bool user = (entry & UserAccess) != 0 || (entry & UserNever) == 0;
        PageFlags flags = user ? PageFlags.User : PageFlags.None;
        bool writable = (entry & DirtyModifier) != 0;
        if ((entry & Valid) != 0)
        {
            // Execute-only pages of the user are those that allow it neither loads nor stores (Linux: PAGE_EXECONLY).
            flags |= (entry & UserAccess) != 0 || !user ? PageFlags.Read : PageFlags.None;
            flags |= writable ? PageFlags.Write : PageFlags.None;
            flags |= (entry & (user ? UserNever : PrivilegedNever)) == 0 ? PageFlags.Execute : PageFlags.None;
        }

        flags |= (entry & NotGlobal) == 0 ? PageFlags.Global : PageFlags.None;
        flags |= (entry & AccessFlag) != 0 ? PageFlags.Accessed : PageFlags.None;
        flags |= (entry & SoftwareDirty) != 0 || (writable && (entry & ReadOnly) == 0) ? PageFlags.Dirty : PageFlags.None;
        return (entry & AttributeMask) switch
        {
            NormalUncached => flags | PageFlags.Uncached,
            DeviceNgnre => flags | PageFlags.Device,
            _ => flags,
        };
    }

    /// <inheritdoc/>
    public override ulong EncodeLeaf(PhysAddr frame, PageFlags flags, int level)
    {
        PageFlags rights = flags & Rights;
        bool user = (flags & PageFlags.User) != PageFlags.None;
        bool writable = (flags & PageFlags.Write) != PageFlags.None;
        bool executable = (flags & PageFlags.Execute) != PageFlags.None;
        bool dirty = (flags & PageFlags.Dirty) != PageFlags.None;
        ulong entry = (frame.Value & Address) | InnerShareable;
        if (rights == PageFlags.None)
        {
            entry |= Held;
        }
        else
        {
            entry |= level > 0 ? Valid : Valid | TableOrPage;
        }

        entry |= user && rights != PageFlags.Execute ? UserAccess : 0;
        entry |= writable ? DirtyModifier : 0;
        entry |= writable && dirty ? 0 : ReadOnly;
        entry |= dirty && !writable ? SoftwareDirty : 0;
        entry |= user && executable ? 0 : UserNever;
        entry |= !user && executable ? 0 : PrivilegedNever;
        entry |= (flags & PageFlags.Global) != PageFlags.None ? 0 : NotGlobal;
        entry |= (flags & PageFlags.Accessed) != PageFlags.None ? AccessFlag : 0;
        if ((flags & PageFlags.Device) != PageFlags.None)
        {
            return entry | DeviceNgnre;
        }

        return entry | ((flags & PageFlags.Uncached) != PageFlags.None ? NormalUncached : NormalCached);
    }

    /// <inheritdoc/>
    public override ulong EncodeTable(int tablePage) => ((ulong)tablePage << PageSizes.BaseShift) | Valid | TableOrPage;
}
