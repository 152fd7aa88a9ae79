using VmSim.Core.Addresses;
using VmSim.Core.Kernel.Causes;
using VmSim.Core.Memory;
using VmSim.Core.Programs;
using VmSim.Core.Shootdown;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Kernel;

/// <content>Shootdowns: what the protocol's half of this space can see and do.</content>
public sealed partial class AddressSpace
{
    private readonly Dictionary<long, OpenShootdown> _shootdowns = [];
    private readonly InterruptMatrix _interrupts;
    private long _nextShootdown;

    /// <summary>Who interrupted whom, by initiator and target; empty if nobody did.</summary>
    internal IReadOnlyList<long> Interrupts => _interrupts.Counts;

    /// <summary>What operations have given up and nobody may use yet.</summary>
    internal IReadOnlyList<ReleaseBatch> PendingReleases =>
        [.. _operations.Values.Concat(_shootdowns.Values.Select(shootdown => shootdown.Operation))
            .Select(operation => operation.Release).OfType<ReleaseBatch>().Where(batch => !batch.IsReleased).Distinct()];

    /// <inheritdoc/>
    public void InvalidateByInterrupt(ShootdownRequest shootdown, CoreId core, InvalidationScope scope)
    {
        ArgumentNullException.ThrowIfNull(shootdown);
        Await(shootdown, core);
        shootdown.Targets++;
        shootdown.Interrupts++;
        shootdown.SendCycles += PriceOfSending(shootdown, core);
        shootdown.SendCycles += PriceOfGuestInterrupt(shootdown, core, out long arrives);
        long leaves = _now + _delays.Service.Value + shootdown.SendCycles;
        long late = _setup.Noise?.Of(Space, shootdown.Id, core) ?? 0;
        long due = leaves + Machine.IpiDelay(shootdown.Initiator, core) + arrives + late;
        Counters[SpaceCounters.IpisSent]++;
        _interrupts.Add(shootdown.Initiator, core);
        _causes.Add(shootdown.Cause, CauseFigure.Targets, 1);
        _causes.Add(shootdown.Cause, CauseFigure.Interrupts, 1);
        SendInvalidation(shootdown, core, scope, leaves, due, InvalidationWay.Interrupt);
    }

    /// <inheritdoc/>
    public void InvalidateByMessage(ShootdownRequest shootdown, CoreId core, InvalidationScope scope, int kind, Cycles delay, bool awaited)
    {
        ArgumentNullException.ThrowIfNull(shootdown);
        long leaves = _now + _delays.Service.Value;
        long due = leaves + _delays.Checked(kind, MessageDirection.SpaceToCore, delay.Value);
        shootdown.Targets++;
        _causes.Add(shootdown.Cause, CauseFigure.Targets, 1);
        if (awaited)
        {
            Await(shootdown, core);
        }
        else
        {
            shootdown.PendingReports++;
        }

        SendInvalidation(shootdown, InDomain(core), scope, leaves, due, InvalidationWay.Message, isReport: !awaited);
    }

    /// <inheritdoc/>
    public void InvalidateLocally(ShootdownRequest shootdown, InvalidationScope scope)
    {
        ArgumentNullException.ThrowIfNull(shootdown);
        long due = _now + _delays.StoreVisibility.Value;
        SendInvalidation(shootdown, shootdown.Initiator, scope, _now, due, InvalidationWay.Local);
    }

    /// <inheritdoc/>
    public void Finish(ShootdownRequest shootdown)
    {
        ArgumentNullException.ThrowIfNull(shootdown);
        KernelOperation operation = OperationOf(shootdown);
        Forget(shootdown);
        EndShootdown(shootdown, operation);
    }

    /// <inheritdoc/>
    public void FinishDeferringRelease(ShootdownRequest shootdown)
    {
        ArgumentNullException.ThrowIfNull(shootdown);
        shootdown.Deferred = true;
        Counters[SpaceCounters.DeferredShootdowns]++;
        EndShootdown(shootdown, OperationOf(shootdown));
    }

    /// <inheritdoc/>
    public void ReleaseDeferred(ShootdownRequest shootdown)
    {
        ArgumentNullException.ThrowIfNull(shootdown);
        KernelOperation operation = OperationOf(shootdown);
        ShootdownLog.Update(shootdown);
        Forget(shootdown);
        if (operation.Release is { } release)
        {
            _memory!.Release(release);
            Observer?.Released(operation.Id, release, _now);
        }
    }

