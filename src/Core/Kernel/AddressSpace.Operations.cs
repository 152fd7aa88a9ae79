using VmSim.Core.Addresses;
using VmSim.Core.Kernel.Causes;
using VmSim.Core.Kernel.Locks;
using VmSim.Core.Memory;
using VmSim.Core.Paging;
using VmSim.Core.Programs;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Kernel;

/// <content>Faults, system calls and forks.</content>
public sealed partial class AddressSpace
{
    private readonly SpaceLocks _locks;

    private void BeginFault(CoreId core, in PageFault fault)
    {
        TakeWord(core, fault.Word);
        Admit(new KernelOperation
        {
            Id = ++_nextOperation,
            EnteredAt = _now,
            Kind = OperationKind.Fault,
            Thread = fault.Thread,
            Core = core,
            Address = fault.Address,
            Access = fault.Access,
            IsKernelAccess = fault.IsKernel,
            FirstPage = fault.Address.PageNumber,
            EndPage = fault.Address.PageNumber + 1,
            Word = fault.Word,
        });
    }

    private void BeginCall(CoreId core, in SystemCallEntry entry)
    {
        TakeWord(core, entry.Word);
        SystemCall call = _threads.ProgramOf(entry.Thread).SystemCalls[entry.Call];
        (ulong first, ulong end) = Kernel.LocksRanges ? CallScope.LockedPagesOf(call) : CallScope.PagesOf(call);
        Admit(new KernelOperation
        {
            Id = ++_nextOperation,
            EnteredAt = _now,
            Kind = OperationKind.Call,
            Thread = entry.Thread,
            Core = core,
            Call = call,
            Exclusive = CallScope.IsExclusive(call),
            Gathers = CallScope.Gathers(call),
            LockedArea = _locksAreas && CallScope.MayLockArea(call) ? _memory!.AreaAround(call.Start, call.Length) : null,
            FirstPage = first,
            EndPage = end,
        });
    }

    private void TakeWord(CoreId core, long word)
    {
        if (word != 0)
        {
            _shootdown.OnTrapWord(core, word);
        }
    }

    private void BeginFork(CoreId core, in ForkEntry fork) => Admit(new KernelOperation
    {
        Id = ++_nextOperation,
        EnteredAt = _now,
        Kind = OperationKind.Fork,
        Thread = fork.Thread,
        Core = core,
        Child = fork.Child,
        Exclusive = true,
        FirstPage = 0,
        EndPage = ulong.MaxValue,
    });

    private void Execute(KernelOperation operation)
    {
        operation.StartedAt = _now;
        operation.PromisedBefore = _pool.Frames.Promised;
        _gathers += operation.Gathers ? 1 : 0;
        SetVisibility();
        Tables.Fold(_group.WindowStart);
        switch (operation.Kind)
        {
            case OperationKind.Fault:
                ExecuteFault(operation);
                break;
            case OperationKind.Fork:
                ExecuteFork(operation);
                break;
            case OperationKind.Exit:
                ExecuteExit(operation);
                break;
            default:
                ExecuteCall(operation);
                break;
        }
    }

    private void ExecuteFault(KernelOperation operation)
    {
        VirtAddr address = operation.Address;
        EntryInfo before = _memory!.Holders is null ? default : _memory.Table.Query(address);
        FaultResult fault = _memory.HandleFault(address, operation.Access);
        Counters.Count(fault.Kind);
        operation.Cause = CauseOf(operation, fault);
        operation.Fault = fault.Kind;
        if (Observer is { } watch)
        {
            EntryInfo leaf = _memory.Table.Query(address);
            ulong pages = leaf.Mapped ? leaf.Size.BasePages() : 1;
            ulong first = address.PageNumber & ~(pages - 1);
            watch.Begin(operation, _now);
            CompareAround(watch, first, first + pages);
            watch.EndOperation(releases: fault.Release is not null);
        }

        operation.Dead = fault.Dead;
        operation.Release = fault.Release;
        operation.Result = fault.Kind switch
        {
            FaultKind.Major => TrapResult.Major,
            FaultKind.Spurious => TrapResult.Spurious,
            _ => fault.Kind.IsFailure() ? TrapResult.Segmentation : TrapResult.Done,
        };
        long cycles = OperationCosts.OfFault(Kernel, fault) + _pool.Warmth.OfFault(operation, fault, Kernel) + UpdateTables();
        long delay = _locks.EnterFault(operation, fault, _now);
        if (operation.Result == TrapResult.Segmentation)
        {
            CountBadAccess(operation, fault);
            Proceed(operation, cycles, delay);
            return;
        }

        bool wasMapped = fault.Kind == FaultKind.Spurious;
        VirtAddr page = VirtAddr.OfPage(operation.FirstPage);
        cycles += _shootdown.OnFault(operation.Core, page, operation.Access, wasMapped, operation.Word).Value;
        cycles += Tables.FillsOnDemand ? TouchMemory() : 0;
        cycles += PrimeAfter(operation, before);
        if (operation.Result == TrapResult.Major)
        {
            operation.Sleeps = true;
            _mapLock.GiveBack(operation, _now);
            SendToCore(SimMessage.Of(new TrapSleep(operation.Thread)), operation.Core, ReturnTime);
            SendToSelf(MessageKind.DeviceDone, operation, _now + delay + Math.Max(cycles, _delays.Service.Value) + Kernel.DeviceReadCycles);
            return;
        }

        Proceed(operation, cycles, delay);
    }

