using VmSim.Core.Addresses;
using VmSim.Core.Machine;

namespace VmSim.Core.Kernel.Locks;

/// <summary>
/// The zone lock and the LRU lock of one memory pool, and the lists of each core that spare them: a core takes and gives back free pages in
/// batches (struct per_cpu_pages, mm/page_alloc.c) and puts new pages on the LRU lists in batches (struct folio_batch, mm/swap.c). So it is
/// with promised memory, of which each core keeps a count of its own up to a bound (struct percpu_counter, lib/percpu_counter.c).
/// </summary>
/// <param name="machine">What transfers of cache lines cost.</param>
/// <param name="kernel">Sizes of the batches and how long the locks are held.</param>
/// <param name="pages">Pages of the pool.</param>
internal sealed class PoolLocks(MachineSpec machine, KernelProfile kernel, long pages)
{
    /// <summary>
    /// A core's list of free pages gives a batch back above so many batches (zone_highsize, mm/page_alloc.c: at least four).
    /// </summary>
    private const int HighBatches = 4;

    /// <summary>
    /// Where memory is never promised twice, a core counts by itself up to this part of its share of memory, and at least 32 pages and two
    /// a core (mm_compute_batch, mm/mm_init.c).
    /// </summary>
    private const int PartOfShare = 256;
    private const int PromisesKeptMin = 32;

    private readonly long _promisesKept =
        Math.Max(Math.Max(PromisesKeptMin, 2 * machine.Cores), pages / machine.Cores / PartOfShare);

    private readonly VirtualLock _promised = new();
    private readonly VirtualLock _zone = new();
    private readonly VirtualLock _lru = new();
    private readonly Dictionary<int, CoreLists> _lists = [];
    private CoreLists? _lastLists;
    private int _lastCore;

    private sealed class CoreLists
    {
        public long FreePages { get; set; }

        /// <summary>Pages that the core has promised and not told the pool of; below 0 if it gave more back.</summary>
        public long Promises { get; set; }

        /// <summary>Pages of the batch that waits to be put on the LRU lists.</summary>
        public long NewPages { get; set; }

        /// <summary>Where those of them that faults brought are mapped, the oldest first.</summary>
        public List<(int Space, ulong Page)> Mapped { get; } = [];

        /// <summary>Whether some of them have been given up since: the batch alone still holds them.</summary>
        public bool HoldsDead { get; set; }
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

    /// <summary>Adds a fault's new page to the core's batch; cycles spent waiting for the LRU lock.</summary>
    /// <param name="at">When, in cycles.</param>
    /// <param name="core">Whose batch it goes to.</param>
    /// <param name="space">Number of the address space that it is mapped in.</param>
    /// <param name="page">Number of the page that it is mapped as.</param>
    /// <param name="counters">Where it is counted.</param>
    public long Enlist(long at, CoreId core, int space, ulong page, SpaceCounters counters)
    {
        ListsOf(core).Mapped.Add((space, page));
        return Enlist(at, core, 1, counters);
    }

    /// <summary>
    /// Adds new pages to the core's batch. A full one goes to the LRU lists under one hold of their lock, and what of it has been given up
    /// is taken off again under another (folio_batch_move_lru and folios_put_refs, mm/swap.c).
    /// </summary>
    /// <returns>Cycles spent waiting for the LRU lock.</returns>
    /// <inheritdoc cref="Take"/>
    public long Enlist(long at, CoreId core, long pages, SpaceCounters counters)
    {
        CoreLists lists = ListsOf(core);
        long delay = 0;
        for (lists.NewPages += pages; lists.NewPages >= kernel.LruBatch; lists.NewPages -= kernel.LruBatch)
        {
            delay += EmptyBatch(at + delay, core, lists, counters);
        }

        return delay;
    }

    /// <summary>
    /// A call is about to give up pages. Where the kernel drains, the core's batch goes to the LRU lists first; else those of its pages
    /// that the call gives up stay in it.
    /// </summary>
    /// <param name="at">When, in cycles.</param>
    /// <param name="core">Whose batch it is.</param>
    /// <param name="space">Number of the address space.</param>
    /// <param name="firstPage">Number of the first page of the call's range.</param>
    /// <param name="endPage">Number of the page behind it.</param>
    /// <param name="counters">Where it is counted.</param>
    /// <returns>How many of its pages stay in the batch, and cycles spent waiting for the LRU lock.</returns>
    public (long Kept, long Delay) LeaveBatch(long at, CoreId core, int space, ulong firstPage, ulong endPage, SpaceCounters counters)
    {
        CoreLists lists = ListsOf(core);
        if (lists.NewPages == 0)
        {
            return default;
        }

        if (kernel.LruDrain)
        {
            lists.NewPages = 0;
            return (0, EmptyBatch(at, core, lists, counters));
        }

        int kept = lists.Mapped.RemoveAll(young => young.Space == space && young.Page >= firstPage && young.Page < endPage);
        lists.HoldsDead |= kept > 0;
        return (kept, 0);
    }

    /// <summary>
    /// Frees pages, and takes those off the LRU lists that are on them; cycles spent waiting for both locks.
    /// </summary>
    /// <param name="at">When, in cycles.</param>
    /// <param name="core">Whose list of free pages they go to.</param>
    /// <param name="pages">How many.</param>
    /// <param name="listed">How many of them are on the LRU lists.</param>
    /// <param name="counters">Where it is counted.</param>
    public long Free(long at, CoreId core, long pages, long listed, SpaceCounters counters)
    {
        CoreLists lists = ListsOf(core);
        long delay = 0;
        for (long left = listed; left > 0; left -= kernel.LruBatch)
        {
            delay += TakeLru(at + delay, core, counters);
        }

        for (lists.FreePages += pages; lists.FreePages > HighBatches * kernel.FreePageBatch; lists.FreePages -= kernel.FreePageBatch)
        {
            delay += TakeZone(at + delay, core, counters);
        }

        return delay;
    }

    /// <summary>Counts pages that are promised, or given back if below 0; cycles spent waiting for the count's lock.</summary>
    /// <inheritdoc cref="Take"/>
    public long Promise(long at, CoreId core, long pages, SpaceCounters counters)
    {
        if (pages == 0)
        {
            return 0;
        }

        CoreLists lists = ListsOf(core);
        lists.Promises += pages;
        if (Math.Abs(lists.Promises) < _promisesKept)
        {
            return 0;
        }

        lists.Promises = 0;
        return _promised.Acquire(at, core, kernel.AtomicCycles, machine, counters, LockKind.Promised).Value;
    }

    /// <summary>Takes one large page, which no list of a core spares the locks for; cycles spent waiting for both.</summary>
    /// <inheritdoc cref="Take"/>
    public long TakeLarge(long at, CoreId core, SpaceCounters counters)
    {
        long delay = TakeZone(at, core, counters);
        return delay + TakeLru(at + delay, core, counters);
    }

    private long EmptyBatch(long at, CoreId core, CoreLists lists, SpaceCounters counters)
    {
        long delay = TakeLru(at, core, counters);
        if (lists.HoldsDead)
        {
            lists.HoldsDead = false;
            delay += TakeLru(at + delay, core, counters);
        }

        lists.Mapped.Clear();
        return delay;
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
