using VmSim.Core.Addresses;

namespace VmSim.Core.Paging.Formats;

/// <summary>
/// RISC-V Sv39, Sv48 and Sv57. The RISC-V Instruction Set Manual, volume II: Privileged Architecture (20211203), sections 4.3.1, 4.4, 4.5
/// and
/// 4.6: V 0, R 1, W 2, X 3, U 4, G 5, A 6, D 7, RSW 9:8, PPN 53:10; an entry with R, W and X clear points to a table; W without R is
/// reserved.
/// Memory types by Svpbmt (chapter 6), bits 62:61: 1 is NC, 2 is IO. Of the two schemes for accessed and dirty, that of the SiFive U74 and
/// of Svade: hardware sets neither, a page that needs one faults.
/// </summary>
public sealed class RiscVFormat : PageTableFormat
{
    private const ulong Valid = 1UL << 0;
    private const ulong Readable = 1UL << 1;
    private const ulong Writable = 1UL << 2;
    private const ulong Executable = 1UL << 3;
    private const ulong UserMode = 1UL << 4;
    private const ulong GlobalBit = 1UL << 5;
    private const ulong AccessedBit = 1UL << 6;
    private const ulong DirtyBit = 1UL << 7;
    private const ulong MemoryTypeMask = 3UL << 61;
    private const ulong NonCacheable = 1UL << 61;
    private const ulong InputOutput = 2UL << 61;

    /// <summary>Marks a held leaf, so that it does not look like a table; every bit of an entry that is not valid is software's.</summary>
    private const ulong Held = Readable;

    private const int AddressShift = 2;
    private const ulong Address = 0x003F_FFFF_FFFF_FC00;

    /// <summary>Makes a format.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="levels">Levels of tables: 3 to 5.</param>
    /// <param name="largest">The largest page.</param>
    public RiscVFormat(string name, int levels, PageSize largest)
        : base(
            name,
            levels,
            asidBits: 16,
            largest,
            signExtended: true,
            new EntryLayout(Valid, Readable | Writable | Executable, 0, Address, AddressShift, bareTablePointers: false))
    {
    }

    /// <inheritdoc/>
    public override bool HardwareSetsAccessed => false;

    /// <inheritdoc/>
    public override bool HardwareSetsDirty => false;

    /// <inheritdoc/>
    public override PageFlags LeafFlags(ulong entry, int level)
    {
        PageFlags flags = PageFlags.None;
        if ((entry & Valid) != 0)
        {
            flags |= (entry & Readable) != 0 ? PageFlags.Read : PageFlags.None;
            flags |= (entry & Writable) != 0 ? PageFlags.Write : PageFlags.None;
            flags |= (entry & Executable) != 0 ? PageFlags.Execute : PageFlags.None;
        }

        flags |= (entry & UserMode) != 0 ? PageFlags.User : PageFlags.None;
        flags |= (entry & GlobalBit) != 0 ? PageFlags.Global : PageFlags.None;
        flags |= (entry & AccessedBit) != 0 ? PageFlags.Accessed : PageFlags.None;
        flags |= (entry & DirtyBit) != 0 ? PageFlags.Dirty : PageFlags.None;
        return (entry & MemoryTypeMask) switch
        {
            NonCacheable => flags | PageFlags.Uncached,
            InputOutput => flags | PageFlags.Device,
            _ => flags,
        };
    }

    /// <inheritdoc/>
    public override ulong EncodeLeaf(PhysAddr frame, PageFlags flags, int level)
    {
        ulong entry = Layout.AddressBits(frame.Value);
        entry |= (flags & Rights) != PageFlags.None ? Valid : Held;
        entry |= (flags & PageFlags.Read) != PageFlags.None ? Readable : 0;
        entry |= (flags & PageFlags.Write) != PageFlags.None ? Readable | Writable : 0;
        entry |= (flags & PageFlags.Execute) != PageFlags.None ? Executable : 0;
        entry |= (flags & PageFlags.User) != PageFlags.None ? UserMode : 0;
        entry |= (flags & PageFlags.Global) != PageFlags.None ? GlobalBit : 0;
        entry |= (flags & PageFlags.Accessed) != PageFlags.None ? AccessedBit : 0;
        entry |= (flags & PageFlags.Dirty) != PageFlags.None ? DirtyBit : 0;
        if ((flags & PageFlags.Device) != PageFlags.None)
        {
            return entry | InputOutput;
        }

        return (flags & PageFlags.Uncached) != PageFlags.None ? entry | NonCacheable : entry;
    }

    /// <inheritdoc/>
    public override ulong EncodeTable(int tablePage) => Layout.AddressBits((ulong)tablePage << PageSizes.BaseShift) | Valid;
}
