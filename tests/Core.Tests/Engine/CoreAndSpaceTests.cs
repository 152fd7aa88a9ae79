using VmSim.Core.Engine;
using VmSim.Core.Machine;
using VmSim.Core.Programs;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Testing;

namespace VmSim.Core.Tests.Engine;

public sealed class CoreAndSpaceTests
{
    [Fact]
    public void Run_FirstWrites_TakeOneFaultAPage()
    {
        RunReport report = TestWorlds.Run(TestWorlds.Scenario(1, TestWorlds.Toucher("t", 0, 100)));
        Assert.Equal(100, report.Total("minorFaults"));
        Assert.Equal(100, report.Total("accesses"));
        Assert.Equal(100, report.Total("anonymousFaults"));
        Assert.Equal(100, report.Total("framesAllocated"));
        Assert.Equal(0, report.Total("shootdowns"));
        Assert.Equal(RunOutcomes.Completed, report.Outcome);
    }

    [Fact]
    public void Run_ReadThenWrite_MapsTheZeroPageThenCopies()
    {
        ThreadProgram thread = new ThreadBuilder("t").Load(TestWorlds.Base).Store(TestWorlds.Base).Build();
        RunReport report = TestWorlds.Run(TestWorlds.Scenario(1, thread));
        Assert.Equal(2, report.Total("minorFaults"));
        Assert.Equal(1, report.Total("zeroPageFaults"));
        Assert.Equal(1, report.Total("framesAllocated"));
    }

    [Fact]
    public void Run_UnmapOnOneOfThreeCores_SendsTwoIpis()
    {
        ThreadProgram Waiter(string name) =>
            new ThreadBuilder(name).Store(TestWorlds.Page(0)).Compute(1_000_000).Load(TestWorlds.Page(9)).Build();
        ThreadProgram unmapper = new ThreadBuilder("u").Compute(100_000).Touch(TestWorlds.Page(0), 4).Unmap(TestWorlds.Page(0), 4).Build();
        RunReport report = TestWorlds.RunThreads(TestWorlds.Scenario(3, unmapper, Waiter("a"), Waiter("b")));
        Assert.Equal(1, report.Total("shootdowns"));
        Assert.Equal(2, report.Total("ipisSent"));
        Assert.Equal(2, report.Total("invalidationsHandled"));
        Assert.Equal(1, report.Total("unmapOperations"));
        Assert.Equal(4, report.Total("framesFreed"));
        Assert.Equal(0, report.Total("segmentationFaults"));
        Assert.True(report.Cores[0].CyclesOf(CoreCycles.ShootdownWait) > 0);
        Assert.True(report.Cores[1].CyclesOf(CoreCycles.Interrupt) > 0);
    }

    [Fact]
    public void Run_AllThreadsOnOneCore_SendsNoIpi()
    {
        ThreadProgram unmapper = new ThreadBuilder("u").Touch(TestWorlds.Page(0), 4).Unmap(TestWorlds.Page(0), 4).Build();
        ScenarioSpec scenario = TestWorlds.Scenario(
            3, unmapper, TestWorlds.Toucher("a", 10, 4)) with
        { Threads = new ThreadsSpec { Placement = "single" } };
        RunReport report = TestWorlds.Run(scenario);
        Assert.Equal(0, report.Total("ipisSent"));
        Assert.Equal(1, report.Total("shootdowns"));
        Assert.Equal(1, report.Total("localInvalidations"));
    }

    [Fact]
    public void Run_AccessToUnmappedMemory_IsListedAndSkipped()
    {
        ThreadProgram thread = new ThreadBuilder("t").Load(0x1000).Store(TestWorlds.Base).Build();
        RunReport report = TestWorlds.Run(TestWorlds.Scenario(1, thread));
        Assert.Equal(1, report.Total("segmentationFaults"));
        Assert.Equal(1, report.Total("minorFaults"));
        Assert.Contains(report.Findings, line => line.Contains("0x1000", StringComparison.Ordinal));
        Assert.Equal(RunOutcomes.Completed, report.Outcome);
    }

    [Fact]
    public void Run_Cycles_AddUpOnEveryCore()
    {
        RunReport report = TestWorlds.Run(TestWorlds.Scenario(2, TestWorlds.Toucher("a", 0, 50), TestWorlds.Toucher("b", 20, 90)));
        foreach (CoreReport core in report.Cores)
        {
            Assert.Equal(report.Total("cycles"), core.Cycles.Sum(cycles => cycles.Value));
        }
    }

    [Fact]
    public void Run_NoMemoryLeft_RefusesTheAccessAndSaysSo()
    {
        ScenarioSpec scenario = TestWorlds.Scenario(
            1, TestWorlds.Toucher("t", 0, 40)) with
        { Memory = new MemorySpec { Bytes = 64 << 10 } };
        RunReport report = TestWorlds.Run(scenario);
        Assert.Equal(RunOutcomes.OutOfMemory, report.Outcome);
        Assert.True(report.Total("segmentationFaults") > 0);
        Assert.Contains(report.Findings, line => line.Contains("found no memory left", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(TrapModes.Hold)]
    [InlineData(TrapModes.Park)]
    public void Run_SignalAndWait_OrderTwoThreads(string traps)
    {
        ThreadProgram mapper = new ThreadBuilder("m").Compute(500_000).Map(0x10_0000, 4).Control(ControlKind.Signal, 1).Build();
        ThreadProgram user = new ThreadBuilder("u").Control(ControlKind.Wait, 1).Touch(0x10_0000, 4).Build();
        ScenarioSpec scenario = TestWorlds.Scenario(2, mapper, user) with { Kernel = new KernelProfile { Traps = traps } };
        RunReport report = TestWorlds.Run(scenario);
        Assert.Equal(0, report.Total("segmentationFaults"));
        Assert.Equal(4, report.Total("minorFaults"));
    }

    [Fact]
    public void Run_ParkedTrap_LetsAnotherThreadRunMeanwhile()
    {
        ScenarioSpec scenario = TestWorlds.Scenario(1, TestWorlds.Toucher("a", 0, 20), new ThreadBuilder("b").Compute(200_000).Build());
        RunReport held = TestWorlds.Run(scenario);
        RunReport parked = TestWorlds.Run(scenario with { Kernel = new KernelProfile { Traps = TrapModes.Park } });
        Assert.True(held.Total("contextSwitches") < parked.Total("contextSwitches"));
        Assert.Equal(0, parked.Cores[0].CyclesOf(CoreCycles.Fault));
        Assert.Equal(20, parked.Total("minorFaults"));
    }

    [Fact]
    public void Run_Barrier_HoldsBackTheFasterThread()
    {
        ThreadProgram slow = new ThreadBuilder("slow").Compute(1_000_000).Control(ControlKind.Barrier, 0).Build();
        ThreadProgram fast = new ThreadBuilder("fast").Control(ControlKind.Barrier, 0).Store(TestWorlds.Base).Build();
        RunReport report = TestWorlds.Run(TestWorlds.Scenario(2, slow, fast));
        Assert.True(report.Threads[1].Ended > 1_000_000);
        Assert.Equal(RunOutcomes.Completed, report.Outcome);
    }
}
