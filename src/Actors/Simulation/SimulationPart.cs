using Akka.Actor;
using VmSim.Core.VirtualTime;

namespace VmSim.Actors.Simulation;

/// <summary>
/// The place of a core's or memory set's actor in its domain: its receivers, its lane, and what counts the end of its phases.
/// </summary>
public sealed class SimulationPart
{
    private readonly MessageSorter _sorter;
    private readonly LaneMailboxes _mailboxes;

    /// <summary>Gives an actor its place.</summary>
    /// <param name="receivers">The actor of each core, then of each address space, of the run; nobody where it is not of this
    /// domain.</param>
    /// <param name="schedule">The domain's schedule.</param>
    /// <param name="slots">The schedule's slots.</param>
    /// <param name="slot">The actor's own slot.</param>
    /// <param name="countdown">The countdown of its lane.</param>
    /// <param name="mailboxes">The mailboxes of its lane; null for an actor that sends all it has to say as actor messages.</param>
    public SimulationPart(
        IActorRef[] receivers,
        DomainSchedule schedule,
        DomainSlots slots,
        int slot,
        PhaseCountdown countdown,
        LaneMailboxes? mailboxes = null)
    {
        ArgumentNullException.ThrowIfNull(slots);
        _mailboxes = mailboxes ?? new LaneMailboxes(slots.Count);
        Schedule = schedule;
        Slot = slot;
        Countdown = countdown;
        _sorter = new MessageSorter(receivers, schedule, slots, _mailboxes);
    }

    /// <summary>When the domain's cores and groups have something to do.</summary>
    public DomainSchedule Schedule { get; }

    /// <summary>The actor's slot of the schedule.</summary>
    public int Slot { get; }

    /// <summary>The countdown of the actor's lane.</summary>
    public PhaseCountdown Countdown { get; }

    /// <summary>Takes what others of the lane have written to the actor since its last window.</summary>
    internal ReadOnlySpan<SimMessage> TakeMail() => _mailboxes.Take(Slot);

    /// <summary>Sends the messages of an outbox to their receivers and empties it.</summary>
    internal void HandOver(Outbox outbox, IActorRef sender)
    {
        if (outbox.Count > 0)
        {
            _sorter.HandOver(outbox, sender);
        }
    }
}
