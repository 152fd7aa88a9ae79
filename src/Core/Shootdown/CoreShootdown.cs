using VmSim.Core.Addresses;
using VmSim.Core.Machine;
using VmSim.Core.Mmu;
using VmSim.Core.Statistics;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Shootdown;

/// <summary>What the core half of a protocol can see and do.</summary>
public interface ICoreShootdownContext
{
    /// <summary>The core.</summary>
    CoreId Core { get; }

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

    /// <summary>The core's MMU.</summary>
    CoreMmu Mmu { get; }

    /// <summary>
    /// The user's halves of the tags that the core half gives to spaces, under page-table isolation; null without.
    /// <see cref="SharedRules.Invalidate"/> and <see cref="SharedRules.Flush"/> see to both.
    /// </summary>
    TagPairs? Pairs { get; }

    /// <summary>The core's time, in cycles.</summary>
    Cycles Now { get; }

    /// <summary>Whether the core idles with a space loaded.</summary>
    bool IsLazy { get; }

    /// <summary>The space that the core has loaded or is loading; <see cref="SpaceId.None"/> without one.</summary>
    SpaceId Loaded { get; }

    /// <summary>
    /// What the core does: it is in user mode while <see cref="CoreState.Running"/>, else the kernel runs on it or it idles.
    /// </summary>
    CoreState State { get; }

    /// <summary>Sends one of the protocol's messages to a space's half, <see cref="SpaceShootdown.OnProtocol"/>.</summary>
    /// <param name="space">The space.</param>
    /// <param name="delay">Cycles from now to its delivery, at least as many as declared.</param>
    /// <param name="payload">What it says; its kind is declared from core to space.</param>
    /// <exception cref="InvalidOperationException">
    /// The kind or delay is not as declared, or the space is not of the core's domain.
    /// </exception>
    void SendProtocol(SpaceId space, Cycles delay, in ProtocolPayload payload);

    /// <summary>Sends one of the protocol's messages to another core's half, <see cref="CoreShootdown.OnDirect"/>.</summary>
    /// <param name="target">Another core of the domain.</param>
    /// <param name="delay">Cycles from now to its delivery, at least as many as declared.</param>
    /// <param name="payload">What it says; its kind is declared from core to core.</param>
    /// <exception cref="InvalidOperationException">
    /// The kind or delay is not as declared, or the target is not another core of the domain.
    /// </exception>
    void SendDirect(CoreId target, Cycles delay, in ProtocolPayload payload);

    /// <summary>Sends the ack of an invalidation whose result said <see cref="AckTime.Later"/>; it takes an ack's delay from now.</summary>
    /// <param name="invalidation">The invalidation as it came.</param>
    /// <param name="dropped">Entries dropped for it.</param>
    /// <param name="cycles">Cycles that it took.</param>
    void Acknowledge(in Invalidation invalidation, int dropped, Cycles cycles);

    /// <summary>
    /// From now to <see cref="EndInvalidation"/>, the live translations that the MMU drops are lost to a shootdown: the walks that bring
    /// them back are its refill misses. For invalidations outside of <see cref="CoreShootdown.OnInvalidation"/>, which has begun so.
    /// </summary>
    /// <param name="space">The space.</param>
    /// <param name="shootdown">The shootdown's number within the space, <see cref="Invalidation.Shootdown"/>.</param>
    /// <param name="dead">The range that covers what died.</param>
    void BeginInvalidation(SpaceId space, long shootdown, DeadRange dead);

    /// <summary>
    /// The invalidation that has begun is for what died in another shootdown too, in this range; what is lost stays with the first. Else it
    /// does nothing.
    /// </summary>
    void AlsoDead(DeadRange dead);

    /// <summary>Ends what <see cref="BeginInvalidation"/> began and counts it. Its cycles are the caller's to return.</summary>
    /// <param name="result">What it did.</param>
    void EndInvalidation(in InvalidationResult result);

    /// <summary>From now on the translations of the loaded space go under another tag.</summary>
    /// <param name="tag">The tag.</param>
    void UseTag(Asid tag);

    /// <summary>Counts shootdowns for which the core has invalidated by itself, at a tick or a switch.</summary>
    void CountSweep(int shootdowns);
}

/// <summary>What an invalidation did.</summary>
/// <param name="Cycles">Cycles of the invalidations themselves, handler entry and exit apart.</param>
/// <param name="Dropped">Entries dropped.</param>
/// <param name="Full">Whether the whole space was flushed.</param>
/// <param name="LeavesSpace">Whether the core, which idles, gives the space up.</param>
/// <param name="Ack">When the ack leaves; no matter where none is due.</param>
/// <param name="Owed">Entries that go when the core returns to user mode, and are not dropped yet.</param>
public readonly record struct InvalidationResult(
    Cycles Cycles, int Dropped, bool Full, bool LeavesSpace = false, AckTime Ack = AckTime.AfterHandler, int Owed = 0);

/// <summary>When the ack of an invalidation leaves its core.</summary>
public enum AckTime
{
    /// <summary>When the handler has ended.</summary>
    AfterHandler,

    /// <summary>When the handler begins, before it invalidates.</summary>
    AtEntry,

    /// <summary>When the core half says so: <see cref="ICoreShootdownContext.Acknowledge"/>.</summary>
    Later,
}

