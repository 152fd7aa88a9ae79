using CsCheck;
using VmSim.Core.Engine;
using VmSim.Core.Kernel;
using VmSim.Core.Machine;
using VmSim.Core.Programs;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Shootdown;
using VmSim.Core.Statistics;
using VmSim.Testing;

namespace VmSim.Core.Tests.Shootdown;

public sealed class ShootdownRecordTests
{
    /// <summary>More pages than the ceiling of a ranged flush: the whole space goes.</summary>
    private const int ManyPages = 40;

    public static TheoryData<string> Protocols => [.. ShootdownProtocols.All.Names];

    [Theory]
    [InlineData("broadcast")]
    [InlineData("linux")]
    [InlineData("latr")]
    public void FullFlush_LivePagesTouchedAgain_AreItsRefillMisses(string protocol)
    {
        ThreadProgram thread = new ThreadBuilder("t").Touch(TestWorlds.Page(0), 20).Touch(TestWorlds.Page(100), ManyPages)
            .Unmap(TestWorlds.Page(100), ManyPages).Touch(TestWorlds.Page(0), 20).Touch(TestWorlds.Page(0), 20).Build();
        ShootdownRecord record = Assert.Single(RecordsOf(Threads(WithProtocol(TestWorlds.Scenario(1, thread), protocol))));
        Assert.Equal(20, record.RefillMisses);
        Assert.Equal(ManyPages, record.DeadPages);
        Assert.Equal((ulong)ManyPages, record.Dead.Pages);
        Assert.Equal(0, record.Targets);
        Assert.Equal(-1, record.Wait.Value);
    }

    [Theory]
    [MemberData(nameof(Protocols))]
    public void RangedFlush_OfDeadPages_CausesNoRefillMiss(string protocol)
    {
        ThreadProgram thread = new ThreadBuilder("t").Touch(TestWorlds.Page(0), 20).Unmap(TestWorlds.Page(0), 5).Map(TestWorlds.Page(0), 5)
            .Touch(TestWorlds.Page(0), 20).Protect(TestWorlds.Page(10), 5, Protection.Read).Load(TestWorlds.Page(10))
                .Load(TestWorlds.Page(14)).Build();
        List<ShootdownRecord> records = [.. RecordsOf(Threads(WithProtocol(TestWorlds.Scenario(1, thread), protocol)))];
        Assert.Equal(2, records.Count);
        Assert.All(records, record => Assert.Equal(0, record.RefillMisses));
        Assert.All(records, record => Assert.Equal(5, record.DeadPages));
    }

    [Theory]
    [InlineData("broadcast")]
    [InlineData("linux")]
    [InlineData("latr")]
    [InlineData("linux-invlpgb")]
    public void FullFlush_OnTwoCores_SumsWhatBothLost(string protocol)
    {
        ThreadProgram other = new ThreadBuilder("b").Touch(TestWorlds.Page(50), 30).Compute(4_000_000).Touch(TestWorlds.Page(50), 30)
            .Build();
        ThreadProgram unmapper = new ThreadBuilder("a").Touch(TestWorlds.Page(0), 7).Touch(TestWorlds.Page(100), ManyPages)
            .Compute(1_000_000)
            .Unmap(TestWorlds.Page(100), ManyPages).Touch(TestWorlds.Page(0), 7).Build();
        ScenarioSpec scenario = Threads(
            WithProtocol(TestWorlds.Scenario(2, unmapper, other), protocol) with { Kernel = new KernelProfile { TickCycles = 1_500_000 } });
        bool prompt = ShootdownProtocols.All.Find(protocol)!.AllowedStaleness(scenario.Machine, scenario.Kernel) == 0;
        ShootdownRecord record = Assert.Single(RecordsOf(scenario));
        Assert.Equal(37, record.RefillMisses);
        Assert.Equal(prompt ? 1 : 0, record.Targets);
        Assert.Equal(prompt ? 1 : 0, record.Interrupts);
        Assert.Equal(0, record.SpuriousInterrupts);
        Assert.Equal(prompt, record.Wait > 0);
        Assert.Equal(prompt, record.HandlerCycles > 0);
        Assert.Equal(0, record.Initiator.Value);
        RunReport report = TestWorlds.Run(scenario);
        Assert.Equal(37, report.Total("refillMisses"));
        Assert.Equal(37, report.Shootdowns.Single(figure => figure.Key == "refillMisses").Value.Sum);
        Assert.Equal(
            Math.Max(0, record.Wait.Value),
            report.AddressSpaces[0].Shootdowns.SingleOrDefault(figure => figure.Key == "wait").Value?.Max ?? 0);
    }

