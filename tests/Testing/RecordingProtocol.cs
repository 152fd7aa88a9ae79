using VmSim.Core.Addresses;
using VmSim.Core.Shootdown;
using VmSim.Core.VirtualTime;

namespace VmSim.Testing;

/// <summary>What the space half of a protocol does.</summary>
public enum SpaceEvent
{
    /// <summary>A shootdown begins.</summary>
    Begins,

    /// <summary>A core is interrupted, or told without an interrupt and waited for.</summary>
    Interrupts,

    /// <summary>A core has acknowledged.</summary>
    Acknowledged,

    /// <summary>A core is sent a message of the protocol's own, or told and not waited for.</summary>
    Tells,

    /// <summary>The operation may return and its memory be reused.</summary>
    Finishes,

    /// <summary>The operation may return.</summary>
    Defers,

    /// <summary>The memory of an operation that has returned may be reused.</summary>
    Releases,
}

/// <summary>One thing that the space half of a protocol did.</summary>
/// <param name="Kind">What.</param>
/// <param name="Space">The space's number.</param>
/// <param name="Shootdown">The shootdown's number; 0 for none.</param>
/// <param name="Core">The other core's number; -1 for none.</param>
/// <param name="Time">When, in cycles of virtual time.</param>
/// <param name="TablesFreed">Whether the shootdown frees page-table pages.</param>
public sealed record SpaceStep(SpaceEvent Kind, int Space, long Shootdown, int Core, long Time, bool TablesFreed = false);

/// <summary>A protocol that notes what another one does in its spaces, in a run on one thread.</summary>
/// <param name="real">The other one.</param>
public sealed class RecordingProtocol(IShootdownProtocol real) : ForwardingProtocol(real)
{
    /// <summary>What was done, in the order in which it was done.</summary>
    public List<SpaceStep> Steps { get; } = [];

    /// <inheritdoc/>
    public override SpaceShootdown CreateSpaceHalf(ISpaceShootdownContext context)
    {
        RecordingContext recording = new(context, Steps);
        return new RecordingSpace(base.CreateSpaceHalf(recording), recording);
    }

    /// <summary>How often something was done.</summary>
    public int Count(SpaceEvent kind) => Steps.Count(step => step.Kind == kind);

    private sealed class RecordingContext(ISpaceShootdownContext real, List<SpaceStep> steps) : ForwardingContext(real)
    {
        public override void InvalidateByInterrupt(ShootdownRequest shootdown, CoreId core, InvalidationScope scope)
        {
            Note(SpaceEvent.Interrupts, shootdown, core.Value);
            base.InvalidateByInterrupt(shootdown, core, scope);
        }

        public override void InvalidateByMessage(
            ShootdownRequest shootdown, CoreId core, InvalidationScope scope, int kind, Cycles delay, bool awaited)
        {
            Note(awaited ? SpaceEvent.Interrupts : SpaceEvent.Tells, shootdown, core.Value);
            base.InvalidateByMessage(shootdown, core, scope, kind, delay, awaited);
        }

        public override void Finish(ShootdownRequest shootdown)
        {
            Note(SpaceEvent.Finishes, shootdown);
            base.Finish(shootdown);
        }

        public override void FinishDeferringRelease(ShootdownRequest shootdown)
        {
            Note(SpaceEvent.Defers, shootdown);
            base.FinishDeferringRelease(shootdown);
        }

        public override void ReleaseDeferred(ShootdownRequest shootdown)
        {
            Note(SpaceEvent.Releases, shootdown);
            base.ReleaseDeferred(shootdown);
        }

        public override void SendProtocol(CoreId core, Cycles delay, in ProtocolPayload payload)
        {
            steps.Add(new SpaceStep(SpaceEvent.Tells, Space.Value, 0, core.Value, Now.Value));
            base.SendProtocol(core, delay, payload);
        }

        public void Note(SpaceEvent kind, ShootdownRequest shootdown, int core = -1) =>
            steps.Add(new SpaceStep(kind, Space.Value, shootdown.Id, core, Now.Value, shootdown.TablesFreed));
    }

    private sealed class RecordingSpace(SpaceShootdown real, RecordingContext context) : ForwardingSpace(real)
    {
        public override void Begin(ShootdownRequest shootdown)
        {
            context.Note(SpaceEvent.Begins, shootdown);
            base.Begin(shootdown);
        }

        public override void OnAck(ShootdownRequest shootdown, CoreId core)
        {
            context.Note(SpaceEvent.Acknowledged, shootdown, core.Value);
            base.OnAck(shootdown, core);
        }
    }
}
