using VmSim.Actors.Cluster;
using VmSim.Actors.Fuzzing;
using VmSim.Actors.Running;
using VmSim.Actors.Simulation;
using VmSim.Core.Engine;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Settings;
using VmSim.Testing;

namespace VmSim.Actors.Tests.Fuzzing;

public sealed class FuzzRunnerTests() : ActorTest(Lanes.Configuration(2))
{
    [Fact]
    public Task Run_SomeSeeds_FindNothing() => RunAsync(10_000, 10_040);

    [Fact]
    [Trait("Category", "Long")]
    public Task Run_ManySeeds_FindNothing() => RunAsync(10_040, 12_000);

    /// <summary>What pages hold: in plain runs alone, so that many seeds can be tried.</summary>
    [Fact]
    public void Run_ValuesOfSomeSeeds_AreWhatProgramsPutThere()
    {
        int watched = 0;
        for (ulong seed = 30_000; seed < 30_030; seed++)
        {
            FuzzScenario drawn = FuzzScenario.Draw(seed);
            FuzzScenario valued = drawn with
            {
                Settings =
                [
                    .. drawn.Settings.Where(line => !line.StartsWith("shootdown.", StringComparison.Ordinal) && line != "check = values"),
                    "check = values",
                ],
            };
            try
            {
                using World world = new(valued.Load());
                new SequentialEngine(world).Run();
                world.Checker!.Finish();
                watched++;
                string found = string.Join('\n', world.Checker.Violations.SelectMany(violation => violation.Lines()));
                Assert.True(found.Length == 0, $"seed {seed}: {found}");
            }
            catch (ScenarioException)
            {
                // More is mapped from the start than there is memory.
            }
        }

        Assert.True(watched > 15, $"{watched} seeds could be run");
    }

    private async Task RunAsync(ulong first, ulong end)
    {
        FuzzRunner fuzz = new(new SimulationRunner(Sys), new ShardRunner(Sys, 2));
        for (ulong seed = first; seed < end; seed++)
        {
            FuzzFailure? failure = await fuzz.RunAsync(seed);
            Assert.True(
                failure is null, failure is null ? "" : $"seed {seed}: {string.Join('\n', failure.Lines)}\n{failure.Scenario.Text()}");
        }
    }

    [Fact]
    public async Task Run_ARunnerThatDepends_IsCaughtAndShrunk()
    {
        FuzzRunner fuzz = new(new Forgetful(new SimulationRunner(Sys)), new ShardRunner(Sys, 2));
        FuzzFailure? failure = await fuzz.RunAsync(3);
        Assert.NotNull(failure);
        Assert.Contains("fingerprint", failure.Lines[0], StringComparison.Ordinal);
        Assert.Single(failure.Scenario.Processes);
        Assert.Empty(failure.Scenario.Settings);
    }

    [Fact]
    public async Task Run_Stopped_IsNoFailure()
    {
        using CancellationTokenSource stop = new();
        FuzzRunner fuzz = new(new Interrupted(new SimulationRunner(Sys), stop), new ShardRunner(Sys, 2));
        for (ulong seed = 3; seed < 5; seed++)
        {
            FuzzFailure? failure = null;
            Exception? thrown = await Record.ExceptionAsync(async () => failure = await fuzz.RunAsync(seed, stop.Token));
            Assert.True(thrown is OperationCanceledException, $"seed {seed}: {thrown?.Message} {string.Join('\n', failure?.Lines ?? [])}");
        }
    }

    [Fact]
    public async Task Run_StoppedWhileShrinking_ReturnsTheFailureAsItIs()
    {
        using CancellationTokenSource stop = new();
        FuzzRunner fuzz = new(new Forgetful(new SimulationRunner(Sys), stopAfter: 3, stop), new ShardRunner(Sys, 2));
        FuzzFailure? failure = await fuzz.RunAsync(3, stop.Token);
        Assert.NotNull(failure);
        Assert.Contains("fingerprint", failure.Lines[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Draw_OneSeed_IsAlwaysTheSameScenario()
    {
        Assert.Equal(FuzzScenario.Draw(5).Text(), FuzzScenario.Draw(5).Text());
        Assert.NotEqual(FuzzScenario.Draw(5).Text(), FuzzScenario.Draw(6).Text());
    }

    /// <summary>Loses a fault when it runs on two threads. May be told to stop after some runs.</summary>
    private sealed class Forgetful(
        ISimulationRunner right, int stopAfter = int.MaxValue, CancellationTokenSource? stop = null) : ISimulationRunner
    {
        private int _runs;

        public async Task<RunReport> RunAsync(
            ScenarioSpec scenario, RunOptions options, IProgress<RunProgress>? progress, CancellationToken cancellation)
        {
            if (++_runs == stopAfter)
            {
                await stop!.CancelAsync();
            }

            RunReport report = await right.RunAsync(scenario, options, progress, cancellation);
            return options.Threads < 2 ? report : report with { Fingerprint = new string('0', 64) };
        }
    }

    /// <summary>Is stopped as soon as it runs.</summary>
    private sealed class Interrupted(ISimulationRunner right, CancellationTokenSource stop) : ISimulationRunner
    {
        public async Task<RunReport> RunAsync(
            ScenarioSpec scenario, RunOptions options, IProgress<RunProgress>? progress, CancellationToken cancellation)
        {
            await stop.CancelAsync();
            return await right.RunAsync(scenario, options, progress, cancellation);
        }
    }
}
