using VmSim.Core.Addresses;
using VmSim.Core.Checking;
using VmSim.Core.Engine;
using VmSim.Core.Machine;
using VmSim.Core.Memory;
using VmSim.Core.Paging;
using VmSim.Core.Programs;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Shootdown;
using VmSim.Core.Statistics;
using VmSim.Testing;
using VmSim.Tests.Shared;

namespace VmSim.Core.Tests.Checking;

public sealed class TranslationCheckerTests
{
    public static TheoryData<string> Protocols => [.. ShootdownProtocols.All.Names];

    /// <summary>Frames and table pages go round and round, under a single core's eyes and under others'.</summary>
    [Theory]
    [MemberData(nameof(Protocols))]
    public void Check_RightProtocol_FindsNothing(string protocol)
    {
        ThreadBuilder user = new("user");
        ThreadBuilder sleeper = new("sleeper");
        ThreadBuilder giver = new("giver");
        for (int i = 0; i < 300; i++)
        {
            user.Load(TestWorlds.Page(i % 4)).Compute(5_000);
        }

        for (int i = 0; i < 8; i++)
        {
            sleeper.Touch(TestWorlds.Page(2 * i), 4).Control(ControlKind.Sleep, 150_000);
            giver.Touch(TestWorlds.Page(0), 16).Compute(50_000).Advise(TestWorlds.Page(0), 16, Advice.DontNeed);
            giver.Map(TestWorlds.Page(4_096 + i), 1).Touch(TestWorlds.Page(4_096 + i), 1).Unmap(TestWorlds.Page(4_096 + i), 1);
        }

        RunReport report = TestWorlds.Run(
            TestWorlds.Scenario(
                3, giver.Build(), user.Build(), sleeper.Build()) with
            { Shootdown = new ShootdownSpec { Protocol = protocol, Hypothetical = true } });
        Assert.Equal(RunOutcomes.Completed, report.Outcome);
        Assert.InRange(report.Total("shootdowns"), 8, 1_000);
    }

    /// <summary>
    /// A large page's frames are watched at the size of its translation: a core that has used one page of it reaches all.
    /// </summary>
    [Fact]
    public void Check_OnePageOfALargeOneFreedEarly_IsCaught()
    {
        const ulong Start = 0x7f00_0020_0000;
        ThreadProgram giver = new ThreadBuilder("giver").Compute(3_000_000).Advise(Start + (7 << 12), 1, Advice.DontNeed).Build();
        ThreadProgram user = new ThreadBuilder("user").Map(Start, 512).Store(Start).Compute(10_000_000).Build();
        ScenarioSpec scenario = TestWorlds.Scenario(2, giver, user) with { Memory = new MemorySpec { TransparentHugePages = "always" } };
        using World world = new(scenario, check: true, new BuggyProtocol(new BroadcastProtocol(), SeededBug.ReleasesAtOnce));
        new SequentialEngine(world).Run();
        Violation violation = Assert.Single(world.Checker!.Violations);
        Assert.Equal(CheckRule.EarlyRelease, violation.Rule);
        Assert.Contains("leads from page 0x7f0000207000", violation.Message, StringComparison.Ordinal);
    }

    /// <summary>
    /// Threads give pages back and take frames that others have given back: pairs of a page and a frame are ever new ones.
    /// </summary>
    [Theory]
    [MemberData(nameof(Protocols))]
    public void Check_MemoryThatGoesRound_KeepsNoDeathsOfFramesThatWereGivenBack(string protocol)
    {
        ThreadBuilder[] threads = [new("a"), new("b"), new("c")];
        SeededRandom random = new(7);
        for (int i = 0; i < 300; i++)
        {
            for (int thread = 0; thread < threads.Length; thread++)
            {
                ulong start = TestWorlds.Page((64 * thread) + (int)random.Below(40));
                int pages = 1 + (int)random.Below(20);
                threads[thread].Touch(start, pages).Advise(start, pages, Advice.DontNeed);
            }
        }

        ScenarioSpec scenario = TestWorlds.Scenario(
            3, [.. threads.Select(thread => thread.Build())]) with
        { Shootdown = new ShootdownSpec { Protocol = protocol, Hypothetical = true } };
        using World world = new(scenario, check: true);
        Assert.True(new SequentialEngine(world).Run());
        world.Checker!.Finish();
        Assert.Empty(world.Checker.Violations);
        Assert.True(world.Pools[0].Frames.Counters[FrameCounters.Freed] > 5_000);
        Assert.Equal(0, world.Checker.Space(0).DeathsKept);
    }

