using VmSim.Core.Addresses;
using VmSim.Core.Machine;
using VmSim.Core.Memory;
using VmSim.Core.Paging;

namespace VmSim.Core.Kernel.Locks;

/// <summary>
/// Locks and contended cache lines of one address space. Each method says what waiting and transfers add to an operation whose own work,
/// the holds of the locks included, is counted elsewhere: on one core, every answer is 0.
/// </summary>
/// <param name="space">Number of the space.</param>
/// <param name="machine">What transfers of cache lines cost.</param>
/// <param name="kernel">How long locks are held.</param>
/// <param name="pool">The locks of the space's memory pool.</param>
/// <param name="counters">The space's counters.</param>
internal sealed class SpaceLocks(int space, MachineSpec machine, KernelProfile kernel, PoolLocks pool, SpaceCounters counters)
{
    /// <summary>Locks of areas that are kept before those without an area are looked for.</summary>
    private const int AreasKeptMin = 64;

    /// <summary>
    /// Pages of a range whose locks are taken one by one: those of one node of the radix tree (512 slots, as in a table page). A longer
    /// range's further locks are left out.
    /// </summary>
    private const ulong PagesOfNode = EntryLayout.EntriesPerTable;

    private readonly VirtualLock _map = new();
    private readonly VirtualLock _generation = new();
    private readonly VirtualLock _coreMask = new();
    private readonly LockDirectory _areas = new();
    private readonly LockDirectory _tables = new();

    /// <summary>Locks of single pages, where the space is locked by ranges.</summary>
    private readonly LockDirectory _pages = new();
    private int _areasKept = AreasKeptMin;

    /// <summary>
    /// A fault's locks: the area's (its reference count is one line, vm_refcnt in include/linux/mm_types.h) or mmap_lock, the zone lock if
    /// the core's list of free pages is empty, the page-table lock, and the LRU lock if the core's batch of new pages is full
    /// (do_anonymous_page, mm/memory.c).
    /// </summary>
    public long EnterFault(KernelOperation operation, in FaultResult fault, long now)
    {
        CoreId core = operation.Core;
        bool usesArea = kernel.LocksAreas && !operation.HasMapLock && fault.AreaStart is not null;
        LockKind kind = usesArea ? LockKind.Area : LockKind.Map;
        VirtualLock line = usesArea ? _areas.Of(fault.AreaStart!.Value.PageNumber) : MapLine(operation);
        long delay = Enter(operation, line, kind, now);
        if (!fault.Succeeded)
        {
            return delay;
        }

        bool newPage = fault.Kind.TakesNewPage();
        if (fault.Kind == FaultKind.Huge)
        {
            delay += pool.TakeLarge(now + delay, core, counters);
        }

        delay += pool.Take(now + delay, core, fault.TablesAllocated + (newPage ? 1 : 0), counters);
        delay += EnterTable(operation.Address, core, now + delay);
        return newPage ? delay + pool.Enlist(now + delay, core, space, operation.FirstPage, counters) : delay;
    }

    /// <summary>
    /// A call's lock: the line of mmap_lock, for readers and writers alike, or that of its area; or those of its pages that were locked
    /// before.
    /// </summary>
    public long EnterCall(KernelOperation operation, long now)
    {
        if (operation is { LockedArea: { } area, HasMapLock: false })
        {
            return Enter(operation, _areas.Of(area.PageNumber), LockKind.Area, now);
        }

        long delay = Enter(operation, MapLine(operation), LockKind.Map, now);
        ulong end = Math.Min(operation.EndPage, operation.FirstPage + PagesOfNode);
        for (ulong page = operation.FirstPage + 1; kernel.LocksRanges && page < end; page++)
        {
            delay += _pages.Find(page) is { } line
                ? line.Acquire(now + delay, operation.Core, kernel.AtomicCycles, machine, counters, LockKind.Map).Value
                : 0;
        }

        return delay;
    }

    /// <summary>The line is written once more when the operation gives its lock back.</summary>
    public long Leave(KernelOperation operation, long now) =>
        operation.LockLine is { } line
            ? line.Release(now, operation.Core, kernel.AtomicCycles, machine, counters, operation.LockKind).Value
            : 0;

