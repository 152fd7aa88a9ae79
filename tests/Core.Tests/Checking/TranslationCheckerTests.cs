using VmSim.Core.Addresses;
using VmSim.Core.Checking;
using VmSim.Core.Engine;
using VmSim.Core.Kernel;
using VmSim.Core.Paging;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Shootdown;
using VmSim.Core.Workloads;
using VmSim.Tests.Shared;

namespace VmSim.Core.Tests.Checking;

public sealed class TranslationCheckerTests
{
    public static TheoryData<string> Protocols => [.. ShootdownProtocols.All.Select(protocol => protocol.Name)];

    [Theory]
    [MemberData(nameof(Protocols))]
    public void Check_RightProtocol_FindsNothing(string protocol) => Assert.Empty(Run(protocol, SeededBug.None));

    [Theory]
    [InlineData("broadcast", SeededBug.DropsOneInterrupt, CheckRule.DeadTranslation)]
    [InlineData("linux", SeededBug.DropsOneInterrupt, CheckRule.DeadTranslation)]
    [InlineData("broadcast", SeededBug.AcknowledgesWithoutInvalidating, CheckRule.DeadTranslation)]
    [InlineData("linux", SeededBug.AcknowledgesWithoutInvalidating, CheckRule.DeadTranslation)]
    [InlineData("broadcast", SeededBug.LeavesOutTheLastPage, CheckRule.DeadTranslation)]
    [InlineData("broadcast", SeededBug.ForgetsTheInitiator, CheckRule.DeadTranslation)]
    public void Check_SeededBug_IsCaughtAsAUseOfADeadTranslation(string protocol, SeededBug bug, CheckRule rule)
    {
        IReadOnlyList<Violation> violations = Run(protocol, bug);
        Violation caught = Assert.Single(violations.Where(violation => violation.Rule == rule || violation.Rule == CheckRule.EarlyRelease).Take(1));
        Assert.NotEmpty(caught.Trace);
        Assert.Contains(caught.Trace, line => line.Contains("starts", StringComparison.Ordinal));
    }

    [Fact]
    public void Check_MemoryReleasedBeforeTheInterrupts_IsCaughtAsEarlyRelease()
    {
        IReadOnlyList<Violation> violations = RunUnmap("broadcast", SeededBug.ReleasesAtOnce);
        Assert.Contains(violations, violation => violation.Rule == CheckRule.EarlyRelease);
    }

    [Fact]
    public void Check_DeferredMemoryReleasedAtOnce_IsCaughtAsEarlyRelease()
    {
        IReadOnlyList<Violation> violations = RunUnmap("latr", SeededBug.ReleasesDeferredAtOnce);
        Assert.Contains(violations, violation => violation.Rule == CheckRule.EarlyRelease);
    }

    [Fact]
    public void Check_LazyStatesNeverSwept_IsCaughtAfterTheAllowedTime()
    {
        ThreadBuilder user = new("u");
        for (int i = 0; i < 300; i++)
        {
            user.Load(TestWorlds.Page(i % 4)).Compute(5_000);
        }

        ThreadProgram giver = new ThreadBuilder("g").Touch(TestWorlds.Page(0), 4).Compute(300_000).Advise(TestWorlds.Page(0), 4, Advice.DontNeed).Compute(1_000_000).Build();
        ScenarioSpec scenario = TestWorlds.Scenario(2, giver, user.Build()) with { Kernel = new KernelProfile { TickCycles = 100_000 } };
        Assert.Empty(Run(scenario, "latr", SeededBug.None));
        Violation violation = Assert.Single(Run(scenario, "latr", SeededBug.NeverSweeps));
        Assert.Equal(CheckRule.DeadTranslation, violation.Rule);
        Assert.InRange(violation.Time, 500_000, 540_000);
    }

    [Fact]
    public void Check_Violation_EndsTheReportWhereItWasFound()
    {
        ThreadProgram user = new ThreadBuilder("u").Touch(TestWorlds.Page(0), 4).Compute(1_000_000).Load(TestWorlds.Page(0)).Compute(1_000_000_000).Build();
        ThreadProgram giver = new ThreadBuilder("g").Touch(TestWorlds.Page(0), 4).Compute(300_000).Advise(TestWorlds.Page(0), 4, Advice.DontNeed).Compute(900_000_000).Build();
        ScenarioSpec scenario = TestWorlds.Scenario(2, giver, user) with { Until = 500_000_000 };
        using World world = new(scenario, check: true, new BuggyProtocol(ShootdownProtocols.ByName("broadcast")!, SeededBug.DropsOneInterrupt));
        RunReport report = ReportBuilder.Build(world, new SequentialEngine(world).Run());
        Assert.Equal(RunOutcomes.Violation, report.Outcome);
        Assert.InRange(report.Total("cycles"), 300_000, 400_000);
        Assert.All(report.Cores, core => Assert.InRange(core.Cycles.Fault + core.Cycles.Syscall, 0, 1_000_000));
    }