    [Fact]
    public void Check_LazyStatesNeverSwept_IsCaughtAfterTheAllowedTime()
    {
        Violation violation = Assert.Single(SeededRuns.Run(SeededBug.NeverSweeps, seeded: true).Violations);
        Assert.InRange(violation.Time.Value, 500_000, 540_000);
    }

    [Fact]
    public void Check_Violation_EndsTheReportWhereItWasFound()
    {
        ThreadProgram user = new ThreadBuilder("u").Touch(TestWorlds.Page(0), 4).Compute(1_000_000).Load(TestWorlds.Page(0))
            .Compute(1_000_000_000).Build();
        ThreadProgram giver = new ThreadBuilder("g").Touch(TestWorlds.Page(0), 4).Compute(300_000)
            .Advise(TestWorlds.Page(0), 4, Advice.DontNeed).Compute(900_000_000).Build();
        ScenarioSpec scenario = TestWorlds.Scenario(2, giver, user) with { Until = 500_000_000 };
        using World world = new(
            scenario, check: true, new BuggyProtocol(ShootdownProtocols.All.Find("broadcast")!, SeededBug.DropsOneInterrupt));
        RunReport report = ReportBuilder.Build(world, new SequentialEngine(world).Run());
        Assert.Equal(RunOutcomes.Violation, report.Outcome);
        Assert.InRange(report.Total("cycles"), 300_000, 400_000);
        Assert.All(report.Cores, core => Assert.InRange(core.CyclesOf(CoreCycles.Fault) + core.CyclesOf(CoreCycles.Syscall), 0, 1_000_000));
    }

