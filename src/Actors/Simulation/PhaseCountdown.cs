using Akka.Actor;

namespace VmSim.Actors.Simulation;

/// <summary>
/// Counts the actors of one lane that have still to end their part of a phase, and tells the domain once when the last one has. They share
/// a host thread, and the domain sets the number before it sends them anything, so that it is a plain number.
/// </summary>
/// <param name="lane">The lane.</param>
/// <param name="domain">The actor that is told.</param>
public sealed class PhaseCountdown(int lane, IActorRef domain)
{
    private readonly DomainProtocol.LaneDone _done = new(lane);
    private int _remaining;

    /// <summary>Sets the number of actors that take part in the coming phase.</summary>
    public void Arm(int actors) => _remaining = actors;

    /// <summary>One actor has ended its part.</summary>
    public void Done()
    {
        if (--_remaining == 0)
        {
            domain.Tell(_done, ActorRefs.NoSender);
        }
    }
}
