using VmSim.Core.Engine;
using VmSim.Core.Kernel;
using VmSim.Host.Service;

namespace VmSim.Host.Tests.Service;

/// <summary>Figures of a job as a process may tell them.</summary>
internal static class SomeFigures
{
    /// <summary>Four intervals of 20,000 accesses each, the last of which goes on, on two cores that interrupt each other.</summary>
    public static JobFigures Of(params string[] waits) => new(
        Ghz: 2,
        ReachedCycles: 3 << 14,
        IntervalCycles: 1 << 14,
        [
            .. CoreIntervals.Counts.Select(known => new FigureSeries(known.Name, [20_000, 20_000, 20_000, 1])),
            .. SpaceIntervals.All.Select(known => new FigureSeries(known.Name, [1, 2, 3, 512])),
            .. CoreIntervals.Classes.Select(known => new FigureSeries(known.Name, [100, 200, 300, 4])),
        ],
        CoresPerBlock: 1,
        [[0, 5], [7, 0]],
        WindowCycles: 1_000,
        WindowBoundCycles: 1_000,
        "a trap of 600 cycles",
        Lanes: 1,
        Threads: 2,
        Domains: 3,
        DomainsSeen: 2,
        waits,
        HasMoreWaits: false);
}
