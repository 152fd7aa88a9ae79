using VmSim.Core.Engine;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Shootdown;

namespace VmSim.Testing;

/// <summary>A run of a small world under a recorded protocol, with the checker on.</summary>
/// <param name="Protocol">What it did.</param>
/// <param name="Report">The report.</param>
/// <param name="LongestStaleness">Cycles for which a dead translation was used at most, after its call had returned.</param>
/// <param name="AllowedStaleness">Cycles for which the protocol allows it.</param>
/// <param name="FramesInUse">Frames in use at the end.</param>
public sealed record RecordedRun(
    RecordingProtocol Protocol, RunReport Report, long LongestStaleness, long AllowedStaleness, long FramesInUse)
{
    /// <summary>Runs a scenario up to its last thread, as <see cref="TestWorlds.UpToItsLastThread"/> says.</summary>
    /// <param name="protocol">The protocol.</param>
    /// <param name="scenario">What is simulated; its threads all end.</param>
    public static RecordedRun OfThreads(IShootdownProtocol protocol, ScenarioSpec scenario) =>
        Of(protocol, TestWorlds.UpToItsLastThread(scenario, protocol));

    /// <summary>Runs a scenario. A violation of the checker's rules fails the test.</summary>
    /// <param name="protocol">The protocol.</param>
    /// <param name="scenario">What is simulated.</param>
    /// <param name="window">Cycles of a window; 0 for the bound.</param>
    public static RecordedRun Of(IShootdownProtocol protocol, ScenarioSpec scenario, long window = 0)
    {
        RecordingProtocol recording = new(protocol);
        using World world = new(scenario, check: true, recording);
        bool finished = new SequentialEngine(world, window).Run();
        RunReport report = ReportBuilder.Build(world, finished);
        Assert.True(report.Outcome != RunOutcomes.Violation, string.Join('\n', report.Findings));
        return new RecordedRun(
            recording,
            report,
            world.Checker!.LongestStaleness.Value,
            world.Checker.AllowedStaleness.Value,
            world.Pools.Sum(pool => pool.Frames.Allocated));
    }
}
