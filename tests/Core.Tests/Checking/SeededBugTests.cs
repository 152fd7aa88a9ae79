using VmSim.Core.Checking;
using VmSim.Core.Engine;
using VmSim.Core.Programs;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Shootdown;
using VmSim.Testing;
using Xunit.Abstractions;

namespace VmSim.Core.Tests.Checking;

/// <summary>Every rule has a bug that breaks it in a run; the checker names exactly that rule and shows how it came about.</summary>
public sealed class SeededBugTests(ITestOutputHelper output)
{
    /// <summary>The most events that a violation may show.</summary>
    private const int LinesMax = 8;

    public static TheoryData<SeededBug> Bugs => [.. Enum.GetValues<SeededBug>()];

    [Theory]
    [MemberData(nameof(Bugs))]
    public void Run_SeededBug_BreaksExactlyItsRule(SeededBug bug)
    {
        (RunReport report, IReadOnlyList<Violation> violations) = SeededRuns.Run(bug, seeded: true);
        Assert.Equal(RunOutcomes.Violation, report.Outcome);
        Assert.NotEmpty(violations);
        Assert.All(violations, violation => Assert.Equal(SeededRuns.All[bug].Rule, violation.Rule));
        Violation first = violations[0];
        output.WriteLine(string.Join('\n', first.Lines()));
        Assert.InRange(first.Trace.Count, 1, LinesMax);
        Assert.All(first.Trace, line => Assert.StartsWith("cycle ", line, StringComparison.Ordinal));
        Assert.All(first.Trace, line => Assert.InRange(line.Length, 20, 220));
    }

    [Theory]
    [MemberData(nameof(Bugs))]
    public void Run_WithoutTheBug_BreaksNothing(SeededBug bug)
    {
        (RunReport report, IReadOnlyList<Violation> violations) = SeededRuns.Run(bug, seeded: false);
        Assert.Empty(violations);
        Assert.Equal(RunOutcomes.Completed, report.Outcome);
    }

    [Fact]
    public void Rules_EachHasASeededBug()
    {
        Assert.Equal(Enum.GetValues<SeededBug>(), SeededRuns.All.Keys.Order());
        Assert.Equal(Enum.GetValues<CheckRule>(), SeededRuns.All.Values.Select(run => run.Rule).Distinct().Order());
    }

    [Fact]
    public void DeadTranslation_Trace_TellsTheAccusedCoresStory() => AssertStory(
        SeededBug.DropsOneInterrupt,
        "core 2's TLB takes in page 0x7f000012e000 -> frame 0x202",
        "core 0, thread giver: munmap(0x7f000012c000, 4 pages) starts; page 0x7f000012e000 loses frame 0x202, which every walk sees "
            + "from cycle",
        "core 2 is sent no interrupt",
        "core 0, thread giver: munmap(0x7f000012c000, 4 pages) returns",
        "cycles after the return");

    /// <summary>What the other cores did is no part of the story.</summary>
    [Fact]
    public void DeadTranslation_On64Cores_IsAsShort()
    {
        ThreadProgram[] readers =
            [.. Enumerable.Range(0, 63)
                .Select(i => new ThreadBuilder($"reader{i}").Touch(TestWorlds.Page(0), 4).Compute(10_000_000).Build())];
        ThreadBuilder last = new("last");
        for (int i = 0; i < 2_000; i++)
        {
            last.Store(TestWorlds.Page(2)).Compute(2_000);
        }

        ThreadProgram giver = new ThreadBuilder("giver").Compute(1_000_000).Protect(TestWorlds.Page(0), 4, Protection.Read).Build();
        ScenarioSpec scenario = TestWorlds.Scenario(65, [giver, .. readers, last.Build()]);
        using World world = new(scenario, check: true, new BuggyProtocol(new BroadcastProtocol(), SeededBug.DropsOneInterrupt));
        new SequentialEngine(world).Run();
        Violation violation = Assert.Single(world.Checker!.Violations);
        output.WriteLine(string.Join('\n', violation.Lines()));
        Assert.Equal(CheckRule.WiderRights, violation.Rule);
        Assert.Equal(5, violation.Trace.Count);
        Assert.Contains(violation.Trace, line => line.Contains("core 64 is sent no interrupt", StringComparison.Ordinal));
    }

    [Fact]
    public void DeadTranslation_OfACoreThatAcknowledged_SaysWhenItDid() => AssertStory(
        SeededBug.AcknowledgesWithoutInvalidating,
        "takes in page 0x7f000012",
        "munmap(0x7f000012c000, 4 pages) starts",
        "is sent an interrupt, which arrives at cycle",
        "acknowledgement is there",
        "returns",
        "cycles after the return");

