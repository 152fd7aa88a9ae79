using VmSim.Core.Addresses;
using VmSim.Core.Machine;
using VmSim.Core.Programs;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Shootdown;
using VmSim.Testing;

namespace VmSim.Core.Tests.Shootdown;

/// <summary>
/// Flushes that a call owes to others: it finds entries gone that another call or reclaim has taken, and flushes before it returns all the
/// same (Linux: mm_tlb_flush_nested, commit 99baac21e458, and flush_tlb_batched_pending).
/// </summary>
public sealed class OwedFlushTests
{
    private const int FilePage = 300;

    [Theory]
    [InlineData("broadcast", Advice.DontNeed, false)]
    [InlineData("linux", Advice.DontNeed, false)]
    [InlineData("latr", Advice.DontNeed, false)]
    [InlineData("linux", Advice.DontNeed, true)]
    [InlineData("linux", Advice.PageOut, true)]
    [InlineData("broadcast", Advice.PageOut, true)]
    [InlineData("latr", Advice.PageOut, true)]
    public void SecondOfTwoCallsOnTheSamePages_FindsNothing_FlushesAllBeforeItReturns(string protocol, Advice first, bool isFile)
    {
        int page = isFile ? FilePage : 0;
        RunReport report = Run(protocol, Adviser(page, first, 4, 300_000), Adviser(page, Advice.DontNeed, 4, 301_500), Reader(page));
        Assert.Equal((isFile ? 2 : 3, 2), (report.Total("minorFaults"), report.Total("shootdowns")));
    }

    [Fact]
    public void SecondCall_OfOtherPages_FlushesAllToo()
    {
        RunReport report = Run(
            "linux", Adviser(0, Advice.DontNeed, 2, 300_000), Adviser(8, Advice.DontNeed, 2, 301_500), Reader(0));
        Assert.Equal((2, 2), (report.Total("shootdowns"), report.Total("localInvalidations")));
        Assert.Equal(1, report.Total("localFlushesOfAll"));
        Assert.Equal(2, report.Total("localFlushesOfOne"));
    }

    [Fact]
    public void SecondCall_AfterTheFirstHasReturned_FlushesNothing()
    {
        RunReport report = Run(
            "linux", Adviser(0, Advice.DontNeed, 4, 300_000), Adviser(0, Advice.DontNeed, 4, 600_000, reads: 0), Reader(0));
        Assert.Equal(1, report.Total("shootdowns"));
    }

    [Theory]
    [InlineData("linux", SystemCallKind.Protect, 3)]
    [InlineData("linux", SystemCallKind.Unmap, 3)]
    [InlineData("broadcast", SystemCallKind.Unmap, 3)]
    [InlineData("linux", SystemCallKind.Sync, 1)]
    public void FirstCallAfterReclaim_FlushesAllOnce(string protocol, SystemCallKind kind, long shootdowns)
    {
        // pages of the area at the base are mapped and die by the call itself; reclaim took others; the third call owes nothing any more
        ThreadBuilder caller = new("caller");
        caller.Load(TestWorlds.Page(FilePage)).Store(TestWorlds.Page(16)).Store(TestWorlds.Page(17)).Compute(200_000)
            .Advise(TestWorlds.Page(FilePage), 4, Advice.PageOut).Compute(10_000);
        for (int i = 0; i < 2; i++)
        {
            caller.Call(new SystemCall
            {
                Kind = kind,
                Start = new VirtAddr(TestWorlds.Page(16)),
                Length = 2 << 12,
                Protection = Protection.Read,
            });
        }

        RunReport report = Run(protocol, caller.Compute(300_000).Build(new CoreId(0)), Reader(FilePage));
        Assert.Equal(shootdowns, report.Total("shootdowns"));
    }

    [Fact]
    public void CallAfterReclaim_BesideTheLowestTables_OwesNothingYet()
    {
        // the 2 MiB below the area have no table, the first page behind them has one
        ThreadProgram caller = new ThreadBuilder("caller").Map(TestWorlds.Page(-512), 512).Load(TestWorlds.Page(FilePage)).Compute(200_000)
            .Advise(TestWorlds.Page(FilePage), 4, Advice.PageOut).Compute(10_000)
            .Advise(TestWorlds.Page(-512), 512, Advice.DontNeed).Compute(300_000).Build(new CoreId(0));
        Assert.Equal(1, Run("linux", caller, Reader(FilePage)).Total("shootdowns"));
    }

    [Fact]
    public void ReclaimOnItsOnlyCore_OwesNothing()
    {
        ThreadProgram alone = new ThreadBuilder("alone").Load(TestWorlds.Page(FilePage)).Store(TestWorlds.Page(16))
            .Advise(TestWorlds.Page(FilePage), 4, Advice.PageOut).Unmap(TestWorlds.Page(16), 1).Build(new CoreId(0));
        Assert.Equal(2, Run("linux", alone).Total("shootdowns"));
    }

    /// <summary>A thread that reads two pages, gives some back, and reads on.</summary>
    private static ThreadProgram Adviser(int page, Advice advice, int pages, long at, int reads = 40)
    {
        int core = at == 300_000 ? 0 : 1;
        ThreadBuilder thread = new ThreadBuilder($"adviser {core}").Load(TestWorlds.Page(page)).Load(TestWorlds.Page(page + 1))
            .Compute(at).Advise(TestWorlds.Page(page), pages, advice);
        for (int i = 0; i < (core == 1 ? reads : 0); i++)
        {
            thread.Load(TestWorlds.Page(page)).Compute(200);
        }

        return thread.Compute(2_000_000).Build(new CoreId(core));
    }

    /// <summary>A thread far away that holds a page, so that calls wait long for it.</summary>
    private static ThreadProgram Reader(int page)
    {
        ThreadBuilder thread = new("reader");
        for (int i = 0; i < 50; i++)
        {
            thread.Load(TestWorlds.Page(page)).Compute(2_000);
        }

        return thread.Compute(2_000_000).Build(new CoreId(2));
    }

    private static RunReport Run(string protocol, params ThreadProgram[] threads)
    {
        ProgramImage image = TestWorlds.Image(threads);
        SystemCall file = new()
        {
            Kind = SystemCallKind.Map,
            Start = new VirtAddr(TestWorlds.Page(FilePage)),
            Length = 4 << 12,
            Protection = Protection.Read,
            Source = MappingSource.File,
            FileId = 0,
        };
        ProgramImage program = new()
        {
            Name = "p",
            Threads = threads,
            Files = [new ProgramFile("/data", 4 << 12)],
            InitialMappings = [.. image.InitialMappings, file],
            BarrierParties = image.BarrierParties,
        };
        ScenarioSpec scenario = TestWorlds.Scenario(3, threads) with
        {
            Machine = new MachineSpec { Cores = 3, Sockets = 3, IpiRemoteCycles = 60_000 },
            Processes = [new ProcessSpec { Name = "p", Program = _ => program }],
        };
        return TestWorlds.RunThreads(scenario, protocol: ShootdownProtocols.All.Single(subject => subject.Name == protocol));
    }
}
