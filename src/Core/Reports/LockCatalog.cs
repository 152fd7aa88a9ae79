using VmSim.Core.Kernel.Locks;

namespace VmSim.Core.Reports;

/// <summary>Counters of locks and contended cache lines: five for each kind.</summary>
public static class LockCatalog
{
    /// <summary>Name of each kind, with which the names of its counters begin, and what it is; in the order of reports.</summary>
    public static IReadOnlyList<(LockKind Kind, string Name, string Summary)> Kinds { get; } =
    [
        (LockKind.Map, "mmapLock", "the address space's lock"),
        (LockKind.Area, "areaLock", "locks of single areas"),
        (LockKind.PageTable, "pageTableLock", "locks of single table pages"),
        (LockKind.Lru, "lruLock", "the LRU lock of the memory pool"),
        (LockKind.Zone, "zoneLock", "the zone lock of the memory pool"),
        (LockKind.Generation, "generationLine", "the cache line of the TLB generation"),
        (LockKind.CoreMask, "coreMaskLine", "the cache line of the set of cores that have the space loaded"),
    ];

    /// <summary>Ends of the names of each kind's counters.</summary>
    public const string Acquisitions = "Acquisitions";

    /// <inheritdoc cref="Acquisitions"/>
    public const string Waits = "Waits";

    /// <inheritdoc cref="Acquisitions"/>
    public const string WaitCycles = "WaitCycles";

    /// <inheritdoc cref="Acquisitions"/>
    public const string LocalTransfers = "LocalTransfers";

    /// <inheritdoc cref="Acquisitions"/>
    public const string RemoteTransfers = "RemoteTransfers";

    /// <summary>The counters of all kinds.</summary>
    public static IReadOnlyList<SpaceCounterInfo> Counters { get; } = [.. Kinds.SelectMany(kind => Of(kind.Kind, kind.Name, kind.Summary))];

    private static IEnumerable<SpaceCounterInfo> Of(LockKind kind, string name, string what)
    {
        int index = (int)kind;
        yield return new(name + Acquisitions, "acquisitions", $"Acquisitions of {what}.", s => s.Counters.Locks[index].Acquisitions);
        yield return new(name + Waits, "acquisitions", $"Acquisitions of {what} that waited for another holder.", s => s.Counters.Locks[index].Waits);
        yield return new(name + WaitCycles, "cycles", $"Cycles waited for other holders of {what}, transfers apart.", s => s.Counters.Locks[index].WaitCycles);
        yield return new(name + LocalTransfers, "transfers", $"Moves of the cache line of {what} between cores of one socket.", s => s.Counters.Locks[index].LocalTransfers);
        yield return new(name + RemoteTransfers, "transfers", $"Moves of the cache line of {what} between sockets.", s => s.Counters.Locks[index].RemoteTransfers);
    }
}
