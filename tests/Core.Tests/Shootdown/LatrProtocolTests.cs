using VmSim.Core.Addresses;
using VmSim.Core.Machine;
using VmSim.Core.Programs;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Shootdown;
using VmSim.Testing;

namespace VmSim.Core.Tests.Shootdown;

public sealed class LatrProtocolTests
{
    private const int Tick = 1_000_000;

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void UnmapLoop_UpToTheRingsLength_SendsNoInterrupt(int targets)
    {
        RecordedRun run = UnmapLoop(targets, LatrProtocol.RingStates);
        Assert.Equal(LatrProtocol.RingStates, run.Report.Total("deferredShootdowns"));
        Assert.Equal(LatrProtocol.RingStates * targets, run.Protocol.Count(SpaceEvent.Tells));
        Assert.Equal(0, run.Report.Total("ipisSent"));
        Assert.Equal(LatrProtocol.RingStates * targets, run.Report.Total("invalidationsSwept"));
    }

    [Fact]
    public void UnmapLoop_RingFull_InterruptsEveryTarget()
    {
        RecordedRun run = UnmapLoop(targets: 3, LatrProtocol.RingStates + 5);
        Assert.Equal(LatrProtocol.RingStates, run.Report.Total("deferredShootdowns"));
        Assert.Equal(5 * 3, run.Report.Total("ipisSent"));
    }

    [Fact]
    public void UnmapLoop_RingSweptMeanwhile_TakesMore()
    {
        RecordedRun run = UnmapLoop(targets: 3, LatrProtocol.RingStates + 5, pause: Tick / 40);
        Assert.Equal(LatrProtocol.RingStates + 5, run.Report.Total("deferredShootdowns"));
        Assert.Equal(0, run.Report.Total("ipisSent"));
    }

    [Fact]
    public void UnmapLoop_Threads_EachHaveARing()
    {
        ThreadProgram Giver(string name, int first)
        {
            ThreadBuilder giver = new ThreadBuilder(name).Touch(TestWorlds.Page(first), 60);
            for (int i = 0; i < 60; i++)
            {
                giver.Unmap(TestWorlds.Page(first + i), 1);
            }

            return giver.Build();
        }

        RecordedRun run = Run(Giver("a", 0), Giver("b", 60), User(150, 1));
        Assert.Equal(120, run.Report.Total("deferredShootdowns"));
        Assert.Equal(0, run.Report.Total("ipisSent"));
    }

    [Fact]
    public void Unmap_Memory_ComesBackAfterTwoTicks()
    {
        RecordedRun run = UnmapLoop(targets: 2, 10);
        Assert.Equal(10, run.Report.Total("framesFreed"));
        foreach (SpaceStep deferred in run.Protocol.Steps.Where(step => step.Kind == SpaceEvent.Defers))
        {
            SpaceStep released = Assert.Single(
                run.Protocol.Steps, step => step.Kind == SpaceEvent.Releases && step.Shootdown == deferred.Shootdown);
            Assert.InRange(released.Time - deferred.Time, 2 * Tick, (2 * Tick) + 2_000);
        }
    }

    [Fact]
    public void Unmap_OnlyUserOfTheSpace_GivesBackAtOnce()
    {
        RecordedRun run = Run(new ThreadBuilder("g").Touch(TestWorlds.Page(0), 4).Unmap(TestWorlds.Page(0), 4).Build());
        Assert.Equal(0, run.Report.Total("deferredShootdowns"));
        Assert.Equal(4, run.Report.Total("framesFreed"));
    }

    [Fact]
    public void Unmap_OtherCore_UsesTheDeadTranslationUntilItsTick()
    {
        RecordedRun run = Run(Giver().Advise(TestWorlds.Page(0), 1, Advice.DontNeed).Compute(3 * Tick).Build(), Reader(TestWorlds.Page(0)));
        Assert.InRange(run.LongestStaleness, Tick / 2, Tick);
        Assert.Equal(new CheckerReport(run.AllowedStaleness, run.LongestStaleness), run.Report.Checker);
        Assert.Equal(0, run.Report.Total("ipisSent"));
    }

    [Fact]
    public void Unmap_RunsOfReferences_TheLastOneCountsForAnyWindow()
    {
        ThreadBuilder user = new("u");
        for (int i = 0; i < 60; i++)
        {
            user.Store(TestWorlds.Page(0), 1024);
        }

        ScenarioSpec scenario = Scenario(Giver().Advise(TestWorlds.Page(0), 1, Advice.DontNeed).Compute(3 * Tick).Build(), user.Build());
        scenario = scenario with { Machine = scenario.Machine with { StoreCycles = 30 } };
        long longest = TestWorlds.Run(scenario).Checker!.LongestStaleness.Value;
        Assert.InRange(longest, Tick / 2, Tick);
        Assert.All(
            (long[])[17, 100, 333], window => Assert.Equal(longest, TestWorlds.Run(scenario, window).Checker!.LongestStaleness.Value));
    }

