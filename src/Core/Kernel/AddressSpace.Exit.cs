using System.Diagnostics;
using VmSim.Core.Addresses;
using VmSim.Core.Kernel.Causes;
using VmSim.Core.Machine;
using VmSim.Core.Memory;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Kernel;

/// <content>The end of the process.</content>
public sealed partial class AddressSpace
{
    /// <summary>What the process had when its last thread had ended, before its memory was taken apart; null until then.</summary>
    public MemoryAtExit? AtExit { get; private set; }

    /// <summary>
    /// The process's last thread has ended: its core takes the memory apart before it does anything else (Linux: do_exit, kernel/exit.c,
    /// by exit_mm and mmput in exit_mmap, mm/mmap.c).
    /// </summary>
    void IThreadSignals.EndProcess(ThreadId thread, CoreId core) => Admit(new KernelOperation
    {
        Id = ++_nextOperation,
        EnteredAt = _now,
        Kind = OperationKind.Exit,
        Thread = thread,
        Core = core,
        Exclusive = true,
        FirstPage = 0,
        EndPage = ulong.MaxValue,
    });

    /// <summary>
    /// Takes out every area and frees every table page. A flush of the whole space goes to the cores of its list, as table pages are freed
    /// (tlb_gather_mmu_fullmm, mm/mmu_gather.c; tlb_flush, arch/x86/include/asm/tlb.h). The core itself does not flush: it leaves the space
    /// (exit_mm makes it lazy, and flush_tlb_func switches a lazy core to the kernel's own space, arch/x86/mm/tlb.c).
    /// </summary>
    private void ExecuteExit(KernelOperation operation)
    {
        operation.Cause = _causes.RowOf(operation.Thread, CauseNames.Exit, area: null, "", site: null);
        NoteAll(changesAreas: false);
        AtExit = new MemoryAtExit([.. _memory!.Areas], _memory.Resident, Table.TablePages);
        Observer?.Ends(_now);
        MmResult result = _memory.Clear();
        Debug.Assert(result.Error is null, "a space can always be emptied");
        operation.Dead = result.DeadAtEnd;
        operation.Forced = ForcedOf(result);
        operation.TablesFreed = result.TablesFreed;
        operation.Release = result.Release;
        if (Observer is { } watch)
        {
            watch.Begin(operation, _now);
            watch.Compare(0, ulong.MaxValue);
            watch.EndOperation(releases: operation.Release is not null);
        }

        long cycles = OperationCosts.OfExit(Kernel, result) + _pool.Warmth.OfCall(operation, Kernel);
        BeginBatches(operation, cycles + UpdateTables(), result);
        _locks.ForgetTables(operation.FirstPage, operation.EndPage);
        _locks.ForgetAreas(_memory);
    }

    /// <summary>
    /// Whether a process ends that no other core can hold translations of. A core that has parked the thread runs others.
    /// </summary>
    private bool EndsAlone(KernelOperation operation) => operation.Kind == OperationKind.Exit && Kernel.Traps == TrapModes.Hold
        && !_shootdown.HasOthers(operation.Core);

    private void SendLeave(CoreId core)
    {
        Invalidation leave = new()
        {
            Space = Space,
            Shootdown = 0,
            Scope = new InvalidationScope(DeadRange.WholeSpace, IsWholeSpace: true),
            Way = InvalidationWay.Local,
        };
        SendToCore(SimMessage.Of(leave), core, _now + _delays.StoreVisibility.Value);
    }
}
