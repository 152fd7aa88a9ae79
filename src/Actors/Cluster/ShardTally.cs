using VmSim.Actors.Simulation;
using VmSim.Core.Checkpoints;
using VmSim.Core.Engine;
using VmSim.Core.Reports;

namespace VmSim.Actors.Cluster;

/// <summary>
/// What one node's part of a run adds up to: which of its domains have ended, which threads are on it, what it traded with other nodes.
/// </summary>
internal sealed class ShardTally
{
    private readonly World _world;
    private readonly NodePlacement _placement;
    private readonly int _node;
    private readonly SortedDictionary<int, long> _accesses = [];
    private readonly HashSet<int> _threads;
    private int _running;
    private bool _completed = true;
    private long _windows;
    private long _envelopes;
    private long _bytes;

    /// <summary>Nothing has run yet.</summary>
    /// <param name="world">The run's world, at time 0.</param>
    /// <param name="placement">The node of each core and group.</param>
    /// <param name="node">The node's number in the run.</param>
    public ShardTally(World world, NodePlacement placement, int node)
    {
        _world = world;
        _placement = placement;
        _node = node;
        _threads = [.. world.Threads.Where(thread => placement.IsOn(node, thread)).Select(thread => thread.Id.Value)];
        Shares = [.. world.Domains.Select(domain => new DomainShare(domain, placement, node)).Where(share => !share.IsEmpty)];
        _running = Shares.Count;
    }

    /// <summary>What lives on the node, by domain.</summary>
    public IReadOnlyList<DomainShare> Shares { get; }

    /// <summary>Whether all domains of the node have ended.</summary>
    public bool IsOver => _running == 0;

    /// <summary>The cores, groups and threads that are on the node now.</summary>
    private RunPart Part => new(
        _world,
        _placement.CoresOf(_node),
        _placement.GroupsOf(_node),
        [.. _world.Threads.Where(thread => _threads.Contains(thread.Id.Value))]);

    /// <summary>A domain says how far it has come.</summary>
    public NodeShardProtocol.Progressed OnProgressed(DomainProtocol.Progressed progressed)
    {
        _accesses[progressed.Domain] = progressed.Accesses;
        return new NodeShardProtocol.Progressed(_node, progressed.VirtualTime, _accesses.Values.Sum());
    }

    /// <summary>A domain has ended.</summary>
    public void OnEnded(DomainProtocol.Ended ended)
    {
        _running--;
        _completed &= ended.Completed;
        if (_placement.NodesOf(_world.Domains[ended.Domain])[0] == _node)
        {
            _windows += ended.Windows;
        }

        if (ended.Exchange is { } exchange)
        {
            _threads.ExceptWith(
                _world.Threads.Where(thread => _world.GroupOf(thread.Space).DomainIndex == ended.Domain).Select(thread => thread.Id.Value));
            _threads.UnionWith(exchange.Threads);
            _envelopes += exchange.Envelopes;
            _bytes += exchange.Bytes;
        }
    }

    /// <summary>What to say once all domains have ended.</summary>
    public NodeShardProtocol.Stopped Stopped() => new(_node, _completed, _windows, RunEnd.Of(Part));

    /// <summary>What the node's part has come to, in pieces that fit into messages.</summary>
    /// <param name="pieceBytes">Most bytes of a piece.</param>
    public IReadOnlyList<NodeShardProtocol.Saved> Save(int pieceBytes)
    {
        using PieceStream stream = new(pieceBytes);
        Checkpoint.SavePart(Part, stream);
        IReadOnlyList<byte[]> pieces = stream.Pieces;
        if (pieces.Count > NodeShardProtocol.PiecesMax)
        {
            throw new NotSupportedException(
                $"what this node has come to is {stream.Length} bytes; a part of a checkpoint has at most "
                    + $"{(long)pieceBytes * NodeShardProtocol.PiecesMax}: spread the run over more nodes");
        }

        return [.. pieces.Select(piece => new NodeShardProtocol.Saved(_node, pieces.Count, piece))];
    }

    /// <summary>What was counted, in pieces that fit into messages.</summary>
    /// <param name="end">Virtual time at which the run ended on all nodes, in cycles.</param>
    /// <param name="address">What to call the node.</param>
    /// <param name="pieceBytes">Most bytes of a piece.</param>
    public IReadOnlyList<NodeShardProtocol.Collected> Collect(long end, string address, int pieceBytes)
    {
        RunPart part = Part;
        NodeReport host = new(address, part.Cores.Count, part.Groups.Sum(group => group.Members.Count), _envelopes, _bytes);
        byte[][] pieces = [.. StatisticsCodec.Encode(RunStatistics.Collect(part, end, stopped: !_completed)).Chunk(pieceBytes)];
        return [.. pieces.Select(piece => new NodeShardProtocol.Collected(_node, pieces.Length, piece, host))];
    }
}
