using VmSim.Core.Addresses;
using VmSim.Core.Machine;
using VmSim.Core.Mmu;
using VmSim.Core.Paging;
using VmSim.Core.Shootdown;
using VmSim.Core.Statistics;
using VmSim.Core.VirtualTime;

namespace VmSim.Testing;

/// <summary>A protocol that does what another one does, for tests that change or note a part of it.</summary>
/// <param name="real">The other one.</param>
public abstract class ForwardingProtocol(IShootdownProtocol real) : IShootdownProtocol
{
    /// <inheritdoc/>
    public string Name => real.Name;

    /// <inheritdoc/>
    public string Summary => real.Summary;

    /// <inheritdoc/>
    public CoreEvents Watches => real.Watches;

    /// <inheritdoc/>
    public bool FillsTablesOnDemand => real.FillsTablesOnDemand;

    /// <inheritdoc/>
    public bool PrimesFills => real.PrimesFills;

    /// <inheritdoc/>
    public bool BatchesWriteBack => real.BatchesWriteBack;

    /// <inheritdoc/>
    public int Tables(MachineSpec machine) => real.Tables(machine);

    /// <inheritdoc/>
    public Cycles AllowedStaleness(MachineSpec machine, KernelProfile kernel) => real.AllowedStaleness(machine, kernel);

    /// <inheritdoc/>
    public IReadOnlyList<ProtocolMessage> Messages(MachineSpec machine, KernelProfile kernel) => real.Messages(machine, kernel);

    /// <inheritdoc/>
    public IReadOnlyList<string> Architectures => real.Architectures;

    /// <inheritdoc/>
    public IsolationKind Isolation => real.Isolation;

    /// <inheritdoc/>
    public virtual MachineShootdown? CreateMachineHalf(MachineSpec machine, KernelProfile kernel) =>
        real.CreateMachineHalf(machine, kernel);

    /// <inheritdoc/>
    public virtual SpaceShootdown CreateSpaceHalf(ISpaceShootdownContext context) => real.CreateSpaceHalf(context);

    /// <inheritdoc/>
    public virtual CoreShootdown CreateCoreHalf(ICoreShootdownContext context) => real.CreateCoreHalf(context);
}

/// <summary>A context that passes everything on.</summary>
/// <param name="real">Where to.</param>
public abstract class ForwardingContext(ISpaceShootdownContext real) : ISpaceShootdownContext
{
    /// <inheritdoc/>
    public SpaceId Space => real.Space;

    /// <inheritdoc/>
    public MachineSpec Machine => real.Machine;

    /// <inheritdoc/>
    public KernelProfile Kernel => real.Kernel;

    /// <inheritdoc/>
    public Delays Delays => real.Delays;

    /// <inheritdoc/>
    public int SpaceCount => real.SpaceCount;

    /// <inheritdoc/>
    public int TagCount => real.TagCount;

    /// <inheritdoc/>
    public Cycles Now => real.Now;

    /// <inheritdoc/>
    public MachineShootdown? MachineHalf => real.MachineHalf;

    /// <inheritdoc/>
    public virtual void InvalidateByInterrupt(ShootdownRequest shootdown, CoreId core, InvalidationScope scope) =>
        real.InvalidateByInterrupt(shootdown, core, scope);

    /// <inheritdoc/>
    public virtual void InvalidateByMessage(
        ShootdownRequest shootdown, CoreId core, InvalidationScope scope, int kind, Cycles delay, bool awaited) =>
        real.InvalidateByMessage(shootdown, core, scope, kind, delay, awaited);

    /// <inheritdoc/>
    public virtual void InvalidateLocally(ShootdownRequest shootdown, InvalidationScope scope) => real.InvalidateLocally(shootdown, scope);

    /// <inheritdoc/>
    public virtual void Finish(ShootdownRequest shootdown) => real.Finish(shootdown);

    /// <inheritdoc/>
    public virtual void FinishDeferringRelease(ShootdownRequest shootdown) => real.FinishDeferringRelease(shootdown);