    /// <inheritdoc/>
    public void SetTimer(Cycles at, long argument) =>
        SendToSelf(SimMessage.Of(new ProtocolTimer(argument)), Math.Max(at.Value, _now));

    /// <inheritdoc/>
    public void SendProtocol(CoreId core, Cycles delay, in ProtocolPayload payload) => SendToCore(
        SimMessage.Of(payload), InDomain(core), _now + _delays.Service.Value + _delays.Checked(
            payload.Kind, MessageDirection.SpaceToCore, delay.Value));

    /// <summary>
    /// The initiator writes its call's line and the head of the target's queue, which the target had last (csd_lock and llist_add,
    /// kernel/smp.c), and then one register for all targets of a cluster. A hypervisor sends to each.
    /// </summary>
    private long PriceOfSending(ShootdownRequest shootdown, CoreId core)
    {
        long queueing = Kernel.CallLines * (long)Machine.LineTransfer(shootdown.Initiator, core);
        int cluster = Machine.InterruptClusterOf(core);
        if (cluster == shootdown.LastCluster && Kernel.IpiClusters)
        {
            return queueing;
        }

        shootdown.LastCluster = cluster;
        bool isNear = Machine.SocketOf(shootdown.Initiator) == Machine.SocketOf(core);
        return queueing + (isNear ? Kernel.IpiSendCycles : Kernel.IpiSendRemoteCycles);
    }

    private void Await(ShootdownRequest shootdown, CoreId core)
    {
        shootdown.PendingAcks++;
        (shootdown.Unacknowledged ??= new CoreMask(Machine.Cores)).Add(core.Value);
    }

    private void SendInvalidation(
        ShootdownRequest shootdown, CoreId core, InvalidationScope scope, long leaves, long due, InvalidationWay way, bool isReport = false)
    {
        Invalidation invalidation = new()
        {
            Space = Space,
            Shootdown = shootdown.Id,
            Scope = scope,
            Generation = shootdown.Generation,
            Way = way,
            IsReport = isReport,
            TablesFreed = shootdown.TablesFreed,
        };
        long arrives = SendToCore(SimMessage.Of(invalidation), core, due);
        Observer?.Sent(shootdown.OperationId, shootdown.Id, core, leaves, arrives, way);
    }

    private CoreId InDomain(CoreId core) => _group.HasCore(core)
        ? core
        : throw new InvalidOperationException($"the shootdown protocol of space {Space} addresses core {core}, which is not of its domain");

    private void BeginShootdown(KernelOperation operation, in DeadTranslations dead, bool tablesFreed)
    {
        ShootdownRequest shootdown = new()
        {
            Id = ++_nextShootdown,
            Initiator = operation.Core,
            Thread = operation.Thread,
            Dead = dead.Range,
            DeadPages = dead.Count,
            TablesFreed = tablesFreed,
            FreesMemory = dead.FreesMemory,
            IsDiscard = operation.HasFlushed && operation.Call is { } call && IsDiscard(call),
            IsCopy = operation.Fault is FaultKind.CopyOnWrite or FaultKind.FilePrivateCopy,
            Holders = dead.Holders,
            IsReclaim = operation.Call is { Kind: SystemCallKind.Advise, Advice: Advice.PageOut },
            BegunAt = _now + _delays.Service.Value,
            OperationId = operation.Id,
            Cause = operation.Cause,
        };
        operation.Shootdown = shootdown;
        _shootdowns.Add(shootdown.Id, new OpenShootdown(shootdown, operation));
        Counters[SpaceCounters.Shootdowns]++;
        Counters[SpaceCounters.PagesShotDown] += dead.Count;
        if (ShootdownLog.IsFull)
        {
            ShootdownLog.Fold(_shootdowns.ContainsKey);
        }

        ShootdownLog.Begin(Space, shootdown);
        _causes.Begin(operation.Cause, shootdown);
        _shootdown.Begin(shootdown);
        ShootdownLog.Update(shootdown);
    }

