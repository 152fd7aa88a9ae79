using System.Runtime.CompilerServices;
using VmSim.Core.Addresses;
using VmSim.Core.Settings;

namespace VmSim.Core.Paging;

/// <summary>
/// The page-table format of an architecture: its levels, page sizes and the bits of its entries. Formats are immutable and shared. Levels
/// count from the leaves: level 0 maps 4 KiB pages, the root is level <see cref="Levels"/> - 1. An entry of 0 is empty. A leaf without any
/// right (no read, write or execute) is <em>held</em>: not present for hardware, with its frame and flags kept. So a kernel keeps pages of
/// an area without access.
/// </summary>
public abstract class PageTableFormat : INamed
{
    /// <summary>The flags that are rights: read, write, execute.</summary>
    public const PageFlags Rights = PageFlags.Read | PageFlags.Write | PageFlags.Execute;

    private readonly EntryLayout _layout;
    private readonly bool _signExtended;

    /// <summary>Describes an architecture: what does not depend on an entry.</summary>
    /// <param name="name">The name in scenarios and machine profiles.</param>
    /// <param name="levels">Levels of tables; 3 to 5.</param>
    /// <param name="asidBits">Bits of an address-space tag.</param>
    /// <param name="largest">The largest page.</param>
    /// <param name="signExtended">Whether the bits above <see cref="VirtualBits"/> repeat the highest one (else they are 0).</param>
    /// <param name="layout">Where entries keep what walkers ask.</param>
    protected PageTableFormat(string name, int levels, int asidBits, PageSize largest, bool signExtended, EntryLayout layout)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(levels, 3);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(levels, 5);
        Name = name;
        Levels = levels;
        AsidBits = asidBits;
        LargestLeafLevel = LevelOf(largest);
        _signExtended = signExtended;
        _layout = layout;
        PageSize[] sizes = new PageSize[LargestLeafLevel + 1];
        for (int level = 0; level < sizes.Length; level++)
        {
            sizes[level] = SizeOf(level);
        }

        LeafSizes = sizes;
    }

    /// <summary>The name in scenarios and machine profiles.</summary>
    public string Name { get; }

    /// <inheritdoc/>
    public virtual string Summary => $"{Levels} levels, {VirtualBits}-bit addresses";

    /// <summary>Levels of tables, root included.</summary>
    public int Levels { get; }

    /// <summary>Bits of the virtual address that index one level: 9 in every format with 4 KiB tables and 8-byte entries.</summary>
    public int BitsPerLevel => EntryLayout.BitsPerLevel;

    /// <summary>Bits of a virtual address that the table translates, page offset included: 39, 48 or 57.</summary>
    public int VirtualBits => PageSizes.BaseShift + (EntryLayout.BitsPerLevel * Levels);

    /// <summary>Bits of a virtual address within one contiguous part of the address space: one less if there are two halves.</summary>
    public int RangeBits => _signExtended ? VirtualBits - 1 : VirtualBits;

    /// <summary>Bits of an address-space tag (PCID, ASID): at most 16.</summary>
    public int AsidBits { get; }

    /// <summary>Tags that spaces can have: tag 0 is nobody's.</summary>
    public int TagCount => (1 << AsidBits) - 1;

    /// <summary>The highest level whose entries may map a page.</summary>
    public int LargestLeafLevel { get; }

    /// <summary>The page sizes, smallest first; the place in the list is the level.</summary>
    public IReadOnlyList<PageSize> LeafSizes { get; }

    /// <summary>Where entries keep what walkers ask; copy it to walk without virtual calls.</summary>
    public ref readonly EntryLayout Layout => ref _layout;

    /// <summary>Whether hardware sets the accessed flag on a walk; else a walk that meets it clear takes an exception.</summary>
    public abstract bool HardwareSetsAccessed { get; }

    /// <summary>Whether hardware sets the dirty flag on a store; else a store that meets it clear takes an exception.</summary>
    public abstract bool HardwareSetsDirty { get; }

    /// <summary>
    /// Whether what hardware does not set is set by a short handler of an exception of its own; else the exception is a page fault.
    /// </summary>
    public virtual bool HandlerSets => false;

    /// <summary>Accessed, dirty or both: what the kernel sets at a page fault, since neither hardware nor a short handler does.</summary>
    public PageFlags FaultSets => HandlerSets
        ? PageFlags.None
        : (HardwareSetsAccessed ? PageFlags.None : PageFlags.Accessed) | (HardwareSetsDirty ? PageFlags.None : PageFlags.Dirty);

    /// <summary>The lowest bit of the virtual address that indexes <paramref name="level"/>: 12, 21, 30, ...</summary>
    /// <param name="level">0 to <see cref="Levels"/> - 1.</param>
    public static int LevelShift(int level) => EntryLayout.LevelShift(level);

    /// <summary>The level whose entries map pages of <paramref name="size"/>.</summary>
    /// <param name="size">Any page size.</param>
    public static int LevelOf(PageSize size) => ((int)size - PageSizes.BaseShift) / EntryLayout.BitsPerLevel;

    /// <summary>The page size that entries of <paramref name="level"/> map.</summary>
    /// <param name="level">0 to <see cref="LargestLeafLevel"/>.</param>
    public static PageSize SizeOf(int level) => (PageSize)LevelShift(level);

    /// <summary>Whether an address is one the hardware takes for translation by this table; others fault before any walk.</summary>
    /// <param name="address">Any address.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool IsCanonical(VirtAddr address)
    {
        int unused = 64 - VirtualBits;
        return _signExtended
            ? (ulong)((long)(address.Value << unused) >> unused) == address.Value
            : (address.Value << unused) >> unused == address.Value;
    }

    /// <inheritdoc cref="EntryLayout.IsPresent"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool IsPresent(ulong entry) => _layout.IsPresent(entry);

    /// <inheritdoc cref="EntryLayout.IsLeaf"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool IsLeaf(ulong entry, int level) => _layout.IsLeaf(entry, level);

    /// <inheritdoc cref="EntryLayout.ChildTable"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int ChildTable(ulong entry) => _layout.ChildTable(entry);

    /// <inheritdoc cref="EntryLayout.LeafFrame"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public PhysAddr LeafFrame(ulong entry, int level) => _layout.LeafFrame(entry, level);

    /// <summary>What a leaf allows and says. A held leaf has no right.</summary>
    /// <param name="entry">A leaf.</param>
    /// <param name="level">The level of the table that holds it.</param>
    public abstract PageFlags LeafFlags(ulong entry, int level);

    /// <summary>
    /// The entry that maps a page; never 0. Flags the format cannot tell apart come back as <see cref="Effective"/> says.
    /// </summary>
    /// <param name="frame">The page's first byte; a multiple of the page's size.</param>
    /// <param name="flags">What the entry allows; without any right the entry is held, not present.</param>
    /// <param name="level">The level of the table that will hold it; 0 to <see cref="LargestLeafLevel"/>.</param>
    public abstract ulong EncodeLeaf(PhysAddr frame, PageFlags flags, int level);

    /// <summary>The entry that points to a table page, whose physical address is its number times 4 KiB.</summary>
    /// <param name="tablePage">The number of the table page; 1 or more.</param>
    public abstract ulong EncodeTable(int tablePage);

    /// <summary>What hardware makes of <paramref name="flags"/>: those the format implies are added, those it lacks dropped.</summary>
    /// <param name="flags">Any flags.</param>
    public PageFlags Effective(PageFlags flags) => LeafFlags(EncodeLeaf(default, flags, 0), 0);

    /// <summary>The format's name, as in settings.</summary>
    public override string ToString() => Name;
}