    [Fact]
    public void Check_WriteAfterProtect_IsCaughtAsWiderRights()
    {
        ThreadProgram writer = new ThreadBuilder("w").Store(TestWorlds.Page(0)).Compute(10_000_000).Build();
        ThreadBuilder busy = new("b");
        for (int i = 0; i < 200; i++)
        {
            busy.Store(TestWorlds.Page(1)).Compute(20_000);
        }

        ThreadProgram protector = new ThreadBuilder("p").Compute(1_000_000).Protect(TestWorlds.Page(0), 4, Protection.Read).Build();
        IReadOnlyList<Violation> violations = Run(TestWorlds.Scenario(3, protector, writer, busy.Build()), "broadcast", SeededBug.DropsOneInterrupt);
        Violation violation = Assert.Single(violations);
        Assert.Equal(CheckRule.WiderRights, violation.Rule);
        Assert.Contains(violation.Trace, line => line.Contains("protect call", StringComparison.Ordinal) && line.Contains("returned", StringComparison.Ordinal));
    }

    [Fact]
    public void Check_TableChangedBehindTheAreas_IsCaughtAsDisagreement()
    {
        using World world = new(TestWorlds.Scenario(1, TestWorlds.Toucher("t", 0, 4)), check: true);
        world.Spaces[0].Table.Map(new VirtAddr(0x5000_0000), new PhysAddr(0x7000), PageSize.Size4K, PageFlags.Read | PageFlags.User);
        new SequentialEngine(world).Run();
        world.Checker!.Finish();
        Assert.Contains(world.Checker.Violations, violation => violation.Rule == CheckRule.TableDisagrees);
    }

    [Fact]
    public void Check_TranslationThatTheTableNeverHad_IsCaught()
    {
        ThreadProgram thread = new ThreadBuilder("t").Store(TestWorlds.Page(0)).Compute(100).Load(TestWorlds.Page(0)).Compute(10).Build();
        using World world = new(TestWorlds.Scenario(1, thread), check: true);
        CoreModel core = world.Cores[0];
        core.Mmu.Load(new Asid(1), ForeignTable());
        core.Mmu.TryHit(AccessKind.Load, TestWorlds.Page(0));
        core.Mmu.Translate(AccessKind.Store, TestWorlds.Page(0), user: true, 0);
        new SequentialEngine(world).Run();
        Assert.Equal(CheckRule.UnknownTranslation, world.Checker!.Violations[0].Rule);
    }

    [Fact]
    public void Check_AcknowledgementThatNobodyWaitsFor_IsCaught()
    {
        using World world = new(TestWorlds.Scenario(2, TestWorlds.Toucher("t", 0, 1)), check: true);
        SpaceChecker space = world.Checker!.Space(0);
        world.Spaces[0].Table.Map(new VirtAddr(TestWorlds.Base), new PhysAddr(0x7000), PageSize.Size4K, PageFlags.Read | PageFlags.User);
        space.Adopt();
        NoEffect visitor = default;
        world.Spaces[0].Table.UnmapRange(new VirtAddr(TestWorlds.Base), 4096, ref visitor);
        space.Executed(1, OperationText.Call(SystemCallKind.Unmap, new VirtAddr(TestWorlds.Base)), new CoreId(0), 100, TestWorlds.Base >> 12, (TestWorlds.Base >> 12) + 1);
        space.Sent(1, new CoreId(1), 200);
        space.Acknowledged(1, new CoreId(1), 300);
        Assert.False(world.Checker.Violated);
        space.Acknowledged(1, new CoreId(1), 400);
        Assert.Equal(CheckRule.StrayAcknowledgement, Assert.Single(world.Checker.Violations).Rule);
    }

    private static PageTable ForeignTable()
    {
        PageTable table = new(PageTableFormats.ByName("x86-64")!);
        table.Map(new VirtAddr(TestWorlds.Base), new PhysAddr(0x1234000), PageSize.Size4K, PageFlags.Read | PageFlags.Write | PageFlags.User | PageFlags.Dirty);
        return table;
    }

    private static IReadOnlyList<Violation> Run(string protocol, SeededBug bug)
    {
        // Two cores go on using what the first one gives back.
        ThreadBuilder user = new("u");
        for (int i = 0; i < 300; i++)
        {
            user.Load(TestWorlds.Page(i % 4)).Compute(5_000);
        }

        ThreadBuilder giver = new("g");
        giver.Touch(TestWorlds.Page(0), 4).Compute(300_000);
        for (int i = 0; i < 5; i++)
        {
            giver.Advise(TestWorlds.Page(0), 4, Advice.DontNeed).Touch(TestWorlds.Page(0), 4).Compute(50_000);
        }

        return Run(TestWorlds.Scenario(3, giver.Build(), user.Build(), user.Build()), protocol, bug);
    }

    private static IReadOnlyList<Violation> RunUnmap(string protocol, SeededBug bug)
    {
        ThreadProgram user = new ThreadBuilder("u").Touch(TestWorlds.Page(0), 4).Compute(1_000_000).Build();
        ThreadProgram giver = new ThreadBuilder("g").Compute(200_000).Unmap(TestWorlds.Page(0), 4).Build();
        return Run(TestWorlds.Scenario(2, giver, user), protocol, bug);
    }

    private static IReadOnlyList<Violation> Run(ScenarioSpec scenario, string protocol, SeededBug bug)
    {
        using World world = new(scenario, check: true, new BuggyProtocol(ShootdownProtocols.ByName(protocol)!, bug));
        new SequentialEngine(world).Run();
        if (!world.Checker!.Violated)
        {
            world.Checker.Finish();
        }

        return world.Checker.Violations;
    }

    private struct NoEffect : IUnmapVisitor
    {
        public readonly void OnUnmapped(VirtAddr address, in EntryInfo entry)
        {
        }
    }
}
