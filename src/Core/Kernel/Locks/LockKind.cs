namespace VmSim.Core.Kernel.Locks;

/// <summary>
/// Locks and contended cache lines that are counted apart. One line declares a kind and, with it, the counters of
/// <see cref="LockCounters"/> in <see cref="SpaceCounters"/>.
/// </summary>
public sealed class LockKind
{
    private static readonly List<LockKind> Kinds = [];

    /// <summary>mmap_lock: the address space's reader/writer lock.</summary>
    public static readonly LockKind Map = new("mmapLock", "the address space's lock");

    /// <summary>The lock of one memory area (per-VMA lock).</summary>
    public static readonly LockKind Area = new("areaLock", "locks of single areas");

    /// <summary>The lock of one lowest-level table page (split page-table lock).</summary>
    public static readonly LockKind PageTable = new("pageTableLock", "locks of single table pages");

    /// <summary>The lock of the memory pool's page lists for reclaim (lruvec lock).</summary>
    public static readonly LockKind Lru = new("lruLock", "the LRU lock of the memory pool");

    /// <summary>The lock of the memory pool's free pages (zone lock).</summary>
    public static readonly LockKind Zone = new("zoneLock", "the zone lock of the memory pool");

    /// <summary>The lock of the count of promised memory (vm_committed_as).</summary>
    public static readonly LockKind Promised = new("promisedLock", "the lock of the count of promised memory");

    /// <summary>The line of the address space's TLB generation.</summary>
    public static readonly LockKind Generation = new("generationLine", "the cache line of the TLB generation");

    /// <summary>The line of the set of cores that have the address space loaded (mm_cpumask).</summary>
    public static readonly LockKind CoreMask = new("coreMaskLine", "the cache line of the set of cores that have the space loaded");

    private LockKind(string name, string summary)
    {
        Name = name;
        Summary = summary;
        Index = Kinds.Count;
        Kinds.Add(this);
    }

    /// <summary>All kinds, in the order of reports.</summary>
    public static IReadOnlyList<LockKind> All => Kinds;

    /// <summary>What the names of its counters begin with.</summary>
    public string Name { get; }

    /// <summary>What it is, within a sentence.</summary>
    public string Summary { get; }

    /// <summary>Its place in <see cref="All"/>.</summary>
    public int Index { get; }
}
