using System.Diagnostics;
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
    private long _began = -1;

    /// <summary>Ticks of the host's clock that the lane worked in its last phase, if it was measured.</summary>
    public long Worked { get; private set; }

    /// <summary>Sets the number of actors that take part in the coming phase.</summary>
    /// <param name="actors">The number.</param>
    /// <param name="measures">Whether it is measured what the lane works.</param>
    public void Arm(int actors, bool measures = false)
    {
        _remaining = actors;
        _began = measures ? 0 : -1;
    }

    /// <summary>An actor begins its part.</summary>
    public void Begin()
    {
        if (_began == 0)
        {
            _began = Stopwatch.GetTimestamp();
        }
    }

    /// <summary>One actor has ended its part.</summary>
    public void Done()
    {
        if (--_remaining == 0)
        {
            Worked = _began > 0 ? Stopwatch.GetTimestamp() - _began : 0;
            domain.Tell(_done, ActorRefs.NoSender);
        }
    }
}
