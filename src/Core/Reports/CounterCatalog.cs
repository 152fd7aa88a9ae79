using VmSim.Core.Engine;
using VmSim.Core.Kernel;
using VmSim.Core.Memory;
using VmSim.Core.Statistics;

namespace VmSim.Core.Reports;

/// <summary>
/// What the counters of a report are, each list in the order in which reports show it. Who counts declares; this only reads.
/// </summary>
/// <param name="Core">Counters kept for each core: those of every run, then those of its plug-ins.</param>
/// <param name="Space">Counters kept for each address space, likewise.</param>
/// <param name="Group">Counters kept for each group of spaces that share memory.</param>
public sealed record CounterCatalog(IReadOnlyList<CounterInfo> Core, IReadOnlyList<CounterInfo> Space, IReadOnlyList<CounterInfo> Group)
{
    /// <summary>The counters that every run has.</summary>
    public static CounterCatalog BuiltIn { get; } = new(CoreCounters.All, SpaceCounters.All, FrameCounters.All);

    /// <summary>The totals of a run: those of every run, then those of its plug-ins.</summary>
    public IReadOnlyList<CounterInfo> Totals { get; } =
    [
        CoreCycles.OfRun,
        .. Core.Take(CoreCounters.All.Count),
        .. Space.Take(SpaceCounters.All.Count),
        .. Group,
        .. Core.Skip(CoreCounters.All.Count),
        .. Space.Skip(SpaceCounters.All.Count),
    ];

    /// <summary>The counters of a run.</summary>
    public static CounterCatalog Of(World world)
    {
        ArgumentNullException.ThrowIfNull(world);
        return new CounterCatalog(
            [.. world.Cores[0].CounterSets.SelectMany(set => set.Declared)],
            world.Spaces.Count == 0 ? SpaceCounters.All : [.. world.Spaces[0].CounterSets.SelectMany(set => set.Declared)],
            FrameCounters.All);
    }
}
