using VmSim.Core.Addresses;
using VmSim.Core.Machine;
using VmSim.Core.Programs;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Shootdown;
using VmSim.Testing;

namespace VmSim.Core.Tests.Shootdown;

/// <summary>Rules of Linux's shootdowns that changed from one release to another.</summary>
public sealed class LinuxReleaseTests
{
    private const long Second = 1_000_000;

    [Theory]
    [InlineData("6.12", 0, 0)]
    [InlineData("6.18", 1, 1)]
    public void FreedTables_CoreThatRunsAnotherProcess_IsInterruptedOnceSince614(string version, long ipis, long wrong)
    {
        // a whole area goes and its tables with it, then another one: by then the core has left the list
        ThreadBuilder worker = Worker().Unmap(TestWorlds.Page(0), 256);
        worker.Map(TestWorlds.Page(0), 256).Touch(TestWorlds.Page(0), 4).Unmap(TestWorlds.Page(0), 256).Compute(50_000);
        RunReport report = Run(version, worker);
        Assert.Equal((ipis, wrong), (report.Total("ipisSent"), report.Total("wrongCoreInterrupts")));
    }

    [Fact]
    public void PagesGoAndTablesStay_CoreThatRunsAnotherProcess_IsInterruptedByTheFlushThatTrims()
    {
        ThreadBuilder worker = Worker();
        for (int i = 0; i < 4; i++)
        {
            worker.Touch(TestWorlds.Page(0), 2).Advise(TestWorlds.Page(0), 2, Advice.DontNeed).Compute(10_000);
        }

        Assert.Equal(0, Run("6.18", worker.Compute(10_000)).Total("ipisSent"));
        worker.Compute(2 * Second);
        for (int i = 0; i < 4; i++)
        {
            worker.Touch(TestWorlds.Page(0), 2).Advise(TestWorlds.Page(0), 2, Advice.DontNeed).Compute(10_000);
        }

        RunReport report = Run("6.18", worker);
        Assert.Equal((1, 1), (report.Total("ipisSent"), report.Total("wrongCoreInterrupts")));

        // flushes count as remote as long as the other core is in the list: the trimming one is the last
        Assert.Equal(5, report.Total("remoteFlushes"));
    }

    [Theory]
    [InlineData(false, 1)]
    [InlineData(true, 0)]
    public void FreedTables_IdleCore_IsInterruptedUnlessAHypervisorFlushesForIt(bool isParavirtual, long ipis)
    {
        ThreadProgram worker = Worker().Unmap(TestWorlds.Page(0), 256).Compute(50_000).Build(new CoreId(0));
        ThreadProgram sleeper = new ThreadBuilder("sleeper").Load(TestWorlds.Page(0)).Control(ControlKind.Sleep, 900_000)
            .Compute(1_000).Build(new CoreId(1));
        ScenarioSpec scenario = TestWorlds.Scenario(2, worker, sleeper) with
        {
            Kernel = new KernelProfile { ParavirtualFlush = isParavirtual },
        };
        Assert.Equal(ipis, TestWorlds.RunThreads(scenario, 0, Linux()).Total("ipisSent"));
    }

    [Fact]
    public void CoreComesBack_AfterFlushesItWasNotToldOf_FlushesAtItsLoad()
    {
        ThreadProgram worker = Worker().Touch(TestWorlds.Page(0), 2).Advise(TestWorlds.Page(0), 2, Advice.DontNeed).Compute(20 * Second)
            .Build(new CoreId(0));
        ThreadProgram visitor = new ThreadBuilder("visitor").Touch(TestWorlds.Page(0), 2).Control(ControlKind.Sleep, 400_000)
            .Load(TestWorlds.Page(0)).Load(TestWorlds.Page(1)).Compute(1_000).Build(new CoreId(1));
        RunReport report = Run("6.18", worker, visitor);
        Assert.Equal(0, report.Total("ipisSent"));
        Assert.Equal(RunOutcomes.Until, report.Outcome);
    }

    [Theory]
    [InlineData("5.10", 3_300)]
    [InlineData("5.15", 0)]
    public void Flush_Before513_TellsOthersWhenTheInitiatorHasInvalidated(string version, long later)
    {
        // 33 pages one by one, 100 cycles each, before the interrupt leaves
        ThreadProgram worker = new ThreadBuilder("worker").Touch(TestWorlds.Page(0), 33).Compute(200_000)
            .Protect(TestWorlds.Page(0), 33, Protection.Read).Compute(100_000).Build(new CoreId(0));
        ThreadProgram other = new ThreadBuilder("other").Load(TestWorlds.Page(40)).Compute(600_000).Build(new CoreId(1));
        ScenarioSpec scenario = TestWorlds.Scenario(2, worker, other) with
        {
            Kernel = new KernelProfile { Version = version, InvalidatePageCycles = 100, HandlerCycles = 0 },
        };
        RunReport concurrent = TestWorlds.RunThreads(scenario with { Kernel = scenario.Kernel with { Version = "6.18" } }, 0, Linux());
        RunReport report = TestWorlds.RunThreads(scenario, 0, Linux());
        Assert.Equal(1, report.Total("ipisSent"));
        Assert.Equal(later, Wait(report) - Wait(concurrent));
    }

    [Fact]
    public void Releases_AreOrderedAndReadBack()
    {
        Assert.Equal(KernelRelease.All.Order(), KernelRelease.All);
        Assert.All(KernelRelease.All, release => Assert.Equal(release, KernelRelease.Parse(release.ToString())));
        Assert.True(new KernelRelease(5, 10) < KernelRelease.ConcurrentFlush && new KernelRelease(6, 18) >= KernelRelease.LazyCoreMask);
        Assert.Throws<FormatException>(() => KernelRelease.Parse("six"));
    }

    private static long Wait(RunReport report) => report.LatencyCycles.Single(latency => latency.Key == "shootdown").Value.Max;

    private static LinuxProtocol Linux() => new();

    /// <summary>
    /// A thread on core 0 that begins when another of its process has been on core 1, where a second process runs from then on.
    /// </summary>
    private static ThreadBuilder Worker() => new ThreadBuilder("worker").Touch(TestWorlds.Page(0), 4).Compute(300_000);

    /// <summary>The visitor sleeps to the end, so that the process is there as long as the stranger.</summary>
    private static RunReport Run(string version, ThreadBuilder worker) => Run(
        version,
        worker.Build(new CoreId(0)),
        new ThreadBuilder("visitor").Load(TestWorlds.Page(0)).Control(ControlKind.Sleep, 20 * Second).Build(new CoreId(1)));

    private static RunReport Run(string version, ThreadProgram worker, ThreadProgram visitor)
    {
        ThreadProgram stranger = new ThreadBuilder("stranger").Touch(TestWorlds.Page(0), 2).Compute(8 * Second).Build(new CoreId(1));
        ScenarioSpec scenario = TestWorlds.Scenario(2) with
        {
            Machine = new MachineSpec { Cores = 2, Ghz = Second / 1e9 },
            Kernel = new KernelProfile { Version = version },
            Processes =
            [
                new ProcessSpec { Name = "p", Program = _ => TestWorlds.Image(worker, visitor) },
                new ProcessSpec { Name = "q", Program = _ => TestWorlds.Image(stranger) },
            ],
        };
        return TestWorlds.RunThreads(scenario, 0, Linux());
    }
}
