using Akka.Actor;
using VmSim.Core.Engine;
using VmSim.Core.VirtualTime;

namespace VmSim.Actors.Simulation;

/// <summary>One CPU core: takes messages for it, runs it for a window, sends what it has to say.</summary>
public sealed class CoreActor : UntypedActor
{
    private readonly CoreModel _model;
    private readonly SimulationPart _part;
    private IActorRef _self = ActorRefs.Nobody;

    /// <summary>Makes the actor of a core.</summary>
    /// <param name="model">The core.</param>
    /// <param name="part">Its place in the domain.</param>
    public CoreActor(CoreModel model, SimulationPart part)
    {
        _model = model;
        _part = part;
    }

    /// <summary>How to make the actor of a core.</summary>
    public static Props Props(CoreModel model, SimulationPart part) => Akka.Actor.Props.Create(() => new CoreActor(model, part));

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
            case CoreProtocol.RunWindow window:
                Deliver(_part.TakePost());
                if (window.Alone)
                {
                    _part.Board.Limits[0] = _model.RunAlone(window.Limit);
                }
                else
                {
                    _model.Run(window.Limit);
                }

                Publish();
                _part.Countdown.Done();
                break;
            case CoreProtocol.Deliver deliver:
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
            _model.Deliver(message);
        }
    }

    private void Publish()
    {
        _part.HandOver(_model.Outbox, _self);
        _part.Board.SetOwn(_part.Slot, _model.NextTime);
    }
}