    private void ExecuteCall(KernelOperation operation)
    {
        SystemCall call = operation.Call!;
        VirtAddr oldBreak = _memory!.Break;
        operation.FlushesReclaimed = TakesReclaimedOver(call);
        operation.Cause = CauseOf(operation, call);
        Note(operation, call);
        MmResult result = _memory.Apply(call);
        NoteMade(operation, call, result);
        bool isOneFlush = call.Kind == SystemCallKind.Sync && _setup.Protocol.BatchesWriteBack;
        operation.Dead = result.Error is not null ? null : isOneFlush ? result.Dead : DeadAfter(call, result, oldBreak);
        operation.Forced = isOneFlush ? null : ForcedOf(result);
        operation.FaultsInside = (int)Math.Min(int.MaxValue, result.PopulateFaults);
        operation.TablesFreed = result.TablesFreed;
        operation.Release = result.Release;
        operation.Result = result.Error is null ? TrapResult.Done : TrapResult.Failed;
        operation.Errno = result.Errno;
        CountCall(call.Kind, failed: result.Error is not null);
        _calls.Note(call, result);
        if (Observer is { } watch)
        {
            watch.Begin(operation, _now);
            CompareTouched(watch, call, oldBreak);
            watch.EndOperation(releases: operation.Release is not null);
        }

        long cycles = OperationCosts.OfCall(Kernel, call, result) + _pool.Warmth.OfCall(operation, Kernel);
        if (result.Error is null && CallScope.Downgrades(call, oldBreak))
        {
            SendToSelf(MessageKind.OperationDowngrade, operation, _now + OperationCosts.OfAreas(Kernel, call, result));
        }

        bool isExclusive = operation.Exclusive;
        BeginBatches(operation, cycles + UpdateTables(), result);
        if (operation.TablesFreed)
        {
            _locks.ForgetTables(operation.FirstPage, operation.EndPage);
        }

        if (isExclusive)
        {
            _locks.ForgetAreas(_memory);
            _faultArea = null;
        }
    }

    /// <summary>Has the watcher compare the pages that a call may have changed.</summary>
    private void CompareTouched(IOperationWatch watch, SystemCall call, VirtAddr oldBreak)
    {
        switch (call.Kind)
        {
            case SystemCallKind.SetBreak:
                CompareAround(
                    watch, Math.Min(oldBreak.PageNumber, call.Start.PageNumber), Math.Max(oldBreak.PageNumber, call.Start.PageNumber) + 1);
                break;
            case SystemCallKind.Remap:
                CompareAround(watch, call.Start.PageNumber, (call.Start + call.Length).PageNumber + 1);
                CompareAround(watch, call.NewStart.PageNumber, (call.NewStart + call.NewLength).PageNumber + 1);
                break;
            default:
                (ulong first, ulong end) = CallScope.PagesOf(call);
                CompareAround(watch, first, end);
                break;
        }
    }

    /// <summary>
    /// Has the watcher compare pages in which faults may have been resolved, by the processor or by a call that populates, with those that
    /// a fault on one of them maps besides. Fault-around may begin at the area's first page and then ends past the aligned window, and
    /// folios may lie across both ends.
    /// </summary>
    private void CompareAround(IOperationWatch watch, ulong first, ulong end)
    {
        VirtualMemoryOptions options = _memory!.Options;
        ulong window = Math.Max(PageSizes.BaseBytes, options.FaultAroundBytes);
        ulong reach = (window + options.Folios.LargestBytes) >> PageSizes.BaseShift;
        watch.Compare(first - Math.Min(first, reach), end + Math.Min(ulong.MaxValue - end, reach));
    }

