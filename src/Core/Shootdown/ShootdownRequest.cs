using VmSim.Core.Addresses;
using VmSim.Core.Memory;

namespace VmSim.Core.Shootdown;

/// <summary>One shootdown: translations of a space that died, and who has still to invalidate.</summary>
public sealed class ShootdownRequest
{
    /// <summary>Number of the shootdown within its space, from 1.</summary>
    public required long Id { get; init; }

    /// <summary>The core whose operation caused it.</summary>
    public required CoreId Initiator { get; init; }

    /// <summary>The thread whose operation caused it.</summary>
    public ThreadId Thread { get; init; }

    /// <summary>The pages that cover every dead translation; at least one.</summary>
    public required DeadRange Dead { get; init; }

    /// <summary>Translations that really died; a large page counts once. 0 if only table pages without an entry were freed.</summary>
    public long DeadPages { get; init; }

    /// <summary>Whether table pages were freed, so that paging-structure caches must be emptied on every core that may hold them.</summary>
    public bool TablesFreed { get; init; }

    /// <summary>Whether memory is given back (unmap, DONTNEED) or moved, rather than rights changed.</summary>
    public bool FreesMemory { get; init; }

    /// <summary>
    /// Whether what died is gone for good and nothing took its place: munmap, MADV_DONTNEED, a lower break, an mremap that shrinks.
    /// </summary>
    public bool IsDiscard { get; init; }

    /// <summary>
    /// Whether it is for a write fault that put a copy in the place of a shared page (Linux: wp_page_copy, mm/memory.c), so that an access
    /// would replace what the initiator's own TLB holds.
    /// </summary>
    public bool IsCopy { get; init; }

    /// <summary>
    /// Whether reclaim took the pages one by one and collected them for one flush of everything, instead of one flush a page (Linux since
    /// 4.3: arch_tlbbatch_add_pending and arch_tlbbatch_flush, mm/rmap.c and arch/x86/mm/tlb.c).
    /// </summary>
    public bool IsReclaim { get; init; }

    /// <summary>
    /// Whether what reclaim took is flushed for all its pages at once: then a later call that finds table entries gone flushes the whole
    /// space once more (Linux: flush_tlb_batched_pending, mm/rmap.c). The protocol says so in <see cref="SpaceShootdown.Begin"/>.
    /// </summary>
    public bool IsBatched { get; set; }

    /// <summary>
    /// Which cores may hold what died; null if that is not known, and any may. Kept for protocols that prime fills. Until
    /// <see cref="TranslationHolders.VisibleAt"/> and a notice's delay have passed it may grow.
    /// </summary>
    public TranslationHolders? Holders { get; init; }

    /// <summary>When the first message was sent, in cycles.</summary>
    public Cycles BegunAt { get; init; }

    /// <summary>The generation the space reached with this shootdown, for protocols that count them.</summary>
    public long Generation { get; set; }

    /// <summary>Acks that are still missing.</summary>
    public int PendingAcks { get; internal set; }

    /// <summary>Cores that were told.</summary>
    public int Targets { get; internal set; }

    /// <summary>Interrupts sent for it.</summary>
    public int Interrupts { get; internal set; }

    /// <summary>Cycles that the initiator has spent on sending them.</summary>
    internal long SendCycles { get; set; }

    /// <summary>The cluster of cores that the last write for it has reached; -1 before there was one.</summary>
    internal int LastCluster { get; set; } = -1;

    /// <summary>The first core that the last call of a host interrupts; -1 before there was one.</summary>
    internal int HostCallFrom { get; set; } = -1;

    /// <summary>Interrupted cores that held nothing of it.</summary>
    public int SpuriousTargets { get; internal set; }

    /// <summary>Handler cycles of all targets.</summary>
    public Cycles HandlerCycles { get; internal set; }

    /// <summary>
    /// Cores that invalidate by themselves, with neither ack nor report, and have not yet: a protocol that has such says how many there
    /// are, and of each when it has (<see cref="Invalidated"/>).
    /// </summary>
    public int LazyCores { get; set; }

    /// <summary>Cores that were told and that nobody waits for, whose reports are still missing.</summary>
    internal int PendingReports { get; set; }

    /// <summary>Whether it is over but for reports.</summary>
    internal bool IsOver { get; set; }

    /// <summary>
    /// From the first message to the last acknowledgement that the operation waited for, in cycles; -1 while it waits or if nobody was
    /// told.
    /// </summary>
    internal Cycles Wait { get; set; } = -1;

    /// <summary>
    /// From the first message to when the last of the cores that may hold what died invalidated it, in cycles, as far as is known; 0 while
    /// none has. Where a core acknowledges on entry, to its entry: it runs no program in between.
    /// </summary>
    internal Cycles Staleness { get; private set; }

    /// <summary>Whether a core that may hold what died has not invalidated it.</summary>
    internal bool IsStale => PendingAcks + PendingReports + LazyCores > 0;

    /// <summary>Whether the operation returned before what it freed may be reused.</summary>
    internal bool Deferred { get; set; }

    /// <summary>Number of the operation that caused it, within the space.</summary>
    internal long OperationId { get; init; }

    /// <summary>Where the space counts what it costs.</summary>
    internal int Cause { get; init; }

    /// <summary>Cores whose acknowledgement is missing; null while nobody was told.</summary>
    internal CoreMask? Unacknowledged { get; set; }

    /// <summary>
    /// A core has invalidated what died. The kernel says so at acks and reports, a protocol for cores of <see cref="LazyCores"/>.
    /// </summary>
    /// <param name="at">When, in cycles.</param>
    public void Invalidated(Cycles at) => Staleness = Cycles.Max(Staleness, at - BegunAt);
}
