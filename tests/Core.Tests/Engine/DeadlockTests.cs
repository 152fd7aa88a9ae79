using VmSim.Core.Engine;
using VmSim.Core.Kernel;
using VmSim.Core.Machine;
using VmSim.Core.Programs;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Shootdown;
using VmSim.Core.VirtualTime;
using VmSim.Testing;
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
            Run(
                new ThreadBuilder("a").Control(ControlKind.Lock, 1).Build(),
                new ThreadBuilder("b").Compute(100_000).Control(ControlKind.Lock, 1).Build()),
            "p: thread 1 (b) waits for mutex 1, held by thread 0 (a)");

    [Fact]
    public void Thread_ThatNobodyStarts_IsNamed() =>
        AssertFound(
            Run(
                new ThreadBuilder("a").Control(ControlKind.Wait, 0).Build(),
                new ThreadBuilder("b").Control(ControlKind.Signal, 0).Build(startsRunnable: false)),
            "p: thread 0 (a) waits for event 0",
            "p: thread 1 (b) was never started");

    [Theory]
    [InlineData("broadcast", TrapModes.Hold)]
    [InlineData("broadcast", TrapModes.Park)]
    [InlineData("latr", TrapModes.Hold)]
    [InlineData("latr", TrapModes.Park)]
    public void Shootdown_ThatNeverFinishes_NamesTheCallAndWhoIsBehindIt(string protocol, string traps)
    {
        RunReport report = Run(new EndlessProtocol(ShootdownProtocols.All.Find(protocol)!), traps, Stuck());
        AssertFound(
            report,
            $"p: thread 1 (giver) in unmap call at 0x7f0000000000 waits for protocol {protocol} to finish its shootdown",
            "p: thread 2 (late) in map call at 0x7f0000009000 waits at mmap_lock behind unmap call at 0x7f0000000000 of thread 1 (giver)");
        Assert.Equal(
            traps == TrapModes.Hold,
            report.Findings.Any(
                line => line.StartsWith("core 1 is held by thread 1 (giver), in the kernel since cycle 20", StringComparison.Ordinal)));
    }

    /// <summary>What waits for ever to be given back is a violation; who waits for whom stands below it.</summary>
    [Fact]
    public void Shootdown_ThatNeverFinishesUnderTheChecker_SaysWhatIsLostAndWhoWaits()
    {
        using World world = new(TestWorlds.Scenario(3, Stuck()), check: true, new EndlessProtocol(ShootdownProtocols.All.Find("linux")!));
        RunReport report = ReportBuilder.Build(world, new SequentialEngine(world).Run());
        Assert.Equal(RunOutcomes.Violation, report.Outcome);
        Assert.Contains("FramesLost", report.Findings[0], StringComparison.Ordinal);
        Assert.Contains(
            "p: thread 1 (giver) in unmap call at 0x7f0000000000 waits for protocol linux to finish its shootdown", report.Findings);
    }

    /// <summary>
    /// A core that waits in the kernel goes on ticking. Where its ticks do nothing, nobody waits for them, and when they are taken is no
    /// matter.
    /// </summary>
    [Theory]
    [InlineData(0, 0)]
    [InlineData(0, 1_700_000)]
    [InlineData(1_200_000, 0)]
    [InlineData(300_000, 1_300_000)]
    public void Shootdown_ThatNeverFinishesUnderTicks_IsFoundTheSameOnAnyWindow(long warmup, long until)
    {
        ScenarioSpec scenario = TestWorlds.Scenario(3, Stuck()) with { Warmup = warmup, Until = until };
        RunReport expected = Run(scenario, window: 0);
        Assert.Equal(RunOutcomes.Deadlock, expected.Outcome);
        Assert.InRange(
            expected.Total("cycles"), Math.Max(0, Math.Max(until, 900_000) - warmup), Math.Max(0, Math.Max(until, 935_000) - warmup));
        long bound = WorldParts.DelaysOf(scenario with { Shootdown = new ShootdownSpec { Protocol = "latr" } }).WindowBound.Value;
        foreach (long window in (long[])[bound / 2, bound / 7, 17])
        {
            Assert.Equal(expected.Fingerprint, Run(scenario, window).Fingerprint);
        }
    }

    /// <summary>One thread waits for a shootdown, another one behind it at the lock of the address space.</summary>
    private static ThreadProgram[] Stuck() =>
    [
        new ThreadBuilder("user").Touch(TestWorlds.Page(0), 4).Compute(10).Build(),
        new ThreadBuilder("giver").Compute(200_000).Unmap(TestWorlds.Page(0), 4).Build(),
        new ThreadBuilder("late").Compute(900_000).Map(TestWorlds.Page(9), 4).Build(),
    ];

    private static RunReport Run(ScenarioSpec scenario, long window)
    {
        using World world = new(scenario, protocol: new EndlessProtocol(ShootdownProtocols.All.Find("latr")!));
        return ReportBuilder.Build(world, new SequentialEngine(world, window).Run());
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
        for (long limit = world.Delays.WindowBound.Value; limit < 5_000_000; limit += world.Delays.WindowBound.Value)
        {
            foreach (CoreModel core in domain.Cores)
            {
                core.Run(limit);
                HandOver(domain, core.Outbox);
            }

            foreach (SpaceGroup group in domain.Groups)
            {
                group.Process(limit - world.Delays.WindowBound.Value, limit + world.Delays.CoreToSpace.Value);
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

    private static RunReport Run(params ThreadProgram[] threads) => Run(ShootdownProtocols.All.Find("linux")!, TrapModes.Hold, threads);

    private static RunReport Run(IShootdownProtocol protocol, string traps, params ThreadProgram[] threads)
    {
        ScenarioSpec scenario = TestWorlds.Scenario(threads.Length, threads) with { Kernel = new KernelProfile { Traps = traps } };
        using World world = new(scenario, protocol: protocol);
        return ReportBuilder.Build(world, new SequentialEngine(world).Run());
    }
}
