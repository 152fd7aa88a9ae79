using VmSim.Core.Addresses;
using VmSim.Core.Kernel.Locks;
using VmSim.Core.Memory;
using VmSim.Core.Paging;
using VmSim.Core.Programs;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Kernel;

/// <content>Faults, system calls and forks, and the lock that orders them.</content>
public sealed partial class AddressSpace
{
    private readonly MapLock _mapLock;
    private readonly SpaceLocks _locks;

    private void BeginFault(in SimMessage message)
    {
        TakeWord(message);
        ulong page = (ulong)message.B >> PageSizes.BaseShift;
        Admit(new KernelOperation
        {
            Id = ++_nextOperation,
            Kind = MessageKind.Fault,
            Thread = (int)message.A,
            Core = new CoreId(message.Sender),
            Argument = message.B,
            Access = message.C,
            FirstPage = page,
            EndPage = page + 1,
            Word = message.D,
        });
    }

    private void BeginCall(in SimMessage message)
    {
        TakeWord(message);
        SystemCall call = ThreadOf((int)message.A).SystemCalls[(int)message.B];
        (ulong first, ulong end) = PagesOf(call);
        Admit(new KernelOperation
        {
            Id = ++_nextOperation,
            Kind = MessageKind.SystemCall,
            Thread = (int)message.A,
            Core = new CoreId(message.Sender),
            Call = call,
            Exclusive = call.Kind is not (SystemCallKind.Advise or SystemCallKind.Sync),
            FirstPage = first,
            EndPage = end,
        });
    }

    private void TakeWord(in SimMessage message)
    {
        if (message.D != 0)
        {
            _shootdown.OnTrapWord(new CoreId(message.Sender), message.D);
        }
    }

    private void BeginFork(in SimMessage message) => Admit(new KernelOperation
    {
        Id = ++_nextOperation,
        Kind = MessageKind.Fork,
        Thread = (int)message.A,
        Core = new CoreId(message.Sender),
        Argument = message.B,
        Exclusive = true,
        FirstPage = 0,
        EndPage = ulong.MaxValue,
    });

    private static (ulong First, ulong End) PagesOf(SystemCall call)
    {
        ulong start = call.Start.PageNumber;
        ulong length = Math.Max(call.Length, call.NewLength);
        return call.Kind is SystemCallKind.SetBreak or SystemCallKind.Remap
            ? (0, ulong.MaxValue)
            : (start, start + (length >> PageSizes.BaseShift) + 1);
    }

    /// <summary>Starts the operation, or has it wait for those it conflicts with.</summary>
    private void Admit(KernelOperation operation)
    {
        _operations.Add(operation.Id, operation);
        if (_mapLock.TryEnter(operation, _now))
        {
            Execute(operation);
        }
    }

    private void Execute(KernelOperation operation)
    {
        operation.StartedAt = _now;
        SetVisibility();
        Tables.Fold(_group.WindowStart);
        switch (operation.Kind)
        {
            case MessageKind.Fault:
                ExecuteFault(operation);
                break;
            case MessageKind.Fork:
                ExecuteFork(operation);
                break;
            default:
                ExecuteCall(operation);
                break;
        }
    }

