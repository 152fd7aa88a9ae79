using VmSim.Core.Addresses;
using VmSim.Core.Engine;
using VmSim.Core.Machine;
using VmSim.Core.Programs;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Testing;

namespace VmSim.Core.Tests.Kernel.Locks;

/// <summary>Who waits for mmap_lock: on its core, or asleep while its core runs another thread.</summary>
public sealed class MapLockSleepTests
{
    /// <summary>How long the holder has the lock, in cycles.</summary>
    private const long Held = 1_000_000;

    private const int Holder = 0;
    private const int Waiter = 1;
    private const int Beside = 2;

    private static readonly KernelProfile Kernel = new() { ProtectCycles = Held };

    [Fact]
    public void Reader_BehindAWriter_SleepsAndItsCoreRunsAnotherThread()
    {
        RunReport report = Run(Kernel, Advises(), Computes());
        Assert.Equal((1, 1, 0), Sleeps(report));
        Assert.InRange(report.Threads[Beside].Started.Value, 0, Held / 10);
        Assert.InRange(report.Threads[Waiter].Ended.Value, report.Threads[Beside].Ended.Value, 4 * Held);
    }

    [Fact]
    public void Writer_BehindAWriter_KeepsItsCore()
    {
        RunReport report = Run(Kernel, Maps(), Computes());
        Assert.Equal((1, 0, 0), Sleeps(report));
        Assert.InRange(report.Threads[Beside].Started.Value, Held, 2 * Held);
    }

    [Theory]
    [InlineData(true, TrapModes.Hold, 0)]
    [InlineData(false, TrapModes.Hold, 1)]
    [InlineData(false, TrapModes.Park, 0)]
    public void Reader_BehindAWriter_SleepsUnlessReadersSpinOrTrapsHoldNoCore(bool spins, string traps, long sleeps) =>
        Assert.Equal((1, sleeps, sleeps), Sleeps(Run(Kernel with { ReaderSpinning = spins, Traps = traps }, Advises())));

    [Fact]
    public void Reader_OnAnIdleCore_WaitsForTheInterruptThatWakesItAndTheWakerForItsSending()
    {
        RunReport before = Run(Kernel, Advises());
        Assert.Equal((1, 1, 1), Sleeps(before));
        Assert.Equal((40, 0), Later(Kernel with { HandlerCycles = Kernel.HandlerCycles + 40 }));
        Assert.Equal((70, 70), Later(Kernel with { WakeCycles = Kernel.WakeCycles + 70 }));
        Assert.Equal((90, 90), Later(Kernel with { IpiSendCycles = Kernel.IpiSendCycles + 90 }));

        (long Waiter, long Holder) Later(KernelProfile kernel)
        {
            RunReport report = Run(kernel, Advises());
            return (
                (report.Threads[Waiter].Ended - before.Threads[Waiter].Ended).Value,
                (report.Threads[Holder].Ended - before.Threads[Holder].Ended).Value);
        }
    }

    [Fact]
    public void Readers_BehindAWriter_AreWokenAtOnceOneAfterTheOther()
    {
        ThreadProgram[] readers = [.. Enumerable.Range(1, 3).Select(core => Advises(core))];
        RunReport report = TestWorlds.Run(TestWorlds.Scenario(4, [Holds(), .. readers]) with { Kernel = Kernel });
        Assert.Equal((3, 3, 3), Sleeps(report));
        long each = Kernel.WakeCycles + Kernel.IpiSendCycles;
        long[] ended = [.. report.Threads.Skip(1).Select(thread => thread.Ended.Value)];
        Assert.InRange(ended[1] - ended[0], each, each + 500);
        Assert.InRange(ended[2] - ended[1], each, each + 500);
    }

    /// <summary>
    /// munmap is a reader while it waits for other cores to answer. That of a writer that spins meanwhile is one of them: this alone has it
    /// not sleep, but a core that answers later does.
    /// </summary>
    [Theory]
    [InlineData(1_000, false, 0)]
    [InlineData(60_000, false, 0)]
    [InlineData(1_000, true, 1)]
    public void Writer_BehindAnUnmapThatWaitsForCores_SleepsIfAnotherCoreTakesLong(long handler, bool answersLate, long sleeps)
    {
        ThreadProgram unmapper = new ThreadBuilder("unmapper").Touch(TestWorlds.Page(0), 4).Control(ControlKind.Barrier)
            .Unmap(TestWorlds.Page(0), 4).Build(new CoreId(0));
        ThreadProgram mapper = new ThreadBuilder("mapper").Control(ControlKind.Barrier).Compute(3_000)
            .Map(TestWorlds.Page(512), 4).Build(new CoreId(1));
        ThreadBuilder target = new ThreadBuilder("target").Control(ControlKind.Barrier);
        target = answersLate ? target.Call(new SystemCall { Kind = SystemCallKind.Other }) : target.Compute(200_000);
        RunReport report = TestWorlds.Run(TestWorlds.Scenario(3, unmapper, mapper, target.Build(new CoreId(2))) with
        {
            Kernel = new KernelProfile { HandlerCycles = handler, UnmapCycles = 8_000, OtherCallCycles = 200_000 },
        });
        Assert.Equal((1, sleeps, sleeps), Sleeps(report));
    }

