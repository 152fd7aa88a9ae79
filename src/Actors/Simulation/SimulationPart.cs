using Akka.Actor;
using VmSim.Core.VirtualTime;

namespace VmSim.Actors.Simulation;

/// <summary>The place of a core's or memory set's actor in its domain: whom it can reach and whom it tells when it is done.</summary>
public sealed class SimulationPart
{
    private readonly MessageSorter _sorter;
    private readonly LanePost _post;

    /// <summary>Makes the place of one actor.</summary>
    /// <param name="directory">Whom it can reach.</param>
    /// <param name="board">The domain's board.</param>
    /// <param name="slots">The board's slots.</param>
    /// <param name="slot">The actor's own slot.</param>
    /// <param name="countdown">The countdown of its lane.</param>
    /// <param name="post">The post of its lane; null for an actor that sends all it has to say as actor messages.</param>
    public SimulationPart(DomainDirectory directory, DomainBoard board, DomainSlots slots, int slot, PhaseCountdown countdown, LanePost? post = null)
    {
        ArgumentNullException.ThrowIfNull(slots);
        _post = post ?? new LanePost(slots.Count);
        Board = board;
        Slot = slot;
        Countdown = countdown;
        _sorter = new MessageSorter(directory, board, slots, _post);
    }

    /// <summary>The domain's board.</summary>
    public DomainBoard Board { get; }

    /// <summary>The actor's slot on it.</summary>
    public int Slot { get; }

    /// <summary>The countdown of the actor's lane.</summary>
    public PhaseCountdown Countdown { get; }

    /// <summary>Takes what others of the lane have written to the actor since it was last asked.</summary>
    internal ReadOnlySpan<SimMessage> TakePost() => _post.Take(Slot);

    /// <summary>Sends what an outbox holds.</summary>
    internal void HandOver(Outbox outbox, IActorRef sender)
    {
        if (outbox.Count > 0)
        {
            _sorter.HandOver(outbox, sender);
        }
    }
}
