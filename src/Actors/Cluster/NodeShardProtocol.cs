using Akka.Actor;
using VmSim.Core.Reports;

namespace VmSim.Actors.Cluster;

/// <summary>
/// What a <see cref="NodeShardActor"/> is asked and says. Between shards there are envelopes only, on connections of their own
/// (<see cref="NodeLinks"/>).
/// </summary>
public static class NodeShardProtocol
{
    /// <summary>The most pieces in which a node says what it has come to: 256 GiB in pieces of 4 MiB.</summary>
    public const int PiecesMax = 1 << 16;

    /// <summary>Any message of this protocol.</summary>
    public interface IMessage;

    /// <summary>Simulate; the sender gets all that the shard says from now on.</summary>
    /// <param name="Shards">The run's shard on each node, by node number.</param>
    /// <param name="Links">Where each node takes the connections of the others; empty if all shards are in one process.</param>
    public sealed record Begin(IReadOnlyList<IActorRef> Shards, IReadOnlyList<LinkAddress> Links) : IMessage;

    /// <summary>Stop at the end of a window.</summary>
    public sealed record Stop : IMessage;

    /// <summary>Say what the node's part has come to, which has stopped; <see cref="Begin"/> has it go on from there.</summary>
    public sealed record Save : IMessage;

    /// <summary>A piece of what the node's part has come to.</summary>
    /// <param name="Node">The node.</param>
    /// <param name="Pieces">How many pieces there are; they come in order.</param>
    /// <param name="Bytes">The piece's bytes; all together are a part of a checkpoint.</param>
    public sealed record Saved(int Node, int Pieces, byte[] Bytes) : IMessage;

    /// <summary>Say what was counted.</summary>
    /// <param name="End">Virtual time at which the run ended on all nodes, in cycles.</param>
    public sealed record Collect(long End) : IMessage;

    /// <summary>The node's part has stopped.</summary>
    /// <param name="Node">The node.</param>
    /// <param name="Completed">Whether it came to its end, as against having been stopped.</param>
    /// <param name="Windows">Windows opened, those of a shared domain counted by the first node that shares it.</param>
    /// <param name="End">How far it came.</param>
    public sealed record Stopped(int Node, bool Completed, long Windows, RunEnd End) : IMessage;

    /// <summary>A piece of what the node's part has counted: the whole may be longer than a message can be.</summary>
    /// <param name="Node">The node.</param>
    /// <param name="Pieces">How many pieces there are; they come in order.</param>
    /// <param name="Bytes">The piece's bytes; all together are what <see cref="StatisticsCodec"/> writes.</param>
    /// <param name="Host">What the node had to do.</param>
    public sealed record Collected(int Node, int Pieces, byte[] Bytes, NodeReport Host) : IMessage;

    /// <summary>How far the node has come.</summary>
    /// <param name="Node">The node.</param>
    /// <param name="VirtualTime">Virtual time reached, in cycles.</param>
    /// <param name="Accesses">Accesses simulated.</param>
    public sealed record Progressed(int Node, long VirtualTime, long Accesses) : IMessage;

    /// <summary>The node's part broke off because of a defect.</summary>
    /// <param name="Node">The node.</param>
    /// <param name="Reason">What went wrong, and where.</param>
    public sealed record Failed(int Node, string Reason) : IMessage;
}