    /// <summary>
    /// The core asks what it missed while it idled, and the thread asks for the lock at the same time, since it is in the kernel: an answer
    /// takes its way back once, not twice.
    /// </summary>
    [Theory]
    [InlineData("linux")]
    [InlineData("latr")]
    public void Reader_OnAnIdleCore_AsksForTheLockWhileItsSpaceIsLoaded(string protocol)
    {
        ScenarioSpec scenario = TestWorlds.Scenario(2, Holds(), Advises()) with { Shootdown = new ShootdownSpec { Protocol = protocol } };
        RunReport before = TestWorlds.Run(scenario with { Kernel = Kernel });
        RunReport after = TestWorlds.Run(scenario with { Kernel = Kernel with { TrapReturnCycles = Kernel.TrapReturnCycles + 100 } });
        Assert.Equal((1, 1, 1), Sleeps(before));
        Assert.True(before.Total("spaceLoads") > 2, $"{before.Total("spaceLoads")} loads");

        // Its first load and its return.
        Assert.Equal(200, (after.Threads[Waiter].Ended - before.Threads[Waiter].Ended).Value);
    }

    /// <summary>Threads of two cores that contend keep to one order on any window, and the checker has nothing to say.</summary>
    [Theory]
    [InlineData("linux")]
    [InlineData("latr")]
    [InlineData("broadcast")]
    public void Contention_OnOvercommittedCores_IsTheSameOnAnyWindow(string protocol)
    {
        ThreadProgram[] threads = [.. Enumerable.Range(0, 6).Select(number => Contends(number, number % 2))];
        ScenarioSpec scenario = TestWorlds.Scenario(2, threads) with
        {
            Shootdown = new ShootdownSpec { Protocol = protocol },
            Kernel = new KernelProfile { HandlerCycles = 20_000, TimeSliceCycles = 100_000, PerVmaLocks = false },
        };
        RunReport expected = TestWorlds.Run(scenario);
        Assert.True(expected.Total("lockSleeps") > 20, $"{expected.Total("lockSleeps")} sleeps");
        foreach (long window in new[] { WorldParts.DelaysOf(scenario).WindowBound.Value / 7, 17 })
        {
            Assert.Equal(expected.Fingerprint, TestWorlds.Run(scenario, window).Fingerprint);
        }
    }

    /// <summary>
    /// A writer has locked all of the area in which it changes a few pages (vma_start_write): a fault elsewhere in it is a reader of
    /// mmap_lock, and waits asleep. A fault of another area is not.
    /// </summary>
    [Theory]
    [InlineData(100, 1)]
    [InlineData(2_048, 0)]
    public void Fault_InTheAreaOfAWriter_WaitsForIt(int page, long sleeps)
    {
        ThreadProgram holder = new ThreadBuilder("holder").Control(ControlKind.Barrier)
            .Protect(TestWorlds.Page(0), 4, Protection.Read).Build(new CoreId(0));
        ThreadProgram user = new ThreadBuilder("user").Map(TestWorlds.Page(2_048), 4).Control(ControlKind.Barrier).Compute(5_000)
            .Store(TestWorlds.Page(page)).Build(new CoreId(1));
        RunReport report = TestWorlds.RunThreads(TestWorlds.Scenario(2, holder, user) with { Kernel = Kernel with { PerVmaLocks = true } });
        Assert.Equal((sleeps, sleeps, sleeps), Sleeps(report));

        // the run is cut where its last thread ends
        Assert.Equal(sleeps > 0, report.Threads[Waiter].Ended.Value < 0);
        Assert.Equal(sleeps == 0, report.Threads[Holder].Ended.Value < 0);
    }

    /// <summary>New memory that becomes one area with its neighbour locks that one too.</summary>
    [Theory]
    [InlineData(4, 1)]
    [InlineData(5, 0)]
    public void Fault_InTheAreaThatAMapMakesLonger_WaitsForIt(int start, long sleeps)
    {
        ThreadProgram holder = new ThreadBuilder("holder").Control(ControlKind.Barrier)
            .Map(TestWorlds.Page(2_048 + start), 4).Build(new CoreId(0));
        ThreadProgram user = new ThreadBuilder("user").Map(TestWorlds.Page(2_048), 4).Control(ControlKind.Barrier).Compute(5_000)
            .Store(TestWorlds.Page(2_048)).Build(new CoreId(1));
        RunReport report = TestWorlds.RunThreads(
            TestWorlds.Scenario(2, holder, user) with { Kernel = new KernelProfile { MapCycles = Held, PerVmaLocks = true } });
        Assert.Equal((sleeps, sleeps, sleeps), Sleeps(report));
    }

    private static (long Waits, long Sleeps, long Interrupts) Sleeps(RunReport report) =>
        (report.Total("lockWaits"), report.Total("lockSleeps"), report.Total("rescheduleInterrupts"));

    private static RunReport Run(KernelProfile kernel, params ThreadProgram[] beside) =>
        TestWorlds.Run(TestWorlds.Scenario(2, [Holds(), .. beside]) with { Kernel = kernel });

    private static ThreadProgram Holds() =>
        new ThreadBuilder("holder").Protect(TestWorlds.Page(0), 4, Protection.Read).Build(new CoreId(0));

    private static ThreadProgram Advises(int core = 1) => new ThreadBuilder("adviser").Compute(5_000 + (100 * core))
        .Advise(TestWorlds.Page(64), 4, Advice.WillNeed).Build(new CoreId(core));

    private static ThreadProgram Maps() =>
        new ThreadBuilder("mapper").Compute(5_000).Map(TestWorlds.Page(512), 4).Build(new CoreId(1));

    private static ThreadProgram Computes() => new ThreadBuilder("beside").Compute(3 * Held).Build(new CoreId(1));

    private static ThreadProgram Contends(int number, int core)
    {
        ThreadBuilder thread = new($"contender {number}");
        ulong start = TestWorlds.Page(1_024 * (number + 1));
        for (int round = 0; round < 12; round++)
        {
            thread = thread.Map(start, 8).Touch(start, 8).Unmap(start, 8).Compute(2_000 * number);
        }

        return thread.Build(new CoreId(core));
    }
}
