using VmSim.Core.Engine;
using VmSim.Core.Kernel;
using VmSim.Core.Memory;
using VmSim.Core.Statistics;

namespace VmSim.Core.Reports;

/// <summary>What the counters of a report are, each list in the order in which reports show it. Reading is all it does: who counts declares.</summary>
/// <param name="Core">Counters kept for each core.</param>
/// <param name="Space">Counters kept for each address space.</param>
/// <param name="Group">Counters kept for each group of spaces that share memory.</param>
public sealed record CounterCatalog(IReadOnlyList<CounterInfo> Core, IReadOnlyList<CounterInfo> Space, IReadOnlyList<CounterInfo> Group)
{
    /// <summary>Name of the run's length among the totals.</summary>
    public const string Cycles = "cycles";

    /// <summary>The run's length.</summary>
    public static CounterInfo RunCycles { get; } = new(Cycles, "cycles", "Virtual time from the start of counting to the end of the run.");

    /// <summary>The counters that every run has.</summary>
    public static CounterCatalog BuiltIn { get; } = new(CoreCounters.All, SpaceCounters.All, FrameCounters.All);

    /// <summary>The total with this name; null if there is none.</summary>
    public CounterInfo? Find(string name) => ((IEnumerable<CounterInfo>)[RunCycles, .. Core, .. Space, .. Group]).FirstOrDefault(counter => counter.Name == name);
}