    [Fact]
    public void Sweep_OfARange_CostsItsOwnShootdownWhatWasPutInBefore()
    {
        // both first touch page 10 after it was given back, so the sweep of its state drops the new translation; page 20 nobody touches
        // before the tick
        ThreadProgram giver = new ThreadBuilder("g").Touch(TestWorlds.Page(10), 1).Touch(TestWorlds.Page(20), 1).Compute(300_000)
            .Advise(TestWorlds.Page(10), 1, Advice.DontNeed).Advise(TestWorlds.Page(20), 1, Advice.DontNeed).Compute(2_000_000).Build();
        ThreadProgram other = new ThreadBuilder("o").Store(TestWorlds.Page(50)).Compute(600_000).Store(TestWorlds.Page(10))
            .Compute(1_000_000).Store(TestWorlds.Page(10)).Store(TestWorlds.Page(50)).Build();
        Assert.Equal([1, 0], LatrRecords(giver, other).Select(record => record.RefillMisses));
    }

    [Fact]
    public void Sweep_OfStatesThatTogetherFlushAll_CostsTheNewest()
    {
        ThreadBuilder giver = new ThreadBuilder("g").Touch(TestWorlds.Page(100), 60).Compute(300_000);
        for (int i = 0; i < 3; i++)
        {
            giver.Unmap(TestWorlds.Page(100 + (20 * i)), 20);
        }

        ThreadProgram other = new ThreadBuilder("o").Touch(TestWorlds.Page(0), 30).Touch(TestWorlds.Page(100), 60).Compute(1_500_000)
            .Touch(TestWorlds.Page(0), 30).Build();
        Assert.Equal([0, 0, 30], LatrRecords(giver.Compute(2_000_000).Build(), other).Select(record => record.RefillMisses));
    }

    [Fact]
    public void TargetThatHoldsNothing_IsSpurious()
    {
        ThreadProgram other = new ThreadBuilder("b").Store(TestWorlds.Page(50)).Compute(1_000_000).Store(TestWorlds.Page(50)).Build();
        ThreadProgram unmapper = new ThreadBuilder("a").Store(TestWorlds.Page(0)).Compute(100_000).Unmap(TestWorlds.Page(0), 1).Build();
        ShootdownRecord record = Assert.Single(RecordsOf(Threads(TestWorlds.Scenario(2, unmapper, other))));
        Assert.Equal(1, record.Targets);
        Assert.Equal(1, record.SpuriousInterrupts);
        Assert.Equal(0, record.RefillMisses);
    }

    /// <summary>Where the call waits for everybody, the last may use what died until its acknowledgement leaves.</summary>
    [Theory]
    [InlineData("linux")]
    [InlineData("freebsd")]
    [InlineData("linux-invlpgb")]
    public void Staleness_OfACallThatWaits_EndsBeforeTheWait(string protocol)
    {
        ScenarioSpec scenario = Threads(WithProtocol(GiverAndUser(2_000_000), protocol));
        ShootdownRecord record = Assert.Single(ListedBy(scenario));
        Assert.Equal(record.Wait - WorldParts.DelaysOf(scenario).Notice, record.Staleness);
        Distribution staleness = TestWorlds.Run(scenario).Shootdowns.Single(figure => figure.Key == "staleness").Value;
        Assert.Equal(record.Staleness.Value, staleness.Max);
        Assert.Equal(record.Staleness.Value, staleness.Sum);
    }

    [Theory]
    [MemberData(nameof(Protocols))]
    public void Staleness_WithoutAnotherCore_IsNone(string protocol)
    {
        ThreadProgram thread = new ThreadBuilder("t").Touch(TestWorlds.Page(0), 3).Unmap(TestWorlds.Page(0), 3).Build();
        Assert.Equal(0, Assert.Single(ListedBy(Threads(WithProtocol(TestWorlds.Scenario(1, thread), protocol)))).Staleness);
    }

    /// <summary>The page is given back at about 300,000 cycles, and the other core sweeps at its first tick.</summary>
    [Fact]
    public void Staleness_UnderLatr_EndsAtTheSweep()
    {
        KernelProfile kernel = new() { TickCycles = 1_000_000 };
        ScenarioSpec scenario = Threads(WithProtocol(GiverAndUser(3_000_000), "latr") with { Kernel = kernel });
        ShootdownRecord record = Assert.Single(ListedBy(scenario));
        Assert.InRange((record.BegunAt + record.Staleness).Value, 1_000_000, 1_010_000);
        Assert.Equal(-1, record.Wait.Value);
    }

    /// <summary>The run is cut before anybody sweeps.</summary>
    [Fact]
    public void Staleness_OfACoreThatNeverSweeps_LastsToTheEnd()
    {
        ScenarioSpec scenario = WithProtocol(GiverAndUser(3_000_000), "latr") with
        {
            Kernel = new KernelProfile { TickCycles = 1_000_000 },
            Until = 700_000,
        };
        ShootdownRecord record = Assert.Single(ListedBy(scenario));
        Assert.Equal(700_000, record.BegunAt + record.Staleness);
        Assert.Equal(record.Staleness.Value, TestWorlds.Run(scenario).Shootdowns.Single(figure => figure.Key == "staleness").Value.Max);
    }