    [Fact]
    public void Unmap_IdleCore_IsNotToldAndAsksWhenItWakes()
    {
        ThreadProgram sleeper = new ThreadBuilder("s").Touch(TestWorlds.Page(0), 4).Control(ControlKind.Sleep, 2 * Tick)
            .Touch(TestWorlds.Page(0), 4).Build();
        RecordedRun run = Run(Giver().Advise(TestWorlds.Page(0), 4, Advice.DontNeed).Compute(5 * Tick).Build(), sleeper);
        Assert.Equal(0, run.Protocol.Count(SpaceEvent.Tells) + run.Protocol.Count(SpaceEvent.Interrupts));
        Assert.Equal(0, run.LongestStaleness);
        Assert.Equal(8, run.Report.Total("framesAllocated"));
    }

    [Fact]
    public void Unmap_TableFreedWhileAllOthersIdle_InterruptsNobody()
    {
        const ulong lonely = 0x10_0000_0000;
        ThreadProgram giver = new ThreadBuilder("g").Map(lonely, 4).Touch(lonely, 4).Control(ControlKind.Signal, 0).Compute(200_000)
            .Unmap(lonely, 4).Compute(3 * Tick).Map(lonely, 4).Touch(lonely, 4).Control(ControlKind.Signal, 1).Build();
        ThreadProgram sleeper = new ThreadBuilder("s").Control(ControlKind.Wait, 0).Touch(lonely, 4).Control(ControlKind.Wait, 1)
            .Touch(lonely, 4).Build();
        RecordedRun run = Run(giver, sleeper);
        Assert.True(Assert.Single(run.Protocol.Steps, step => step.Kind == SpaceEvent.Finishes).TablesFreed);
        Assert.Equal(0, run.Protocol.Count(SpaceEvent.Tells) + run.Protocol.Count(SpaceEvent.Interrupts));
        Assert.Equal(8, run.Report.Total("framesAllocated"));
    }

    [Fact]
    public void Unmap_CoreGoesIdle_SweepsBefore()
    {
        ThreadProgram sleeper = new ThreadBuilder("s").Touch(TestWorlds.Page(0), 4).Compute(300_000).Control(ControlKind.Sleep, 20 * Tick)
            .Build();
        RecordedRun run = Run(Giver().Unmap(TestWorlds.Page(0), 4).Compute(3 * Tick).Touch(TestWorlds.Page(30), 1).Build(), sleeper);
        Assert.Equal(1, run.Report.Total("deferredShootdowns"));
        Assert.Equal(1, run.Report.Total("invalidationsSwept"));
        SpaceStep released = Assert.Single(run.Protocol.Steps, step => step.Kind == SpaceEvent.Releases);
        Assert.True(released.Time < 3 * Tick);
    }

    [Theory]
    [InlineData(SystemCallKind.Map)]
    [InlineData(SystemCallKind.Remap)]
    [InlineData(SystemCallKind.SetBreak)]
    public void Mapping_WhereDeadTranslationsLive_InvalidatesEverywhereFirst(SystemCallKind kind)
    {
        RecordedRun run = MapAfterUnmap(kind, pause: 1_000);
        Assert.Equal(1, run.Report.Total("deferredShootdowns"));
        Assert.Equal(2, run.Report.Total("ipisSent"));
        Assert.Equal(0, run.Report.Total("failedCalls"));
    }

    [Theory]
    [InlineData(SystemCallKind.Map)]
    [InlineData(SystemCallKind.Remap)]
    [InlineData(SystemCallKind.SetBreak)]
    public void Mapping_OnceEveryCoreHasSwept_InterruptsNobody(SystemCallKind kind)
    {
        RecordedRun run = MapAfterUnmap(kind, pause: 2 * Tick);
        Assert.Equal(1, run.Report.Total("deferredShootdowns"));

        // mremap moves a page away from its place, which is never lazy
        Assert.Equal(kind == SystemCallKind.Remap ? 2 : 0, run.Report.Total("ipisSent"));
    }

    [Fact]
    public void Mapping_Elsewhere_InterruptsNobody()
    {
        RecordedRun run = Run(
            Giver().Unmap(TestWorlds.Page(0), 4).Map(TestWorlds.Page(300), 4).Touch(TestWorlds.Page(300), 4).Build(), User(50, 1));
        Assert.Equal(1, run.Report.Total("deferredShootdowns"));
        Assert.Equal(0, run.Report.Total("ipisSent"));
    }

