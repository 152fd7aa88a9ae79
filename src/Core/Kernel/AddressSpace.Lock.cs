using VmSim.Core.Kernel.Locks;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Kernel;

/// <content>The lock that orders operations: who may start, who waits, and who gives it up.</content>
public sealed partial class AddressSpace
{
    private readonly MapLock _mapLock;

    /// <summary>Starts the operation, or has it wait for those it conflicts with.</summary>
    private void Admit(KernelOperation operation)
    {
        _operations.Add(operation.Id, operation);
        if (_mapLock.TryEnter(operation, _now))
        {
            Execute(operation);
        }
    }

    /// <summary>The areas of a call are gone: it goes on as a reader, unless it has ended by now.</summary>
    private void Downgrade(long id)
    {
        if (_operations.TryGetValue(id, out KernelOperation? operation))
        {
            operation.Exclusive = false;
            AdmitWaiting();
        }
    }

    private void AdmitWaiting()
    {
        while (_mapLock.TryAdmit(out KernelOperation? operation, out long since))
        {
            long handover = _delays.Service.Value + (operation.Exclusive ? Kernel.MapLockHandoverCycles : 0);
            long wait = _now + handover - since;
            LockKind kind = Kernel.PerVmaLocks && operation.Kind == OperationKind.Fault ? LockKind.Area : LockKind.Map;
            Counters[SpaceCounters.LockWaits]++;
            Counters[SpaceCounters.LockWaitCycles] += wait;
            operation.Waited = true;
            Counters[SpaceCounters.Of(kind).WaitCycles] += wait;
            SendToSelf(MessageKind.OperationStart, operation, _now + handover);
        }
    }
}
