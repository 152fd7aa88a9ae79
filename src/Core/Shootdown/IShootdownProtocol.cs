using VmSim.Core.Addresses;
using VmSim.Core.Machine;
using VmSim.Core.Paging;
using VmSim.Core.Programs;
using VmSim.Core.Settings;
using VmSim.Core.Statistics;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Shootdown;

/// <summary>
/// A shootdown protocol: how cores are made to drop dead translations. One file; registered in <see cref="ShootdownProtocols"/>. Its name stands in scenarios;
/// its summary says the algorithm and its source.
/// </summary>
public interface IShootdownProtocol : INamed
{
    /// <summary>The message kinds that the protocol adds, each with its least delay; a kind's number is its place in the list.</summary>
    IReadOnlyList<ProtocolMessage> Messages(MachineSpec machine, KernelProfile kernel) => [];

    /// <summary>
    /// How long after an unmap returned a core may, by the protocol's design, still use the dead translation, in cycles; 0 for protocols
    /// that finish before they return.
    /// </summary>
    long AllowedStaleness(MachineSpec machine, KernelProfile kernel) => 0;

    /// <summary>What the core half wants to hear of.</summary>
    CoreEvents Watches => CoreEvents.None;

    /// <summary>
    /// Page tables of each space that cores can walk; <see cref="LoadAnswer.Table"/> says which one a core does. Table 0 is the space's own; the others are copies
    /// whose stores become visible at the same times.
    /// </summary>
    int Tables(MachineSpec machine) => 1;

    /// <summary>Whether the copies hold only the leaves that <see cref="ISpaceShootdownContext.FillTable"/> put in, instead of all.</summary>
    bool FillsTablesOnDemand => false;

    /// <summary>Makes the address-space half for one space.</summary>
    SpaceShootdown CreateSpaceHalf(ISpaceShootdownContext context);

    /// <summary>Makes the core half for one core.</summary>
    CoreShootdown CreateCoreHalf(ICoreShootdownContext context);
}

/// <summary>One shootdown: translations of a space that died, and who has still to invalidate.</summary>
public sealed class ShootdownRequest
{
    /// <summary>Number of the shootdown within its space, from 1.</summary>
    public long Id { get; internal set; }

    /// <summary>The core whose operation caused it.</summary>
    public CoreId Initiator { get; internal set; }

    /// <summary>First address of the range that covers every dead translation.</summary>
    public VirtAddr Start { get; internal set; }

    /// <summary>Pages of <see cref="PageSize"/> from <see cref="Start"/> that the covering range spans.</summary>
    public ulong SpanPages { get; internal set; }

    /// <summary>Size of the dead translations; the stride of a ranged invalidation.</summary>
    public PageSize PageSize { get; internal set; } = PageSize.Size4K;

    /// <summary>Translations that really died.</summary>
    public long DeadPages { get; internal set; }

    /// <summary>Whether table pages were freed, so that paging-structure caches must be emptied on every core that may hold them.</summary>
    public bool TablesFreed { get; internal set; }

    /// <summary>Whether memory is given back (unmap, DONTNEED) or moved, rather than rights changed.</summary>
    public bool FreesMemory { get; internal set; }

    /// <summary>Whether what died is gone for good and nothing took its place: munmap, MADV_DONTNEED, a lower break, an mremap that shrinks.</summary>
    public bool IsDiscard { get; internal set; }

    /// <summary>
    /// Whether reclaim took the pages one by one and collected them for one flush of everything, instead of one flush a page (Linux since 4.3:
    /// arch_tlbbatch_add_pending and arch_tlbbatch_flush, mm/rmap.c and arch/x86/mm/tlb.c).
    /// </summary>
    public bool IsReclaim { get; internal set; }

    /// <summary>Acks that are still missing.</summary>
    public int PendingAcks { get; set; }

    /// <summary>Cores that were told.</summary>
    public int Targets { get; set; }

    /// <summary>Interrupts sent for it.</summary>
    public int Interrupts { get; internal set; }

    /// <summary>Cores that were told and that nobody waits for, whose reports are still missing.</summary>
    internal int PendingReports { get; set; }

    /// <summary>Whether it is over but for reports.</summary>
    internal bool IsOver { get; set; }

    /// <summary>Targets that held nothing of it.</summary>
    public int SpuriousTargets { get; set; }

    /// <summary>Handler cycles of all targets.</summary>
    public long HandlerCycles { get; set; }

    /// <summary>When the first message was sent, in cycles.</summary>
    public long BegunAt { get; internal set; }

