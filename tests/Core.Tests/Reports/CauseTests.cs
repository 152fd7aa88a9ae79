using CsCheck;
using VmSim.Core.Addresses;
using VmSim.Core.Engine;
using VmSim.Core.Kernel.Causes;
using VmSim.Core.Programs;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Testing;

namespace VmSim.Core.Tests.Reports;

/// <summary>Whose calls and faults cost what.</summary>
public class CauseTests
{
    [Fact]
    public void Report_OfTwoThreads_TellsWhoseCallsInterrupted()
    {
        ThreadProgram giver = new ThreadBuilder("giver")
            .Touch(TestWorlds.Page(0), 8).Compute(200_000)
            .Advise(TestWorlds.Page(0), 4, Advice.DontNeed).Protect(TestWorlds.Page(4), 2, Protection.Read).Build();
        ThreadProgram user = new ThreadBuilder("user").Compute(50_000).Touch(TestWorlds.Page(0), 8).Compute(2_000_000).Build();
        RunReport report = TestWorlds.Run(TestWorlds.Scenario(2, giver, user));
        CauseReport advice = Assert.Single(report.Causes, cause => cause.Row.Call == "madvise(MADV_DONTNEED)");
        Assert.Equal((0, 1, 1, 4), (
            advice.Row.Thread.Value,
            advice.Row[CauseFigure.Count],
            advice.Row[CauseFigure.Interrupts],
            advice.Row[CauseFigure.DeadPages]));
        CauseReport protect = Assert.Single(report.Causes, cause => cause.Row.Call == "mprotect");
        Assert.Equal((1, 2), (protect.Row[CauseFigure.Shootdowns], protect.Row[CauseFigure.DeadPages]));
        Assert.InRange(protect.Row[CauseFigure.WaitCycles], 1, protect.Row[CauseFigure.Cycles]);
        Assert.InRange(protect.Row[CauseFigure.HandlerCycles], 1, long.MaxValue);
        CauseReport faults = Assert.Single(report.Causes, cause => cause.Row.Call == "fault (new page)" && cause.Row.Thread.Value == 0);
        Assert.Equal(("[anon]", 8L), (faults.Row.Object, faults.Row[CauseFigure.Count]));
        Assert.Equal(TestWorlds.Page(0), faults.Row.Area!.Value.Value);
    }

    [Fact]
    public void Causes_OfACallFromASite_NameIt()
    {
        SystemCall call = new()
        {
            Kind = SystemCallKind.Unmap,
            Start = new VirtAddr(TestWorlds.Page(0)),
            Length = 4 * PageSizes.BaseBytes,
            Site = new CallSite(["munmap libc.so.6+0x7", "pool_release pool.c:212"]),
        };
        ThreadProgram giver = new ThreadBuilder("giver").Touch(TestWorlds.Page(0), 8).Call(call).Build();
        CauseReport cause = Assert.Single(
            TestWorlds.Run(TestWorlds.Scenario(1, giver)).Causes, cause => cause.Row.Call == "munmap");
        Assert.Equal("pool_release pool.c:212", cause.Row.Site!.Place);
    }

    /// <summary>Everything that is counted by cause adds up to what is counted without, whatever the window.</summary>
    [Fact]
    public void Causes_RandomScenarios_AreTheSameForAnyWindowAndAddUpToTheTotals() =>
        RandomPrograms.Scenario.Sample(
            scenario =>
            {
                RunReport report = Run(scenario, 0);
                long bound = WorldParts.DelaysOf(scenario).WindowBound.Value;
                Assert.Equal(Lines(report), Lines(Run(scenario, bound / 3)));
                Assert.Equal(Lines(report), Lines(Run(scenario, 17)));
                Assert.Equal(report.Total("shootdowns"), Sum(CauseFigure.Shootdowns));
                Assert.Equal(report.Total("pagesShotDown"), Sum(CauseFigure.DeadPages));
                Assert.Equal(report.Total("ipisSent"), Sum(CauseFigure.Interrupts));
                Assert.Equal(report.Total("spuriousIpis"), Sum(CauseFigure.Spurious));
                Assert.Equal(report.Total("refillMisses"), Sum(CauseFigure.RefillWalks));

                long Sum(CauseFigure figure) => report.Causes.Sum(cause => cause.Row[figure]);
            },
            iter: 100);

    [Fact]
    public void Ledger_MoreAreasAndRowsThanItKeeps_CountsTheRestTogether()
    {
        CauseLedger ledger = new();
        const int Areas = 2 * CauseLedger.AreasMax;
        const int Threads = 20;
        for (int thread = 0; thread < Threads; thread++)
        {
            for (int area = 0; area < Areas; area++)
            {
                int row = ledger.RowOf(new ThreadId(thread), "munmap", VirtAddr.OfPage((ulong)area), "[anon]", site: null);
                ledger.Add(row, CauseFigure.Count, 1);
            }
        }

        CauseRow[] rows = ledger.Rows();
        Assert.InRange(rows.Length, CauseLedger.AreasMax, CauseLedger.RowsMax + 1);
        Assert.Equal((long)Areas * Threads, rows.Sum(row => row[CauseFigure.Count]));
        Assert.Contains(rows, row => row.Thread.Value < 0);
        Assert.Contains(rows, row => row is { Area: null, Object: "[anon]" });
        ledger.Reset();
        Assert.All(ledger.Rows(), row => Assert.All(row.Values, value => Assert.Equal(0, value)));
    }

    private static RunReport Run(ScenarioSpec scenario, long window)
    {
        using World world = new(scenario);
        bool finished = new SequentialEngine(world, window).Run();
        return ReportBuilder.Build(world, finished);
    }

    private static string[] Lines(RunReport report) => [.. report.Causes.Select(cause =>
        $"{cause.AddressSpace} {cause.Number} {cause.Row.Thread} {cause.Row.Call} {cause.Row.Object} {cause.Row.Area} "
            + string.Join(' ', cause.Row.Values))];
}