    private static bool IsDiscard(SystemCall call) => call.Kind switch
    {
        SystemCallKind.Unmap or SystemCallKind.SetBreak or SystemCallKind.Detach => true,
        SystemCallKind.Advise => call.Advice is Advice.DontNeed or Advice.DontNeedLocked,
        SystemCallKind.Remap => call.NewStart == call.Start && call.NewLength < call.Length,
        _ => false,
    };

    /// <summary>
    /// What a call that has succeeded leaves for cores to invalidate: what died, or the whole space if it mapped where dead translations
    /// may live on.
    /// </summary>
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
            ? result.DeadAtEnd
            : new DeadTranslations(DeadRange.WholeSpace, result.Dead?.Count ?? 0, result.Release is not null);
    }

    /// <summary>What an operation flushes before its end.</summary>
    private static Queue<DeadTranslations>? ForcedOf(MmResult result) => result.Forced.Count > 0 ? new(result.Forced) : null;

    private void HandleAck(CoreId core, in InvalidationAck ack)
    {
        if (Observer is { } watch && !watch.Acknowledged(ack.Shootdown, core, _now))
        {
            return;
        }

        if (!_shootdowns.TryGetValue(ack.Shootdown, out OpenShootdown? open))
        {
            string advice = Observer is null
                ? "; run with --check to see what led to it"
                : "; the protocol ended it before all acknowledgements were in";
            throw new InvalidOperationException(
                $"core {core} acknowledged shootdown {ack.Shootdown} of {Name}, which is over or never was{advice}");
        }

        ShootdownRequest shootdown = open.Request;
        shootdown.Unacknowledged?.Remove(core.Value);
        shootdown.HandlerCycles += ack.Handler;
        shootdown.Invalidated(_now - _delays.Notice.Value);
        _causes.Add(shootdown.Cause, CauseFigure.HandlerCycles, ack.Handler.Value);
        if (ack.Dropped == 0 && ack.Way == InvalidationWay.Interrupt)
        {
            shootdown.SpuriousTargets++;
            Counters[SpaceCounters.SpuriousIpis]++;
            _causes.Add(shootdown.Cause, CauseFigure.Spurious, 1);
        }

        ShootdownLog.Update(shootdown);
        if (ack.IsReport)
        {
            shootdown.PendingReports--;
            if (shootdown.IsOver)
            {
                Forget(shootdown);
            }

            return;
        }

        shootdown.PendingAcks--;
        _shootdown.OnAck(shootdown, core);
        GoOnSpinning(core);
    }

    /// <summary>A shootdown is over; its number means nothing any more once every report is in.</summary>
    private void Forget(ShootdownRequest shootdown)
    {
        shootdown.IsOver = true;
        if (shootdown.PendingReports == 0)
        {
            _shootdowns.Remove(shootdown.Id);
        }
    }

    private void EndShootdown(ShootdownRequest shootdown, KernelOperation operation)
    {
        if (shootdown.Targets > 0)
        {
            long wait = Math.Max(0, _now - shootdown.BegunAt.Value);
            Counters[SpaceCounters.RemoteShootdowns]++;
            Latencies.Record(LatencyKind.Shootdown, wait);
            operation.ShootdownWait += wait;
            shootdown.Wait = wait;
        }

        ShootdownLog.Update(shootdown);
        if (shootdown.Holders is { } holders)
        {
            _memory!.Holders!.End(holders);
        }

        GoOn(operation);
    }

    /// <summary>The run is over: shootdowns that are not are counted as far as they have come.</summary>
    internal void EndShootdowns(long end)
    {
        foreach (OpenShootdown open in _shootdowns.Values)
        {
            if (open.Request.IsStale)
            {
                ShootdownLog.End(open.Request, end);
            }
            else
            {
                ShootdownLog.Update(open.Request);
            }
        }
    }

    private KernelOperation OperationOf(ShootdownRequest shootdown) => _shootdowns.TryGetValue(shootdown.Id, out OpenShootdown? open)
        ? open.Operation
        : throw new InvalidOperationException(
            $"the shootdown protocol of space {Space} goes on with shootdown {shootdown.Id}, which is over");

    /// <summary>A shootdown that is not over, or whose reports are not all in, and the operation that caused it.</summary>
    private sealed record OpenShootdown(ShootdownRequest Request, KernelOperation Operation);
}
