using Akka.Actor;
using CsCheck;
using VmSim.Actors.Simulation;
using VmSim.Core.Engine;
using VmSim.Core.Programs;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Testing;

namespace VmSim.Actors.Tests.Simulation;

public sealed class SimulationActorTests() : ActorTest(Lanes.Configuration(4))
{
    [Fact]
    public void Start_RandomScenarios_GiveTheSequentialEnginesFingerprintOnAnyLanes() => CompareLanes(scenarios: 25);

    [Fact]
    [Trait("Category", "Long")]
    public void Start_ManyRandomScenarios_GiveTheSequentialEnginesFingerprintOnAnyLanes() => CompareLanes(scenarios: 500);

    private void CompareLanes(int scenarios) => RandomPrograms.Scenario.Sample(
        scenario =>
        {
            string expected = TestWorlds.Run(scenario).Fingerprint;
            foreach (int lanes in new[] { 1, 2, 4 })
            {
                Assert.Equal(expected, Run(scenario, lanes).Fingerprint);
            }
        },
        iter: scenarios,
        threads: 1);

    [Fact]
    public void Start_ManyProcesses_GiveTheSequentialEnginesFingerprint()
    {
        ScenarioSpec scenario = TestWorlds.Scenario(8, TestWorlds.Toucher("a", 0, 40), TestWorlds.Toucher("b", 20, 60));
        scenario = scenario with { Processes = [scenario.Processes[0] with { Count = 4 }] };
        string expected = TestWorlds.Run(scenario).Fingerprint;
        Assert.Equal(expected, Run(scenario, 1).Fingerprint);
        Assert.Equal(expected, Run(scenario, 2).Fingerprint);
    }

    [Fact]
    public async Task Start_AnActorStopsUnexpectedly_FailsTheRun()
    {
        using World world = new(Endless());
        Progress progress = new(reports: 1);
        IActorRef simulation = Sys.ActorOf(SimulationActor.Props(world, world.Delays.WindowBound.Value, 2, progress));
        simulation.Tell(new SimulationProtocol.Start(), TestActor);
        await progress.Made.OrHangAsync();
        ActorSelection core = Sys.ActorSelection(simulation.Path / "domain-0" / "core-0");
        (await core.ResolveOne(HangGuard.Limit)).Tell(PoisonPill.Instance);
        SimulationProtocol.Failed failed = await ExpectMsgAsync<SimulationProtocol.Failed>();
        Assert.Contains("core-0", failed.Reason.Message, StringComparison.Ordinal);
        StopAndWait(simulation);
    }

    [Fact]
    public void Stop_EndlessRun_EndsAtAWindowsEnd()
    {
        using World world = new(Endless());
        IActorRef simulation = Sys.ActorOf(SimulationActor.Props(world, world.Delays.WindowBound.Value, 1, null));
        simulation.Tell(new SimulationProtocol.Start(), TestActor);
        simulation.Tell(new SimulationProtocol.Stop(), TestActor);
        Assert.False(ExpectMsg<SimulationProtocol.Finished>().Completed);
        StopAndWait(simulation);
    }

