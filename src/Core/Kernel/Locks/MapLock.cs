using VmSim.Core.Addresses;
using VmSim.Core.Machine;

namespace VmSim.Core.Kernel.Locks;

/// <summary>
/// Which operations of an address space run at the same time: mmap_lock, and with it the locks of its areas. Writers (map, unmap, protect,
/// brk, mremap, fork) exclude all that takes mmap_lock, and faults in the areas that they change. With per-area locks a fault, and a call
/// that its area's lock is enough for, takes mmap_lock as a reader only if a writer has locked its area (lock_vma_under_rcu fails,
/// Documentation/mm/process_addrs.rst); a writer that has mmap_lock waits for those that have its areas. Or each page has a lock, and there
/// is no mmap_lock (<see cref="MapLocks.Ranges"/>).
/// </summary>
internal sealed class MapLock : IRwsemSignals
{
    private readonly bool _areaLocks;
    private readonly IRwsemSignals _signals;

    /// <summary>Operations that have not ended and have their pages.</summary>
    private readonly List<KernelOperation> _active = [];

    /// <summary>mmap_lock itself.</summary>
    private readonly Rwsem _lock;

    /// <summary>The locks of pages; null where mmap_lock locks the space.</summary>
    private readonly RangeLock? _ranges;

    /// <summary>The writer that has mmap_lock and waits for others to be done with its pages; null for none.</summary>
    private KernelOperation? _pending;

    /// <summary>Makes the lock of one address space, which nobody has.</summary>
    /// <param name="kernel">What locks a space, and whether faults take the locks of areas instead.</param>
    /// <param name="rules">The kernel's rules for mmap_lock.</param>
    /// <param name="signals">Tells those that wait.</param>
    public MapLock(KernelProfile kernel, in RwsemRules rules, IRwsemSignals signals)
    {
        _areaLocks = kernel.LocksAreas;
        _ranges = kernel.LocksRanges ? new RangeLock(signals) : null;
        _signals = signals;
        _lock = new Rwsem(rules, this);
    }

    /// <summary>Whether the operation may start now; it waits if not.</summary>
    public bool TryEnter(KernelOperation operation, long now)
    {
        operation.WaitsSince = now;
        if (_ranges is { } ranges)
        {
            return ranges.TryEnter(operation);
        }

        operation.HasMapLock = !(_areaLocks && (operation.Kind == OperationKind.Fault || operation.LockedArea is not null));
        if (!operation.HasMapLock)
        {
            if (_lock.Writer is not { } writer || !writer.LocksAreaOf(operation))
            {
                _active.Add(operation);
                return true;
            }

            operation.HasMapLock = true;
        }

        return _lock.TryEnter(operation, now) && TryBegin(operation);
    }

    /// <summary>A thread that slept for mmap_lock runs again.</summary>
    /// <returns>Whether its operation may start.</returns>
    public bool Resume(KernelOperation operation, long now) => _lock.Resume(operation, now) && TryBegin(operation);

    /// <summary>Another thread is due on the core of one that may wait on it for the lock.</summary>
    public void GiveWay(ThreadId thread, long now) => _lock.GiveWay(thread, now);

    /// <summary>The time is over for which a writer waits on its core while readers have the lock.</summary>
    public void EndSpin(KernelOperation operation, long now) => _lock.EndSpin(operation, now);

    /// <summary>A writer was interrupted when that time was over: it looks at the clock later.</summary>
    public void SpinOn(KernelOperation operation, long until) => _lock.SpinOn(operation, until);

    /// <summary>Gives mmap_lock back and keeps the pages: a fault that sleeps for a device (VM_FAULT_RETRY).</summary>
    public void GiveBack(KernelOperation operation, long now)
    {
        if (operation.HasMapLock)
        {
            operation.HasMapLock = false;
            _lock.Leave(operation, now);
        }
    }

    /// <summary>The writer goes on as a reader, unless it has ended.</summary>
    public void Downgrade(KernelOperation operation, long now)
    {
        if (operation == _lock.Writer)
        {
            operation.Exclusive = false;
            _lock.Downgrade(operation, now);
        }
    }

    /// <summary>The operation has ended.</summary>
    public void Leave(KernelOperation operation, long now)
    {
        if (_ranges is { } ranges)
        {
            ranges.Leave(operation);
            return;
        }

        _active.Remove(operation);
        if (operation.HasMapLock)
        {
            _lock.Leave(operation, now);
        }

        if (_pending is { } pending && !OthersHavePages(pending))
        {
            _pending = null;
            _active.Add(pending);
            _signals.Takes(pending);
        }
    }

    /// <summary>For an operation that waits: one that it waits for; null if it does not wait.</summary>
    public KernelOperation? BlockerOf(KernelOperation operation)
    {
        if (_ranges is { } ranges)
        {
            return ranges.BlockerOf(operation);
        }

        if (operation == _pending)
        {
            return _active.Find(active => Hinders(operation, active));
        }

        return operation.Rwsem == RwsemState.None
            ? null
            : _lock.Writer ?? (_lock.Readers.Count > 0 ? _lock.Readers[0] : _lock.Sleepers.Count > 0 ? _lock.Sleepers[0] : null);
    }

    /// <inheritdoc/>
    void IRwsemSignals.Takes(KernelOperation operation)
    {
        if (TryBegin(operation))
        {
            _signals.Takes(operation);
        }
    }

    /// <inheritdoc/>
    void IRwsemSignals.Sleep(KernelOperation operation) => _signals.Sleep(operation);

    /// <inheritdoc/>
    void IRwsemSignals.Wake(KernelOperation operation, KernelOperation waker) => _signals.Wake(operation, waker);

    /// <inheritdoc/>
    void IRwsemSignals.IsKept(KernelOperation operation) => _signals.IsKept(operation);

    /// <inheritdoc/>
    void IRwsemSignals.LockAreas(KernelOperation operation) => _signals.LockAreas(operation);

    /// <inheritdoc/>
    void IRwsemSignals.SetSpinLimit(KernelOperation operation, long until) => _signals.SetSpinLimit(operation, until);

    /// <summary>An operation has mmap_lock: it has its pages, or waits on its core for those that have them.</summary>
    private bool TryBegin(KernelOperation operation)
    {
        if (operation.Exclusive && _areaLocks)
        {
            _signals.LockAreas(operation);
        }

        if (operation.Exclusive && OthersHavePages(operation))
        {
            _pending = operation;
            return false;
        }

        _active.Add(operation);
        return true;
    }

    private bool OthersHavePages(KernelOperation operation) => _active.Exists(active => Hinders(operation, active));

    /// <summary>
    /// Whether a writer waits for another: one that sleeps for a device has given its area's lock back, and keeps its page.
    /// </summary>
    private static bool Hinders(KernelOperation writer, KernelOperation active) =>
        active.Sleeps ? writer.Overlaps(active) : writer.LocksAreaOf(active);
}
