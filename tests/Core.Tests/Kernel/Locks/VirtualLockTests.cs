using VmSim.Core.Addresses;
using VmSim.Core.Kernel;
using VmSim.Core.Kernel.Locks;
using VmSim.Core.Machine;

namespace VmSim.Core.Tests.Kernel.Locks;

public sealed class VirtualLockTests
{
    private static readonly MachineSpec Machine =
        new() { Cores = 4, Sockets = 2, LineTransferCycles = 100, LineTransferRemoteCycles = 300 };

    private readonly VirtualLock _lock = new();
    private readonly SpaceCounters _counters = new();

    [Fact]
    public void Acquire_FreeLockOnOneCore_CostsNothing()
    {
        Assert.Equal(0, Acquire(at: 1000, core: 0, hold: 50));
        Assert.Equal(0, Acquire(at: 1050, core: 0, hold: 50));
        Assert.Equal((2, 0, 0, 0, 0), Counts());
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 100)]
    [InlineData(2, 300)]
    public void Acquire_FreeLockLastHeldElsewhere_CostsTheTransferByDistance(int core, long cycles)
    {
        Acquire(at: 0, core: 0, hold: 50);
        Assert.Equal(cycles, Acquire(at: 1000, core, hold: 50));
        Assert.Equal((2, 0, 0, core == 1 ? 1 : 0, core == 2 ? 1 : 0), Counts());
    }

    [Fact]
    public void Acquire_HeldLock_WaitsForAllBeforeItFirstComeFirstServed()
    {
        Acquire(at: 0, core: 0, hold: 50);
        Assert.Equal(40 + 100, Acquire(at: 10, core: 1, hold: 50));
        Assert.Equal(50 + 100 + 50 - 20 + 300, Acquire(at: 20, core: 2, hold: 50));
        Assert.Equal(550, _lock.FreeAt.Value);
        Assert.Equal((3, 2, 40 + 180, 1, 1), Counts());
    }

    /// <summary>The first try of compare and exchange fails where others are at the line, and fetches it for nothing.</summary>
    [Fact]
    public void Acquire_ByCompareAndExchange_FetchesTheLineTwiceIfOthersWaitForIt()
    {
        Acquire(at: 0, core: 0, hold: 50);
        Assert.Equal(40 + 100 + 50 + 100, Acquire(at: 10, core: 1, hold: 50, compares: true));
        Assert.Equal(350, _lock.FreeAt.Value);
        Assert.Equal((2, 1, 40, 2, 0), Counts());
        Assert.Equal(100, Acquire(at: 350, core: 0, hold: 50, compares: true));
        Assert.Equal((3, 1, 40, 3, 0), Counts());
    }

    [Fact]
    public void Release_LineTakenMeanwhile_MovesItBackWithoutAnAcquisition()
    {
        Acquire(at: 0, core: 0, hold: 10);
        Acquire(at: 20, core: 1, hold: 10);
        Assert.Equal(100, _lock.Release(500, new CoreId(0), 10, Machine, _counters, LockKind.Area).Value);
        Assert.Equal((2, 0, 0, 2, 0), Counts());
    }

    [Fact]
    public void Acquire_KnownLockOfADirectory_AllocatesNothing()
    {
        LockDirectory directory = new();
        Assert.NotSame(directory.Of(1), directory.Of(2));
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
        {
            directory.Of((ulong)(1 + (i & 1))).Acquire(i, new CoreId(i & 3), 10, Machine, _counters, LockKind.Area);
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        Assert.Equal(2, directory.Count);
    }

    [Fact]
    public void Remove_LastLockAskedFor_IsForgotten()
    {
        LockDirectory directory = new();
        VirtualLock old = directory.Of(7);
        directory.Remove(7);
        Assert.NotSame(old, directory.Of(7));
    }

    private long Acquire(long at, int core, long hold, bool compares = false) =>
        _lock.Acquire(at, new CoreId(core), hold, Machine, _counters, LockKind.Area, compares).Value;

    private (long, long, long, long, long) Counts()
    {
        LockCounters area = SpaceCounters.Of(LockKind.Area);
        return (
            _counters[area.Acquisitions],
            _counters[area.Waits],
            _counters[area.WaitCycles],
            _counters[area.LocalTransfers],
            _counters[area.RemoteTransfers]);
    }
}
