using VmSim.Core.Addresses;
using VmSim.Core.Mapping;
using VmSim.Core.Paging;
using VmSim.Core.Statistics;

namespace VmSim.Core.Memory;

/// <summary>
/// What mapping backends change: one space's page table, the frames behind it, and the counts that go with them. Everything goes through
/// here, so that references, resident pages and dead translations are exact and a refused operation is undone wholly.
/// </summary>
public sealed partial class SpaceMemory : IUndoablePageTable
{
    private readonly List<CounterSet> _counterSets = [];
    private ResidentPages _resident;

    internal SpaceMemory(PageTable table, FramePool frames, PageCache cache, VirtualMemoryOptions options)
    {
        Table = table;
        Frames = frames;
        Cache = cache;
        Options = options;
    }

    /// <summary>The page table. Backends read it; changes go through the methods of this class.</summary>
    public PageTable Table { get; }

    /// <summary>The pool that the space's frames come from.</summary>
    public FramePool Frames { get; }

    /// <summary>The files in memory.</summary>
    public PageCache Cache { get; }

    /// <summary>How the space's memory behaves.</summary>
    public VirtualMemoryOptions Options { get; }

    /// <summary>Pages on which every access is a segmentation fault, whatever their area allows (MADV_GUARD_INSTALL).</summary>
    internal PageRanges Guards { get; } = new();

    /// <summary>Who holds leaves that are not accessed; null if no protocol asks for it.</summary>
    internal PageHolders? Holders { get; set; }

    /// <summary>Mapped pages by what they hold.</summary>
    public ResidentPages Resident => _resident;

    /// <summary>What the space has counted by counters of its backends' own.</summary>
    internal IReadOnlyList<CounterSet> CounterSets => _counterSets;

    /// <summary>The set of a class; null if the space has none yet.</summary>
    internal TCounters? FindCounters<TCounters>()
        where TCounters : CounterSet
    {
        foreach (CounterSet set in _counterSets)
        {
            if (set is TCounters found)
            {
                return found;
            }
        }

        return null;
    }

    /// <summary>Begins to count.</summary>
    internal TCounters AddCounters<TCounters>(TCounters counters)
        where TCounters : CounterSet
    {
        _counterSets.Add(counters);
        return counters;
    }

    /// <summary>Takes a new frame.</summary>
    /// <returns>False when none is left.</returns>
    public bool TryAllocate(FrameKind kind, out PhysAddr frame)
    {
        if (!Frames.TryAllocate(kind, out frame))
        {
            RanOut = true;
            return false;
        }

        Log(UndoKind.Allocated, frame, 1);
        return true;
    }

    /// <summary>Takes the adjacent new frames of a large page.</summary>
    /// <returns>False when no aligned run is left.</returns>
    public bool TryAllocateLarge(PageSize size, FrameKind kind, out PhysAddr frame)
    {
        if (!Frames.TryAllocateLarge(size, kind, out frame))
        {
            return false;
        }

        Log(UndoKind.Allocated, frame, size.BasePages());
        return true;
    }

    /// <summary>Adds a reference to a frame that another mapping or an object holds.</summary>
    /// <returns>False when the frame has the most references it can have.</returns>
    public bool TryShare(PhysAddr frame, PageSize size = PageSize.Size4K)
    {
        if (!Frames.TryShare(frame, size))
        {
            RanOut = true;
            return false;
        }

        Log(UndoKind.Allocated, frame, size.BasePages());
        return true;
    }

    /// <summary>
    /// The frame of an object's page; a page without one gets it, if that needs no device. The object keeps the reference.
    /// </summary>
    /// <returns>False when the page is not in memory or no frame is left.</returns>
    public bool TryGetObjectFrame(MemoryObject source, ulong page, out PhysAddr frame) =>
        source.TryGetFrame(page, out frame) || (source.IsWarm && TryFillObjectPage(source, page, out frame));

    /// <summary>Gives an object's page a frame.</summary>
    /// <returns>False when no frame is left.</returns>
    public bool TryFillObjectPage(MemoryObject source, ulong page, out PhysAddr frame)
    {
        if (!TryAllocate(source.Kind, out frame))
        {
            return false;
        }

        _effects.Work.NewShared += source.Kind == FrameKind.SharedMemory ? 1 : 0;
        NoteRead(frame, source, page);
        source.Insert(page, frame);
        LogObject(UndoKind.ObjectPageInserted, source, page);
        return true;
    }

    /// <summary>
    /// Notes that new frames got what others hold. A backend that copies pages says so, or the checker takes the copy for zeros.
    /// </summary>
    /// <param name="from">The first frame that was read.</param>
    /// <param name="to">The first frame that was written; <see cref="TryAllocate"/> or <see cref="TryAllocateLarge"/> gave it.</param>
    /// <param name="size">How much.</param>
    public void NoteCopy(PhysAddr from, PhysAddr to, PageSize size) => Frames.Contents?.Copy(from, to, size.BasePages());

    /// <summary>Notes that a new frame got an object's page, as a private copy of it does.</summary>
    /// <param name="frame">The frame.</param>
    /// <param name="source">The object.</param>
    /// <param name="page">Which of its pages.</param>
    public void NoteRead(PhysAddr frame, MemoryObject source, ulong page) => Frames.Contents?.Read(frame, source, page);

    /// <summary>Notes that an object's page has, or has no longer, stores to be written back.</summary>
    /// <returns>Whether that is news.</returns>
    public bool SetObjectDirty(MemoryObject source, ulong page, bool dirty)
    {
        if (!source.SetDirty(page, dirty))
        {
            return false;
        }

        LogObject(dirty ? UndoKind.ObjectDirtied : UndoKind.ObjectCleaned, source, page);
        return true;
    }

    /// <summary>Says whether the anonymous frames of a page belong to this space alone.</summary>
    public void SetExclusive(PhysAddr frame, PageSize size, bool exclusive)
    {
        for (ulong page = 0; page < size.BasePages(); page++)
        {
            PhysAddr each = frame + (page << PageSizes.BaseShift);
            if (Frames.IsExclusive(each) != exclusive)
            {
                Frames.SetExclusive(each, exclusive);
                Log(exclusive ? UndoKind.ExclusiveSet : UndoKind.ExclusiveCleared, each, 1);
            }
        }
    }

    /// <summary>
    /// Notes that areas map more, or fewer, pages of an object; one without a file that nobody maps any more loses its frames.
    /// </summary>
    public void AddObjectMappings(MemoryObject source, long pages)
    {
        source.MappedPages += pages;
        _effects.Work.SharedObjectsGone += pages < 0 && source.MappedPages == 0 && source.Kind == FrameKind.SharedMemory ? 1 : 0;
        LogObject(UndoKind.ObjectMapped, source, (ulong)pages);
    }
}
