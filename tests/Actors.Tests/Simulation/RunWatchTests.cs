using CsCheck;
using VmSim.Actors.Running;
using VmSim.Actors.Simulation;
using VmSim.Core.Engine;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Testing;

namespace VmSim.Actors.Tests.Simulation;

/// <summary>A run that somebody looks at finds the same, and shows what its report says in the end.</summary>
public sealed class RunWatchTests() : ActorTest(Lanes.Configuration(2))
{
    [Fact]
    public Task Run_ThatIsLookedAt_FindsTheSameAndShowsIt() => RandomPrograms.Scenario.SampleAsync(
        async scenario =>
        {
            // What was counted before a warm-up's end is forgotten at the end of a run, if not before.
            scenario = scenario with { Warmup = 0 };
            string expected = (await RunAsync(scenario, null)).Fingerprint;
            Viewer viewer = new(isLooking: true);
            RunReport report = await RunAsync(scenario, viewer);
            Assert.Equal(expected, report.Fingerprint);
            RunSight sight = viewer.Sights[^1];
            Assert.Equal(sight.Domains, sight.DomainsSeen);
            Assert.Equal(report.WindowBound.Value, sight.WindowBoundCycles);
            Assert.Equal(report.Interrupts?.Rows, sight.Glimpse.Interrupts?.Rows);
            foreach (string name in CoreIntervals.Counts.Select(known => known.Name).Append("shootdowns").Append("lockWaitCycles"))
            {
                Assert.Equal(Of(report.Intervals!, name).Sum(), Of(sight.Glimpse.Intervals, name).Sum());
            }

            Assert.Equal(
                Of(report.Intervals!, "residentPages").LastOrDefault(), Of(sight.Glimpse.Intervals, "residentPages").LastOrDefault());
        },
        iter: 15,
        threads: 1);

    [Fact]
    public async Task Run_ThatNobodyLooksAt_ShowsNothing()
    {
        Viewer viewer = new(isLooking: false);
        await RunAsync(TestWorlds.Scenario(8, TestWorlds.Toucher("a", 0, 40)), viewer);
        Assert.Empty(viewer.Sights);
    }

    private static IReadOnlyList<long> Of(RunIntervals intervals, string name) =>
        intervals.Series.Single(series => series.Key == name).Value;

    private Task<RunReport> RunAsync(ScenarioSpec scenario, IRunViewer? viewer) => new SimulationRunner(Sys).RunAsync(
        scenario, new RunOptions { Threads = 2, Viewer = viewer }, null, CancellationToken.None);

    private sealed class Viewer(bool isLooking) : IRunViewer
    {
        public List<RunSight> Sights { get; } = [];

        public bool IsLooking => isLooking;

        public void Show(RunSight sight)
        {
            lock (Sights)
            {
                Sights.Add(sight);
            }
        }
    }
}
