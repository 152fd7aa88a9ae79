using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Configuration;
using Akka.Dispatch;
using Akka.Dispatch.MessageQueues;

namespace VmSim.Actors.Simulation;

/// <summary>Mailboxes of actors on a lane. What the lane's own actors send, nearly all there is, passes no lock.</summary>
public sealed class LaneMailbox : MailboxType, IProducesMessageQueue<LaneMessageQueue>
{
    /// <summary>Makes the mailboxes of a lane, as configured in <see cref="Lanes.Configuration"/>.</summary>
    public LaneMailbox(Settings settings, Config config)
        : base(settings, config)
    {
    }

    /// <inheritdoc/>
    public override IMessageQueue Create(IActorRef owner, ActorSystem system) => new LaneMessageQueue();
}

/// <summary>
/// The messages of one actor on a lane. Messages of one sender come in order: a sender on the same lane writes to one queue, everyone else to another, which is read first, so
/// that what another lane sent before it ended its part of a phase is there when the next phase begins.
/// </summary>
public sealed class LaneMessageQueue : IMessageQueue, IUnboundedMessageQueueSemantics
{
    private readonly Queue<Envelope> _own = new();
    private readonly ConcurrentQueue<Envelope> _others = new();

    /// <summary>The lane of the actor; null until its first message is taken out there.</summary>
    private LaneExecutor? _lane;

    /// <inheritdoc/>
    public bool HasMessages => _own.Count > 0 || !_others.IsEmpty;

    /// <inheritdoc/>
    public int Count => _own.Count + _others.Count;

    /// <inheritdoc/>
    public void Enqueue(IActorRef receiver, Envelope envelope)
    {
        if (_lane is { } lane && ReferenceEquals(lane, LaneExecutor.Current))
        {
            _own.Enqueue(envelope);
        }
        else
        {
            _others.Enqueue(envelope);
        }
    }

    /// <inheritdoc/>
    public bool TryDequeue(out Envelope envelope)
    {
        _lane ??= LaneExecutor.Current;
        return _others.TryDequeue(out envelope) || _own.TryDequeue(out envelope);
    }

    /// <inheritdoc/>
    public void CleanUp(IActorRef owner, IMessageQueue deadletters)
    {
        ArgumentNullException.ThrowIfNull(deadletters);
        while (TryDequeue(out Envelope envelope))
        {
            deadletters.Enqueue(owner, envelope);
        }
    }
}
