using VmSim.Core.Addresses;
using VmSim.Core.Paging;

namespace SamplePlugIns;

// docs/page-tables.md shows this file from here on.

/// <summary>
/// A format of no real machine: an entry has the flags as vmsim has them, and above them whether it is present and a leaf.
/// </summary>
public sealed class PlainFormat : PageTableFormat
{
    private const ulong FlagBits = 0x1FF;
    private const ulong Present = 1UL << 9;
    private const ulong Leaf = 1UL << 10;
    private const ulong Address = 0x000F_FFFF_FFFF_F000;

    public PlainFormat()
        : base(
            "plain",
            levels: 4,
            asidBits: 16,
            PageSize.Size1G,
            signExtended: true,
            new EntryLayout(Present, Leaf, 0, Address, 0, bareTablePointers: false))
    {
    }

    public override bool HardwareSetsAccessed => true;

    public override bool HardwareSetsDirty => true;

    public override PageFlags LeafFlags(ulong entry, int level) => (PageFlags)(entry & FlagBits);

    public override ulong EncodeLeaf(PhysAddr frame, PageFlags flags, int level)
    {
        flags |= (flags & PageFlags.Write) != 0 ? PageFlags.Read : PageFlags.None; // a store implies loads
        return Layout.AddressBits(frame.Value) | Leaf | ((flags & Rights) != 0 ? Present : 0) | (ulong)flags;
    }

    public override ulong EncodeTable(int tablePage) => Layout.AddressBits((ulong)tablePage << PageSizes.BaseShift) | Present;
}
