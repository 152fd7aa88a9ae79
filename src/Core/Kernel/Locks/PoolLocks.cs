using VmSim.Core.Addresses;
using VmSim.Core.Machine;

namespace VmSim.Core.Kernel.Locks;

/// <summary>
/// The zone lock and the LRU lock of one memory pool, and the lists of each core that spare them: a core takes and gives back free pages in
/// batches (struct per_cpu_pages, mm/page_alloc.c) and puts new pages on the LRU lists in batches (struct folio_batch, mm/swap.c).
/// </summary>
/// <param name="machine">What transfers of cache lines cost.</param>
/// <param name="kernel">Sizes of the batches and how long the locks are held.</param>
internal sealed class PoolLocks(MachineSpec machine, KernelProfile kernel)
{
    /// <summary>
    /// A core's list of free pages gives a batch back above so many batches (zone_highsize, mm/page_alloc.c: at least four).
    /// </summary>
    private const int HighBatches = 4;

    private readonly VirtualLock _zone = new();
    private readonly VirtualLock _lru = new();
    private readonly Dictionary<int, CoreLists> _lists = [];
    private CoreLists? _lastLists;
    private int _lastCore;

    private sealed class CoreLists
    {
        public long FreePages { get; set; }

        public long NewPages { get; set; }
    }

    /// <summary>Takes free pages.</summary>
    /// <param name="at">When, in cycles.</param>
    /// <param name="core">Whose list they come from.</param>
    /// <param name="pages">How many.</param>
    /// <param name="counters">Where it is counted.</param>
    /// <returns>Cycles spent waiting for the zone lock.</returns>
    public long Take(long at, CoreId core, long pages, SpaceCounters counters)
    {
        CoreLists lists = ListsOf(core);
        long delay = 0;
        for (lists.FreePages -= pages; lists.FreePages < 0; lists.FreePages += kernel.FreePageBatch)
        {
            delay += TakeZone(at + delay, core, counters);
        }

        return delay;
    }

    /// <summary>Puts new pages on the LRU lists; cycles spent waiting for the LRU lock.</summary>
    /// <inheritdoc cref="Take"/>
    public long Enlist(long at, CoreId core, long pages, SpaceCounters counters)
    {
        CoreLists lists = ListsOf(core);
        long delay = 0;
        for (lists.NewPages += pages; lists.NewPages >= kernel.LruBatch; lists.NewPages -= kernel.LruBatch)
        {
            delay += TakeLru(at + delay, core, counters);
        }

        return delay;
    }

    /// <summary>Takes pages off the LRU lists and frees them; cycles spent waiting for both locks.</summary>
    /// <inheritdoc cref="Take"/>
    public long Free(long at, CoreId core, long pages, SpaceCounters counters)
    {
        CoreLists lists = ListsOf(core);
        long delay = 0;
        for (long left = pages; left > 0; left -= kernel.LruBatch)
        {
            delay += TakeLru(at + delay, core, counters);
        }

        for (lists.FreePages += pages; lists.FreePages > HighBatches * kernel.FreePageBatch; lists.FreePages -= kernel.FreePageBatch)
        {
            delay += TakeZone(at + delay, core, counters);
        }

        return delay;
    }

    /// <summary>Takes one large page, which no list of a core spares the locks for; cycles spent waiting for both.</summary>
    /// <inheritdoc cref="Take"/>
    public long TakeLarge(long at, CoreId core, SpaceCounters counters)
    {
        long delay = TakeZone(at, core, counters);
        return delay + TakeLru(at + delay, core, counters);
    }

    private long TakeZone(long at, CoreId core, SpaceCounters counters) => kernel.ZoneLockCycles == 0
        ? 0
        : _zone.Acquire(at, core, kernel.ZoneLockCycles, machine, counters, LockKind.Zone).Value;

    private long TakeLru(long at, CoreId core, SpaceCounters counters) => kernel.LruLockCycles == 0
        ? 0
        : _lru.Acquire(at, core, kernel.LruLockCycles, machine, counters, LockKind.Lru).Value;

    private CoreLists ListsOf(CoreId core)
    {
        if (_lastLists is not null && _lastCore == core.Value)
        {
            return _lastLists;
        }

        if (!_lists.TryGetValue(core.Value, out CoreLists? lists))
        {
            _lists.Add(core.Value, lists = new CoreLists());
        }

        _lastCore = core.Value;
        return _lastLists = lists;
    }
}
