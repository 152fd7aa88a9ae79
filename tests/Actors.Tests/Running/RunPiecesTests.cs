using CsCheck;
using VmSim.Actors.Running;
using VmSim.Actors.Simulation;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Testing;

namespace VmSim.Actors.Tests.Running;

/// <summary>A run in pieces, and one that goes on from any of its checkpoints, gives the report of a run in one piece.</summary>
public sealed class RunPiecesTests() : ActorTest(Lanes.Configuration(Math.Max(2, Environment.ProcessorCount)))
{
    [Fact]
    public Task Run_RandomScenarios_FindTheSameFromEveryCheckpoint() => CompareAsync(scenarios: 6);

    [Fact]
    [Trait("Category", "Long")]
    public Task Run_ManyRandomScenarios_FindTheSameFromEveryCheckpoint() => CompareAsync(scenarios: 300);

    /// <summary>However many lanes a run finds worth while, and with checkpoints by the way, it finds the same.</summary>
    [Fact]
    public Task Run_ThatChoosesItsLanes_FindsTheSame() => RandomPrograms.Scenario.SampleAsync(
        async scenario =>
        {
            string whole = (await RunAsync(scenario, null)).Fingerprint;
            List<byte[]> kept = [];
            Assert.Equal(whole, (await RunAsync(scenario, null, threads: 0)).Fingerprint);
            Assert.Equal(whole, (await RunAsync(scenario, Keeping(kept, 50_000), threads: 0)).Fingerprint);
        },
        iter: 25,
        threads: 1);

    /// <summary>A run that is cancelled is written down where it stops, also before it has begun.</summary>
    [Fact]
    public async Task Run_Cancelled_KeepsWhereItStopped()
    {
        ScenarioSpec scenario = TestWorlds.Scenario(8, TestWorlds.Toucher("a", 0, 40), TestWorlds.Toucher("b", 20, 60));
        string whole = (await RunAsync(scenario, null)).Fingerprint;
        List<byte[]> kept = [];
        using CancellationTokenSource cancelled = new();
        await cancelled.CancelAsync();
        RunReport stopped = await RunAsync(scenario, Keeping(kept, 0), cancellation: cancelled.Token);
        Assert.Equal(RunOutcomes.Stopped, stopped.Outcome);
        using MemoryStream from = new(Assert.Single(kept));
        Assert.Equal(whole, (await RunAsync(scenario, new RunCheckpoints { From = from })).Fingerprint);
    }

    /// <summary>What keeps checkpoints may fail: the run ends with it.</summary>
    [Fact]
    public async Task Run_WhoseCheckpointThrows_EndsWithThat()
    {
        ScenarioSpec scenario = TestWorlds.Scenario(8, TestWorlds.Toucher("a", 0, 40));
        RunCheckpoints full = new() { PeriodCycles = 10_000, Keep = _ => throw new IOException("full") };
        Assert.Equal("full", (await Assert.ThrowsAsync<IOException>(() => RunAsync(scenario, full))).Message);
    }

    private Task CompareAsync(int scenarios) => RandomPrograms.Scenario.SampleAsync(
        async scenario =>
        {
            RunReport whole = await RunAsync(scenario, null);
            List<byte[]> kept = [];
            Assert.Equal(whole.Fingerprint, (await RunAsync(scenario, Keeping(kept, 50_000))).Fingerprint);
            foreach (byte[] checkpoint in kept.Take(3).Concat(kept.TakeLast(1)))
            {
                using MemoryStream from = new(checkpoint);
                RunReport rest = await RunAsync(scenario, new RunCheckpoints { From = from }, threads: 2);
                Assert.Equal(whole.Fingerprint, rest.Fingerprint);
            }
        },
        iter: scenarios,
        threads: 1);

    private static RunCheckpoints Keeping(List<byte[]> kept, long cycles) => new()
    {
        PeriodCycles = cycles,
        Keep = write =>
        {
            using MemoryStream stream = new();
            write(stream);
            kept.Add(stream.ToArray());
        },
    };

    private async Task<RunReport> RunAsync(
        ScenarioSpec scenario, RunCheckpoints? checkpoints, int threads = 1, CancellationToken cancellation = default) =>
        await new SimulationRunner(Sys).RunAsync(
            scenario, new RunOptions { Threads = threads, Checkpoints = checkpoints }, null, cancellation);
}
