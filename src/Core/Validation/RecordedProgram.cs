using VmSim.Core.Engine;
using VmSim.Core.Scenarios;
using VmSim.Core.Settings;
using VmSim.Core.Shootdown;

namespace VmSim.Core.Validation;

/// <summary>Runs whole programs that were recorded, and compares what they count with what other runs of them counted.</summary>
public static class RecordedProgram
{
    /// <summary>Runs one program; nothing is shared with other runs.</summary>
    /// <param name="scenario">The machine, and the recorded program as its process, to its end.</param>
    /// <param name="ranges">What was measured of the program.</param>
    /// <exception cref="ScenarioException">The protocol has no flush events as Linux has them, or the program does not end.</exception>
    public static IReadOnlyList<ComparedRange> Run(ScenarioSpec scenario, IReadOnlyList<MeasuredRange> ranges)
    {
        ArgumentNullException.ThrowIfNull(scenario);
        ArgumentNullException.ThrowIfNull(ranges);
        string linux = new LinuxProtocol().Name;
        if (scenario.Shootdown.Protocol != linux)
        {
            throw new ScenarioException(
                $"shootdown.protocol: {scenario.Shootdown.Protocol} found; programs that were recorded are compared under {linux}");
        }

        using World world = new(scenario);
        new SequentialEngine(world).Run();
        return world.LastEnd is null
            ? throw new ScenarioException($"{scenario.Name}: the run is over before all threads have ended; a whole run is needed")
            : [.. ranges.Select(range => new ComparedRange(range, CountOf(world, range.Figure)))];
    }

    private static long CountOf(World world, RangeFigure figure) => figure == RangeFigure.Flushes
        ? OfCores(world, CoreCounters.InvalidationsHandled) + OfCores(world, CoreCounters.LocalInvalidations)
            + world.Spaces.SelectMany(space => space.CounterSets).OfType<LinuxSpaceCounters>()
                .Sum(counters => counters[LinuxSpaceCounters.RemoteFlushes])
        : OfCores(world, CoreCounters.MinorFaults) + OfCores(world, CoreCounters.MajorFaults)
            + OfCores(world, CoreCounters.SpuriousFaults);

    private static long OfCores(World world, CoreCounters.Counter counter) =>
        world.Cores.Sum(core => core.Counters[counter]);
}
