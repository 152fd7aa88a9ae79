using VmSim.Core.Addresses;
using VmSim.Core.Mapping;
using VmSim.Core.Memory.Backends;
using VmSim.Core.Paging;
using VmSim.Core.Programs;
using VmSim.Core.Statistics;

namespace VmSim.Core.Memory;

/// <summary>A memory area as reports show it.</summary>
/// <param name="Range">Its addresses.</param>
/// <param name="Flags">Its flags.</param>
/// <param name="Backend">Its backend's name.</param>
/// <param name="Source">The file or object behind it; empty for none.</param>
/// <param name="Offset">Byte offset of its first page in the object; 0 for none.</param>
public readonly record struct AreaInfo(AddrRange<VirtAddr> Range, AreaFlags Flags, string Backend, string Source, ulong Offset);

/// <summary>
/// One process's memory without time: its areas, page table, frames and counts. System calls and page faults come in, and what they did
/// comes out. Which cores are told of dead translations, when, and at what cost is not known here.
/// </summary>
/// <remarks>Not thread-safe. Spaces with one frame pool belong to one group and are used in one order.</remarks>
public sealed partial class VirtualMemory
{
    private readonly SpaceMemory _memory;
    private readonly MemoryObject[] _files;
    private readonly AreaSet _set;

    /// <summary>Makes a space without areas.</summary>
    /// <param name="table">An empty page table, of this space alone.</param>
    /// <param name="frames">The pool its frames come from.</param>
    /// <param name="cache">The files in memory, with frames of the same pool.</param>
    /// <param name="options">How its memory behaves.</param>
    /// <param name="files">The files that mappings name by index.</param>
    /// <exception cref="ArgumentException">The cache has another pool, or an option is out of its range.</exception>
    public VirtualMemory(PageTable table, FramePool frames, PageCache cache, VirtualMemoryOptions options, IReadOnlyList<ProgramFile> files)
    {
        ArgumentNullException.ThrowIfNull(table);
        ArgumentNullException.ThrowIfNull(frames);
        ArgumentNullException.ThrowIfNull(cache);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(files);
        options.Validate();
        if (!ReferenceEquals(cache.Pool, frames))
        {
            throw new ArgumentException("the page cache takes its frames from another pool", nameof(cache));
        }

        _memory = new SpaceMemory(table, frames, cache, options);
        _files = [.. files.Select(cache.Open)];
        _set = NewSet(options);
    }

    /// <summary>Makes the child of a fork.</summary>
    private VirtualMemory(VirtualMemory parent, PageTable table)
    {
        _memory = new SpaceMemory(table, parent._memory.Frames, parent._memory.Cache, parent._memory.Options);
        if (parent.Holders is { } holders)
        {
            KeepHolders(holders.Cores);
        }

        _files = parent._files;
        _set = NewSet(parent._memory.Options);
        _breakStart = parent._breakStart;
        _hasSealedAreas = parent._hasSealedAreas;
        _hasHugeTlb = parent._hasHugeTlb;
        Break = parent.Break;
    }

    /// <summary>The page table that the process's operations change.</summary>
    public PageTable Table => _memory.Table;

    /// <summary>The pool its frames come from.</summary>
    public FramePool Frames => _memory.Frames;

    /// <summary>The files in memory.</summary>
    public PageCache Cache => _memory.Cache;

    /// <summary>Ranges of guard pages (MADV_GUARD_INSTALL) by rising address.</summary>
    public IEnumerable<AddrRange<VirtAddr>> GuardRanges => _memory.Guards.In(0, ulong.MaxValue).Select(
        range => new AddrRange<VirtAddr>(VirtAddr.OfPage(range.First), VirtAddr.OfPage(range.Last) + (PageSizes.BaseBytes - 1)));

    /// <summary>Who holds leaves that are not accessed; null if that is not kept.</summary>
    internal PageHolders? Holders => _memory.Holders;

    /// <summary>
    /// From now on new leaves begin as not accessed, and it is kept who holds them. A child of a fork begins so if its parent does.
    /// </summary>
    /// <param name="cores">Cores of the machine.</param>
    internal void KeepHolders(int cores) => _memory.Holders = new PageHolders(cores);

    /// <summary>How the memory behaves.</summary>
    internal VirtualMemoryOptions Options => _memory.Options;

