using Akka.Actor;
using VmSim.Core.Kernel;
using VmSim.Core.VirtualTime;

namespace VmSim.Actors.Simulation;

/// <summary>
/// One address space, or a family of them that share memory by fork: takes faults and system calls, changes memory sets and page
/// tables, tells cores to invalidate, answers.
/// </summary>
public sealed class MemorySetActor : UntypedActor
{
    private readonly SpaceGroup _group;
    private readonly SimulationPart _part;
    private readonly Outbox[] _outboxes;
    private IActorRef _self = ActorRefs.Nobody;

    /// <summary>Makes the actor of a group of address spaces.</summary>
    /// <param name="group">The group.</param>
    /// <param name="part">Its place in the domain.</param>
    public MemorySetActor(SpaceGroup group, SimulationPart part)
    {
        ArgumentNullException.ThrowIfNull(group);
        _group = group;
        _part = part;
        _outboxes = [.. group.Members.Select(member => member.Outbox)];
    }

    /// <summary>How to make the actor of a group of address spaces.</summary>
    public static Props Props(SpaceGroup group, SimulationPart part) => Akka.Actor.Props.Create(() => new MemorySetActor(group, part));

    /// <inheritdoc/>
    protected override void PreStart() => _self = Self;

    /// <summary>Straight to <see cref="OnReceive"/>: this actor has one behaviour.</summary>
    protected override bool AroundReceive(Receive receive, object message)
    {
        OnReceive(message);
        return true;
    }

    /// <inheritdoc/>
    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case MemorySetProtocol.RunWindow window:
                Deliver(_part.TakePost());
                _group.Process(window.WindowStart, window.Limit);
                Publish();
                _part.Countdown.Done();
                break;
            case MemorySetProtocol.Deliver deliver:
                Deliver(deliver.Messages);
                break;
            case DomainProtocol.Settle:
                Deliver(_part.TakePost());
                _part.Countdown.Done();
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private void Deliver(ReadOnlySpan<SimMessage> messages)
    {
        foreach (ref readonly SimMessage message in messages)
        {
            _group.Deliver(message);
        }
    }

    private void Publish()
    {
        foreach (Outbox outbox in _outboxes)
        {
            _part.HandOver(outbox, _self);
        }

        _part.Board.SetOwn(_part.Slot, _group.NextDue);
    }
}
