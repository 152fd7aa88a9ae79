using VmSim.Core.Addresses;

namespace VmSim.Core.Paging;

/// <summary>
/// A page-table format: how entries are encoded and what the hardware makes of them. Every format has 4 KiB table pages of 512 entries of 8 bytes;
/// levels count from 0, the leaves, to <see cref="Levels"/> - 1, the root. One file a format; registered in <see cref="PageTableFormats"/>.
/// </summary>
public abstract class PageTableFormat
{
    /// <summary>Binary logarithm of the entries of a table page.</summary>
    public const int BitsPerLevel = 9;

    /// <summary>Entries of a table page.</summary>
    public const int EntriesPerTable = 1 << BitsPerLevel;

    /// <summary>The name used in machine profiles.</summary>
    public abstract string Name { get; }

    /// <summary>Levels of the table.</summary>
    public abstract int Levels { get; }

    /// <summary>Bits of a virtual address that are translated, sign included.</summary>
    public abstract int VirtualBits { get; }

    /// <summary>Bits of a physical address that an entry can hold.</summary>
    public abstract int PhysicalBits { get; }

    /// <summary>Bits of an address-space tag.</summary>
    public abstract int AsidBits { get; }

    /// <summary>Page sizes that leaves can have, smallest first.</summary>
    public abstract IReadOnlyList<PageSize> PageSizes { get; }

    /// <summary>Whether the page walker sets accessed bits itself; otherwise a clear bit faults.</summary>
    public abstract bool HardwareSetsAccessed { get; }

    /// <summary>Whether the page walker sets dirty bits itself; otherwise a store through a clear bit faults.</summary>
    public abstract bool HardwareSetsDirty { get; }

    /// <summary>The entries' layout, for walkers.</summary>
    public abstract EntryLayout Layout { get; }

    /// <summary>Encodes a leaf. Flags without a right make an entry that the hardware does not use and that still holds its frame.</summary>
    /// <param name="frame">First byte of the memory; a multiple of the page size.</param>
    /// <param name="level">Level of the entry, 0 for base pages.</param>
    /// <param name="flags">Rights and attributes.</param>
    public abstract ulong EncodeLeaf(PhysAddr frame, int level, PageFlags flags);

    /// <summary>Encodes a pointer to a table page.</summary>
    /// <param name="table">First byte of the table page.</param>
    /// <param name="level">Level of the entry, 1 or more.</param>
    public abstract ulong EncodeTable(PhysAddr table, int level);

    /// <summary>The flags of a leaf.</summary>
    public abstract PageFlags FlagsOf(ulong entry, int level);

    /// <summary>The entry with accessed and dirty bits added.</summary>
    public abstract ulong WithAccessedDirty(ulong entry, PageFlags bits);

    /// <summary>Binary logarithm of the bytes that one entry of a level covers.</summary>
    public static int ShiftOf(int level) => Addresses.PageSizes.BaseShift + (BitsPerLevel * level);

    /// <summary>Index of an address in a table page of a level.</summary>
    public static int IndexOf(ulong address, int level) => (int)(address >> ShiftOf(level)) & (EntriesPerTable - 1);

    /// <summary>The level whose leaves have a size.</summary>
    public static int LevelOf(PageSize size) => ((int)size - Addresses.PageSizes.BaseShift) / BitsPerLevel;

    /// <summary>Whether the address is canonical: all bits above the translated ones equal the highest translated one.</summary>
    public virtual bool IsCanonical(ulong address)
    {
        int unused = 64 - VirtualBits;
        return (ulong)((long)(address << unused) >> unused) == address;
    }
}
