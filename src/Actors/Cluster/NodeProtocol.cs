using Akka.Actor;

namespace VmSim.Actors.Cluster;

/// <summary>What a <see cref="NodeActor"/> is asked and says.</summary>
public static class NodeProtocol
{
    /// <summary>Topic on which nodes publish <see cref="NodeShardProtocol.Progressed"/>.</summary>
    public const string ProgressTopic = "vmsim.progress";

    /// <summary>Role of the nodes that simulate.</summary>
    public const string WorkerRole = "worker";

    /// <summary>Role of the node that a run was started on.</summary>
    public const string CoordinatorRole = "coordinator";

    /// <summary>Name of a node's actor.</summary>
    public const string ActorName = "node";

    /// <summary>Any message of this protocol.</summary>
    public interface IMessage;

    /// <summary>Build the run's world; the sender gets <see cref="Prepared"/> or <see cref="Refused"/>.</summary>
    /// <param name="Plan">The run.</param>
    /// <param name="Node">The node's number in it.</param>
    public sealed record Prepare(RunPlan Plan, int Node) : IMessage;

    /// <summary>The node is ready.</summary>
    /// <param name="Node">Its number.</param>
    /// <param name="Threads">Host threads that will simulate.</param>
    /// <param name="Shard">Its part of the run.</param>
    /// <param name="Link">Where it takes the connections of nodes that share a domain with it.</param>
    public sealed record Prepared(int Node, int Threads, IActorRef Shard, LinkAddress Link) : IMessage;

    /// <summary>The node cannot take part.</summary>
    /// <param name="Node">Its number.</param>
    /// <param name="Reason">Why.</param>
    public sealed record Refused(int Node, string Reason) : IMessage;

    /// <summary>
    /// The node is at work on the run: said once a second from <see cref="Prepare"/> on, so that a node that is slow is not taken for one
    /// that is mute.
    /// </summary>
    /// <param name="Node">Its number.</param>
    public sealed record Busy(int Node) : IMessage;

    /// <summary>The node has lost its connection to another.</summary>
    /// <param name="Address">The other's address.</param>
    public sealed record PeerLost(Address Address) : IMessage;

    /// <summary>The run is over, for better or worse.</summary>
    public sealed record Dismiss : IMessage;
}
