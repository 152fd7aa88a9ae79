using Akka.Actor;
using VmSim.Core.VirtualTime;

namespace VmSim.Actors.Simulation;

/// <summary>
/// What the actors of cores and of memory sets have in common: they take messages of virtual time, run a model for a window, and send what
/// it has to say.
/// </summary>
/// <param name="part">The actor's place in its domain.</param>
public abstract class WindowActor(SimulationPart part) : UntypedActor
{
    private IActorRef _self = ActorRefs.Nobody;

    /// <summary>The actor's place in its domain.</summary>
    protected SimulationPart Part => part;

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
            case WindowProtocol.Run window:
                part.Countdown.Begin();
                Deliver(part.TakeMail());
                Run(window);
                part.Countdown.Done();
                break;
            case WindowProtocol.Deliver deliver:
                Deliver(deliver.Messages);
                break;
            case WindowProtocol.TakeIn:
                Deliver(part.TakeMail());
                part.Countdown.Done();
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    /// <summary>
    /// Gives messages to the model, in their order. Called per batch, so that the loop over its messages calls the model directly.
    /// </summary>
    protected abstract void Deliver(ReadOnlySpan<SimMessage> messages);

    /// <summary>Runs the model and publishes what it has to say.</summary>
    protected abstract void Run(WindowProtocol.Run window);

    /// <summary>Sends the messages of an outbox to their receivers and empties it.</summary>
    protected void HandOver(Outbox outbox) => part.HandOver(outbox, _self);
}
