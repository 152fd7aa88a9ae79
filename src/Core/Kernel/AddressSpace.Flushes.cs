using VmSim.Core.Addresses;
using VmSim.Core.Memory;
using VmSim.Core.Programs;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Kernel;

/// <content>
/// Flushes that an operation owes to what others have taken out of the page table: it found the entries gone, but the translations may
/// live on in TLBs until the others' flushes are over.
/// </content>
public sealed partial class AddressSpace
{
    /// <summary>Operations that collect what they take out of the page table and have not ended (mm->tlb_flush_pending).</summary>
    private int _gathers;

    /// <summary>
    /// Whether reclaim has flushed for many pages at once since the whole space was last flushed for what it took: pending and flushed
    /// of mm->tlb_flush_batched differ. The kernel does not note there that reclaim's own flush is over.
    /// </summary>
    private bool _hasReclaimed;

    /// <summary>
    /// An operation that leaves nothing dead ends; or it flushes the whole space first, because another one that has taken entries out of
    /// the page table has not flushed yet.
    /// </summary>
    private void Conclude(KernelOperation operation)
    {
        if (!IsNested(operation))
        {
            EndOperation(operation);
            return;
        }

        long delay = EnterSharedLines(operation, _now);
        if (delay > 0)
        {
            SendToSelf(MessageKind.OperationInvalidate, operation, _now + delay);
            return;
        }

        Invalidate(operation);
    }

    private long EnterSharedLines(KernelOperation operation, long now) =>
        _shootdown.HasSharedLines ? _locks.Shootdown(operation.Core, now) : 0;

    /// <summary>
    /// An operation flushes: first for what reclaim has taken, then what it has to flush before it goes on, then what it has taken besides.
    /// When another one that collects has not ended, it takes the other's pages along, because it may have found their entries gone: then
    /// all of the space and its table pages (Linux: mm_tlb_flush_nested in tlb_finish_mmu, mm/mmu_gather.c, commit 99baac21e458).
    /// </summary>
    private void Invalidate(KernelOperation operation)
    {
        if (EndsAlone(operation))
        {
            SendLeave(operation.Core);
            EndOperation(operation);
            return;
        }

        if (operation.FlushesReclaimed)
        {
            operation.FlushesReclaimed = false;
            BeginShootdown(operation, new DeadTranslations(DeadRange.WholeSpace, 0, FreesMemory: false), tablesFreed: true);
            return;
        }

        if (operation.Forced is { } forced && forced.TryDequeue(out DeadTranslations first))
        {
            BeginShootdown(operation, first, tablesFreed: false);
            return;
        }

        if (IsNested(operation))
        {
            operation.Dead = new DeadTranslations(DeadRange.WholeSpace, operation.Dead?.Count ?? 0, operation.Release is not null)
            {
                Holders = _memory!.Holders?.OpenIn(
                    operation.Dead?.Holders, VirtAddr.OfPage(operation.FirstPage), VirtAddr.OfPage(operation.EndPage)),
            };
            operation.TablesFreed = true;
        }

        operation.HasFlushed = true;
        if (operation.Dead is { } dead)
        {
            BeginShootdown(operation, dead, operation.TablesFreed);
        }
        else
        {
            EndOperation(operation);
        }
    }

    /// <summary>A shootdown of the operation is over: its next one begins, or it ends.</summary>
    private void GoOn(KernelOperation operation)
    {
        if (operation.HasFlushed)
        {
            EndOperation(operation);
        }
        else
        {
            Invalidate(operation);
        }
    }

    /// <summary>Where each page has a lock, nobody comes between what another takes out and flushes.</summary>
    private bool IsNested(KernelOperation operation) => operation.Gathers && _gathers > 1 && !Kernel.LocksRanges;

    /// <summary>
    /// Whether a call, before it changes the page table, flushes all for what reclaim has taken: if it looks at lowest-level tables
    /// (Linux: flush_tlb_batched_pending in zap_pte_range, change_pte_range, move_ptes and the walks of madvise).
    /// </summary>
    private bool TakesReclaimedOver(SystemCall call)
    {
        bool takes = _hasReclaimed && CallScope.EntriesOf(call, _memory!.Break).Any(range => Table.HasTables(range.Start, range.End));
        _hasReclaimed &= !takes;
        return takes;
    }
}
