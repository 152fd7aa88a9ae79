using VmSim.Core.Addresses;
using VmSim.Core.Engine;
using VmSim.Core.Machine;
using VmSim.Core.Programs;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Workloads.Synthetic;
using VmSim.Core.Workloads.Synthetic.Behaviours;
using VmSim.Testing;

namespace VmSim.Core.Tests.Engine;

/// <summary>A thread that spins at a barrier: it keeps its core in user mode, and is interrupted there.</summary>
public sealed class SpinBarrierTests
{
    private const long Long = 1_000_000;

    [Theory]
    [InlineData(ControlKind.SpinBarrier, 1)]
    [InlineData(ControlKind.Barrier, 0)]
    public void Shootdown_OfPagesThatAWaitingThreadHas_InterruptsItOnlyIfItSpins(ControlKind kind, int interrupts)
    {
        ScenarioSpec scenario = Scenario("linux", kind);
        Assert.Equal(RunOutcomes.Completed, TestWorlds.Run(scenario).Outcome);
        RunReport report = TestWorlds.RunThreads(scenario);
        Assert.Equal(interrupts, report.Total("ipisSent"));
        Assert.Equal(0, report.Cores[1].CyclesOf(CoreCycles.OrderWait));
        long user = report.Cores[1].CyclesOf(CoreCycles.User);
        long idle = report.Cores[1].CyclesOf(CoreCycles.Idle);
        Assert.True(kind == ControlKind.SpinBarrier ? user > Long && idle < Long : user < Long && idle > Long);
    }

    [Theory]
    [InlineData("linux")]
    [InlineData("latr")]
    [InlineData("early-ack")]
    [InlineData("broadcast")]
    public void Run_AnyWindowTrapsAndCheckpoints_IsTheSame(string protocol) => PiecewiseRun.AssertSameAnyWay(
        Scenario(protocol, ControlKind.SpinBarrier), whole => Assert.Equal(RunOutcomes.Completed, whole.Outcome));

    /// <summary>Nothing is switched for a thread that has kept its core: a lazy state waits for the tick.</summary>
    [Fact]
    public void Latr_SweepsWhatASpinningCoreOwes_AtTheTickAlone()
    {
        ThreadProgram spinner = new ThreadBuilder("s").Store(TestWorlds.Page(0)).Control(ControlKind.SpinBarrier, 0).Compute(6 * Long)
            .Build(new CoreId(1));
        ThreadProgram unmapper = new ThreadBuilder("u").Touch(TestWorlds.Page(0), 4).Compute(Long / 2).Unmap(TestWorlds.Page(0), 4)
            .Compute(Long / 2).Control(ControlKind.SpinBarrier, 0).Compute(6 * Long).Build(new CoreId(0));
        ScenarioSpec scenario = TestWorlds.Scenario(2, unmapper, spinner) with
        {
            Shootdown = new ShootdownSpec { Protocol = "latr" },
            Kernel = new KernelProfile { TickCycles = 4 * Long },
        };
        RunReport report = TestWorlds.Run(scenario);
        Assert.InRange(report.Shootdowns.Single(figure => figure.Key == "staleness").Value.Max, 3 * Long, 4 * Long);
        Assert.Equal(0, report.Total("contextSwitches"));
    }

    [Fact]
    public void Wait_WithAnotherThreadOnTheCore_LetsThatRun()
    {
        ThreadProgram other = new ThreadBuilder("o").Compute(Long / 2).Build(new CoreId(1));
        RunReport report = TestWorlds.Run(TestWorlds.Scenario(2, Unmapper(), Waiter(ControlKind.SpinBarrier), other) with
        {
            Processes = [new ProcessSpec { Name = "p", Program = _ => Image(Unmapper(), Waiter(ControlKind.SpinBarrier), other) }],
        });
        Assert.Equal(RunOutcomes.Completed, report.Outcome);
        Assert.True(report.Threads[2].Ended < Long);
    }

    /// <summary>The programs of RadixVM's paper spin, so that an munmap finds fewer cores idle.</summary>
    [Fact]
    public void Mapbench_ThatSpins_HasMoreCoresToTell()
    {
        long asleep = IpisOf(new MapbenchGlobal());
        long spinning = IpisOf(new MapbenchGlobal { Barrier = "spin" });
        Assert.True(spinning > asleep, $"global: {asleep} interrupts asleep, {spinning} spinning");
        asleep = IpisOf(new MapbenchPipeline());
        spinning = IpisOf(new MapbenchPipeline { Barrier = "spin" });
        Assert.True(spinning > asleep, $"pipeline: {asleep} interrupts asleep, {spinning} spinning");
    }

    private static long IpisOf(RepeatingProgram kind)
    {
        RepeatingProgram program = kind with { Threads = 16, Iterations = 2, Pages = 4 };
        RunReport report = TestWorlds.Run(new ScenarioSpec
        {
            Name = "mapbench",
            Machine = new MachineSpec { Cores = 16, Sockets = 2 },
            Shootdown = new ShootdownSpec { Protocol = "linux" },
            Processes = [new ProcessSpec { Name = "m", Program = copy => program.Build(new("m", copy, 1, 16)) }],
        });
        Assert.Equal(RunOutcomes.Completed, report.Outcome);
        Assert.Equal(32, report.Total("unmapOperations"));
        return report.Total("ipisSent");
    }

    private static ScenarioSpec Scenario(string protocol, ControlKind kind) => new()
    {
        Name = "spin",
        Machine = new MachineSpec { Cores = 2 },
        Shootdown = new ShootdownSpec { Protocol = protocol },
        Processes = [new ProcessSpec { Name = "p", Program = _ => Image(Unmapper(), Waiter(kind)) }],
    };

    private static ProgramImage Image(params ThreadProgram[] threads) => TestWorlds.Image(threads) with { BarrierParties = [2] };

    private static ThreadProgram Waiter(ControlKind kind) => new ThreadBuilder("w").Store(TestWorlds.Page(0)).Control(kind, 0)
        .Store(TestWorlds.Page(9)).Build(new CoreId(1));

    /// <summary>It sleeps at the barrier, if it has to: both kinds meet there.</summary>
    private static ThreadProgram Unmapper() => new ThreadBuilder("u").Compute(Long).Touch(TestWorlds.Page(0), 4)
        .Unmap(TestWorlds.Page(0), 4).Compute(Long).Control(ControlKind.Barrier, 0).Build(new CoreId(0));
}