    /// <summary>The generation the space reached with this shootdown, for protocols that count them.</summary>
    public long Generation { get; set; }

    /// <summary>From the first message to the last acknowledgement that the operation waited for, in cycles; -1 while it waits or if nobody was told.</summary>
    internal long Wait { get; set; } = -1;

    /// <summary>Whether the operation returned before what it freed may be reused.</summary>
    internal bool Deferred { get; set; }

    /// <summary>Number of the operation that caused it, within the space.</summary>
    internal long OperationId { get; init; }

    /// <summary>Cores whose acknowledgement is missing; null while nobody was told.</summary>
    internal CoreMask? Unacknowledged { get; set; }
}

/// <summary>What the space half of a protocol can see and do. All times are those of the message being handled.</summary>
public interface ISpaceShootdownContext
{
    /// <summary>The space.</summary>
    SpaceId Space { get; }

    /// <summary>The machine.</summary>
    MachineSpec Machine { get; }

    /// <summary>The kernel's costs.</summary>
    KernelProfile Kernel { get; }

    /// <summary>The run's least delays.</summary>
    Delays Delays { get; }

    /// <summary>How many spaces the run has.</summary>
    int SpaceCount { get; }

    /// <summary>The time of the message being handled, in cycles.</summary>
    long Now { get; }

    /// <summary>Tells a core to invalidate by an interrupt. The k-th interrupt of a shootdown leaves k sending costs later.</summary>
    /// <param name="shootdown">The shootdown it belongs to.</param>
    /// <param name="core">The target.</param>
    /// <param name="start">First address.</param>
    /// <param name="pages">Entries from there at the stride of <paramref name="size"/>; 0 for the whole space.</param>
    /// <param name="size">The stride.</param>
    void SendInvalidation(ShootdownRequest shootdown, CoreId core, VirtAddr start, ulong pages, PageSize size);

    /// <summary>
    /// Tells a core to invalidate without an interrupt, as hardware broadcasts do: its half gets the invalidation as from an interrupt, and what that takes is
    /// all it costs the core. A core is told once a shootdown.
    /// </summary>
    /// <param name="shootdown">The shootdown it belongs to.</param>
    /// <param name="core">A core of the space's domain.</param>
    /// <param name="kind">The kind whose delay it has, declared from space to core.</param>
    /// <param name="delay">Cycles on the way, at least as many as declared; it leaves a service time from now.</param>
    /// <param name="start">First address.</param>
    /// <param name="pages">Entries from there at the stride of <paramref name="size"/>; 0 for the whole space.</param>
    /// <param name="size">The stride.</param>
    /// <param name="awaited">Whether the shootdown waits for the core's ack; else it only reports what it did, and no hook is called.</param>
    /// <exception cref="InvalidOperationException">The kind or delay is not as declared, or the core is not of the domain.</exception>
    void Tell(ShootdownRequest shootdown, CoreId core, int kind, long delay, VirtAddr start, ulong pages, PageSize size, bool awaited);

    /// <summary>Has the initiator's own core invalidate while it waits; no interrupt, no ack.</summary>
    void InvalidateLocally(ShootdownRequest shootdown, VirtAddr start, ulong pages, PageSize size);

    /// <summary>The operation may return, and what it freed may be reused.</summary>
    void Finish(ShootdownRequest shootdown);

    /// <summary>The operation may return, but what it freed stays untouchable until <see cref="ReleaseDeferred"/>.</summary>
    void FinishDeferringRelease(ShootdownRequest shootdown);

    /// <summary>What a shootdown freed may be reused from now on.</summary>
    void ReleaseDeferred(ShootdownRequest shootdown);

    /// <summary>Calls <see cref="SpaceShootdown.OnTimer"/> at a time not before now, in cycles.</summary>
    void SetTimer(long at, long argument);

    /// <summary>
    /// Puts the leaf that maps an address now into a copy of the page table that is filled on demand. Walkers see it when they see the stores of the message being
    /// handled. A leaf that changes or goes later does so in every copy that has it.
    /// </summary>
    /// <param name="table">1 to <see cref="IShootdownProtocol.Tables"/> - 1.</param>
    /// <param name="address">A canonical address.</param>
    /// <returns>Whether an entry was written; false if no leaf maps the address or the copy has it.</returns>
    bool FillTable(int table, VirtAddr address);

