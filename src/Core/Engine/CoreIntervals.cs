namespace VmSim.Core.Engine;

/// <summary>What cores tell of each interval of virtual time.</summary>
/// <param name="Name">Its name in a report.</param>
/// <param name="ShortTitle">What it is, in a word or two for a chart.</param>
/// <param name="Read">Its value from what a core has counted and from where its cycles went.</param>
public sealed record CoreIntervals(string Name, string ShortTitle, Func<CoreCounters, CoreCycles, long> Read)
{
    /// <summary>Counts, in the order of outputs.</summary>
    public static IReadOnlyList<CoreIntervals> Counts { get; } =
    [
        new("accesses", "accesses", (counters, _) => counters[CoreCounters.Accesses]),
        new("walks", "TLB misses", (counters, _) => counters[CoreCounters.Walks]),
        new("faults", "faults", (counters, _) => counters[CoreCounters.MinorFaults] + counters[CoreCounters.MajorFaults]),
        new("interrupts", "IPIs", (counters, _) => counters[CoreCounters.InvalidationsHandled]),
    ];

    /// <summary>Cycles of each class of <see cref="CoreCycles"/>, in its order.</summary>
    public static IReadOnlyList<CoreIntervals> Classes { get; } =
    [
        .. CoreCycles.All.Select((info, number) =>
            new CoreIntervals($"{info.Name}Cycles", info.Heading, (_, cycles) => cycles.Values[number])),
    ];

    /// <summary>All, in the order in which cores keep them.</summary>
    public static IReadOnlyList<CoreIntervals> All { get; } = [.. Counts, .. Classes];

    /// <summary>The place of a class of cycles in <see cref="All"/>.</summary>
    internal static int IndexOf(CoreCycles.Counter cycles) => Counts.Count + cycles.Index;
}
