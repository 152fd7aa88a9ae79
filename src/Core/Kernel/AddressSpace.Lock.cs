using VmSim.Core.Addresses;
using VmSim.Core.Kernel.Locks;
using VmSim.Core.Programs;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Kernel;

/// <content>The lock that orders operations: who may start, who waits on its core or asleep, and who gives it up.</content>
public sealed partial class AddressSpace : IRwsemSignals
{
    private readonly MapLock _mapLock;

    /// <summary>A writer whose time to spin was over while its core answered a shootdown; null for none.</summary>
    private KernelOperation? _interrupted;

    /// <summary>Starts the operation, or has it wait for those it conflicts with.</summary>
    private void Admit(KernelOperation operation)
    {
        _operations.Add(operation.Id, operation);
        if (_mapLock.TryEnter(operation, _now))
        {
            Execute(operation);
        }
    }

    /// <summary>A thread that slept for mmap_lock runs again: its operation starts if it has the lock.</summary>
    private void Resume(KernelOperation operation)
    {
        if (_mapLock.Resume(operation, _now))
        {
            CountWait(operation, _now);
            Execute(operation);
        }
    }

    /// <summary>
    /// The time is over for which a writer spins while readers have mmap_lock. If its core answers a shootdown, it sees that afterwards.
    /// </summary>
    private void EndSpin(KernelOperation operation)
    {
        if (IsInterrupted(operation.Core))
        {
            _interrupted = operation;
        }
        else
        {
            _mapLock.EndSpin(operation, _now);
        }
    }

    private bool IsInterrupted(CoreId core)
    {
        foreach (OpenShootdown shootdown in _shootdowns.Values)
        {
            if (shootdown.Request.Unacknowledged is { } cores && cores.Contains(core))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>A core has answered a shootdown: a writer that spins on it goes on.</summary>
    private void GoOnSpinning(CoreId core)
    {
        if (_interrupted is { } operation && operation.Core == core && !IsInterrupted(core))
        {
            _interrupted = null;
            _mapLock.SpinOn(operation, _now + RwsemRules.LookCycles);
        }
    }

    /// <inheritdoc/>
    void IRwsemSignals.Takes(KernelOperation operation)
    {
        long start = _now + _delays.Service.Value + (operation.Exclusive && !Kernel.LocksRanges ? Kernel.MapLockHandoverCycles : 0);
        CountWait(operation, start);
        SendToSelf(MessageKind.OperationStart, operation, start);
    }

    /// <inheritdoc/>
    void IRwsemSignals.Sleep(KernelOperation operation)
    {
        Counters[SpaceCounters.LockSleeps]++;
        SendToCore(SimMessage.Of(new TrapSleep(operation.Thread)), operation.Core, ReturnTime);
    }

    /// <summary>
    /// Who gives the lock back makes one thread after another runnable (wake_up_q, kernel/sched/core.c), and interrupts the cores that are
    /// not its own (ttwu_queue, resched_curr).
    /// </summary>
    void IRwsemSignals.Wake(KernelOperation operation, KernelOperation waker)
    {
        long cycles = Kernel.WakeCycles;
        long way = 0;
        if (operation.Core != waker.Core)
        {
            bool isNear = Machine.SocketOf(waker.Core) == Machine.SocketOf(operation.Core);
            long exit = PriceOfGuestWakeUp;
            cycles += (isNear ? Kernel.IpiSendCycles : Kernel.IpiSendRemoteCycles) + exit;
            way = Machine.IpiDelay(waker.Core, operation.Core) + exit;
        }

        waker.WakesUntil = Math.Max(waker.WakesUntil, _now) + cycles;
        waker.WakeCycles += cycles;
        long leaves = Math.Max(_now + _delays.Service.Value, waker.WakesUntil);
        SimMessage wake = SimMessage.OfWake(new TrapResumption(operation.Thread, operation.Id));
        SendToCore(wake, operation.Core, leaves + Math.Max(way, _delays.Return.Value));
    }

    /// <inheritdoc/>
    void IRwsemSignals.IsKept(KernelOperation operation) => Counters[SpaceCounters.LockHandoffs]++;

    /// <summary>
    /// A call that changes areas locks them whole (vma_start_write), however few of their pages it names. What it maps may become one with
    /// its neighbours: that is added when it is done.
    /// </summary>
    void IRwsemSignals.LockAreas(KernelOperation operation)
    {
        if (operation.Call is not { } call || call.Kind == SystemCallKind.Detach)
        {
            return;
        }

        List<AddrRange<VirtAddr>> areas = [];
        foreach ((VirtAddr start, VirtAddr end) in CallScope.AreasOf(call, _memory!.Break))
        {
            if (start < end)
            {
                areas.Add(new AddrRange<VirtAddr>(start, end - 1));
                _memory.ListAreas(start, end, areas);
            }
        }

        operation.LockedAreas = areas;
    }

    /// <inheritdoc/>
    void IRwsemSignals.SetSpinLimit(KernelOperation operation, long until) =>
        SendToSelf(MessageKind.OperationSpinEnd, operation, until);

    private void CountWait(KernelOperation operation, long start)
    {
        long wait = start - operation.WaitsSince;
        Counters[SpaceCounters.LockWaits]++;
        Counters[SpaceCounters.LockWaitCycles] += wait;
        operation.Waited = true;
        Counters[SpaceCounters.Of(LockKind.Map).WaitCycles] += wait;
    }
}
