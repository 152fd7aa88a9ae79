using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;
using VmSim.Core.Addresses;
using VmSim.Core.State;

namespace VmSim.Core.Paging;

/// <summary>
/// One address space's page table: a radix tree of 4 KiB table pages with entries in the bits of a real format. One writer changes it;
/// walkers read entries by table page and index, as of a time, on any number of threads while no writer runs.
/// </summary>
/// <remarks>
/// Stores become visible to walkers at <see cref="VisibleAt"/>. What walkers at earlier times still see, and what <see cref="Rollback"/>
/// restores, is one journal of old values (see the folder's README).
/// </remarks>
public sealed unsafe partial class PageTable : IDisposable, IWrittenBlocks
{
    private const int EntriesPerTable = EntryLayout.EntriesPerTable;

    private readonly PageTableFormat _format;
    private readonly EntryLayout _layout;

    /// <summary>Makes an empty table: a root without entries.</summary>
    /// <param name="format">The entries' format.</param>
    public PageTable(PageTableFormat format)
    {
        ArgumentNullException.ThrowIfNull(format);
        _format = format;
        _layout = format.Layout;
        _countByLevel = new int[format.Levels];
        Root = AllocateTable(format.Levels - 1);
        Debug.Assert(Root == 0, "the root is the first table page");
    }

    /// <summary>The format of all entries, fixed when the table was made.</summary>
    public PageTableFormat Format => _format;

    /// <summary>The number of the root's table page: 0, for the table's whole life.</summary>
    public int Root { get; }

    /// <summary>
    /// An entry as walkers at <paramref name="time"/> see it: stores that become visible later are not seen. In a freed table every entry
    /// reads as empty from the time the freeing became visible.
    /// </summary>
    /// <param name="tablePage">A table page that is in use, or freed and not yet released.</param>
    /// <param name="index">0 to 511.</param>
    /// <param name="time">Virtual time; not before the last <see cref="Fold"/>.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong ReadEntry(int tablePage, int index, Cycles time)
    {
        Debug.Assert((uint)index < EntriesPerTable, "index is 0 to 511");
        return time.Value >= _pendingUntil ? Entries(tablePage)[index] : ReadEntryAsOf(tablePage, index, time.Value);
    }

    /// <summary>
    /// The physical address of table page 0; table page n lies n pages above. It matters where table pages and frames share one space: a
    /// guest's do, in the guest-physical space that a host's table translates. It also matters where lines of several tables share a cache.
    /// Entries hold table pages' numbers whatever it is.
    /// </summary>
    public PhysAddr TableBase { get; init; }

    /// <summary>The physical address of a table page, from <see cref="TableBase"/> on.</summary>
    /// <param name="tablePage">The number of a table page.</param>
    public PhysAddr TableAddress(int tablePage) => TableBase + ((ulong)tablePage << PageSizes.BaseShift);

    /// <summary>
    /// Has the host fetch the lowest-level entry of an address that will be walked soon. What a walk finds does not depend on it. It may
    /// run beside walks, as <see cref="ReadEntry"/> may.
    /// </summary>
    /// <param name="address">Any address.</param>
    public void Prefetch(ulong address)
    {
        ulong* entries = Entries(Root);
        for (int level = _format.Levels - 1; level > 0; level--)
        {
            ulong entry = entries[EntryLayout.Index(address, level)];
            if (entry == 0 || _layout.IsLeaf(entry, level))
            {
                return;
            }

            entries = Entries(_layout.ChildTable(entry));
        }

        if (Sse.IsSupported)
        {
            Sse.Prefetch0(entries + EntryLayout.Index(address, 0));
        }
    }

    /// <summary>Has the host fetch an entry, as <see cref="Prefetch(ulong)"/> does.</summary>
    /// <param name="tablePage">Any number; of a table page that never was, nothing is fetched.</param>
    /// <param name="index">0 to 511.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Prefetch(int tablePage, int index)
    {
        if ((uint)tablePage < (uint)_nextPage && Sse.IsSupported)
        {
            Sse.Prefetch0(Entries(tablePage) + index);
        }
    }

