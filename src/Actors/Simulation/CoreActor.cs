using Akka.Actor;
using VmSim.Core.Engine;
using VmSim.Core.VirtualTime;

namespace VmSim.Actors.Simulation;

/// <summary>A CPU core: runs its threads for a window, and tells memory sets of their faults and system calls.</summary>
/// <param name="model">The core.</param>
/// <param name="part">Its place in the domain.</param>
public sealed class CoreActor(CoreModel model, SimulationPart part) : WindowActor(part)
{
    /// <inheritdoc cref="CoreActor"/>
    public static Props Props(CoreModel model, SimulationPart part) => Akka.Actor.Props.Create(() => new CoreActor(model, part));

    /// <inheritdoc/>
    protected override void Deliver(ReadOnlySpan<SimMessage> messages)
    {
        foreach (ref readonly SimMessage message in messages)
        {
            model.Deliver(message);
        }
    }

    /// <inheritdoc/>
    protected override void Run(WindowProtocol.Run window)
    {
        ArgumentNullException.ThrowIfNull(window);
        if (window.IsAlone)
        {
            Part.Schedule.CoreEnd = model.RunAlone(window.Limit).Value;
        }
        else
        {
            model.Run(window.Limit);
        }

        HandOver(model.Outbox);
        Part.Schedule.SetOwn(Part.Slot, model.NextTime.Value);
    }
}
