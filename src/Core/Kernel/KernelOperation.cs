using VmSim.Core.Addresses;
using VmSim.Core.Kernel.Locks;
using VmSim.Core.Memory;
using VmSim.Core.Programs;
using VmSim.Core.Shootdown;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Kernel;

/// <summary>What an operation of an address space is.</summary>
internal enum OperationKind
{
    /// <summary>A page fault.</summary>
    Fault,

    /// <summary>A system call.</summary>
    Call,

    /// <summary>A fork.</summary>
    Fork,

    /// <summary>The end of the process: nothing is left of its memory.</summary>
    Exit,
}

/// <summary>A fault, system call, fork or exit that an address space works on.</summary>
internal sealed class KernelOperation
{
    /// <summary>Number within the space, from 1.</summary>
    public long Id { get; init; }

    public required OperationKind Kind { get; init; }

    public required ThreadId Thread { get; init; }

    public required CoreId Core { get; init; }

    /// <summary>The system call; null for faults and forks.</summary>
    public SystemCall? Call { get; init; }

    /// <summary>The faulting address.</summary>
    public VirtAddr Address { get; init; }

    /// <summary>What the access does that faulted.</summary>
    public AccessKind Access { get; init; }

    /// <summary>Whether the kernel made the access.</summary>
    public bool IsKernelAccess { get; init; }

    /// <summary>Number of the child of a fork.</summary>
    public int Child { get; init; }

    /// <summary>How a fault was resolved; null for calls and forks, and before it is.</summary>
    public FaultKind? Fault { get; set; }

    /// <summary>The word of the shootdown protocol that its trap brought.</summary>
    public long Word { get; init; }

    /// <summary>
    /// Whether it holds the address space's lock as a writer. A call that only gives pages up is a reader from some time on
    /// (<see cref="CallScope.Downgrades"/>).
    /// </summary>
    public bool Exclusive { get; set; }

    /// <summary>
    /// The area whose lock a call may take instead of mmap_lock; null for other calls, and for faults, which learn theirs later.
    /// </summary>
    public VirtAddr? LockedArea { get; init; }

    /// <summary>Whether it has mmap_lock, or waits for it, and no area's lock.</summary>
    public bool HasMapLock { get; set; }

    /// <summary>Where it stands at mmap_lock while it waits.</summary>
    public RwsemState Rwsem { get; set; }

    /// <summary>When it asked for its lock, in cycles.</summary>
    public long WaitsSince { get; set; }

    /// <summary>When it was queued to sleep for mmap_lock, in cycles.</summary>
    public long QueuedAt { get; set; }

    /// <summary>When it stops spinning while readers have mmap_lock, in cycles; 0 for never.</summary>
    public long SpinLimit { get; set; }

    /// <summary>Up to when it makes threads runnable that slept for mmap_lock, in cycles.</summary>
    public long WakesUntil { get; set; }

    /// <summary>Cycles that it spends for that before it returns.</summary>
    public long WakeCycles { get; set; }

    /// <summary>Whether it collects what it takes out of page tables and flushes at its end (<see cref="CallScope.Gathers"/>).</summary>
    public bool Gathers { get; init; }

    /// <summary>Whether its own shootdown has begun, if it has one.</summary>
    public bool HasFlushed { get; set; }

    /// <summary>Whether the whole space is flushed before its own shootdown, for what reclaim has taken.</summary>
    public bool FlushesReclaimed { get; set; }

    /// <summary>Pages of the pool that were promised when it started, where promised memory is counted.</summary>
    public long PromisedBefore { get; set; }

    /// <summary>First page it concerns.</summary>
    public ulong FirstPage { get; init; }

    /// <summary>The page after the last one it concerns.</summary>
    public ulong EndPage { get; init; }

    /// <summary>When its trap reached the kernel, in cycles.</summary>
    public long EnteredAt { get; init; }

    /// <summary>Where its cost is counted (<see cref="Causes.CauseLedger"/>).</summary>
    public int Cause { get; set; }

    /// <summary>When it started, in cycles.</summary>
    public long StartedAt { get; set; }

    /// <summary>Whether it has started: its trap took time to reach the kernel, so that none starts at 0.</summary>
    public bool HasStarted => StartedAt > 0;

    /// <summary>When its answer reaches its thread, in cycles; below 0 before it is answered.</summary>
    public long ReturnedAt { get; set; } = -1;

    /// <summary>What it answers the thread.</summary>
    public TrapResult Result { get; set; }

    /// <summary>What stopped a call that did a part of its work; none if nothing did.</summary>
    public Errno Errno { get; set; }

    /// <summary>Cycles it spent waiting for invalidations.</summary>
    public long ShootdownWait { get; set; }

    /// <summary>What is flushed one after another before <see cref="Dead"/>; null for nothing.</summary>
    public Queue<DeadTranslations>? Forced { get; set; }

    /// <summary>What is flushed at its end; null for nothing.</summary>
    public DeadTranslations? Dead { get; set; }

    public bool TablesFreed { get; set; }

    /// <summary>The size of the translation that the answer to a fault puts into the core's TLB; null for none.</summary>
    public PageSize? Primes { get; set; }

    /// <summary>Number of the first page of that translation.</summary>
    public ulong PrimedPage { get; set; }

    public ReleaseBatch? Release { get; set; }

    /// <summary>Faults that the kernel took on the thread's behalf in a call.</summary>
    public int FaultsInside { get; set; }

    /// <summary>The lock whose line it writes again at its end; null before it has one.</summary>
    public VirtualLock? LockLine { get; set; }

    /// <summary>What <see cref="LockLine"/> is.</summary>
    public LockKind LockKind { get; set; } = LockKind.Map;

    /// <summary>Whether others kept it from starting at once.</summary>
    public bool Waited { get; set; }

    /// <summary>Cycles of its own work that are still to come after the batch of pages it is at.</summary>
    public long WorkLeft { get; set; }

    /// <summary>Pages that it frees and that no batch has freed yet.</summary>
    public long PagesToFree { get; set; }

    /// <summary>Pages and table pages that it allocates and that no batch has allocated yet.</summary>
    public long PagesToTake { get; set; }

    public ShootdownRequest? Shootdown { get; set; }

    /// <summary>Whether its thread was put to sleep.</summary>
    public bool Sleeps { get; set; }

    /// <summary>The areas whose locks a call holds as a writer; null if it holds those of all its pages' areas, or none.</summary>
    public List<AddrRange<VirtAddr>>? LockedAreas { get; set; }

    /// <summary>Whether it holds, as a writer, the lock of an area that another operation has pages of.</summary>
    public bool LocksAreaOf(KernelOperation other)
    {
        if (LockedAreas is not { } areas)
        {
            return Overlaps(other);
        }

        foreach (AddrRange<VirtAddr> area in areas)
        {
            if (area.Start.PageNumber < other.EndPage && other.FirstPage <= area.Last.PageNumber)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether another operation has one of its pages.</summary>
    public bool Overlaps(KernelOperation other) => FirstPage < other.EndPage && other.FirstPage < EndPage;
}
