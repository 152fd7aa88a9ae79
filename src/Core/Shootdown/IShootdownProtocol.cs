using VmSim.Core.Addresses;
using VmSim.Core.Engine;
using VmSim.Core.Kernel;
using VmSim.Core.Machine;

namespace VmSim.Core.Shootdown;

/// <summary>A shootdown protocol: how cores are made to drop dead translations. One file; registered in <see cref="ShootdownProtocols"/>.</summary>
public interface IShootdownProtocol
{
    /// <summary>The name used in scenarios.</summary>
    string Name { get; }

    /// <summary>One sentence on the algorithm and its source.</summary>
    string Summary { get; }

    /// <summary>Least delay of any core-to-core message kind the protocol adds, in cycles; <see cref="long.MaxValue"/> if it adds none.</summary>
    long DirectDelay(MachineSpec machine, KernelProfile kernel) => long.MaxValue;

    /// <summary>
    /// How long after an unmap returned a core may, by the protocol's design, still use the dead translation, in cycles; 0 for protocols
    /// that finish before they return.
    /// </summary>
    long AllowedStaleness(MachineSpec machine, KernelProfile kernel) => 0;

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

    /// <summary>Acks that are still missing.</summary>
    public int PendingAcks { get; set; }

    /// <summary>Cores that were told.</summary>
    public int Targets { get; set; }

    /// <summary>Interrupts sent for it.</summary>
    public int Interrupts { get; internal set; }

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

    internal KernelOperation? Operation { get; set; }

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

    /// <summary>Sends the protocol's own message to a core; <paramref name="delay"/> at least the machine's least delay to that core.</summary>
    void SendProtocol(CoreId core, long delay, long a, long b, long c, long d);
}

/// <summary>The address-space half of a protocol, one object a space.</summary>
public abstract class SpaceShootdown
{
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
}

/// <summary>What a core learns when it loads a space.</summary>
/// <param name="Tag">The space's TLB tag, if tags belong to spaces; 0 when the core chooses.</param>
/// <param name="Generation">The space's generation.</param>
/// <param name="Flush">Whether entries under the tag may be stale.</param>
public readonly record struct LoadAnswer(ushort Tag, long Generation, bool Flush);