    [Fact]
    public void WiderRights_Trace_NamesTheRight() => AssertStory(
        SeededBug.DropsOneInterruptOfAProtect,
        "core 1's TLB takes in page 0x7f0000001000",
        "mprotect(0x7f0000000000, 4 pages, Read) starts; page 0x7f0000001000 loses the right to write",
        "core 1 is sent no interrupt",
        "returns",
        "to write, ");

    [Fact]
    public void EarlyRelease_Trace_SaysWhoFreedAndWhoStillReaches() => AssertStory(
        SeededBug.ReleasesAtOnce,
        "core 1's TLB takes in page 0x7f0000000000 -> frame 0x200",
        "core 0, thread giver: munmap(0x7f0000000000, 4 pages) starts; page 0x7f0000000000 loses frame 0x200",
        "frame 0x200 is free for anyone while core 1's TLB still leads from page 0x7f0000000000 to it");

    [Fact]
    public void EarlyRelease_OfAPendingView_SaysUntilWhenWalksSeeIt()
    {
        Violation violation = AssertStory(
            SeededBug.ReleasesBeforeTheStoresAreVisible,
            "munmap(0x7f0000000000, 4 pages) starts; page 0x7f0000000000 loses frame 0x200, which every walk sees from cycle",
            "frame 0x200 is free for anyone while core 0 can still walk the page table as it was until cycle");
        Assert.Equal(CheckRule.EarlyRelease, violation.Rule);
    }

    [Fact]
    public void EarlyRelease_OfATagTakenUpAgain_SaysWhenItWasGivenBack() => AssertStory(
        SeededBug.ForgetsGenerations,
        "core 1's TLB takes in page 0x7f0000000000 -> frame 0x200",
        "munmap(0x7f0000000000, 4 pages) starts",
        "frame 0x200 is free for anyone; core 1 cannot use tag 1 now",
        "core 1 goes on under tag 1 without a flush, and its TLB still has page 0x7f0000000000 -> frame 0x200");

    [Fact]
    public void StrayAcknowledgement_WithoutTheChecker_IsAClearError()
    {
        InvalidOperationException error = Assert.Throws<InvalidOperationException>(
            () => SeededRuns.Run(SeededBug.AcknowledgesTwice, seeded: true, check: false));
        Assert.Contains("acknowledged shootdown 1 of p, which is over or never was", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void StrayAcknowledgement_Trace_ShowsTheFirstOne() => AssertStory(
        SeededBug.AcknowledgesTwice, "is sent an interrupt for shootdown 1", "acknowledgement is there",
            "acknowledges shootdown 1 a second time");

    [Fact]
    public void StrayAcknowledgement_OfAShootdownThatWasNotSent_SaysSo() => AssertStory(
        SeededBug.AcknowledgesAnother, "acknowledges shootdown 2, for which it was sent no interrupt");

    [Fact]
    public void FramesLost_Trace_NamesAFrame() => AssertStory(
        SeededBug.LosesAFrame, "the frames are counted", "4 frames are allocated and 0 are in use",
            "(Anonymous) has 1 reference in the pool, and 0 can be found");

    [Fact]
    public void UnknownTranslation_Trace_SaysWhoseItWas() => AssertStory(
        SeededBug.SharesTags,
        "core 0's TLB takes in page 0x7f0000000000 -> frame 0x200",
        "core 0 goes on with q, under the tag that p had",
        "core 0 uses page 0x7f0000000000 -> frame 0x200 to read; the page table maps nothing there");

    [Fact]
    public void EarlyTableRelease_Trace_NamesTheTablePage() => AssertStory(
        SeededBug.IgnoresFreedTables,
        "munmap(0x7f0000000000, 512 pages) starts; table page 3 leaves the page table",
        "core 1's acknowledgement is there",
        "table page 3 is free for anyone while core 1's paging-structure cache still leads to it");

    [Fact]
    public void TableDisagrees_Trace_NamesTheOperation() => AssertStory(
        SeededBug.LeavesAPageMapped, "munmap(0x7f0000000000, 4 pages) starts",
            "the page table maps 0x7f0000003000 to frame 0x203, where no area is");

    /// <summary>The trace's lines, in order, hold these texts.</summary>
    private static Violation AssertStory(SeededBug bug, params string[] texts)
    {
        Violation violation = SeededRuns.Run(bug, seeded: true).Violations[0];
        int at = 0;
        foreach (string text in texts)
        {
            int found = violation.Trace.ToList().FindIndex(at, line => line.Contains(text, StringComparison.Ordinal));
            Assert.True(found >= 0, $"\"{text}\" does not follow in\n{string.Join('\n', violation.Lines())}");
            at = found;
        }

        return violation;
    }
}
