namespace VmSim.Core.Engine;

/// <summary>What is told of each interval of virtual time, over all cores.</summary>
/// <param name="Name">Its name in a report.</param>
/// <param name="ShortTitle">What it is, in a word or two for the side of a chart.</param>
/// <param name="Read">Its value from what a core has counted.</param>
public sealed record CoreIntervals(string Name, string ShortTitle, Func<CoreCounters, long> Read)
{
    /// <summary>All, in the order of outputs.</summary>
    public static IReadOnlyList<CoreIntervals> All { get; } =
    [
        new("accesses", "accesses", counters => counters[CoreCounters.Accesses]),
        new("walks", "TLB misses", counters => counters[CoreCounters.Walks]),
        new("faults", "faults", counters => counters[CoreCounters.MinorFaults] + counters[CoreCounters.MajorFaults]),
        new("interrupts", "IPIs", counters => counters[CoreCounters.InvalidationsHandled]),
    ];
}