    /// <summary>The locks that one batch of a call's pages takes.</summary>
    /// <param name="operation">The call.</param>
    /// <param name="freed">Pages freed.</param>
    /// <param name="taken">Pages and table pages allocated.</param>
    /// <param name="now">When, in cycles.</param>
    public long Batch(KernelOperation operation, long freed, long taken, long now)
    {
        long delay = pool.Take(now, operation.Core, taken, counters);
        delay += pool.Enlist(now + delay, operation.Core, taken, counters);
        if (freed == 0)
        {
            return delay;
        }

        (long kept, long wait) = pool.LeaveBatch(
            now + delay, operation.Core, space, operation.FirstPage, operation.EndPage, counters);
        delay += wait;
        return delay + pool.Free(now + delay, operation.Core, freed, freed - Math.Min(freed, kept), counters);
    }

    /// <summary>The lock of the lowest-level table page for an address (ptlock_ptr, include/linux/mm.h).</summary>
    public long EnterTable(VirtAddr address, CoreId core, long now) => EnterTable(address.Value >> EntryLayout.LevelShift(1), core, now);

    /// <summary>The same lock, by the number of the table page: an address of it over the bytes that it spans.</summary>
    public long EnterTable(ulong table, CoreId core, long now) => kernel.PageTableLockCycles == 0
        ? 0
        : _tables.Of(table).Acquire(now, core, kernel.PageTableLockCycles, machine, counters, LockKind.PageTable).Value;

    /// <summary>A call writes the lock of an area that it changes (vma_start_write, include/linux/mmap_lock.h).</summary>
    public long WriteArea(ulong firstPage, CoreId core, long now) =>
        _areas.Of(firstPage).Acquire(now, core, kernel.AtomicCycles, machine, counters, LockKind.Area).Value;

    /// <summary>
    /// A shootdown's initiator increments the generation, then reads the set of cores (flush_tlb_mm_range, arch/x86/mm/tlb.c).
    /// </summary>
    public long Shootdown(CoreId core, long now)
    {
        long delay = _generation.Acquire(now, core, kernel.AtomicCycles, machine, counters, LockKind.Generation).Value;
        return delay + EnterCoreMask(core, now + delay);
    }

    /// <summary>A core that loads or leaves the space changes the set of cores (switch_mm_irqs_off, arch/x86/mm/tlb.c).</summary>
    public long EnterCoreMask(CoreId core, long now) =>
        _coreMask.Acquire(now, core, kernel.AtomicCycles, machine, counters, LockKind.CoreMask).Value;

    /// <summary>Forgets the locks of the table pages wholly inside a range whose tables were freed.</summary>
    public void ForgetTables(ulong firstPage, ulong endPage)
    {
        const int Shift = EntryLayout.BitsPerLevel;
        ulong first = firstPage >> Shift;
        ulong end = endPage >> Shift;
        first += first << Shift < firstPage ? 1UL : 0;
        if (end - first <= (ulong)_tables.Count)
        {
            for (ulong table = first; table < end; table++)
            {
                _tables.Remove(table);
            }

            return;
        }

        foreach (ulong table in _tables.Keys)
        {
            if (table >= first && table < end)
            {
                _tables.Remove(table);
            }
        }
    }

    /// <summary>
    /// Forgets the locks of areas that are gone, once there are many; an area that begins where another did has its lock, as with objects
    /// of a slab.
    /// </summary>
    public void ForgetAreas(VirtualMemory memory)
    {
        if (_areas.Count <= _areasKept)
        {
            return;
        }

        foreach (ulong page in _areas.Keys)
        {
            if (!memory.HasAreaStart(VirtAddr.OfPage(page)))
            {
                _areas.Remove(page);
            }
        }

        _areasKept = Math.Max(AreasKeptMin, 2 * _areas.Count);
    }

    private VirtualLock MapLine(KernelOperation operation) => kernel.LocksRanges ? _pages.Of(operation.FirstPage) : _map;

    /// <summary>
    /// Takes the lock that the operation holds to its end. An operation that waited for it counts once, be it for a holder, for its line,
    /// or both.
    /// </summary>
    private long Enter(KernelOperation operation, VirtualLock line, LockKind kind, long now)
    {
        operation.LockLine = line;
        operation.LockKind = kind;
        counters[SpaceCounters.Of(kind).Waits] += operation.Waited && line.FreeAt.Value <= now ? 1 : 0;
        return line.Acquire(now, operation.Core, kernel.AtomicCycles, machine, counters, kind, compares: kind == LockKind.Area).Value;
    }
}
