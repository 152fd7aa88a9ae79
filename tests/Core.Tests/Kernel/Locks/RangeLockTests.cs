using CsCheck;
using VmSim.Core.Addresses;
using VmSim.Core.Kernel;
using VmSim.Core.Kernel.Locks;
using VmSim.Core.Machine;
using VmSim.Core.Programs;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Shootdown;
using VmSim.Testing;

namespace VmSim.Core.Tests.Kernel.Locks;

/// <summary>A lock for each page in the place of mmap_lock.</summary>
public sealed class RangeLockTests : IRwsemSignals
{
    private readonly List<string> _told = [];

    [Fact]
    public void TryEnter_Disjoint_AllStart()
    {
        MapLock map = Make();
        Assert.True(map.TryEnter(Operation(0, 10), 0));
        Assert.True(map.TryEnter(Operation(10, 20), 0));
        Assert.True(map.TryEnter(Operation(20, 21), 0));
    }

    /// <summary>First come, first served: who waits keeps out those that come later for a page of its own, and nobody else.</summary>
    [Fact]
    public void Leave_StartsThoseThatNothingBeforeThemOverlaps()
    {
        MapLock map = Make();
        KernelOperation first = Operation(0, 10);
        KernelOperation second = Operation(5, 15);
        KernelOperation third = Operation(12, 20);
        KernelOperation fourth = Operation(7, 8);
        Assert.True(map.TryEnter(first, 0));
        Assert.False(map.TryEnter(second, 1));
        Assert.False(map.TryEnter(third, 2));
        Assert.False(map.TryEnter(fourth, 3));
        Assert.True(map.TryEnter(Operation(30, 40), 4));
        Assert.Equal(first, map.BlockerOf(second));
        Assert.Equal(second, map.BlockerOf(third));
        Assert.Null(map.BlockerOf(first));
        map.Leave(first, 5);
        Assert.Equal(["5 takes"], _told);
        map.Leave(second, 6);
        Assert.Equal(["5 takes", "12 takes", "7 takes"], _told);
    }

    /// <summary>Calls on ranges that touch run at the same time; those that share a page do not.</summary>
    [Theory]
    [InlineData(0, 0)]
    [InlineData(-1, 1)]
    public void Run_CallsOnNeighbours_WaitOnlyForTheirOwnPages(int shift, int waits)
    {
        Assert.Equal(waits, Run(MapLocks.Ranges, shift).Total("lockWaits"));
        Assert.Equal(1, Run(MapLocks.Semaphore, shift).Total("lockWaits"));
    }

    /// <summary>The lock of a page is a line that moves when another core locks the page; mmap_lock's moves between any two.</summary>
    [Fact]
    public void Run_LinesMoveWithThePage()
    {
        Assert.Equal(0, Run(MapLocks.Ranges, 0).Total("mmapLockLocalTransfers"));
        Assert.True(Run(MapLocks.Ranges, -1).Total("mmapLockLocalTransfers") > 0);
        Assert.True(Run(MapLocks.Semaphore, 0).Total("mmapLockLocalTransfers") > 0);
    }

    /// <summary>Calls beside each other that both collect flush what is theirs: nobody finds entries gone that another has taken.</summary>
    [Fact]
    public void Run_CallsBesideEachOther_FlushTheirOwnRanges()
    {
        RunReport report = Run(MapLocks.Ranges, 0);
        Assert.Equal(2, report.Total("shootdowns"));
        Assert.Equal(0, report.Total("fullFlushes"));
    }

    [Fact]
    public void Run_KernelWithoutPoolLocks_AsksForNone()
    {
        ScenarioSpec scenario = Neighbours(0);
        scenario = scenario with { Kernel = scenario.Kernel with { LruBatch = 10 } };
        RunReport report = TestWorlds.Run(
            scenario with { Kernel = scenario.Kernel with { LruLockCycles = 0, ZoneLockCycles = 0, PageTableLockCycles = 0 } });
        Assert.Equal(
            0,
            report.Total("lruLockAcquisitions") + report.Total("zoneLockAcquisitions") + report.Total("pageTableLockAcquisitions"));
        RunReport with = TestWorlds.Run(scenario);
        Assert.True(with.Total("lruLockAcquisitions") > 0);
        Assert.True(with.Total("zoneLockAcquisitions") > 0);
        Assert.True(with.Total("pageTableLockAcquisitions") > 0);
    }

    /// <summary>Random programs under the checker, on any window alike.</summary>
    [Fact]
    public void Run_AnyWindow_GivesOneFingerprint() => RandomPrograms.Scenario.Sample(
        drawn =>
        {
            ScenarioSpec scenario = drawn with { Kernel = drawn.Kernel with { MapLock = MapLocks.Ranges } };
            RunReport whole = TestWorlds.Run(scenario);
            RunReport pieces = TestWorlds.Run(scenario, window: 137);
            Assert.Equal(whole.Fingerprint, pieces.Fingerprint);
        },
        iter: 30);

    void IRwsemSignals.Takes(KernelOperation operation) => _told.Add($"{operation.FirstPage} takes");

    void IRwsemSignals.Sleep(KernelOperation operation) => _told.Add($"{operation.FirstPage} sleeps");

    void IRwsemSignals.Wake(KernelOperation operation, KernelOperation waker) => _told.Add($"{operation.FirstPage} wakes");

    void IRwsemSignals.LockAreas(KernelOperation operation) =>
        throw new InvalidOperationException("a lock by itself has no areas");

    void IRwsemSignals.IsKept(KernelOperation operation) => _told.Add($"kept for {operation.FirstPage}");

    void IRwsemSignals.SetSpinLimit(KernelOperation operation, long until) => _told.Add($"{operation.FirstPage} to {until}");

    private static RunReport Run(string mapLock, int shift)
    {
        ScenarioSpec scenario = Neighbours(shift);
        return TestWorlds.RunThreads(
            scenario with { Kernel = scenario.Kernel with { MapLock = mapLock } }, protocol: new BroadcastProtocol());
    }

    /// <summary>
    /// Two cores protect 20 pages each at about the same time; the second range begins where the first ends, or a page before.
    /// </summary>
    private static ScenarioSpec Neighbours(int shift)
    {
        ThreadProgram first = new ThreadBuilder("a").Touch(TestWorlds.Page(0), 20).Compute(400_000)
            .Protect(TestWorlds.Page(0), 20, Protection.Read).Build(new CoreId(0));
        ThreadProgram second = new ThreadBuilder("b").Touch(TestWorlds.Page(20), 20).Compute(400_500)
            .Protect(TestWorlds.Page(20 + shift), 20, Protection.Read).Build(new CoreId(1));
        return TestWorlds.Scenario(2, first, second);
    }

    private MapLock Make() =>
        new(new KernelProfile { MapLock = MapLocks.Ranges }, new RwsemRules(1_000, ReadersSpin: false, Sleeps: true), this);

    private static KernelOperation Operation(ulong first, ulong end) => new()
    {
        Kind = OperationKind.Call,
        Thread = new ThreadId(0),
        Core = new CoreId(0),
        FirstPage = first,
        EndPage = end,
        Exclusive = true,
    };
}