/// <summary>Which tag a core uses for a space it has loaded, and what loading cost.</summary>
/// <param name="Tag">The TLB tag.</param>
/// <param name="Cycles">Cycles on top of the profile's switch costs.</param>
/// <param name="Flushed">Whether entries under the tag were flushed.</param>
public readonly record struct LoadResult(Asid Tag, Cycles Cycles, bool Flushed);

/// <summary>The core half of a protocol, one object a core.</summary>
public abstract class CoreShootdown
{
    /// <summary>
    /// What the protocol counts for each core, an object of this half's own; null for nothing. Reports have it after what every run counts.
    /// It is part of a checkpoint like any field, and set to 0 when counting begins. All halves of a run declare the same.
    /// </summary>
    public virtual CounterSet? Counters => null;

    /// <summary>An invalidation has come, by interrupt or for the core's own operation.</summary>
    public abstract InvalidationResult OnInvalidation(in Invalidation invalidation);

    /// <summary>
    /// The answer to a load has come: choose the tag, flush what may be stale. The tag is flushed afterwards if the answer says so and this
    /// has not done it. Where the half does nothing of its own, the core takes the tag that the space gave.
    /// </summary>
    /// <param name="space">The space.</param>
    /// <param name="answer">What the space's half answered.</param>
    public virtual LoadResult OnLoaded(SpaceId space, in LoadAnswer answer) => new(answer.Tag, 0, Flushed: false);

    /// <summary>Whether a core that idled with its space loaded must ask the space again before it runs a thread of it.</summary>
    public virtual bool ReloadAfterIdle => false;

    /// <summary>Whether the space wants to be told when a core idles with it loaded.</summary>
    public virtual bool TellsLazy => false;

    /// <summary>Period of <see cref="OnTick"/> in cycles; 0 for a protocol that needs no tick.</summary>
    public virtual Cycles TickCycles => 0;

    /// <summary>
    /// Whether a tick would do anything now. While it says no, a tick must take no time, send nothing and change nothing: nobody waits for
    /// it, and a core that waits in the kernel takes it only when it goes on. So a run in which nothing else can happen any more is over.
    /// </summary>
    public virtual bool HasTickWork => true;

    /// <summary>The core's timer tick.</summary>
    /// <returns>Cycles it took.</returns>
    public virtual Cycles OnTick() => 0;

    /// <summary>The core is about to switch to another thread or space, or to idle.</summary>
    /// <returns>Cycles it took.</returns>
    public virtual Cycles OnSwitch() => 0;

    /// <summary>A message of the protocol's own has come from a space.</summary>
    /// <param name="space">The space.</param>
    /// <param name="payload">What it says.</param>
    /// <returns>Cycles it took.</returns>
    public virtual Cycles OnProtocol(SpaceId space, in ProtocolPayload payload) => 0;

    /// <summary>
    /// The core is about to run a thread in user mode: after a trap, a switch, an interrupt, a tick or a message, before the first
    /// operation. Called only if the protocol watches <see cref="CoreEvents.UserReturns"/>. A core that was interrupted in user mode may be
    /// switched to a thread that slept in the kernel and goes on there, behind the very operation that waits for the core: what is owed
    /// until the return is owed until <see cref="OnSwitch"/> at the latest.
    /// </summary>
    /// <returns>Cycles it took, counted as those of interrupts.</returns>
    public virtual Cycles OnReturnToUser() => 0;

    /// <summary>
    /// A page walk has ended, before the access is made or faults. Called only if the protocol watches <see cref="CoreEvents.Walks"/>.
    /// </summary>
    /// <returns>Cycles it took, counted as those of walks.</returns>
    public virtual Cycles OnWalk(in PageWalk walk) => 0;

    /// <summary>
    /// A walk has put a translation into the TLBs. Called only if the protocol watches <see cref="CoreEvents.Fills"/>, after
    /// <see cref="OnWalk"/>.
    /// </summary>
    /// <returns>Cycles it took, counted as those of walks.</returns>
    public virtual Cycles OnFill(in TlbEntry entry) => 0;

    /// <summary>
    /// A translation has left the last TLB that held it because another took its place; invalidations and faults drop without a word.
    /// Called only if the protocol watches <see cref="CoreEvents.Evictions"/>, in the order of fills.
    /// </summary>
    /// <returns>Cycles it took, counted as those of walks.</returns>
    public virtual Cycles OnEvict(in TlbEntry entry) => 0;

    /// <summary>
    /// A fault has been answered, and the kernel has put its translation into the TLBs. Called only if the protocol primes fills
    /// (<see cref="IShootdownProtocol.PrimesFills"/>).
    /// </summary>
    /// <param name="primed">Whether it has; not if the page was gone or marked again.</param>
    public virtual void OnPrimed(bool primed)
    {
    }

    /// <summary>The word that a fault or system call takes along to the space's half; it costs nothing. 0 for none.</summary>
    /// <param name="space">The space.</param>
    public virtual long TrapWord(SpaceId space) => 0;

    /// <summary>The answer to a fault or system call has brought a word other than 0.</summary>
    /// <param name="space">The space.</param>
    /// <param name="word">The space half's <see cref="SpaceShootdown.ReturnWord"/>.</param>
    public virtual void OnReturnWord(SpaceId space, long word)
    {
    }

    /// <summary>A message of the protocol's own has come from another core.</summary>
    /// <param name="from">The other core.</param>
    /// <param name="payload">What it says.</param>
    /// <returns>Cycles it took.</returns>
    public virtual Cycles OnDirect(CoreId from, in ProtocolPayload payload) => 0;
}
