using VmSim.Core.Addresses;
using VmSim.Core.Engine;
using VmSim.Core.Machine;
using VmSim.Core.Programs;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Testing;

namespace VmSim.Core.Tests.Engine;

/// <summary>A thread that waits for the order of a trace: it keeps its core, and is interrupted there as the program would be.</summary>
public sealed class OrderWaitTests
{
    private const int Event = 0;
    private const long Long = 1_000_000;

    [Theory]
    [InlineData(ControlKind.Await, 1)]
    [InlineData(ControlKind.Wait, 0)]
    public void Shootdown_OfPagesThatAWaitingThreadHas_InterruptsItOnlyIfItDoesNotSleep(ControlKind kind, int interrupts)
    {
        RunReport report = TestWorlds.RunThreads(Scenario("linux", kind));
        Assert.Equal(interrupts, report.Total("ipisSent"));
        Assert.Equal(RunOutcomes.Until, report.Outcome);
        long waited = report.Cores[1].CyclesOf(CoreCycles.OrderWait);
        long idle = report.Cores[1].CyclesOf(CoreCycles.Idle);
        Assert.True(kind == ControlKind.Await ? waited > Long && idle < Long : waited == 0 && idle > Long);
    }

    [Theory]
    [InlineData("linux")]
    [InlineData("latr")]
    [InlineData("broadcast")]
    public void Run_AnyWindowTrapsAndCheckpoints_IsTheSame(string protocol) => PiecewiseRun.AssertSameAnyWay(
        Scenario(protocol, ControlKind.Await), whole => Assert.True(whole.Cores[1].CyclesOf(CoreCycles.OrderWait) > 0));

    [Fact]
    public void Wait_WithAnotherThreadOnTheCore_LetsThatRun()
    {
        ThreadProgram waiter = new ThreadBuilder("w").Store(TestWorlds.Page(0)).Control(ControlKind.Await, Event).Build(new CoreId(1));
        ThreadProgram other = new ThreadBuilder("o").Compute(Long / 2).Build(new CoreId(1));
        RunReport report = TestWorlds.RunThreads(TestWorlds.Scenario(2, Unmapper(), waiter, other));
        Assert.True(report.Threads[2].Ended < Long);
        Assert.True(report.Cores[1].CyclesOf(CoreCycles.User) >= Long / 2);
        Assert.True(report.Cores[1].CyclesOf(CoreCycles.OrderWait) > 0);
    }

    [Fact]
    public void Wait_ForWhatHasHappened_CostsNoSleep()
    {
        ThreadProgram signaller = new ThreadBuilder("s").Control(ControlKind.Signal, Event).Compute(2 * Long).Build(new CoreId(0));
        ThreadProgram waiter = new ThreadBuilder("w").Compute(Long).Control(ControlKind.Await, Event).Build(new CoreId(1));
        RunReport report = TestWorlds.Run(TestWorlds.Scenario(2, signaller, waiter));
        Assert.InRange(report.Cores[1].CyclesOf(CoreCycles.OrderWait), 1, 10_000);
        KernelProfile kernel = new();
        long end = kernel.SystemCallEntryCycles + kernel.ServiceCycles + kernel.TrapReturnCycles;
        Assert.Equal(end, report.Cores[1].CyclesOf(CoreCycles.Syscall));
    }

    private static ScenarioSpec Scenario(string protocol, ControlKind kind)
    {
        ThreadProgram waiter = new ThreadBuilder("w").Store(TestWorlds.Page(0)).Control(kind, Event).Store(TestWorlds.Page(9))
            .Build(new CoreId(1));
        ScenarioSpec scenario = TestWorlds.Scenario(2, Unmapper(), waiter);
        return scenario with { Shootdown = scenario.Shootdown with { Protocol = protocol } };
    }

    private static ThreadProgram Unmapper() => new ThreadBuilder("u").Compute(Long).Touch(TestWorlds.Page(0), 4)
        .Unmap(TestWorlds.Page(0), 4).Compute(Long).Control(ControlKind.Signal, Event).Build(new CoreId(0));
}