    private void ExecuteFork(KernelOperation operation)
    {
        AddressSpace child = Children[operation.Child];
        operation.Cause = _causes.RowOf(operation.Thread, CauseNames.Fork, area: null, "", site: null);
        child._now = _now;
        child.SetVisibility();
        NoteAll(changesAreas: true);
        VirtualMemory? memory = _memory!.Fork(child.Table, _pool.Frames, out MmResult effect);
        long copying = UpdateTables() + child.UpdateTables();
        if (memory is null)
        {
            CountCall(SystemCallKind.Other, failed: true);
            operation.Result = TrapResult.Failed;
            BeginBatches(operation, OperationCosts.OfFork(Kernel, effect), effect);
            return;
        }

        child.Attach(memory);
        if (Observer is { } watch)
        {
            watch.Begin(operation, _now);
            watch.Compare(0, ulong.MaxValue);
            watch.EndOperation(releases: effect.Release is not null);
            child.Observer!.Adopt(Space);
        }

        operation.Dead = effect.Dead;

        // dup_mmap flushes by flush_tlb_mm, which says that tables are freed (arch/x86/include/asm/tlbflush.h).
        operation.TablesFreed = true;
        operation.Release = effect.Release;
        Counters[SpaceCounters.Forks]++;
        BeginBatches(operation, OperationCosts.OfFork(Kernel, effect) + copying, effect);
    }

    /// <summary>
    /// Goes on after the operation's own work of <paramref name="cycles"/> and <paramref name="delay"/> for locks: a shootdown if
    /// translations died, else the end. The event comes a service time early, because what a space says leaves it a service time later.
    /// </summary>
    private void Proceed(KernelOperation operation, long cycles, long delay)
    {
        bool invalidates = operation.Dead is not null || operation.Forced is not null || operation.FlushesReclaimed;
        delay += invalidates ? EnterSharedLines(operation, _now + delay) : 0;
        long at = _now + delay + Math.Max(cycles, _delays.Service.Value) - _delays.Service.Value;
        if (at > _now)
        {
            SendToSelf(invalidates ? MessageKind.OperationInvalidate : MessageKind.OperationEnd, operation, at);
        }
        else if (invalidates)
        {
            Invalidate(operation);
        }
        else
        {
            Conclude(operation);
        }
    }

    /// <summary>Unlocks, so that operations that waited for the lock start, and answers the thread.</summary>
    private void EndOperation(KernelOperation operation)
    {
        _gathers -= operation.Gathers ? 1 : 0;
        _hasReclaimed |= operation.Shootdown is { IsBatched: true };
        _mapLock.Leave(operation, _now);
        Answer(operation, _locks.Leave(operation, _now) + operation.WakeCycles);
        if (operation.Kind == OperationKind.Fork && operation.Result != TrapResult.Failed)
        {
            Children[operation.Child].StartThreads(_now);
        }
        else if (operation.Kind == OperationKind.Exit)
        {
            _shootdown.OnExit();
        }

        if (operation.Release is null || operation.Shootdown is { Deferred: true })
        {
            _operations.Remove(operation.Id);
        }
        else
        {
            SendToSelf(MessageKind.ReleaseMemory, operation, _now + _delays.ReleaseAfter.Value);
        }
    }

    /// <summary>The fork that made the process is over.</summary>
    private void StartThreads(long now)
    {
        _now = now;
        _threads.Start();
    }

    private void Answer(KernelOperation operation, long delay)
    {
        long due = (operation.Sleeps ? WakeTime : ReturnTime) + delay;
        TrapReturn answer = new(
            operation.Thread,
            operation.Result,
            new Cycles(operation.ShootdownWait),
            _shootdown.ReturnWord(operation.Core),
            operation.FaultsInside,
            Primes: operation.Sleeps ? null : operation.Primes);
        long returns = SendToCore(operation.Sleeps ? SimMessage.OfWake(answer) : SimMessage.Of(answer), operation.Core, due);
        operation.ReturnedAt = returns;
        if (operation.Primes is not null)
        {
            _memory!.Holders!.Filled(operation.PrimedPage, operation.Id, returns);
        }

        CountCause(operation, returns);
        _listed?.Add(operation);
        Observer?.Returned(
            operation.Id, returns, releases: operation.Release is not null, deferred: operation.Shootdown is { Deferred: true });
    }

    private void ReleaseMemory(KernelOperation operation)
    {
        _operations.Remove(operation.Id);
        _memory!.Release(operation.Release!);
        Observer?.Released(operation.Id, operation.Release!, _now);
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

    private void CountBadAccess(KernelOperation operation, in FaultResult fault)
    {
        (ulong, AccessKind, bool, FaultKind, MemoryLimit) key =
            (operation.FirstPage, operation.Access, operation.IsKernelAccess, fault.Kind, fault.Limit);
        _badAccesses[key] = _badAccesses.GetValueOrDefault(key) + 1;
    }
}
