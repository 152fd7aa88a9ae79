using VmSim.Core.Addresses;
using VmSim.Core.Machine;
using VmSim.Core.Paging;
using VmSim.Core.Statistics;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Shootdown;

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

    /// <summary>
    /// Tags that the page-table format has for spaces: all but tag 0 (<see cref="Paging.PageTableFormat.AsidBits"/>); half as many in
    /// pairs.
    /// </summary>
    int TagCount { get; }

    /// <summary>The time of the message being handled, in cycles.</summary>
    Cycles Now { get; }

    /// <summary>What <see cref="IShootdownProtocol.CreateMachineHalf"/> made for the run; null for nothing.</summary>
    MachineShootdown? MachineHalf { get; }

    /// <summary>
    /// Interrupts a core to invalidate, and waits for its ack. The k-th interrupt of a shootdown leaves k sending costs later.
    /// </summary>
    /// <param name="shootdown">The shootdown it belongs to.</param>
    /// <param name="core">The target.</param>
    /// <param name="scope">What it drops.</param>
    void InvalidateByInterrupt(ShootdownRequest shootdown, CoreId core, InvalidationScope scope);

    /// <summary>
    /// Has a core invalidate without an interrupt, as hardware broadcasts do: its half gets the invalidation as from an interrupt, and what
    /// that takes is all it costs the core. A core is told once a shootdown.
    /// </summary>
    /// <param name="shootdown">The shootdown it belongs to.</param>
    /// <param name="core">A core of the space's domain.</param>
    /// <param name="scope">What it drops.</param>
    /// <param name="kind">The kind whose delay it has, declared from space to core.</param>
    /// <param name="delay">Cycles on the way, at least as many as declared; it leaves a service time from now.</param>
    /// <param name="awaited">
    /// Whether the shootdown waits for the core's ack; else it only reports what it did, and no hook is called.
    /// </param>
    /// <exception cref="InvalidOperationException">The kind or delay is not as declared, or the core is not of the domain.</exception>
    void InvalidateByMessage(ShootdownRequest shootdown, CoreId core, InvalidationScope scope, int kind, Cycles delay, bool awaited);

    /// <summary>Has the initiator's own core invalidate while it waits; no interrupt, no ack.</summary>
    /// <param name="shootdown">The shootdown it belongs to.</param>
    /// <param name="scope">What it drops.</param>
    void InvalidateLocally(ShootdownRequest shootdown, InvalidationScope scope);

    /// <summary>The operation may return, and what it freed may be reused.</summary>
    void Finish(ShootdownRequest shootdown);

    /// <summary>The operation may return, but what it freed stays untouchable until <see cref="ReleaseDeferred"/>.</summary>
    void FinishDeferringRelease(ShootdownRequest shootdown);

    /// <summary>What a shootdown freed may be reused from now on.</summary>
    void ReleaseDeferred(ShootdownRequest shootdown);

    /// <summary>Calls <see cref="SpaceShootdown.OnTimer"/> at a time not before now, in cycles.</summary>
    void SetTimer(Cycles at, long argument);

    /// <summary>
    /// A flush of the whole space that concerned every core is over: each has dropped all that it held when the flush began, or will before
    /// it uses the space again. What was held then needs no invalidation any more. Means something to protocols that prime fills.
    /// </summary>
    /// <param name="begunAt">When the flush began, in cycles.</param>
    void NoteFlushed(Cycles begunAt);

    /// <summary>
    /// Puts the leaf that maps an address now into a copy of the page table that is filled on demand, and makes the copy's table pages
    /// above it. Walkers see it when they see the stores of the message being handled. A leaf that goes later, or leads to another frame or
    /// allows less, goes from every copy that has it; one that allows more stays as it is in the copies.
    /// </summary>
    /// <param name="table">1 to <see cref="IShootdownProtocol.Tables"/> - 1.</param>
    /// <param name="address">A canonical address.</param>
    TableFill FillTable(int table, VirtAddr address);

    /// <summary>Whether a copy of the page table that is filled on demand has a leaf for an address now, be it visible or not.</summary>
    /// <param name="table">1 to <see cref="IShootdownProtocol.Tables"/> - 1.</param>
    /// <param name="address">A canonical address.</param>
    bool HoldsPage(int table, VirtAddr address);

    /// <summary>
    /// Sends one of the protocol's messages to the core's half, <see cref="CoreShootdown.OnProtocol"/>. It leaves a service time from now.
    /// </summary>
    /// <param name="core">A core of the space's domain.</param>
    /// <param name="delay">Cycles on the way, at least as many as declared.</param>
    /// <param name="payload">What it says; its kind is declared from space to core.</param>
    /// <exception cref="InvalidOperationException">The kind or delay is not as declared, or the core is not of the domain.</exception>
    void SendProtocol(CoreId core, Cycles delay, in ProtocolPayload payload);
}