    /// <inheritdoc/>
    public virtual void ReleaseDeferred(ShootdownRequest shootdown) => real.ReleaseDeferred(shootdown);

    /// <inheritdoc/>
    public virtual void SetTimer(Cycles at, long argument) => real.SetTimer(at, argument);

    /// <inheritdoc/>
    public virtual void NoteFlushed(Cycles begunAt) => real.NoteFlushed(begunAt);

    /// <inheritdoc/>
    public virtual TableFill FillTable(int table, VirtAddr address) => real.FillTable(table, address);

    /// <inheritdoc/>
    public virtual bool HoldsPage(int table, VirtAddr address) => real.HoldsPage(table, address);

    /// <inheritdoc/>
    public virtual void SendProtocol(CoreId core, Cycles delay, in ProtocolPayload payload) => real.SendProtocol(core, delay, payload);
}

/// <summary>An address-space half that passes everything on.</summary>
/// <param name="real">Where to.</param>
public abstract class ForwardingSpace(SpaceShootdown real) : SpaceShootdown
{
    /// <inheritdoc/>
    public override CounterSet? Counters => real.Counters;

    /// <inheritdoc/>
    public override void Begin(ShootdownRequest shootdown) => real.Begin(shootdown);

    /// <inheritdoc/>
    public override void OnAck(ShootdownRequest shootdown, CoreId core) => real.OnAck(shootdown, core);

    /// <inheritdoc/>
    public override bool FlushesBeforeMapping(VirtAddr start, VirtAddr end) => real.FlushesBeforeMapping(start, end);

    /// <inheritdoc/>
    public override LoadAnswer OnLoad(CoreId core) => real.OnLoad(core);

    /// <inheritdoc/>
    public override bool Holds(CoreId core) => real.Holds(core);

    /// <inheritdoc/>
    public override bool HasOthers(CoreId core) => real.HasOthers(core);

    /// <inheritdoc/>
    public override void OnLeave(CoreId core) => real.OnLeave(core);

    /// <inheritdoc/>
    public override void OnLazy(CoreId core) => real.OnLazy(core);

    /// <inheritdoc/>
    public override void OnExit() => real.OnExit();

    /// <inheritdoc/>
    public override void OnTimer(long argument) => real.OnTimer(argument);

    /// <inheritdoc/>
    public override void OnProtocol(CoreId core, in ProtocolPayload payload) => real.OnProtocol(core, payload);

    /// <inheritdoc/>
    public override Cycles OnFault(CoreId core, VirtAddr page, AccessKind access, bool wasMapped, long word) =>
        real.OnFault(core, page, access, wasMapped, word);

    /// <inheritdoc/>
    public override bool HasSharedLines => real.HasSharedLines;

    /// <inheritdoc/>
    public override Cycles OnPrimed(CoreId core, VirtAddr page) => real.OnPrimed(core, page);

    /// <inheritdoc/>
    public override void OnAccessed(CoreId core, VirtAddr address, PageFlags bits) => real.OnAccessed(core, address, bits);

    /// <inheritdoc/>
    public override void OnTrapWord(CoreId core, long word) => real.OnTrapWord(core, word);

    /// <inheritdoc/>
    public override Cycles OnCopied(long entries) => real.OnCopied(entries);

    /// <inheritdoc/>
    public override long ReturnWord(CoreId core) => real.ReturnWord(core);
}

/// <summary>A core half that passes everything on.</summary>
/// <param name="real">Where to.</param>
public abstract class ForwardingCore(CoreShootdown real) : CoreShootdown
{
    /// <inheritdoc/>
    public override CounterSet? Counters => real.Counters;

    /// <inheritdoc/>
    public override bool ReloadAfterIdle => real.ReloadAfterIdle;

    /// <inheritdoc/>
    public override bool TellsLazy => real.TellsLazy;

    /// <inheritdoc/>
    public override Cycles TickCycles => real.TickCycles;

