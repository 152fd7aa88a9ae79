using VmSim.Actors.Configuration;
using VmSim.Actors.Exploring;
using VmSim.Actors.Running;
using VmSim.Actors.Simulation;
using VmSim.Core.Addresses;
using VmSim.Core.Exploring;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Shootdown;
using VmSim.Core.VirtualTime;
using VmSim.Core.Workloads.Synthetic;
using VmSim.Testing;

namespace VmSim.Actors.Tests.Exploring;

public sealed class ExploreRunnerTests() : ActorTest(Lanes.Configuration(2))
{
    private static readonly WorldSize Size = new(2, 1, 2);
    private static readonly ExploreScenario Scenario = new("linux", Size, 1, "anonymous");
    private static readonly ExploreState Start = new("key", 0, 0, 0);

    [Fact]
    public async Task Run_OnOneAndTwoThreads_FindsTheSame()
    {
        ExploreResult one = await RunAsync(null, Start, threads: 1);
        ExploreResult two = await RunAsync(null, Start, threads: 2);
        Assert.True(one.IsWhole);
        Assert.Equal(one, two);
        Assert.Equal(new WorldGenerator(Size).All().LongCount(), one.State.Worlds);
    }

    /// <summary>What goes on from a state ends with what would have been found at once.</summary>
    [Fact]
    public async Task Run_FromAState_GoesOn()
    {
        ExploreResult whole = await RunAsync(null, Start, threads: 1);
        using CancellationTokenSource stop = new();
        ExploreResult stopped = await new ExploreRunner(Scenario.Load([]), null, new ExploreLimits(1)).RunAsync(
            new WorldGenerator(Size).All(), Start, 1, new StopAfter(stop), stop.Token);
        Assert.False(stopped.IsWhole);
        Assert.InRange(stopped.State.Worlds, 1, whole.State.Worlds - 1);
        ExploreState? read = ExploreState.Read(stopped.State.Text, "key", out string problem);
        Assert.True(read is not null, problem);
        Assert.Equal(whole, await RunAsync(null, read, threads: 2));
    }

    [Theory]
    [InlineData("", "this is no state")]
    [InlineData("vmsim explore 1\nother\nworlds 1\nschedules 2\nstates 3\n", "it is of \"other\"")]
    [InlineData("vmsim explore 1\nkey\nworlds x\nschedules 2\nstates 3\n", "this is no state")]
    public void State_OfSomethingElse_IsRefused(string text, string problem)
    {
        Assert.Null(ExploreState.Read(text, "key", out string found));
        Assert.StartsWith(problem, found, StringComparison.Ordinal);
    }

    /// <summary>The smallest failure is found by any number of threads, and is a scenario that actors honour on any window.</summary>
    [Fact]
    public async Task Run_ProtocolWithABug_GivesTheSmallestScenario()
    {
        ExploreResult one = await RunAsync(new Forgetful(), Start, threads: 1);
        ExploreResult two = await RunAsync(new Forgetful(), Start, threads: 2);
        Assert.NotNull(one.Failure);
        Assert.Equal(one.Failure.World.Script, two.Failure!.World.Script);
        Assert.Equal(one.Failure.Lines, two.Failure.Lines);
    }

    [Fact]
    public async Task Scenario_WithASchedule_IsTheSameOnAnyThreadsAndWindow()
    {
        string text = Scenario.Text(
            ScriptStep.Parse("munmap 0, pause 700, load 1 | load 0, dontneed 1", 2), "core 1/3 +900, space 0/9 +4000");
        ScenarioSpec spec = ScenarioLoader.Parse(text, "test", Directory.GetCurrentDirectory(), []);
        Assert.Equal(2, MessageSchedule.Parse(spec.Schedule, 2).Delays.Count);
        SimulationRunner runner = new(Sys);
        RunReport plain = await runner.RunAsync(spec, new RunOptions { Threads = 1 }, null, CancellationToken.None);
        RunReport other = await runner.RunAsync(spec, new RunOptions { Threads = 2, Window = 70 }, null, CancellationToken.None);
        RunReport undelayed = await runner.RunAsync(
            spec with { Schedule = "" }, new RunOptions { Threads = 1 }, null, CancellationToken.None);
        Assert.Equal(RunOutcomes.Completed, plain.Outcome);
        Assert.Equal(plain.Fingerprint, other.Fingerprint);
        Assert.NotEqual(plain.Fingerprint, undelayed.Fingerprint);
    }

    private static Task<ExploreResult> RunAsync(IShootdownProtocol? protocol, ExploreState from, int threads) =>
        new ExploreRunner(Scenario.Load([]), protocol, new ExploreLimits(1)).RunAsync(new WorldGenerator(Size).All(), from, threads);

    /// <summary>Asks for the end after the first portion.</summary>
    private sealed class StopAfter(CancellationTokenSource stop) : IProgress<ExploreState>
    {
        public void Report(ExploreState value) => stop.Cancel();
    }

    /// <summary>linux, but for other cores, which it never interrupts.</summary>
    private sealed class Forgetful() : ForwardingProtocol(new LinuxProtocol())
    {
        public override SpaceShootdown CreateSpaceHalf(ISpaceShootdownContext context) => base.CreateSpaceHalf(new Context(context));

        private sealed class Context(ISpaceShootdownContext right) : ForwardingContext(right)
        {
            public override void InvalidateByInterrupt(ShootdownRequest shootdown, CoreId core, InvalidationScope scope)
            {
            }
        }
    }
}
