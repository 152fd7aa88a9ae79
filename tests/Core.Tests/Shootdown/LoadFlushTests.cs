using VmSim.Core.Addresses;
using VmSim.Core.Checking;
using VmSim.Core.Engine;
using VmSim.Core.Machine;
using VmSim.Core.Programs;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Shootdown;
using VmSim.Core.VirtualTime;
using VmSim.Testing;

namespace VmSim.Core.Tests.Shootdown;

/// <summary>A space's answer to a load can have the core flush the tag.</summary>
public sealed class LoadFlushTests
{
    [Fact]
    public void Flush_OneTagForTwoSpaces_KeepsThemApart()
    {
        using World world = Run(TwoProcesses(), flush: true);
        RunReport report = ReportBuilder.Build(world, finished: true);
        Assert.Equal(RunOutcomes.Completed, report.Outcome);
        Assert.True(report.Total("spaceLoads") > 4);
        Assert.Equal(report.Total("spaceLoads"), report.Total("fullFlushes"));
        Assert.True(report.Total("entriesInvalidated") > 4);
    }

    [Fact]
    public void NoFlush_OneTagForTwoSpaces_IsAViolation()
    {
        using World world = Run(TwoProcesses(), flush: false);
        Assert.Contains(world.Checker!.Violations, violation => violation.Rule == CheckRule.UnknownTranslation);
    }

    [Fact]
    public void Flush_OneLoad_CostsAFullFlush()
    {
        ScenarioSpec scenario = TestWorlds.Scenario(1, TestWorlds.Toucher("t", 0, 4));
        using World flushing = Run(scenario, flush: true);
        using World keeping = Run(scenario, flush: false);
        CoreModel core = flushing.Cores[0];
        Assert.Equal((1L, 1L), (core.Counters[CoreCounters.SpaceLoads], core.Counters[CoreCounters.FullFlushes]));
        Assert.Equal(0, keeping.Cores[0].Counters[CoreCounters.FullFlushes]);
        Assert.Equal(keeping.Cores[0].Cycles[CoreCycles.Switch] + new KernelProfile().InvalidateAllCycles, core.Cycles[CoreCycles.Switch]);
    }

    [Fact]
    public void Flush_CoreHalfHasFlushed_IsNotDoneAgain()
    {
        ScenarioSpec scenario = TestWorlds.Scenario(1, TestWorlds.Toucher("t", 0, 4));
        using World world = Run(scenario, flush: true, coreFlushes: true);
        Assert.Equal(1, world.Cores[0].Counters[CoreCounters.FullFlushes]);
        Assert.Equal(0, world.Cores[0].Counters[CoreCounters.EntriesInvalidated]);
    }

    private static World Run(ScenarioSpec scenario, bool flush, bool coreFlushes = false)
    {
        World world = new(scenario, check: true, new OneTagProtocol(flush, coreFlushes));
        new SequentialEngine(world).Run();
        return world;
    }

    /// <summary>Two processes that take turns on one core and use the same addresses.</summary>
    private static ScenarioSpec TwoProcesses()
    {
        ThreadBuilder thread = new("t");
        for (int i = 0; i < 20; i++)
        {
            thread.Touch(TestWorlds.Page(0), 4).Compute(20_000);
        }

        return TestWorlds.Scenario(1) with
        {
            Kernel = new KernelProfile { TimeSliceCycles = 50_000 },
            Processes =
            [
                new ProcessSpec { Name = "p", Program = _ => TestWorlds.Image(thread.Build(core: new CoreId(0))) },
                new ProcessSpec { Name = "q", Program = _ => TestWorlds.Image(thread.Build(core: new CoreId(0))) },
            ],
        };
    }

    /// <summary>broadcast, with one tag for all spaces.</summary>
    private sealed class OneTagProtocol(bool flush, bool coreFlushes) : ForwardingProtocol(ShootdownProtocols.All.Find("broadcast")!)
    {
        public override SpaceShootdown CreateSpaceHalf(ISpaceShootdownContext context) =>
            new SpaceHalf(base.CreateSpaceHalf(context), flush);

        public override CoreShootdown CreateCoreHalf(ICoreShootdownContext context) =>
            new CoreHalf(base.CreateCoreHalf(context), context, coreFlushes);

        private sealed class SpaceHalf(SpaceShootdown real, bool flush) : ForwardingSpace(real)
        {
            public override LoadAnswer OnLoad(CoreId core) => base.OnLoad(core) with { Tag = new Asid(1), Flush = flush };
        }

        private sealed class CoreHalf(CoreShootdown real, ICoreShootdownContext context, bool flushes) : ForwardingCore(real)
        {
            public override InvalidationResult OnInvalidation(in Invalidation invalidation) =>
                SharedRules.Invalidate(context, new Asid(1), invalidation.Scope);

            public override LoadResult OnLoaded(SpaceId space, in LoadAnswer answer) =>
                base.OnLoaded(space, answer) with { Flushed = flushes };
        }
    }
}