    /// <inheritdoc/>
    public override InvalidationResult OnInvalidation(in Invalidation invalidation) => real.OnInvalidation(invalidation);

    /// <inheritdoc/>
    public override LoadResult OnLoaded(SpaceId space, in LoadAnswer answer) => real.OnLoaded(space, answer);

    /// <inheritdoc/>
    public override bool HasTickWork => real.HasTickWork;

    /// <inheritdoc/>
    public override Cycles OnTick() => real.OnTick();

    /// <inheritdoc/>
    public override Cycles OnSwitch() => real.OnSwitch();

    /// <inheritdoc/>
    public override Cycles OnProtocol(SpaceId space, in ProtocolPayload payload) => real.OnProtocol(space, payload);

    /// <inheritdoc/>
    public override Cycles OnDirect(CoreId from, in ProtocolPayload payload) => real.OnDirect(from, payload);

    /// <inheritdoc/>
    public override Cycles OnReturnToUser() => real.OnReturnToUser();

    /// <inheritdoc/>
    public override Cycles OnWalk(in PageWalk walk) => real.OnWalk(walk);

    /// <inheritdoc/>
    public override Cycles OnFill(in TlbEntry entry) => real.OnFill(entry);

    /// <inheritdoc/>
    public override Cycles OnEvict(in TlbEntry entry) => real.OnEvict(entry);

    /// <inheritdoc/>
    public override void OnPrimed(bool primed) => real.OnPrimed(primed);

    /// <inheritdoc/>
    public override long TrapWord(SpaceId space) => real.TrapWord(space);

    /// <inheritdoc/>
    public override void OnReturnWord(SpaceId space, long word) => real.OnReturnWord(space, word);
}

/// <summary>What a core half sees, passed on.</summary>
/// <param name="real">Where to.</param>
public abstract class ForwardingCoreContext(ICoreShootdownContext real) : ICoreShootdownContext
{
    /// <inheritdoc/>
    public CoreId Core => real.Core;

    /// <inheritdoc/>
    public MachineSpec Machine => real.Machine;

    /// <inheritdoc/>
    public KernelProfile Kernel => real.Kernel;

    /// <inheritdoc/>
    public Delays Delays => real.Delays;

    /// <inheritdoc/>
    public int SpaceCount => real.SpaceCount;

    /// <inheritdoc/>
    public int TagCount => real.TagCount;

    /// <inheritdoc/>
    public CoreMmu Mmu => real.Mmu;

    /// <inheritdoc/>
    public virtual TagPairs? Pairs => real.Pairs;

    /// <inheritdoc/>
    public Cycles Now => real.Now;

    /// <inheritdoc/>
    public bool IsLazy => real.IsLazy;

    /// <inheritdoc/>
    public SpaceId Loaded => real.Loaded;

    /// <inheritdoc/>
    public CoreState State => real.State;

    /// <inheritdoc/>
    public virtual void SendProtocol(SpaceId space, Cycles delay, in ProtocolPayload payload) => real.SendProtocol(space, delay, payload);

    /// <inheritdoc/>
    public virtual void SendDirect(CoreId target, Cycles delay, in ProtocolPayload payload) => real.SendDirect(target, delay, payload);

    /// <inheritdoc/>
    public virtual void Acknowledge(in Invalidation invalidation, int dropped, Cycles cycles) =>
        real.Acknowledge(invalidation, dropped, cycles);

    /// <inheritdoc/>
    public virtual void BeginInvalidation(SpaceId space, long shootdown, DeadRange dead) => real.BeginInvalidation(space, shootdown, dead);

    /// <inheritdoc/>
    public virtual void AlsoDead(DeadRange dead) => real.AlsoDead(dead);

    /// <inheritdoc/>
    public virtual void EndInvalidation(in InvalidationResult result) => real.EndInvalidation(result);

    /// <inheritdoc/>
    public virtual void UseTag(Asid tag) => real.UseTag(tag);

    /// <inheritdoc/>
    public virtual void CountSweep(int shootdowns) => real.CountSweep(shootdowns);
}
