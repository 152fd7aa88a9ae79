using VmSim.Core.Addresses;
using VmSim.Core.Engine;
using VmSim.Core.Shootdown;
using VmSim.Core.Workloads;

namespace VmSim.Core.Kernel;

/// <content>Shootdowns: what the protocol's half of this space can see and do.</content>
public sealed partial class AddressSpace
{
    private readonly Dictionary<long, ShootdownRequest> _shootdowns = [];
    private long _nextShootdown;

    /// <inheritdoc/>
    public void SendInvalidation(ShootdownRequest shootdown, CoreId core, VirtAddr start, ulong pages, PageSize size)
    {
        ArgumentNullException.ThrowIfNull(shootdown);
        shootdown.PendingAcks++;
        shootdown.Unacknowledged ??= new CoreMask(Machine.Cores);
        shootdown.Unacknowledged.Add(core.Value);
        long leaves = _now + _delays.Service + (shootdown.Targets++ * Kernel.IpiSendCycles);
        shootdown.Interrupts++;
        Counters.IpisSent++;
        Watch?.Sent(shootdown.Operation!.Id, core, leaves + Machine.IpiDelay(shootdown.Initiator, core));
        SendToCore(
            MessageKind.Invalidate,
            core.Value,
            leaves + Machine.IpiDelay(shootdown.Initiator, core),
            shootdown.Id,
            (long)start.Value,
            SharedRules.Pack(pages, size, shootdown.SpanPages),
            shootdown.Generation,
            shootdown.TablesFreed ? SimMessage.TablesFreedFlag : (ushort)0);
    }

    /// <inheritdoc/>
    public void InvalidateLocally(ShootdownRequest shootdown, VirtAddr start, ulong pages, PageSize size)
    {
        ArgumentNullException.ThrowIfNull(shootdown);
        int flags = SimMessage.LocalFlag | (shootdown.TablesFreed ? SimMessage.TablesFreedFlag : 0);
        SendToCore(
            MessageKind.Invalidate,
            shootdown.Initiator.Value,
            _now + _delays.StoreVisibility,
            shootdown.Id,
            (long)start.Value,
            SharedRules.Pack(pages, size, shootdown.SpanPages),
            shootdown.Generation,
            (ushort)flags);
    }

    /// <inheritdoc/>
    public void Finish(ShootdownRequest shootdown)
    {
        ArgumentNullException.ThrowIfNull(shootdown);
        _shootdowns.Remove(shootdown.Id);
        EndShootdown(shootdown);
    }

    /// <inheritdoc/>
    public void FinishDeferringRelease(ShootdownRequest shootdown)
    {
        ArgumentNullException.ThrowIfNull(shootdown);
        shootdown.Deferred = true;
        Counters.DeferredShootdowns++;
        EndShootdown(shootdown);
    }

    /// <inheritdoc/>
    public void ReleaseDeferred(ShootdownRequest shootdown)
    {
        ArgumentNullException.ThrowIfNull(shootdown);
        _shootdowns.Remove(shootdown.Id);
        if (shootdown.Operation!.Release is { } release)
        {
            Watch?.Releasing(shootdown.Operation.Id, release, _now);
            _memory!.Release(release);
        }
    }

    /// <inheritdoc/>
    public void SetTimer(long at, long argument) => SendToSelf(MessageKind.ProtocolTimer, Math.Max(at, _now), 0, argument);

    /// <inheritdoc/>
    public void SendProtocol(CoreId core, long delay, long a, long b, long c, long d) =>
        SendToCore(MessageKind.Protocol, core.Value, _now + _delays.Service + Math.Max(delay, _delays.SpaceToCore), a, b, c, d);

    private void BeginShootdown(KernelOperation operation)
    {
        DeadTranslations dead = operation.Dead ?? new DeadTranslations(VirtAddr.OfPage(operation.FirstPage), 0, PageSize.Size4K, 0, FreesMemory: true);
        ShootdownRequest shootdown = new()
        {
            Id = ++_nextShootdown,
            Initiator = operation.Core,
            Start = dead.Start,
            SpanPages = dead.SpanPages,
            PageSize = dead.PageSize,
            DeadPages = dead.Pages,
            TablesFreed = operation.TablesFreed,
            FreesMemory = dead.FreesMemory,
            IsDiscard = operation.Call is { } call && IsDiscard(call),
            BegunAt = _now + _delays.Service,
            Operation = operation,
        };
        operation.Shootdown = shootdown;
        _shootdowns.Add(shootdown.Id, shootdown);
        Counters.Shootdowns++;
        Counters.PagesShotDown += dead.Pages;
        Counters.ShootdownLog.Begin(Space, shootdown);
        _shootdown.Begin(shootdown);
        Counters.ShootdownLog.Update(shootdown);
    }

    private static bool IsDiscard(SystemCall call) => call.Kind switch
    {
        SystemCallKind.Unmap or SystemCallKind.SetBreak => true,
        SystemCallKind.Advise => call.Advice == Advice.DontNeed,
        SystemCallKind.Remap => call.NewStart == call.Start && call.NewLength < call.Length,
        _ => false,
    };

    /// <summary>What a call that has succeeded leaves for cores to invalidate: what died, or the whole space if it mapped where dead translations may live on.</summary>
    private DeadTranslations? DeadAfter(SystemCall call, MmResult result, VirtAddr oldBreak)
    {
        (VirtAddr start, VirtAddr end) = call.Kind switch
        {
            SystemCallKind.Map => (call.Start, call.Start + call.Length),
            SystemCallKind.SetBreak => (oldBreak, call.Start),
            SystemCallKind.Remap when call.NewStart == call.Start => (call.Start + call.Length, call.Start + call.NewLength),
            SystemCallKind.Remap => (call.NewStart, call.NewStart + call.NewLength),
            _ => default,
        };
        return end <= start || !_shootdown.FlushesBeforeMapping(start, end)
            ? result.Dead
            : new DeadTranslations(default, DeadTranslations.WholeSpacePages, PageSize.Size4K, result.Dead?.Pages ?? 0, result.Release is not null);
    }

    private void HandleAck(in SimMessage message)
    {
        ShootdownRequest shootdown = _shootdowns[message.A];
        Watch?.Acknowledged(shootdown.Operation!.Id, new CoreId(message.Sender), _now);
        shootdown.PendingAcks--;
        shootdown.Unacknowledged!.Remove(message.Sender);
        shootdown.HandlerCycles += message.C;
        if (message.B == 0)
        {
            shootdown.SpuriousTargets++;
            Counters.SpuriousIpis++;
        }

        Counters.ShootdownLog.Update(shootdown);
        _shootdown.OnAck(shootdown, new CoreId(message.Sender));
    }

    private void EndShootdown(ShootdownRequest shootdown)
    {
        if (shootdown.Targets > 0)
        {
            long wait = Math.Max(0, _now - shootdown.BegunAt);
            Counters.RemoteShootdowns++;
            Counters.ShootdownLatency.Record(wait);
            shootdown.Operation!.ShootdownWait += wait;
            shootdown.Wait = wait;
        }

        Counters.ShootdownLog.Update(shootdown);
        EndOperation(shootdown.Operation!);
    }
}