    /// <summary>Sends one of the protocol's messages to the core's half. It leaves a service time from now.</summary>
    /// <param name="core">A core of the space's domain.</param>
    /// <param name="kind">Its kind, declared from space to core; <see cref="SimMessage.ProtocolKind"/> of the message.</param>
    /// <param name="delay">Cycles on the way, at least as many as declared.</param>
    /// <param name="a">First argument.</param>
    /// <param name="b">Second argument.</param>
    /// <param name="c">Third argument.</param>
    /// <param name="d">Fourth argument.</param>
    /// <exception cref="InvalidOperationException">The kind or delay is not as declared, or the core is not of the domain.</exception>
    void SendProtocol(CoreId core, int kind, long delay, long a, long b, long c, long d);
}

/// <summary>The address-space half of a protocol, one object a space.</summary>
public abstract class SpaceShootdown
{
    /// <summary>
    /// What the protocol counts for each address space, an object of this half's own; null for nothing. Reports have it after what every run counts. It is part of a
    /// checkpoint like any field, and set to 0 when counting begins. All halves of a run declare the same.
    /// </summary>
    public virtual CounterSet? Counters => null;

    /// <summary>Translations died and their stores are on the way: tell whom it concerns. Must lead to a finish, now or later.</summary>
    public abstract void Begin(ShootdownRequest shootdown);

    /// <summary>A target has invalidated; all bookkeeping of <see cref="ShootdownRequest.PendingAcks"/> is done.</summary>
    public abstract void OnAck(ShootdownRequest shootdown, CoreId core);

    /// <summary>
    /// Whether cores may still hold dead translations of a range that a call has mapped anew, so that the whole space must be invalidated before the
    /// call returns. Only protocols that let operations return earlier have a reason to say so.
    /// </summary>
    /// <param name="start">First address of the new mapping.</param>
    /// <param name="end">The address after it.</param>
    public virtual bool FlushesBeforeMapping(VirtAddr start, VirtAddr end) => false;

    /// <summary>A core loads the space; what it is told.</summary>
    public abstract LoadAnswer OnLoad(CoreId core);

    /// <summary>The space has left a core.</summary>
    public virtual void OnLeave(CoreId core)
    {
    }

    /// <summary>A core idles with the space loaded.</summary>
    public virtual void OnLazy(CoreId core)
    {
    }

    /// <summary>A timer set through the context has come.</summary>
    public virtual void OnTimer(long argument)
    {
    }

    /// <summary>A message of the protocol's own has come from a core.</summary>
    public virtual void OnProtocol(CoreId core, in SimMessage message)
    {
    }

    /// <summary>A page fault of a core is resolved: the page is mapped as the access needs it, or was. A fault that failed calls nothing.</summary>
    /// <param name="core">The core.</param>
    /// <param name="page">The page's first 4 KiB-aligned address.</param>
    /// <param name="access">What the access does.</param>
    /// <param name="word">The core half's <see cref="CoreShootdown.TrapWord"/>.</param>
    /// <returns>Cycles that the fault takes longer.</returns>
    public virtual long OnFault(CoreId core, VirtAddr page, AccessKind access, long word) => 0;

    /// <summary>A walk of a core has set accessed or dirty bits, and the notice of it has come.</summary>
    /// <param name="core">The core.</param>
    /// <param name="address">The address that was accessed.</param>
    /// <param name="bits">The bits that its walk found clear.</param>
    public virtual void OnAccessed(CoreId core, VirtAddr address, PageFlags bits)
    {
    }

    /// <summary>A fault or system call has come with a word other than 0; its operation has not begun.</summary>
    /// <param name="core">The core.</param>
    /// <param name="word">The core half's <see cref="CoreShootdown.TrapWord"/>.</param>
    public virtual void OnTrapWord(CoreId core, long word)
    {
    }

    /// <summary>An operation has written entries in copies of the page table.</summary>
    /// <param name="entries">Entries in all copies.</param>
    /// <returns>Cycles that the operation takes longer.</returns>
    public virtual long OnCopied(long entries) => 0;

    /// <summary>The word that the answer to a fault or system call takes along; it costs nothing. 0 for none.</summary>
    /// <param name="core">The core whose thread is answered.</param>
    public virtual long ReturnWord(CoreId core) => 0;
}

/// <summary>What a core learns when it loads a space.</summary>
/// <param name="Tag">The space's TLB tag, if tags belong to spaces; 0 when the core chooses.</param>
/// <param name="Generation">The space's generation.</param>
/// <param name="Flush">Whether entries under the tag may be stale.</param>
/// <param name="Table">The page table that the core walks.</param>
public readonly record struct LoadAnswer(ushort Tag, long Generation, bool Flush, int Table = 0);