    private void ExecuteFault(KernelOperation operation)
    {
        VirtAddr address = new((ulong)operation.Argument);
        AccessKind access = (AccessKind)(operation.Access & 0xFF);
        FaultResult fault = _memory!.HandleFault(address, access, (operation.Access & SimMessage.KernelAccessBit) == 0);
        Counters.Count(fault.Kind);
        if (Watch is { } watch)
        {
            // Fault-around may begin at the area's first page and then ends past the aligned window.
            ulong window = Math.Max(1, _memory.Options.FaultAroundBytes >> PageSizes.BaseShift);
            EntryInfo leaf = _memory.Table.Query(address);
            ulong around = leaf.Mapped ? Math.Max(window, leaf.Size.BasePages()) : window;
            ulong first = address.PageNumber & ~(around - 1);
            operation.Fault = fault.Kind;
            watch.Begin(operation, _now);
            watch.Compare(first, first + (2 * around));
            watch.Settle(releases: fault.Release is not null);
        }

        operation.Dead = fault.Dead;
        operation.Release = fault.Release;
        operation.Result = fault.Kind switch
        {
            FaultKind.Major => TrapResult.Major,
            FaultKind.Spurious => TrapResult.Spurious,
            _ => fault.Kind.IsFailure() ? TrapResult.Segmentation : TrapResult.Done,
        };
        long cycles = OperationCosts.OfFault(Kernel, fault) + UpdateTables();
        long delay = _locks.EnterFault(operation, fault, _now);
        if (operation.Result == TrapResult.Segmentation)
        {
            CountBadAccess(address, access, fault.Kind);
            Proceed(operation, cycles, delay);
            return;
        }

        cycles += _shootdown.OnFault(operation.Core, VirtAddr.OfPage(operation.FirstPage), access, operation.Word);
        if (operation.Result == TrapResult.Major)
        {
            operation.Sleeps = true;
            AdmitWaiting();
            SendToCore(MessageKind.TrapSleep, operation.Core.Value, _now + _delays.Service + _delays.Return, operation.Thread);
            SendToSelf(MessageKind.DeviceDone, _now + delay + Math.Max(cycles, _delays.Service) + Kernel.DeviceReadCycles, operation.Id);
            return;
        }

        Proceed(operation, cycles, delay);
    }

    private void ExecuteCall(KernelOperation operation)
    {
        SystemCall call = operation.Call!;
        VirtAddr oldBreak = _memory!.Break;
        MmResult result = _memory.Apply(call);
        operation.Dead = result.Error is null ? DeadAfter(call, result, oldBreak) : null;
        operation.TablesFreed = result.TablesFreed;
        operation.Release = result.Release;
        operation.Result = result.Error is null ? TrapResult.Done : TrapResult.Failed;
        CountCall(call.Kind, failed: result.Error is not null);
        (ulong first, ulong end) = call.Kind is SystemCallKind.SetBreak or SystemCallKind.Remap ? (0, ulong.MaxValue) : (operation.FirstPage, operation.EndPage);
        if (Watch is { } watch)
        {
            watch.Begin(operation, _now);
            CompareTouched(watch, call, oldBreak);
            watch.Settle(releases: operation.Release is not null);
        }

        if (operation.TablesFreed)
        {
            _locks.ForgetTables(first, end);
        }

        if (operation.Exclusive)
        {
            _locks.ForgetAreas(_memory);
        }

        BeginBatches(operation, OperationCosts.OfCall(Kernel, call.Kind, result) + UpdateTables(), result);
    }

    /// <summary>Has the watcher compare the pages that a call may have changed.</summary>
    private static void CompareTouched(IOperationWatch watch, SystemCall call, VirtAddr oldBreak)
    {
        switch (call.Kind)
        {
            case SystemCallKind.SetBreak:
                watch.Compare(Math.Min(oldBreak.PageNumber, call.Start.PageNumber), Math.Max(oldBreak.PageNumber, call.Start.PageNumber) + 1);
                break;
            case SystemCallKind.Remap:
                watch.Compare(call.Start.PageNumber, (call.Start + call.Length).PageNumber + 1);
                watch.Compare(call.NewStart.PageNumber, (call.NewStart + call.NewLength).PageNumber + 1);
                break;
            default:
                (ulong first, ulong end) = PagesOf(call);
                watch.Compare(first, end);
                break;
        }
    }

    private void ExecuteFork(KernelOperation operation)
    {
        AddressSpace child = Children[operation.Argument];
        child._now = _now;
        child.SetVisibility();
        VirtualMemory? memory = _memory!.Fork(child.Table, _group.Frames, out MmResult effect);
        long copying = UpdateTables() + child.UpdateTables();
        if (memory is null)
        {
            CountCall(SystemCallKind.Other, failed: true);
            operation.Result = TrapResult.Failed;
            BeginBatches(operation, OperationCosts.OfFork(Kernel, effect), effect);
            return;
        }

        child.Attach(memory);
        if (Watch is { } watch)
        {
            watch.Begin(operation, _now);
            watch.Compare(0, ulong.MaxValue);
            watch.Settle(releases: effect.Release is not null);
            child.Watch!.Adopt();
        }

        operation.Dead = effect.Dead;
        operation.TablesFreed = effect.TablesFreed;
        operation.Release = effect.Release;
        Counters[SpaceCounters.Forks]++;
        BeginBatches(operation, OperationCosts.OfFork(Kernel, effect) + copying, effect);
    }

