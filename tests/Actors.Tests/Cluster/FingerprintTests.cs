using Akka.Actor;
using VmSim.Actors.Configuration;
using VmSim.Actors.Simulation;
using VmSim.Core.Engine;
using VmSim.Core.Kernel;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Testing;

namespace VmSim.Actors.Tests.Cluster;

/// <summary>
/// One fingerprint, however a run is carried out: windows, threads, nodes, split domains. docs/determinism.md lists these scenarios.
/// </summary>
public sealed class FingerprintTests : ShardRuns
{
    /// <summary>Scenario file or trace, and the settings that make it short.</summary>
    public static TheoryData<string, string> Scenarios { get; } = new()
    {
        { "traces/mt.vmt.gz", "machine.cores=6 until=1ms shootdown.protocol=linux" },
        { "traces/mt.vmt.gz", "machine.cores=4 until=600us replay.order=full" },
        { "traces/ls.vmt.gz", "" },
        { "scenarios/bgsave.conf", "until=600us" },
        { "scenarios/context-switch1.conf", "until=400us" },
        { "scenarios/many-processes.conf", "until=300us shootdown.protocol=linux threads.placement=single kernel.time-slice-cycles=20000" },
        { "scenarios/page-fault2.conf", "until=200us" },
        { "scenarios/page-fault3.conf", "until=200us memory.shared=on" },
        { "scenarios/page-fault1.conf", "until=400us memory.transparent-huge-pages=always" },
        { "scenarios/web-server.conf", "until=400us memory.shared=on" },
        { "scenarios/garbage-collector.conf", "until=300us" },
        { "scenarios/munmap-latr.conf", "until=1500us shootdown.protocol=latr" },
        { "scenarios/fault-locks.conf", "until=300us" },
        { "scenarios/throughput-64.conf", "until=150us" },
    };

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

    [Theory]
    [MemberData(nameof(Scenarios))]
    public void Scenario_StoppedAndRestoredFromCheckpoints_HasOneFingerprint(string file, string settings)
    {
        ScenarioSpec scenario = Load(file, settings);
        string expected = RunSequentially(scenario, check: true);
        Assert.Equal(expected, Digest(RunOnLanes(scenario, 2, stops: [0, 1, 25])));
        Assert.Equal(expected, Digest(RunOnNodes(scenario, 2, coresPerNode: 0, stops: [0, 25])));
    }

    /// <summary>What is kept one by one is the same too, and keeping it changes nothing.</summary>
    [Theory]
    [InlineData("traces/mt.vmt.gz", "machine.cores=4 until=250us warmup=30us", 30_000)]
    [InlineData("scenarios/bgsave.conf", "until=200us kernel.traps=park", 0)]
    [InlineData("scenarios/munmap-latr.conf", "until=200us shootdown.protocol=latr", 0)]
    public void Lists_AnyWindowThreadsAndNodes_AreTheSame(string file, string settings, long from)
    {
        ScenarioSpec scenario = Load(file, settings);
        string fingerprint = TestWorlds.Run(scenario).Fingerprint;
        Lists = new RunLists { Faults = true, Timeline = true, TimelineFrom = from, TimelineEnd = 400_000 };
        RunReport expected = RunOnLanes(scenario, 1);
        Assert.Equal(fingerprint, expected.Fingerprint);
        Assert.NotEmpty(expected.OperationRecords);
        Assert.Contains(expected.Timeline!.Cores, slices => slices.Count > 0);
        foreach (IReadOnlyList<CoreSlice> slices in expected.Timeline.Cores)
        {
            AssertNest(slices);
        }

        Assert.Equal(expected.Total("accesses"), expected.Intervals!.Series[0].Value.Sum());
        Assert.Equal(expected.Total("ipisSent"), expected.Interrupts?.Rows.Sum(row => row.Sum()) ?? 0);
        Assert.Equal(Digest(expected), Digest(RunOnLanes(scenario, 2, 7)));
        Assert.Equal(Digest(expected), Digest(RunOnLanes(scenario, 2, stops: [0, 1])));
        Assert.Equal(Digest(expected), Digest(RunOnNodes(scenario, 2, coresPerNode: 0, 2)));
    }

    private static void AssertNest(IReadOnlyList<CoreSlice> slices)
    {
        Stack<CoreSlice> open = [];
        foreach (CoreSlice slice in slices)
        {
            while (open.TryPeek(out CoreSlice last) && last.End <= slice.Begin)
            {
                open.Pop();
            }

            Assert.True(slice.End >= slice.Begin && (open.Count == 0 || slice.End <= open.Peek().End), $"{slice} crosses another one");
            open.Push(slice);
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

    private static ScenarioSpec Load(string file, string settings) =>
        ScenarioLoader.Load(ConfigFiles.Find(file), settings.Split(' ', StringSplitOptions.RemoveEmptyEntries));

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

    private static string RunSequentially(ScenarioSpec scenario, bool check)
    {
        using World world = new(scenario, check);
        RunReport report = ReportBuilder.Build(world, new SequentialEngine(world).Run());
        Assert.NotEqual(RunOutcomes.Violation, report.Outcome);
        return Digest(report);
    }
}
