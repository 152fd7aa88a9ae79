using System.Runtime.CompilerServices;
using VmSim.Core.Addresses;

namespace VmSim.Core.Paging;

/// <summary>
/// Where a format keeps what a walker asks of an entry, as masks and shifts. A walker copies the layout once and needs no virtual call per
/// reference. Levels count from the leaves: level 0 maps 4 KiB pages, each level above maps 512 times as much.
/// </summary>
public readonly struct EntryLayout
{
    /// <summary>Bits of the virtual address that index one level; 512 entries of 8 bytes fill a 4 KiB table page.</summary>
    public const int BitsPerLevel = 9;

    /// <summary>Entries in a table page.</summary>
    public const int EntriesPerTable = 1 << BitsPerLevel;

    /// <summary>Makes the layout of a format; the numbers are not checked against each other.</summary>
    /// <param name="presentMask">The bit that makes an entry usable by hardware.</param>
    /// <param name="leafMask">Above level 0 an entry is a leaf if, after <paramref name="leafFlip"/>, one of these bits is set.</param>
    /// <param name="leafFlip">Bits to invert before the test with <paramref name="leafMask"/>.</param>
    /// <param name="addressMask">The bits of an entry that hold the address of a frame or table page.</param>
    /// <param name="addressShift">How far left the address bits move to become a byte address; 0 to 12.</param>
    /// <param name="bareTablePointers">Whether an entry for a table is the bare address of the table, without a present bit.</param>
    public EntryLayout(ulong presentMask, ulong leafMask, ulong leafFlip, ulong addressMask, int addressShift, bool bareTablePointers)
    {
        PresentMask = presentMask;
        LeafMask = leafMask;
        LeafFlip = leafFlip;
        AddressMask = addressMask;
        AddressShift = addressShift;
        BareTablePointers = bareTablePointers;
    }

    /// <summary>The bit that makes an entry usable by hardware.</summary>
    public ulong PresentMask { get; }

    /// <summary>The bits tested for a leaf above level 0.</summary>
    public ulong LeafMask { get; }

    /// <summary>The bits inverted before the leaf test.</summary>
    public ulong LeafFlip { get; }

    /// <summary>The bits that hold the address of a frame or table page.</summary>
    public ulong AddressMask { get; }

    /// <summary>How far left the address bits move to become a byte address.</summary>
    public int AddressShift { get; }

    /// <summary>Whether an entry for a table is the bare address of the table, without a present bit.</summary>
    public bool BareTablePointers { get; }

    /// <summary>The lowest bit of the virtual address that indexes <paramref name="level"/>: 12, 21, 30, ...</summary>
    /// <param name="level">0 for the lowest level.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int LevelShift(int level) => PageSizes.BaseShift + (BitsPerLevel * level);

    /// <summary>Which entry of a table of <paramref name="level"/> an address uses; 0 to 511.</summary>
    /// <param name="address">A virtual address, in bytes.</param>
    /// <param name="level">0 for the lowest level.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Index(ulong address, int level) => (int)(address >> LevelShift(level)) & (EntriesPerTable - 1);

    /// <summary>Whether hardware may use the entry; a walker that meets any other takes a not-present fault.</summary>
    /// <param name="entry">An entry of any level.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool IsPresent(ulong entry)
        => (entry & PresentMask) != 0 || (BareTablePointers && entry != 0 && (entry & (PageSizes.BaseBytes - 1)) == 0);

    /// <summary>Whether a non-empty entry maps a page instead of pointing to a table.</summary>
    /// <param name="entry">An entry that is not 0.</param>
    /// <param name="level">The level of the table that holds it.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool IsLeaf(ulong entry, int level) => level == 0 || ((entry ^ LeafFlip) & LeafMask) != 0;

    /// <summary>The number of the table page that an entry points to.</summary>
    /// <param name="entry">An entry for a table.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int ChildTable(ulong entry) => (int)(((entry & AddressMask) << AddressShift) >> PageSizes.BaseShift);

    /// <summary>The first byte of the page that a leaf maps.</summary>
    /// <param name="entry">A leaf.</param>
    /// <param name="level">The level of the table that holds it.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public PhysAddr LeafFrame(ulong entry, int level)
        => new(((entry & AddressMask) << AddressShift) & ~((1UL << LevelShift(level)) - 1));

    /// <summary>The bits of an entry that say where a frame or table page is.</summary>
    /// <param name="address">The byte address; a multiple of 4 KiB.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong AddressBits(ulong address) => (address >> AddressShift) & AddressMask;
}