    /// <summary>What the space has counted by counters of its backends' own.</summary>
    internal IReadOnlyList<CounterSet> CounterSets => _memory.CounterSets;

    /// <summary>Mapped pages by what they hold.</summary>
    public ResidentPages Resident => _memory.Resident;

    /// <summary>All translations, in pages of 4 KiB.</summary>
    public long MappedPages => _memory.Resident.Mapped;

    /// <summary>How many areas there are.</summary>
    public int AreaCount => _set.Count;

    /// <summary>All areas by rising address, as reports show them.</summary>
    public IEnumerable<AreaInfo> Areas => _set.Select(Describe);

    /// <summary>The areas, or parts of them, in a range.</summary>
    internal AreaSet.AreaPieces AreasIn(VirtAddr start, ulong bytes) => _set.Pieces(start, bytes);

    /// <summary>Frees what an operation gave up, once no core can reach it.</summary>
    /// <param name="batch">A batch of this space.</param>
    /// <exception cref="InvalidOperationException">The batch was released before.</exception>
    public void Release(ReleaseBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        if (batch.IsReleased)
        {
            throw new InvalidOperationException("a batch is released once");
        }

        batch.IsReleased = true;
        foreach (FrameRun run in batch.Frames)
        {
            _memory.Frames.Release(run.First, run.Count);
        }

        _memory.Table.ReleaseTables(batch.Tables);
    }

    /// <summary>What stands behind an address; null where there is no area.</summary>
    public Backing? BackingAt(VirtAddr address) => _set.TryFind(address, out AreaSet.Area area) ? area.Backend.Backing : null;

    /// <summary>The area that an address lies in.</summary>
    internal bool TryFindArea(VirtAddr address, out AreaSet.Area area) => _set.TryFind(address, out area);

    /// <summary>
    /// Where the area begins that an address lies in, and what lies there in words: an object's name, <c>[heap]</c>, <c>[stack]</c> or
    /// <c>[anon]</c>; null and the empty text where there is no area.
    /// </summary>
    internal (VirtAddr? Start, string Content) PlaceOf(VirtAddr address)
    {
        if (!_set.TryFind(address, out AreaSet.Area area))
        {
            return (null, "");
        }

        string content = area.Backend.Backing.Object is { } shared ? shared.Name
            : (area.Flags & AreaFlags.GrowsDown) != 0 ? "[stack]"
            : area.Start < Break && area.Range.Last >= _breakStart && _breakStart.Value != 0 ? "[heap]"
            : "[anon]";
        return (area.Start, content);
    }

    /// <summary>The first address of the area in which a whole range lies; null if there is none.</summary>
    internal VirtAddr? AreaAround(VirtAddr start, ulong bytes) =>
        _set.TryFind(start, out AreaSet.Area area) && bytes <= area.Size - (start.Value - area.Start.Value) ? area.Start : null;

    /// <summary>Adds the areas that lie in a range or reach into it, by rising address.</summary>
    internal void ListAreas(VirtAddr start, VirtAddr end, ICollection<AddrRange<VirtAddr>> areas)
    {
        ulong first = start.Value & ~(PageSizes.BaseBytes - 1);
        ulong last = (end.Value - 1) | (PageSizes.BaseBytes - 1);
        if (end <= start || last == ulong.MaxValue)
        {
            return;
        }

        foreach (AreaSet.Area piece in _set.Pieces(new VirtAddr(first), last + 1 - first))
        {
            bool mayReachOut = piece.Start.Value == first || piece.Last.Value == last;
            areas.Add(mayReachOut && _set.TryFind(piece.Start, out AreaSet.Area area) ? area.Range : piece.Range);
        }
    }

    /// <summary>Whether an area begins at an address.</summary>
    internal bool HasAreaStart(VirtAddr address) => _set.TryFind(address, out AreaSet.Area area) && area.Start == address;

    private static AreaSet NewSet(VirtualMemoryOptions options) =>
        new(new MemorySetOptions { MergeNeighbours = options.MergeAreas, Granule = PageSizes.BaseBytes, MaxAreas = options.MaxAreas });

    private static AreaInfo Describe(AreaSet.Area area)
    {
        Backing backing = area.Backend.Backing;
        ulong offset = backing.Object is null ? 0 : unchecked(area.Start.Value + backing.Delta);
        return new AreaInfo(area.Range, area.Flags, area.Backend.Name, backing.Object?.Name ?? "", offset);
    }
}
