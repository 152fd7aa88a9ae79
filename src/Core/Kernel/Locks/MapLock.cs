using System.Diagnostics.CodeAnalysis;

namespace VmSim.Core.Kernel.Locks;

/// <summary>
/// Which operations of an address space run at the same time: mmap_lock, and with it the locks of its areas. Writers (map, unmap, protect,
/// brk, mremap, fork) exclude all calls, and the faults on the pages they concern (per-area locks) or all faults (without). Readers share.
/// A call that takes the lock of its area is excluded as a fault is. First come first served, but faults and such calls under per-area
/// locks pass calls that wait. As in Linux (Documentation/mm/process_addrs.rst).
/// </summary>
/// <param name="areaLocks">Whether faults take the locks of areas instead of this one.</param>
internal sealed class MapLock(bool areaLocks)
{
    private readonly List<KernelOperation> _active = [];
    private readonly List<(KernelOperation Operation, long Since)> _waiting = [];

    /// <summary>Whether the operation may start now; it waits if not.</summary>
    public bool TryEnter(KernelOperation operation, long now)
    {
        bool mustQueue = _waiting.Count > 0 && !Passes(operation);
        if (mustQueue || ConflictsWithActive(operation))
        {
            _waiting.Add((operation, now));
            return false;
        }

        _active.Add(operation);
        return true;
    }

    /// <summary>Gives the lock back; <see cref="TryAdmit"/> says who goes on.</summary>
    public void Leave(KernelOperation operation) => _active.Remove(operation);

    /// <summary>Lets the next operation in that waits and conflicts with nobody any more.</summary>
    /// <param name="operation">That operation.</param>
    /// <param name="since">Since when it waited, in cycles.</param>
    public bool TryAdmit([NotNullWhen(true)] out KernelOperation? operation, out long since)
    {
        for (int i = 0; i < _waiting.Count; i++)
        {
            (operation, since) = _waiting[i];
            if (!ConflictsWithActive(operation))
            {
                _waiting.RemoveAt(i);
                _active.Add(operation);
                return true;
            }

            if (!Passes(operation))
            {
                break;
            }
        }

        operation = null;
        since = 0;
        return false;
    }

    /// <summary>For an operation that waits: one that it waits for, active or ahead of it; null if it does not wait.</summary>
    public KernelOperation? BlockerOf(KernelOperation operation)
    {
        int place = _waiting.FindIndex(waiting => ReferenceEquals(waiting.Operation, operation));
        if (place < 0)
        {
            return null;
        }

        return _active.Find(active => Conflict(operation, active)) ?? (place > 0 ? _waiting[0].Operation : null);
    }

    private bool Passes(KernelOperation operation) =>
        areaLocks && (operation.Kind == OperationKind.Fault || operation.LockedArea is not null);

    private bool ConflictsWithActive(KernelOperation operation)
    {
        foreach (KernelOperation active in _active)
        {
            if (Conflict(operation, active))
            {
                return true;
            }
        }

        return false;
    }

    private bool Conflict(KernelOperation operation, KernelOperation active) =>
        (operation.Exclusive || active.Exclusive) && ((Holds(operation) && Holds(active)) || operation.Overlaps(active));

    /// <summary>A fault that sleeps for a device has given the lock back (VM_FAULT_RETRY); only its pages stay its own.</summary>
    private bool Holds(KernelOperation operation) =>
        operation.LockedArea is null && (operation.Kind != OperationKind.Fault || (!areaLocks && !operation.Sleeps));
}
