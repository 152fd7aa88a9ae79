using VmSim.Core.Addresses;
using VmSim.Core.Machine;
using VmSim.Core.Mmu;
using VmSim.Core.Paging;
using VmSim.Core.Shootdown;
using VmSim.Core.Statistics;
using VmSim.Core.VirtualTime;

namespace VmSim.Tests.Shared;

/// <summary>A protocol that does what another one does, for tests that change or note a part of it.</summary>
/// <param name="real">The other one.</param>
public abstract class ForwardingProtocol(IShootdownProtocol real) : IShootdownProtocol
{
    public string Name => real.Name;

    public string Summary => real.Summary;

    public CoreEvents Watches => real.Watches;

    public bool FillsTablesOnDemand => real.FillsTablesOnDemand;

    public int Tables(MachineSpec machine) => real.Tables(machine);

    public long AllowedStaleness(MachineSpec machine, KernelProfile kernel) => real.AllowedStaleness(machine, kernel);

    public IReadOnlyList<ProtocolMessage> Messages(MachineSpec machine, KernelProfile kernel) => real.Messages(machine, kernel);

    public virtual SpaceShootdown CreateSpaceHalf(ISpaceShootdownContext context) => real.CreateSpaceHalf(context);

    public virtual CoreShootdown CreateCoreHalf(ICoreShootdownContext context) => real.CreateCoreHalf(context);
}

/// <summary>A context that passes everything on.</summary>
/// <param name="real">Where to.</param>
public abstract class ForwardingContext(ISpaceShootdownContext real) : ISpaceShootdownContext
{
    public SpaceId Space => real.Space;

    public MachineSpec Machine => real.Machine;

    public KernelProfile Kernel => real.Kernel;

    public Delays Delays => real.Delays;

    public int SpaceCount => real.SpaceCount;

    public long Now => real.Now;

    public virtual void InvalidateByInterrupt(ShootdownRequest shootdown, CoreId core, InvalidationScope scope) =>
        real.InvalidateByInterrupt(shootdown, core, scope);

    public virtual void InvalidateByMessage(
        ShootdownRequest shootdown, CoreId core, InvalidationScope scope, int kind, long delay, bool awaited) =>
        real.InvalidateByMessage(shootdown, core, scope, kind, delay, awaited);

    public virtual void InvalidateLocally(ShootdownRequest shootdown, InvalidationScope scope) => real.InvalidateLocally(shootdown, scope);

    public virtual void Finish(ShootdownRequest shootdown) => real.Finish(shootdown);

    public virtual void FinishDeferringRelease(ShootdownRequest shootdown) => real.FinishDeferringRelease(shootdown);

    public virtual void ReleaseDeferred(ShootdownRequest shootdown) => real.ReleaseDeferred(shootdown);

    public virtual void SetTimer(long at, long argument) => real.SetTimer(at, argument);

    public virtual bool FillTable(int table, VirtAddr address) => real.FillTable(table, address);

    public virtual void SendProtocol(CoreId core, long delay, in ProtocolPayload payload) => real.SendProtocol(core, delay, payload);
}

/// <summary>An address-space half that passes everything on.</summary>
/// <param name="real">Where to.</param>
public abstract class ForwardingSpace(SpaceShootdown real) : SpaceShootdown
{
    public override CounterSet? Counters => real.Counters;

    public override void Begin(ShootdownRequest shootdown) => real.Begin(shootdown);

    public override void OnAck(ShootdownRequest shootdown, CoreId core) => real.OnAck(shootdown, core);

    public override bool FlushesBeforeMapping(VirtAddr start, VirtAddr end) => real.FlushesBeforeMapping(start, end);

    public override LoadAnswer OnLoad(CoreId core) => real.OnLoad(core);

    public override void OnLeave(CoreId core) => real.OnLeave(core);

    public override void OnLazy(CoreId core) => real.OnLazy(core);

    public override void OnTimer(long argument) => real.OnTimer(argument);

    public override void OnProtocol(CoreId core, in ProtocolPayload payload) => real.OnProtocol(core, payload);

    public override long OnFault(CoreId core, VirtAddr page, AccessKind access, long word) => real.OnFault(core, page, access, word);

    public override void OnAccessed(CoreId core, VirtAddr address, PageFlags bits) => real.OnAccessed(core, address, bits);

    public override void OnTrapWord(CoreId core, long word) => real.OnTrapWord(core, word);

    public override long OnCopied(long entries) => real.OnCopied(entries);

    public override long ReturnWord(CoreId core) => real.ReturnWord(core);
}

/// <summary>A core half that passes everything on.</summary>
/// <param name="real">Where to.</param>
public abstract class ForwardingCore(CoreShootdown real) : CoreShootdown
{
    public override CounterSet? Counters => real.Counters;

    public override bool ReloadAfterIdle => real.ReloadAfterIdle;

    public override bool TellsLazy => real.TellsLazy;

    public override long TickCycles => real.TickCycles;

    public override InvalidationResult OnInvalidation(in Invalidation invalidation) => real.OnInvalidation(invalidation);

    public override LoadResult OnLoaded(SpaceId space, in LoadAnswer answer) => real.OnLoaded(space, answer);

    public override bool HasTickWork => real.HasTickWork;

    public override long OnTick() => real.OnTick();

    public override long OnSwitch() => real.OnSwitch();

    public override long OnProtocol(SpaceId space, in ProtocolPayload payload) => real.OnProtocol(space, payload);

    public override long OnDirect(CoreId from, in ProtocolPayload payload) => real.OnDirect(from, payload);

    public override long OnReturnToUser() => real.OnReturnToUser();

    public override long OnWalk(in PageWalk walk) => real.OnWalk(walk);

    public override long OnFill(in TlbEntry entry) => real.OnFill(entry);

    public override long OnEvict(in TlbEntry entry) => real.OnEvict(entry);

    public override long TrapWord(SpaceId space) => real.TrapWord(space);

    public override void OnReturnWord(SpaceId space, long word) => real.OnReturnWord(space, word);
}
