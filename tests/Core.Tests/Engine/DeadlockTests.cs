using VmSim.Core.Addresses;
using VmSim.Core.Engine;
using VmSim.Core.Kernel;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Shootdown;
using VmSim.Core.Workloads;
using VmSim.Tests.Shared;

namespace VmSim.Core.Tests.Engine;

/// <summary>A run that cannot go on says who waits for what.</summary>
public sealed class DeadlockTests
{
    [Fact]
    public void Event_ThatNobodySignals_NamesThreadAndEvent() =>
        AssertFound(Run(new ThreadBuilder("a").Control(ControlKind.Wait, 3).Build()), "p: thread 0 (a) waits for event 3");

    [Fact]
    public void Barrier_WithoutAllParties_NamesThreadAndParties() =>
        AssertFound(
            Run(new ThreadBuilder("a").Control(ControlKind.Barrier, 0).Build(), new ThreadBuilder("b").Compute(5).Build()),
            "p: thread 0 (a) waits at barrier 0 with 1 of 2 parties");

    [Fact]
    public void Mutex_ThatIsNotGivenBack_NamesTheHolder() =>
        AssertFound(
            Run(new ThreadBuilder("a").Control(ControlKind.Lock, 1).Build(), new ThreadBuilder("b").Compute(100_000).Control(ControlKind.Lock, 1).Build()),
            "p: thread 1 (b) waits for mutex 1, held by thread 0 (a)");

    [Fact]
    public void Thread_ThatNobodyStarts_IsNamed() =>
        AssertFound(
            Run(new ThreadBuilder("a").Control(ControlKind.Wait, 0).Build(), new ThreadBuilder("b").Control(ControlKind.Signal, 0).Build(startsRunnable: false)),
            "p: thread 0 (a) waits for event 0",
            "p: thread 1 (b) was never started");

    [Theory]
    [InlineData(TrapModes.Hold)]
    [InlineData(TrapModes.Park)]
    public void Shootdown_ThatNeverFinishes_NamesTheCallAndWhoIsBehindIt(string traps)
    {
        ThreadProgram user = new ThreadBuilder("user").Touch(TestWorlds.Page(0), 4).Compute(10).Build();
        ThreadProgram giver = new ThreadBuilder("giver").Compute(200_000).Unmap(TestWorlds.Page(0), 4).Build();
        ThreadProgram late = new ThreadBuilder("late").Compute(900_000).Map(TestWorlds.Page(9), 4).Build();
        RunReport report = Run(new Endless(), traps, user, giver, late);
        AssertFound(
            report,
            "p: thread 1 (giver) in unmap call at 0x7f0000000000 waits for protocol endless to finish its shootdown",
            "p: thread 2 (late) in map call at 0x7f0000009000 waits at mmap_lock behind unmap call at 0x7f0000000000 of thread 1 (giver)");
        Assert.Equal(
            traps == TrapModes.Hold,
            report.Findings.Any(line => line.StartsWith("core 1 is held by thread 1 (giver), in the kernel since cycle 20", StringComparison.Ordinal)));
    }

    [Fact]
    public void Shootdown_WhoseAcknowledgementsAreLost_NamesTheCores()
    {
        ThreadProgram user = new ThreadBuilder("user").Touch(TestWorlds.Page(0), 4).Compute(1_000_000).Build();
        ThreadProgram giver = new ThreadBuilder("giver").Compute(200_000).Unmap(TestWorlds.Page(0), 4).Build();
        using World world = new(TestWorlds.Scenario(3, giver, user, user));
        RunLosingAcknowledgements(world);
        AssertFound(
            ReportBuilder.Build(world, finished: true),
            "p: thread 0 (giver) in unmap call at 0x7f0000000000 waits for acknowledgements of cores 1, 2");
    }

    /// <summary>The plain window loop, in which no acknowledgement arrives.</summary>
    private static void RunLosingAcknowledgements(World world)
    {
        Domain domain = Assert.Single(world.Domains);
        for (long limit = world.Delays.WindowBound; limit < 5_000_000; limit += world.Delays.WindowBound)
        {
            foreach (CoreModel core in domain.Cores)
            {
                core.Run(limit);
                HandOver(domain, core.Outbox);
            }

            foreach (SpaceGroup group in domain.Groups)
            {
                group.Process(limit - world.Delays.WindowBound, limit + world.Delays.CoreToSpace);
                HandOver(domain, group.Members[0].Outbox);
            }
        }
    }

    private static void HandOver(Domain domain, Outbox outbox)
    {
        foreach (SimMessage message in outbox.Messages)
        {
            if (message.Kind != MessageKind.Ack)
            {
                domain.Route(message);
            }
        }

        outbox.Clear();
    }

    private static void AssertFound(RunReport report, params string[] lines)
    {
        Assert.Equal(RunOutcomes.Deadlock, report.Outcome);
        Assert.All(lines, line => Assert.Contains(line, report.Findings));
    }

    private static RunReport Run(params ThreadProgram[] threads) => Run(ShootdownProtocols.ByName("linux")!, TrapModes.Hold, threads);

    private static RunReport Run(IShootdownProtocol protocol, string traps, params ThreadProgram[] threads)
    {
        ScenarioSpec scenario = TestWorlds.Scenario(threads.Length, threads) with { Kernel = new KernelProfile { Traps = traps } };
        using World world = new(scenario, protocol: protocol);
        return ReportBuilder.Build(world, new SequentialEngine(world).Run());
    }

    /// <summary>The broadcast protocol without an end: tells nobody of a shootdown.</summary>
    private sealed class Endless : IShootdownProtocol
    {
        private static readonly IShootdownProtocol s_right = ShootdownProtocols.ByName("broadcast")!;

        public string Name => "endless";

        public string Summary => "Never finishes.";

        public SpaceShootdown CreateSpaceHalf(ISpaceShootdownContext context) => new Space(s_right.CreateSpaceHalf(context));

        public CoreShootdown CreateCoreHalf(ICoreShootdownContext context) => s_right.CreateCoreHalf(context);

        private sealed class Space(SpaceShootdown right) : SpaceShootdown
        {
            public override void Begin(ShootdownRequest shootdown)
            {
            }

            public override void OnAck(ShootdownRequest shootdown, CoreId core)
            {
            }

            public override LoadAnswer OnLoad(CoreId core) => right.OnLoad(core);
        }
    }
}