    [Theory]
    [InlineData("linux", 0)]
    [InlineData("linux", 4_000_000)]
    [InlineData("latr", 0)]
    public void Report_RecordsThatBecameCounts_SaysTheSame(string protocol, long warmup)
    {
        ThreadBuilder giver = new("g");
        for (int i = 0; i < 3 * ShootdownLog.FoldCount; i++)
        {
            giver.Touch(TestWorlds.Page(i % 7), 3).Advise(TestWorlds.Page(i % 7), 3, Advice.DontNeed);
        }

        ThreadProgram other = new ThreadBuilder("o").Touch(TestWorlds.Page(0), 9).Compute(3_000_000).Touch(TestWorlds.Page(0), 9)
            .Compute(30_000_000).Build();
        ScenarioSpec scenario = WithProtocol(TestWorlds.Scenario(2, giver.Build(), other), protocol) with { Warmup = warmup };
        ScenarioSpec threads = Threads(scenario);
        using World listed = new(threads, lists: new RunLists { Shootdowns = true });
        using World counted = new(threads);
        RunReport expected = ReportBuilder.Build(listed, new SequentialEngine(listed).Run());
        bool finished = new SequentialEngine(counted).Run();
        RunReport report = ReportBuilder.Build(counted, finished);
        Assert.Equal(expected.Fingerprint, report.Fingerprint);
        Assert.Equal(expected.Shootdowns, report.Shootdowns);
        Assert.InRange(expected.ShootdownRecords.Count, ShootdownLog.FoldCount + 1, 3 * ShootdownLog.FoldCount);
        Assert.InRange(counted.Spaces[0].ShootdownLog.Records.Count, 0, ShootdownLog.FoldCount);
        Assert.Empty(report.ShootdownRecords);
    }

    [Fact]
    public void Records_RandomScenarios_AreTheSameForAnyWindowAndAgreeWithTheCounters() =>
        Gen.Select(RandomPrograms.Scenario, Gen.Long[0, 60_000]).Sample(
            (scenario, warmup) =>
            {
                ScenarioSpec cut = scenario with { Warmup = warmup };
                IReadOnlyList<ShootdownRecord> expected = RecordsOf(cut);
                long bound = WorldParts.DelaysOf(scenario).WindowBound.Value;
                Assert.Equal(expected, RecordsOf(cut, bound / 3));
                Assert.Equal(expected, RecordsOf(cut, 17));
                Assert.Equal(expected.OrderBy(record => (record.BegunAt, record.Space.Value, record.Id)), expected);
                RunReport report = TestWorlds.Run(cut);
                Assert.Equal(report.Total("shootdowns"), expected.Count);
                Assert.Equal(report.Total("pagesShotDown"), expected.Sum(record => record.DeadPages));
                if (warmup == 0)
                {
                    Assert.Equal(report.Total("ipisSent"), expected.Sum(record => record.Interrupts));
                    Assert.Equal(report.Total("spuriousIpis"), expected.Sum(record => record.SpuriousInterrupts));
                    Assert.Equal(report.Total("refillMisses"), expected.Sum(record => record.RefillMisses));
                }
            },
            iter: 100);

    private static ScenarioSpec Threads(ScenarioSpec scenario) => TestWorlds.UpToItsLastThread(scenario);

    private static ScenarioSpec WithProtocol(ScenarioSpec scenario, string protocol) =>
        scenario with { Shootdown = new ShootdownSpec { Protocol = protocol, Hypothetical = true } };

    /// <summary>A core gives a page back that another, which goes on for some cycles, has used.</summary>
    private static ScenarioSpec GiverAndUser(long cycles) => TestWorlds.Scenario(
        2,
        new ThreadBuilder("g").Store(TestWorlds.Page(0)).Compute(300_000).Advise(TestWorlds.Page(0), 1, Advice.DontNeed).Compute(cycles)
            .Build(),
        new ThreadBuilder("u").Store(TestWorlds.Page(0)).Compute(cycles).Build());

    private static IReadOnlyList<ShootdownRecord> ListedBy(ScenarioSpec scenario)
    {
        using World world = new(scenario, lists: new RunLists { Shootdowns = true });
        return ReportBuilder.Build(world, new SequentialEngine(world).Run()).ShootdownRecords;
    }

    private static IReadOnlyList<ShootdownRecord> LatrRecords(params ThreadProgram[] threads) =>
        RecordsOf(
            Threads(
                WithProtocol(TestWorlds.Scenario(threads.Length, threads), "latr") with
                {
                    Kernel = new KernelProfile { TickCycles = 1_000_000 },
                }));

    private static IReadOnlyList<ShootdownRecord> RecordsOf(ScenarioSpec scenario, long window = 0)
    {
        using World world = new(scenario);
        bool finished = new SequentialEngine(world, window).Run();
        ReportBuilder.Build(world, finished);
        return ShootdownFigures.List(RunStatistics.Collect(RunPart.Whole(world), 0));
    }
}
