using VmSim.Core.Addresses;
using VmSim.Core.Machine;
using VmSim.Core.Programs;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Testing;

namespace VmSim.Core.Tests.Kernel.Locks;

/// <summary>Locks of areas and table pages that calls go through: each that another core had last moves.</summary>
public sealed class LinesOfRangesTests
{
    private const int PagesOfTable = 512;

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(7)]
    public void Unmap_OfPagesThatAnotherCoreTouched_MovesTheLockOfEachTablePage(int tables)
    {
        RunReport report = Run(tables, thread => thread.Unmap(Start, tables * PagesOfTable));
        Assert.Equal(tables, report.Total("pageTableLockLocalTransfers"));
        Assert.Equal(2 * tables, report.Total("pageTableLockAcquisitions"));
    }

    [Fact]
    public void Protect_OfTwoOfSevenTablePages_MovesTwo()
    {
        RunReport report = Run(7, thread => thread.Protect(Start + ((ulong)PagesOfTable << 12), 2 * PagesOfTable, Protection.Read));
        Assert.Equal(2, report.Total("pageTableLockLocalTransfers"));
    }

    [Fact]
    public void Unmap_OfALongRangeWithoutPages_TakesNoLockOfATablePage()
    {
        RunReport report = Run(0, thread => thread.Unmap(Start, 1 << 28));
        Assert.Equal(0, report.Total("pageTableLockAcquisitions"));
    }

    [Theory]
    [InlineData(true, 1)]
    [InlineData(false, 0)]
    public void Protect_OfAnAreaThatAnotherCoreFaultedIn_MovesItsLock(bool areaLocks, long transfers)
    {
        RunReport report = Run(1, thread => thread.Protect(Start, PagesOfTable, Protection.Read), areaLocks);
        Assert.Equal(transfers, report.Total("areaLockLocalTransfers"));
    }

    [Fact]
    public void Advice_ThatLeavesAreasAlone_MovesNoneOfTheirLocksButItsOwn()
    {
        RunReport report = Run(2, thread => thread.Advise(Start, 2 * PagesOfTable, Advice.Cold));
        Assert.Equal(0, report.Total("areaLockLocalTransfers"));
        Assert.Equal(2, report.Total("pageTableLockLocalTransfers"));
    }

    private static ulong Start => TestWorlds.Page(1 << 20);

    /// <summary>One core touches a page of each of some table pages; then another makes a call.</summary>
    private static RunReport Run(int tables, Func<ThreadBuilder, ThreadBuilder> call, bool areaLocks = true)
    {
        ThreadBuilder toucher = new ThreadBuilder("toucher").Map(Start, Math.Max(1, tables) * PagesOfTable);
        for (int table = 0; table < tables; table++)
        {
            toucher = toucher.Store(Start + ((ulong)(table * PagesOfTable) << 12));
        }

        ThreadBuilder caller = call(new ThreadBuilder("caller").Control(ControlKind.Barrier).Compute(10_000));
        ScenarioSpec scenario = TestWorlds.Scenario(
            2, toucher.Control(ControlKind.Barrier).Build(new CoreId(0)), caller.Build(new CoreId(1)));
        return TestWorlds.RunThreads(scenario with { Kernel = new KernelProfile { PerVmaLocks = areaLocks } });
    }
}