    [Fact]
    public void Mapping_InATableThatWasFreed_IsFoundThroughAStalePagingStructure()
    {
        // The user's caches lead to the freed table; the new pages lie in the one that took its place, and one fault more is all it costs.
        const ulong lonely = 0x10_0000_0000;
        ThreadProgram giver = new ThreadBuilder("g").Map(lonely, 4).Touch(lonely, 4).Control(ControlKind.Barrier, 0)
            .Control(ControlKind.Barrier, 0)
            .Unmap(lonely, 4).Map(lonely + (100 << 12), 4).Touch(lonely + (100 << 12), 4).Control(ControlKind.Barrier, 0).Build();
        ThreadProgram user = new ThreadBuilder("u").Control(ControlKind.Barrier, 0).Touch(lonely, 4).Control(ControlKind.Signal, 0)
            .Control(ControlKind.Barrier, 0).Compute(30_000).Load(lonely + (100 << 12), 1).Control(ControlKind.Barrier, 0).Build();
        RecordedRun run = Run(giver, user);
        Assert.Equal(0, run.Report.Total("segmentationFaults"));
        Assert.InRange(run.Report.Total("spuriousFaults"), 0, 1);
    }

    [Fact]
    public void Protect_Always_Interrupts()
    {
        RecordedRun run = Run(Giver().Protect(TestWorlds.Page(0), 4, Protection.Read).Build(), User(50, 1), User(60, 1));
        Assert.Equal(0, run.Report.Total("deferredShootdowns"));
        Assert.Equal(2, run.Report.Total("ipisSent"));
        Assert.Equal(0, run.LongestStaleness);
    }

    [Fact]
    public void MappingOverPages_Always_Interrupts()
    {
        RecordedRun run = Run(Giver().Map(TestWorlds.Page(0), 4).Build(), User(50, 1), User(60, 1));
        Assert.Equal(0, run.Report.Total("deferredShootdowns"));
        Assert.Equal(2, run.Report.Total("ipisSent"));
    }

    private static ThreadBuilder Giver() => new ThreadBuilder("g").Touch(TestWorlds.Page(0), 4).Compute(150_000);

    /// <summary>A thread that keeps its core busy for many ticks.</summary>
    private static ThreadProgram User(int page, int pages) =>
        new ThreadBuilder("u").Touch(TestWorlds.Page(page), pages).Compute(5 * Tick).Build();

    private static ThreadProgram Reader(ulong address)
    {
        ThreadBuilder reader = new ThreadBuilder("r").Compute(60_000);
        for (int i = 0; i < 4_000; i++)
        {
            reader.Load(address).Compute(1_000);
        }

        return reader.Build();
    }

    private static RecordedRun UnmapLoop(int targets, int unmaps, long pause = 0)
    {
        ThreadBuilder giver = new ThreadBuilder("g").Touch(TestWorlds.Page(0), unmaps);
        for (int i = 0; i < unmaps; i++)
        {
            giver.Unmap(TestWorlds.Page(i), 1).Compute(pause + 1);
        }

        IEnumerable<ThreadProgram> users = Enumerable.Range(0, targets).Select(number => User(200 + number, 1));
        return Run([giver.Build(), .. users]);
    }

    /// <summary>Gives pages back while two others work, waits, and maps something where they were.</summary>
    private static RecordedRun MapAfterUnmap(SystemCallKind kind, long pause)
    {
        VirtAddr place = new(TestWorlds.Page(400));
        SystemCall Break(int pages) => new() { Kind = SystemCallKind.SetBreak, Start = place + ((ulong)pages << 12) };
        ThreadBuilder giver = new ThreadBuilder("g").Compute(20_000);
        giver.Call(kind == SystemCallKind.SetBreak ? Break(0) : Map(place)).Call(kind == SystemCallKind.SetBreak ? Break(4) : Map(place));
        giver.Touch(place.Value, 4).Touch(TestWorlds.Page(0), 1).Compute(100_000);
        giver.Call(
            kind == SystemCallKind.SetBreak
                ? Break(1)
                : new SystemCall { Kind = SystemCallKind.Unmap, Start = place, Length = 4 << 12 }).Compute(pause);
        giver.Call(kind switch
        {
            SystemCallKind.SetBreak => Break(3),
            SystemCallKind.Remap => new SystemCall
            {
                Kind = kind,
                Start = new VirtAddr(TestWorlds.Page(0)),
                Length = 1 << 12,
                NewStart = place,
                NewLength = 1 << 12,
                RemapFlags = RemapFlags.MayMove,
            },
            _ => Map(place),
        });
        return Run(giver.Build(), User(50, 1), User(60, 1));

        static SystemCall Map(VirtAddr start) => new()
        {
            Kind = SystemCallKind.Map,
            Start = start,
            Length = 4 << 12,
            Protection = Protection.Read | Protection.Write,
        };
    }

    private static RecordedRun Run(params ThreadProgram[] threads) =>
        RecordedRun.OfThreads(ShootdownProtocols.All.Require("latr", "protocol"), Scenario(threads));

    private static ScenarioSpec Scenario(params ThreadProgram[] threads) => TestWorlds.Scenario(threads.Length, threads) with
    {
        Shootdown = new ShootdownSpec { Protocol = "latr" },
        Kernel = new KernelProfile { TickCycles = Tick },
    };
}