    /// <summary>
    /// Goes on after the operation's own work of <paramref name="cycles"/> and <paramref name="delay"/> for locks: a shootdown if translations died, else the
    /// end. The event comes a service time early, because what a space says leaves it a service time later.
    /// </summary>
    private void Proceed(KernelOperation operation, long cycles, long delay)
    {
        bool invalidates = operation.Dead is not null;
        delay += invalidates ? _locks.Shootdown(operation.Core, _now + delay) : 0;
        long at = _now + delay + Math.Max(cycles, _delays.Service) - _delays.Service;
        if (at > _now)
        {
            SendToSelf(invalidates ? MessageKind.OperationInvalidate : MessageKind.OperationEnd, at, operation.Id);
        }
        else if (invalidates)
        {
            BeginShootdown(operation);
        }
        else
        {
            EndOperation(operation);
        }
    }

    /// <summary>Answers the thread and gives the lock on.</summary>
    private void EndOperation(KernelOperation operation)
    {
        Answer(operation, _locks.Leave(operation, _now));
        if (operation.Kind == MessageKind.Fork && operation.Result != TrapResult.Failed)
        {
            Children[operation.Argument].WakeMainThreads(_now);
        }

        if (operation.Release is null || operation.Shootdown is { Deferred: true })
        {
            _operations.Remove(operation.Id);
        }
        else
        {
            SendToSelf(MessageKind.ReleaseMemory, _now + _delays.ReleaseAfter, operation.Id);
        }

        _mapLock.Leave(operation);
        AdmitWaiting();
    }

    private void Answer(KernelOperation operation, long delay)
    {
        long due = _now + delay + _delays.Service + _delays.Return;
        MessageKind kind = MessageKind.TrapReturn;
        if (operation.Sleeps)
        {
            kind = MessageKind.ThreadWake;
            due = WakeTime + delay;
        }

        Watch?.Returned(operation.Id, due, releases: operation.Release is not null, deferred: operation.Shootdown is { Deferred: true });
        SendToCore(kind, operation.Core.Value, due, operation.Thread, operation.ShootdownWait, (long)operation.Result, _shootdown.ReturnWord(operation.Core));
    }

    private long WakeTime => _now + Math.Max(_delays.Service, Kernel.WakeCycles) + _delays.Return;

    private void AdmitWaiting()
    {
        while (_mapLock.TryAdmit(out KernelOperation? operation, out long since))
        {
            long wait = _now + _delays.Service - since;
            LockKind kind = Kernel.PerVmaLocks && operation.Kind == MessageKind.Fault ? LockKind.Area : LockKind.Map;
            Counters[SpaceCounters.LockWaits]++;
            Counters[SpaceCounters.LockWaitCycles] += wait;
            operation.Waited = true;
            Counters[SpaceCounters.Of(kind).WaitCycles] += wait;
            SendToSelf(MessageKind.OperationStart, _now + _delays.Service, operation.Id);
        }
    }

    private void ReleaseMemory(long id)
    {
        if (_operations.Remove(id, out KernelOperation? operation))
        {
            _memory!.Release(operation.Release!);
            Watch?.Released(id, operation.Release!, _now);
        }
    }

    private void CountCall(SystemCallKind kind, bool failed)
    {
        if (failed)
        {
            Counters[SpaceCounters.FailedOperations]++;
            return;
        }

        switch (kind)
        {
            case SystemCallKind.Map:
                Counters[SpaceCounters.MapOperations]++;
                break;
            case SystemCallKind.Unmap:
                Counters[SpaceCounters.UnmapOperations]++;
                break;
            case SystemCallKind.Protect:
                Counters[SpaceCounters.ProtectOperations]++;
                break;
            default:
                Counters[SpaceCounters.OtherOperations]++;
                break;
        }
    }

    private void CountBadAccess(VirtAddr address, AccessKind access, FaultKind fault)
    {
        (ulong, AccessKind, FaultKind) key = (address.PageNumber, access, fault);
        _badAccesses[key] = _badAccesses.GetValueOrDefault(key) + 1;
    }
}