    [Fact]
    public void Stop_BeforeTheStart_EndsTheRun()
    {
        using World world = new(Endless());
        IActorRef simulation = Sys.ActorOf(SimulationActor.Props(world, world.Delays.WindowBound.Value, 1, null));
        simulation.Tell(new SimulationProtocol.Stop(), TestActor);
        simulation.Tell(new SimulationProtocol.Start(), TestActor);
        Assert.False(ExpectMsg<SimulationProtocol.Finished>().Completed);
        StopAndWait(simulation);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    public async Task Stop_InTheMiddleOfManyDomains_EndsAtAWindowsEnd(int lanes)
    {
        ScenarioSpec endless = Endless();
        using World world = new(endless with
        {
            Machine = endless.Machine with { Cores = 8 },
            Processes = [endless.Processes[0] with { Count = 4 }],
        });
        Progress progress = new(reports: 4);
        IActorRef simulation = Sys.ActorOf(SimulationActor.Props(world, world.Delays.WindowBound.Value, lanes, progress));
        simulation.Tell(new SimulationProtocol.Start(), TestActor);
        await progress.Made.OrHangAsync();
        simulation.Tell(new SimulationProtocol.Stop(), TestActor);
        Assert.False((await ExpectMsgAsync<SimulationProtocol.Finished>()).Completed);
        StopAndWait(simulation);
    }

    /// <summary>A run whose lanes lose stops at the end of a window, and goes on from there on one lane, and then on all again.</summary>
    [Fact]
    public void LanesLose_WhereverItIs_GoesOnOnOneLaneWithTheSameFingerprint() => RandomPrograms.Scenario.Sample(
        scenario =>
        {
            string expected = TestWorlds.Run(scenario).Fingerprint;
            using World world = new(scenario);
            bool isCompleted = false;
            for (int piece = 0; !isCompleted; piece++)
            {
                IActorRef simulation = Sys.ActorOf(SimulationActor.Props(
                    world, world.Delays.WindowBound.Value, piece % 2 == 0 ? 2 : 1, null, mayStop: true));
                simulation.Tell(new SimulationProtocol.Start(), TestActor);
                if (piece < 4)
                {
                    simulation.Tell(new DomainProtocol.LanesLose(0), TestActor);
                }

                SimulationProtocol.Finished finished = ExpectMsg<SimulationProtocol.Finished>();
                isCompleted = finished.Completed;
                Assert.True(piece >= 4 || finished.LanesLose, "it was not told of");
                StopAndWait(simulation);
                Assert.True(isCompleted || finished.LanesLose || piece > 50, "it stopped for no reason");
            }

            Assert.Equal(expected, ReportBuilder.Build(world, finished: true).Fingerprint);
        },
        iter: 25,
        threads: 1);

    [Fact]
    public void PauseAndResume_GiveTheSameFingerprint()
    {
        ScenarioSpec scenario = TestWorlds.Scenario(2, TestWorlds.Toucher("a", 0, 200), TestWorlds.Toucher("b", 20, 60));
        string expected = TestWorlds.Run(scenario).Fingerprint;
        using World world = new(scenario);
        IActorRef simulation = Sys.ActorOf(SimulationActor.Props(world, world.Delays.WindowBound.Value, 2, null));
        simulation.Tell(new SimulationProtocol.Start(), TestActor);
        simulation.Tell(new SimulationProtocol.Pause(), TestActor);
        simulation.Tell(new SimulationProtocol.Resume(), TestActor);
        Assert.True(ExpectMsg<SimulationProtocol.Finished>().Completed);
        StopAndWait(simulation);
        Assert.Equal(expected, ReportBuilder.Build(world, finished: true).Fingerprint);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task PauseAndResume_DomainsThatTakeTurns_GiveTheSameFingerprint(int lanes)
    {
        const int TurnWindows = 256;
        ThreadProgram[] threads = [.. Enumerable.Range(0, 2).Select(number => Looper($"t{number}", number))];
        ScenarioSpec scenario = TestWorlds.Scenario(8, threads);
        scenario = scenario with { Processes = [scenario.Processes[0] with { Count = 4 }] };
        string expected = TestWorlds.Run(scenario).Fingerprint;
        using World world = new(scenario);
        IActorRef simulation = Sys.ActorOf(SimulationActor.Props(world, world.Delays.WindowBound.Value, lanes, null, TurnWindows));
        simulation.Tell(new SimulationProtocol.Start(), TestActor);
        for (int i = 0; i < 20; i++)
        {
            simulation.Tell(new SimulationProtocol.Pause(), TestActor);
            await PassedOnAsync(simulation, world.Domains.Count);
            simulation.Tell(new SimulationProtocol.Resume(), TestActor);
        }

        SimulationProtocol.Finished finished = await ExpectMsgAsync<SimulationProtocol.Finished>();
        Assert.True(finished.Completed);
        Assert.True(finished.Windows > 4 * 2 * TurnWindows);
        StopAndWait(simulation);
        Assert.Equal(expected, ReportBuilder.Build(world, finished: true).Fingerprint);
    }

    /// <summary>Faults and unmaps again and again, so that many windows pass.</summary>
    private static ThreadProgram Looper(string name, int first)
    {
        ThreadBuilder thread = new(name);
        for (int i = 0; i < 400; i++)
        {
            thread.Touch(TestWorlds.Page(first * 8), 4).Advise(TestWorlds.Page(first * 8), 4, Advice.DontNeed);
        }

        return thread.Build();
    }

    private static ScenarioSpec Endless()
    {
        ThreadProgram Spinner(string name) => new()
        {
            Name = name,
            Open = () => new EndlessStream(),
            SystemCalls = [],
        };
        return TestWorlds.Scenario(2, Spinner("a"), Spinner("b"));
    }

    private RunReport Run(ScenarioSpec scenario, int lanes)
    {
        using World world = new(scenario);
        IActorRef simulation = Sys.ActorOf(SimulationActor.Props(world, world.Delays.WindowBound.Value, lanes, null));
        SimulationProtocol.Finished finished = simulation.Ask<SimulationProtocol.Finished>(
            new SimulationProtocol.Start(), HangGuard.Limit).Result;
        StopAndWait(simulation);
        return ReportBuilder.Build(world, finished.Completed);
    }

    private void StopAndWait(IActorRef simulation)
    {
        Watch(simulation);
        Sys.Stop(simulation);
        ExpectTerminated(simulation);
        Unwatch(simulation);
    }

    /// <summary>Waits until all domains have what the simulation was told before.</summary>
    private async Task PassedOnAsync(IActorRef simulation, int domains)
    {
        await simulation.Ask<ActorIdentity>(new Identify(null), HangGuard.Limit);
        for (int domain = 0; domain < domains; domain++)
        {
            await Sys.ActorSelection(simulation.Path / $"domain-{domain}").Ask<ActorIdentity>(new Identify(null), HangGuard.Limit);
        }
    }

    /// <summary>Waits until a run has said some times how far it is.</summary>
    private sealed class Progress(int reports) : IProgress<RunProgress>
    {
        private readonly TaskCompletionSource _made = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _reports;

        public Task Made => _made.Task;

        public void Report(RunProgress value)
        {
            if (++_reports == reports)
            {
                _made.SetResult();
            }
        }
    }

    private sealed class EndlessStream : IOperationStream
    {
        public int Read(Span<ulong> operations)
        {
            operations.Fill(Operation.ControlWord(ControlKind.Compute, 100));
            return operations.Length;
        }
    }
}
