using Akka.Actor;
using VmSim.Actors.Simulation;
using VmSim.Core.Engine;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Testing;

namespace VmSim.Actors.Tests.Cluster;

/// <summary>
/// One fingerprint, however a run is carried out: windows, threads, nodes, split domains. docs/determinism.md lists these scenarios.
/// </summary>
public sealed class FingerprintTests : FingerprintRuns
{
    [Theory]
    [MemberData(nameof(Scenarios))]
    public void Scenario_AnyWindowThreadsAndNodes_HasOneFingerprint(string file, string settings)
    {
        ScenarioSpec scenario = Load(file, settings);
        string expected = RunSequentially(scenario, check: true);
        Assert.Equal(expected, RunSequentially(scenario, check: false));
        foreach ((int lanes, int divisor) in ((int, int)[])[(1, 2), (2, 1), (4, 7), (2, 50)])
        {
            Assert.Equal(expected, Digest(RunOnLanes(scenario, lanes, divisor)));
        }

        foreach ((int nodes, int coresPerNode, int divisor) in ((int, int, int)[])[(1, 0, 1), (2, 0, 1), (3, 0, 2), (3, 1_024, 1)])
        {
            Assert.Equal(expected, Digest(RunOnNodes(scenario, nodes, coresPerNode, divisor)));
        }
    }

    [Fact]
    public void AnotherSeed_HasAnotherFingerprint() => Assert.NotEqual(
        RunSequentially(Load("scenarios/throughput-64.conf", "until=100us"), check: true),
        RunSequentially(Load("scenarios/throughput-64.conf", "until=100us seed=2"), check: true));

    /// <summary>The setting does what the option does, and neither is part of what is simulated.</summary>
    [Theory]
    [InlineData("", false)]
    [InlineData("check=off", false)]
    [InlineData("check=on", true)]
    public void Check_OnOrOff_IsNoPartOfTheFingerprint(string setting, bool watched)
    {
        ScenarioSpec scenario = Load("scenarios/garbage-collector.conf", $"until=100us {setting}");
        using World world = new(scenario);
        Assert.Equal(watched, world.Checker is not null);
        Assert.Equal(
            RunSequentially(Load("scenarios/garbage-collector.conf", "until=100us"), check: true),
            Digest(ReportBuilder.Build(world, new SequentialEngine(world).Run())));
    }

    /// <summary>
    /// One thread soon, whose traps are mostly all that is left to do: that they are must not depend on whether their messages have arrived
    /// at the end.
    /// </summary>
    [Fact]
    public async Task Run_CutAtAnyTime_EndsTheSameOnALateLane()
    {
        // a lane that is always late, so that its messages are still on their way at the end
        IActorRef teller = Sys.ActorOf(Props.Create(() => new ThreadTeller()).WithDispatcher(Lanes.Dispatcher(0)));
        Thread first = await teller.Ask<Thread>(1, HangGuard.Limit);
        Sys.ActorOf(Props.Create(() => new Dawdler(first)).WithDispatcher(Lanes.Dispatcher(1))).Tell(1);
        for (int i = 0; i < 2; i++)
        {
            ScenarioSpec scenario = TestWorlds.Scenario(
                2, TestWorlds.Toucher("a", 0, 1), TestWorlds.Toucher("b", 8, 200)) with
            { Until = 8_000 + (377 * i) };
            string expected = Digest(TestWorlds.Run(scenario));
            Assert.Equal(expected, Digest(RunOnLanes(scenario, 2)));
        }
    }

    /// <summary>Says on which thread its lane runs.</summary>
    private sealed class ThreadTeller : UntypedActor
    {
        protected override void OnReceive(object message) => Sender.Tell(Thread.CurrentThread);
    }

    /// <summary>Keeps its lane from other work until another lane has nothing left to do, again and again.</summary>
    private sealed class Dawdler(Thread other) : UntypedActor
    {
        protected override void OnReceive(object message)
        {
            HangGuard.Until(() => (other.ThreadState & (ThreadState.WaitSleepJoin | ThreadState.Stopped)) != 0);
            Self.Tell(message);
        }
    }
}
