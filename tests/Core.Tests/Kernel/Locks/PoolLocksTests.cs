using VmSim.Core.Addresses;
using VmSim.Core.Kernel;
using VmSim.Core.Kernel.Locks;
using VmSim.Core.Machine;

namespace VmSim.Core.Tests.Kernel.Locks;

/// <summary>Batches of new pages, and the count of promised memory.</summary>
public sealed class PoolLocksTests
{
    private const int Batch = 31;
    private const int Space = 3;

    private static readonly CoreId Core = new(0);
    private readonly SpaceCounters _counters = new();

    [Fact]
    public void LeaveBatch_PagesThatAreStillInIt_StayThereUntilItIsFull()
    {
        PoolLocks locks = Locks();
        Enlist(locks, Space, first: 0, pages: Batch - 1);
        Assert.Equal(0, Taken(LockKind.Lru));
        Assert.Equal((4, 0), locks.LeaveBatch(0, Core, Space, 10, 14, _counters));
        Assert.Equal((0, 0), locks.LeaveBatch(0, Core, Space, 10, 14, _counters));
        locks.Free(0, Core, pages: 4, listed: 0, _counters);
        Assert.Equal(0, Taken(LockKind.Lru));

        // One hold puts all on the lists, and one takes those off that are dead.
        Enlist(locks, Space, first: 100, pages: 1);
        Assert.Equal(2, Taken(LockKind.Lru));
        Enlist(locks, Space, first: 200, pages: Batch);
        Assert.Equal(3, Taken(LockKind.Lru));
    }

    [Theory]
    [InlineData(Space, 1_000UL, 2_000UL)]
    [InlineData(Space + 1, 0UL, 2_000UL)]
    public void LeaveBatch_OtherPages_AreNotInIt(int space, ulong first, ulong end)
    {
        PoolLocks locks = Locks();
        Enlist(locks, Space, first: 0, pages: 5);
        Assert.Equal((0, 0), locks.LeaveBatch(0, Core, space, first, end, _counters));
        Assert.Equal((0, 0), locks.LeaveBatch(0, new CoreId(1), Space, 0, 2_000, _counters));
        locks.Free(0, Core, pages: 40, listed: 40, _counters);
        Assert.Equal(2, Taken(LockKind.Lru));
    }

    [Fact]
    public void LeaveBatch_WhereTheKernelDrains_EmptiesTheBatchFirst()
    {
        PoolLocks locks = Locks(new KernelProfile { LruDrain = true });
        Assert.Equal((0, 0), locks.LeaveBatch(0, Core, Space, 0, 100, _counters));
        Assert.Equal(0, Taken(LockKind.Lru));
        Enlist(locks, Space, first: 0, pages: 5);
        Assert.Equal((0, 0), locks.LeaveBatch(0, Core, Space, 0, 100, _counters));
        Assert.Equal(1, Taken(LockKind.Lru));
        Enlist(locks, Space, first: 0, pages: Batch - 1);
        Assert.Equal(1, Taken(LockKind.Lru));
    }

    /// <summary>A share of 1,024 pages a core is a bound of 32, as for less; one of 16,384 is 64.</summary>
    [Theory]
    [InlineData(2_048, 32)]
    [InlineData(32_768, 64)]
    public void Promise_UpToTheBoundOfACore_TakesNoLock(long pages, long bound)
    {
        PoolLocks locks = Locks(pages: pages);
        locks.Promise(0, Core, bound - 1, _counters);
        locks.Promise(0, new CoreId(1), 1 - bound, _counters);
        locks.Promise(0, Core, 0, _counters);
        Assert.Equal(0, Taken(LockKind.Promised));
        locks.Promise(0, Core, 1, _counters);
        Assert.Equal(1, Taken(LockKind.Promised));
        locks.Promise(0, Core, bound - 1, _counters);
        Assert.Equal(1, Taken(LockKind.Promised));
        Assert.True(locks.Promise(0, new CoreId(1), -1, _counters) > 0, "the other core has the line");
        Assert.Equal(2, Taken(LockKind.Promised));
    }

    private static PoolLocks Locks(KernelProfile? kernel = null, long pages = 1 << 20) =>
        new(new MachineSpec { Cores = 2 }, kernel ?? new KernelProfile(), pages);

    private void Enlist(PoolLocks locks, int space, ulong first, int pages)
    {
        for (int i = 0; i < pages; i++)
        {
            locks.Enlist(0, Core, space, first + (ulong)i, _counters);
        }
    }

    private long Taken(LockKind kind) => _counters[SpaceCounters.Of(kind).Acquisitions];
}
