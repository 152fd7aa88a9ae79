using Akka.Actor;

namespace VmSim.Actors.Simulation;

/// <summary>The ways by which the nodes that share domains hand each other envelopes.</summary>
public interface IPeerLinks
{
    /// <summary>Hands an envelope to another node. What one node sends to another about a domain comes in the order of sending.</summary>
    /// <param name="peer">The other's number.</param>
    /// <param name="domain">The domain that the envelope is about.</param>
    /// <param name="envelope">
    /// A <see cref="PhaseEnvelope"/>, as <see cref="EnvelopeCodec"/> writes it; it is not looked at after the call.
    /// </param>
    void Send(int peer, int domain, ReadOnlySpan<byte> envelope);
}

/// <summary>The plainest links: actor messages between the shards of one process.</summary>
/// <param name="node">The number of the node that sends.</param>
/// <param name="shards">The run's shard on each node, by node number.</param>
public sealed class ActorLinks(int node, IReadOnlyList<IActorRef> shards) : IPeerLinks
{
    /// <inheritdoc/>
    public void Send(int peer, int domain, ReadOnlySpan<byte> envelope) =>
        shards[peer].Tell(new DomainProtocol.Envelope(domain, node, envelope.ToArray()), ActorRefs.NoSender);
}
