using Akka.Actor;
using VmSim.Core.Kernel;
using VmSim.Core.VirtualTime;

namespace VmSim.Actors.Simulation;

/// <summary>
/// One address space, or a family of them that share memory by fork: takes faults and system calls, changes memory sets and page
/// tables, tells cores to invalidate, answers.
/// </summary>
/// <param name="group">The group of address spaces.</param>
/// <param name="part">Its place in the domain.</param>
public sealed class MemorySetActor(SpaceGroup group, SimulationPart part) : WindowActor(part)
{
    private readonly Outbox[] _outboxes = [.. group.Members.Select(member => member.Outbox)];

    /// <inheritdoc cref="MemorySetActor"/>
    public static Props Props(SpaceGroup group, SimulationPart part) => Akka.Actor.Props.Create(() => new MemorySetActor(group, part));

    /// <inheritdoc/>
    protected override void Deliver(ReadOnlySpan<SimMessage> messages)
    {
        foreach (ref readonly SimMessage message in messages)
        {
            group.Deliver(message);
        }
    }

    /// <inheritdoc/>
    protected override void Run(WindowProtocol.Run window)
    {
        ArgumentNullException.ThrowIfNull(window);
        group.Process(window.Start, window.Limit);
        foreach (Outbox outbox in _outboxes)
        {
            HandOver(outbox);
        }

        Part.Schedule.SetOwn(Part.Slot, group.NextDue.Value);
    }
}