/// <summary>The address-space half of a protocol, one object a space.</summary>
public abstract class SpaceShootdown
{
    /// <summary>
    /// What the protocol counts for each address space, an object of this half's own; null for nothing. Reports have it after what every
    /// run counts. It is part of a checkpoint like any field, and set to 0 when counting begins. All halves of a run declare the same.
    /// </summary>
    public virtual CounterSet? Counters => null;

    /// <summary>Translations died and their stores are on the way: tell whom it concerns. Must lead to a finish, now or later.</summary>
    public abstract void Begin(ShootdownRequest shootdown);

    /// <summary>A target has invalidated; all bookkeeping of <see cref="ShootdownRequest.PendingAcks"/> is done.</summary>
    public abstract void OnAck(ShootdownRequest shootdown, CoreId core);

    /// <summary>
    /// Whether cores may still hold dead translations of a range that a call has mapped anew, so that the whole space must be invalidated
    /// before the call returns. Only protocols that let operations return earlier have a reason to say so.
    /// </summary>
    /// <param name="start">First address of the new mapping.</param>
    /// <param name="end">The address after it.</param>
    public virtual bool FlushesBeforeMapping(VirtAddr start, VirtAddr end) => false;

    /// <summary>
    /// Whether a flush of the whole space concerns any core but one. If not, a process that ends on this core has no shootdown: its core
    /// leaves the space, and nobody loads it again. Protocols that do not say get a shootdown at each end.
    /// </summary>
    /// <param name="core">The core.</param>
    public virtual bool HasOthers(CoreId core) => true;

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

    /// <summary>The last thread of the process has ended: no core runs the space again, though some may have it loaded.</summary>
    public virtual void OnExit()
    {
    }

    /// <summary>A timer set through the context has come.</summary>
    public virtual void OnTimer(long argument)
    {
    }

    /// <summary>A message of the protocol's own has come from a core.</summary>
    /// <param name="core">The core.</param>
    /// <param name="payload">What it says.</param>
    public virtual void OnProtocol(CoreId core, in ProtocolPayload payload)
    {
    }

    /// <summary>
    /// A page fault of a core is resolved: the page is mapped as the access needs it, or was. A fault that failed calls nothing.
    /// </summary>
    /// <param name="core">The core.</param>
    /// <param name="page">The page's first 4 KiB-aligned address.</param>
    /// <param name="access">What the access does.</param>
    /// <param name="wasMapped">
    /// Whether the space mapped the page as the access needs it: the core had an old translation, or its copy of the page table none.
    /// </param>
    /// <param name="word">The core half's <see cref="CoreShootdown.TrapWord"/>.</param>
    /// <returns>Cycles that the fault takes longer.</returns>
    public virtual Cycles OnFault(CoreId core, VirtAddr page, AccessKind access, bool wasMapped, long word) => 0;

    /// <summary>
    /// Whether the initiator of a shootdown writes the space's generation and reads its list of cores, whose cache lines move between cores
    /// (Linux: mm_context_t.tlb_gen and mm_cpumask). Not if the protocol has neither for the space as a whole.
    /// </summary>
    public virtual bool HasSharedLines => true;

    /// <summary>
    /// A fault of a core has mapped a page, and its answer will put the translation into the core's TLBs. Called only if the protocol
    /// primes fills (<see cref="IShootdownProtocol.PrimesFills"/>), after <see cref="OnFault"/>.
    /// </summary>
    /// <param name="core">The core.</param>
    /// <param name="page">The page's first 4 KiB-aligned address.</param>
    /// <returns>Cycles that the fault takes longer.</returns>
    public virtual Cycles OnPrimed(CoreId core, VirtAddr page) => 0;

    /// <summary>
    /// Whether a core is in the space's list of cores already, so that neither loading nor leaving the space writes the list, whose cache
    /// line moves otherwise.
    /// </summary>
    /// <param name="core">The core.</param>
    public virtual bool Holds(CoreId core) => false;

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
    public virtual Cycles OnCopied(long entries) => 0;

    /// <summary>The word that the answer to a fault or system call takes along; it costs nothing. 0 for none.</summary>
    /// <param name="core">The core whose thread is answered.</param>
    public virtual long ReturnWord(CoreId core) => 0;
}