    [Fact]
    public void Check_TableChangedWithoutAnOperation_IsCaughtAtTheEnd()
    {
        using World world = new(TestWorlds.Scenario(1, TestWorlds.Toucher("t", 0, 4)), check: true);
        world.Spaces[0].Table.Map(
            new VirtAddr(TestWorlds.Page(100)), new PhysAddr(0x7000), PageSize.Size4K, PageFlags.Read | PageFlags.User);
        new SequentialEngine(world).Run();
        Assert.Equal(RunOutcomes.Violation, ReportBuilder.Build(world, finished: true).Outcome);
        Violation violation = world.Checker!.Violations[0];
        Assert.Equal(CheckRule.TableDisagrees, violation.Rule);
        Assert.Contains("no operation has put that there", violation.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public void World_CheckInTheScenarioOrAsked_HasACheckerAndTheSameFingerprint(bool asked, bool inScenario)
    {
        ScenarioSpec scenario = TestWorlds.Scenario(2, TestWorlds.Toucher("a", 0, 40), TestWorlds.Toucher("b", 20, 40));
        Assert.False(scenario.IsChecked);
        Assert.Equal(
            Fingerprint(scenario, check: false, watched: false),
            Fingerprint(scenario with { Check = inScenario ? "on" : "off" }, asked, watched: true));
    }

    private static string Fingerprint(ScenarioSpec scenario, bool check, bool watched)
    {
        using World world = new(scenario, check);
        Assert.Equal(watched, world.Checker is not null);
        return ReportBuilder.Build(world, new SequentialEngine(world).Run()).Fingerprint;
    }

    [Theory]
    [InlineData(ProbeFeatures.Tell, SeededBug.DropsOneInterrupt)]
    [InlineData(ProbeFeatures.EarlyAck, SeededBug.DropsOneInterrupt)]
    [InlineData(ProbeFeatures.EarlyAck, SeededBug.AcknowledgesWithoutInvalidating)]
    [InlineData(ProbeFeatures.Copies | ProbeFeatures.OnDemand, SeededBug.ForgetsTheInitiator)]
    public void Check_SeededBugBehindAHook_IsCaught(ProbeFeatures features, SeededBug bug)
    {
        ProbeProtocol probe = new(features);
        Assert.Empty(Run(Crowd(users: 3), probe, bug: null));
        Assert.Contains(
            Run(Crowd(users: 3), probe, bug), violation => violation.Rule is CheckRule.DeadTranslation or CheckRule.EarlyRelease);
    }

    /// <summary>
    /// A store with rights that were taken away is a late one, also if they have been given again before the checker hears of it.
    /// </summary>
    [Fact]
    public void WiderRights_GivenAgainSoonAfter_AreCaughtOnAnyWindow()
    {
        for (int i = 0; i < 20; i++)
        {
            ThreadBuilder user = new("u");
            for (int store = 0; store < 1_000; store++)
            {
                user.Store(TestWorlds.Page(0)).Compute(700);
            }

            ThreadProgram giver = new ThreadBuilder("g").Touch(TestWorlds.Page(0), 1).Compute(100_000 + (i * 71))
                .Protect(TestWorlds.Page(0), 1, Protection.Read).Protect(TestWorlds.Page(0), 1, Protection.Read | Protection.Write).Build();
            ScenarioSpec scenario = TestWorlds.Scenario(2, giver, user.Build()) with
            {
                Kernel = new KernelProfile { TrapEntryCycles = 600, SystemCallEntryCycles = 600, AckCycles = 600 },
            };
            long bound = WorldParts.DelaysOf(scenario).WindowBound.Value;
            foreach (long window in (long[])[bound, bound / 7, 17])
            {
                using World world = new(
                    scenario, check: true, new BuggyProtocol(new BroadcastProtocol(), SeededBug.DropsOneInterruptOfAProtect));
                new SequentialEngine(world, window).Run();
                Assert.True(world.Checker!.Violated, $"{i}, window {window}");
                Assert.Equal(CheckRule.WiderRights, world.Checker.Violations[0].Rule);
            }
        }
    }

    [Theory]
    [InlineData(ProbeFeatures.Tell, "is told to invalidate by a message, which arrives at cycle")]
    [InlineData(ProbeFeatures.EarlyAck, "is sent an interrupt, which arrives at cycle")]
    public void Violation_OfACoreThatWasTold_SaysHow(ProbeFeatures features, string how)
    {
        Violation violation = Run(Crowd(users: 3), new ProbeProtocol(features), SeededBug.AcknowledgesWithoutInvalidating)[0];
        Assert.Contains(violation.Trace, line => line.Contains(how, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(65_536UL, 4_096UL, Advice.PopulateRead)]
    [InlineData(4_096UL, 32_768UL, Advice.PopulateRead)]
    [InlineData(4_096UL, 32_768UL, Advice.PopulateWrite)]
    public void CallThatPopulates_MapsPagesBesideItsRange_WhichTheCheckerKnows(ulong faultAround, ulong folio, Advice advice)
    {
        const int FirstPage = 512;
        SystemCall map = new()
        {
            Kind = SystemCallKind.Map,
            Start = new VirtAddr(TestWorlds.Page(FirstPage)),
            Length = 8 << 12,
            Protection = Protection.Read | Protection.Write,
            Source = MappingSource.File,
            FileId = 0,
            Shared = true,
        };
        ThreadProgram thread = new ThreadBuilder("t").Call(map).Advise(TestWorlds.Page(FirstPage + 4), 1, advice)
            .Load(TestWorlds.Page(FirstPage)).Load(TestWorlds.Page(FirstPage + 7)).Build();
        ScenarioSpec scenario = TestWorlds.Scenario(1, thread) with
        {
            Memory = new MemorySpec { FaultAround = faultAround, Folio = folio },
        };
        using World world = new(scenario, check: true);
        bool finished = new SequentialEngine(world).Run();
        world.Checker!.Finish();
        Assert.Empty(world.Checker.Violations.SelectMany(violation => violation.Lines()));
        RunReport report = ReportBuilder.Build(world, finished);

        // The one is that of the call itself.
        Assert.Equal(1, report.Total("minorFaults"));
        Assert.Equal(0, report.Total("segmentationFaults") + report.Total("failedOperations"));
    }

    /// <summary>Cores go on using what the first one gives back.</summary>
    private static ScenarioSpec Crowd(int users)
    {
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

        return TestWorlds.Scenario(1 + users, [giver.Build(), .. Enumerable.Repeat(0, users).Select(_ => user.Build())]);
    }

    private static IReadOnlyList<Violation> Run(ScenarioSpec scenario, IShootdownProtocol protocol, SeededBug? bug)
    {
        using World world = new(scenario, check: true, bug is { } seeded ? new BuggyProtocol(protocol, seeded) : protocol);
        new SequentialEngine(world).Run();
        if (!world.Checker!.Violated)
        {
            world.Checker.Finish();
        }

        return world.Checker.Violations;
    }
}