    /// <summary>An entry as the writer sees it.</summary>
    /// <param name="tablePage">A table page in use.</param>
    /// <param name="index">0 to 511.</param>
    public ulong ReadEntryNow(int tablePage, int index)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)index, (uint)EntriesPerTable - 1, nameof(index));
        return StateOf(tablePage) == TableState.Live ? Entries(tablePage)[index] : 0;
    }

    /// <summary>What the writer sees at an address, which need not be the first of its page.</summary>
    /// <param name="va">A canonical address.</param>
    public EntryInfo Query(VirtAddr va)
        => Locate(va.Value, out int page, out int index, out int level) ? Describe(Entries(page)[index], level) : default;

    /// <summary>The physical address that an address translates to, rights aside; null if no leaf maps it.</summary>
    /// <param name="va">A canonical address.</param>
    public PhysAddr? Translate(VirtAddr va)
    {
        if (!Locate(va.Value, out int page, out int index, out int level))
        {
            return null;
        }

        ulong offset = va.Value & ((1UL << EntryLayout.LevelShift(level)) - 1);
        return _layout.LeafFrame(Entries(page)[index], level) + offset;
    }

    /// <summary>Maps one page of any size that the format has, and makes the table pages above it.</summary>
    /// <param name="va">The virtual page's first byte.</param>
    /// <param name="pa">The frame's first byte; a multiple of the size.</param>
    /// <param name="size">A size of the format.</param>
    /// <param name="flags">What the page allows; without any right it is held, not present.</param>
    /// <returns>
    /// False, with nothing changed, if there is an entry already (a table that covers the range counts), or no table page is left.
    /// </returns>
    public bool Map(VirtAddr va, PhysAddr pa, PageSize size, PageFlags flags)
    {
        int level = CheckPage(va, pa, size);
        int page = TableFor(va.Value, level);
        int index = EntryLayout.Index(va.Value, level);
        if (page < 0 || Entries(page)[index] != 0)
        {
            return false;
        }

        Store(page, index, _format.EncodeLeaf(pa, flags, level));
        return true;
    }

    /// <summary>Replaces the frame and flags of the leaf that maps an address. Its size stays.</summary>
    /// <param name="va">An address that a leaf maps.</param>
    /// <param name="pa">The new frame's first byte; a multiple of the leaf's size.</param>
    /// <param name="flags">What the page allows; without any right it is held, not present.</param>
    /// <exception cref="InvalidOperationException">No leaf maps the address.</exception>
    public void Set(VirtAddr va, PhysAddr pa, PageFlags flags)
    {
        int page = LocateMapped(va, out int index, out int level);
        CheckAligned(pa.Value, PageTableFormat.SizeOf(level), nameof(pa));
        Store(page, index, _format.EncodeLeaf(pa, flags, level));
    }

    /// <summary>Sets accessed and dirty flags of the leaf that maps an address, as entries of a walker's log arrive.</summary>
    /// <param name="va">A canonical address.</param>
    /// <param name="bits">Accessed, dirty or both; nothing else.</param>
    /// <returns>False if no leaf maps the address any more.</returns>
    public bool SetAccessedDirty(VirtAddr va, PageFlags bits)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual((ushort)(bits & ~(PageFlags.Accessed | PageFlags.Dirty)), (ushort)0, nameof(bits));
        if (!Locate(va.Value, out int page, out int index, out int level))
        {
            return false;
        }

        ulong entry = Entries(page)[index];
        PageFlags flags = _format.LeafFlags(entry, level);
        if ((flags & bits) != bits)
        {
            Store(page, index, _format.EncodeLeaf(_layout.LeafFrame(entry, level), flags | bits, level));
        }

        return true;
    }

    /// <summary>Replaces a large leaf by a table of 512 leaves of the next smaller size with the same frames and flags.</summary>
    /// <param name="va">An address that a leaf larger than 4 KiB maps.</param>
    /// <returns>False if no table page is left.</returns>
    /// <exception cref="InvalidOperationException">No large leaf maps the address.</exception>
    public bool SplitLeaf(VirtAddr va)
    {
        int page = LocateMapped(va, out int index, out int level);
        if (level == 0)
        {
            throw new InvalidOperationException($"The page at {va} has the smallest size and cannot be split.");
        }

        return SplitEntry(page, index, level);
    }

    private EntryInfo Describe(ulong entry, int level)
        =>
            new(
                Mapped: true,
                _layout.IsPresent(entry),
                _layout.LeafFrame(entry, level),
                PageTableFormat.SizeOf(level),
                _format.LeafFlags(entry, level));

    private bool SplitEntry(int page, int index, int level)
    {
        if (!HasRoomFor(1))
        {
            return false;
        }

        ulong entry = Entries(page)[index];
        PhysAddr frame = _layout.LeafFrame(entry, level);
        int child = AllocateTable(level - 1);
        ulong first = _format.EncodeLeaf(frame, _format.LeafFlags(entry, level), level - 1);
        FillEntries(child, 0, EntriesPerTable, first, _layout.AddressBits(1UL << EntryLayout.LevelShift(level - 1)));
        Store(page, index, _format.EncodeTable(child));
        return true;
    }

    /// <summary>Walks to the entry that decides an address; true if it is a leaf, false if it is empty.</summary>
    private bool Locate(ulong va, out int page, out int index, out int level)
    {
        page = Root;
        level = _format.Levels - 1;
        while (true)
        {
            index = EntryLayout.Index(va, level);
            ulong entry = Entries(page)[index];
            if (entry == 0)
            {
                return false;
            }

            if (_layout.IsLeaf(entry, level))
            {
                return true;
            }

            page = _layout.ChildTable(entry);
            level--;
        }
    }

    private int LocateMapped(VirtAddr va, out int index, out int level)
        => Locate(va.Value, out int page, out index, out level)
            ? page
            : throw new InvalidOperationException($"No page is mapped at {va}.");

    /// <summary>
    /// The table of <paramref name="target"/> level for an address, made if missing; -1 if a leaf is in the way or no page is left.
    /// </summary>
    private int TableFor(ulong va, int target)
    {
        int page = Root;
        for (int level = _format.Levels - 1; level > target; level--)
        {
            int index = EntryLayout.Index(va, level);
            ulong entry = Entries(page)[index];
            if (entry == 0)
            {
                if (!HasRoomFor(level - target))
                {
                    return -1;
                }

                int child = AllocateTable(level - 1);
                Store(page, index, _format.EncodeTable(child));
                page = child;
            }
            else if (_layout.IsLeaf(entry, level))
            {
                return -1;
            }
            else
            {
                page = _layout.ChildTable(entry);
            }
        }

        return page;
    }

    private int CheckPage(VirtAddr va, PhysAddr pa, PageSize size)
    {
        int level = PageTableFormat.LevelOf(size);
        if (level > _format.LargestLeafLevel)
        {
            throw new ArgumentException($"{_format.Name} has no pages of {size}.", nameof(size));
        }

        CheckAligned(va.Value, size, nameof(va));
        CheckAligned(pa.Value, size, nameof(pa));
        CheckCanonical(va.Value);
        return level;
    }

    private void CheckCanonical(ulong va)
    {
        if (!_format.IsCanonical(new VirtAddr(va)))
        {
            throw new ArgumentException($"0x{va:x} is not a canonical address of {_format.Name}.", nameof(va));
        }
    }

    private static void CheckAligned(ulong address, PageSize size, string name)
    {
        if ((address & (size.Bytes() - 1)) != 0)
        {
            throw new ArgumentException($"0x{address:x} is not a multiple of {size.Bytes()} bytes.", name);
        }
    }
}
