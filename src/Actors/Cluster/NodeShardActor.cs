using Akka.Actor;
using VmSim.Actors.Simulation;
using VmSim.Core.Engine;
using VmSim.Core.Reports;

namespace VmSim.Actors.Cluster;

/// <summary>One node's part of a run: owns the domains, or shares of them, that live here, and takes the envelopes of the other nodes' shards.</summary>
public sealed class NodeShardActor : UntypedActor
{
    /// <summary>Bytes of statistics in one message.</summary>
    private const int PieceBytes = 4 << 20;

    private readonly World _world;
    private readonly NodePlacement _placement;
    private readonly int _node;
    private readonly long _window;
    private readonly int _lanes;
    private readonly Dictionary<int, IActorRef> _domains = [];
    private readonly SortedDictionary<int, long> _accesses = [];
    private readonly List<DomainProtocol.Envelope> _early = [];
    private readonly HashSet<int> _threads;
    private readonly int _earlyMax;
    private IActorRef _owner = ActorRefs.Nobody;
    private int _running;
    private bool _completed = true;
    private long _windows;
    private long _envelopes;
    private long _bytes;

    /// <summary>Makes a node's part of a run.</summary>
    /// <param name="world">The run's world, at time 0.</param>
    /// <param name="placement">Who simulates what.</param>
    /// <param name="node">The node's number in the run.</param>
    /// <param name="window">Length of a window in cycles, 1 to the bound.</param>
    /// <param name="lanes">Lanes of the actor system that the run may use.</param>
    public NodeShardActor(World world, NodePlacement placement, int node, long window, int lanes)
    {
        _world = world;
        _placement = placement;
        _node = node;
        _window = window;
        _lanes = lanes;
        // Before this node begins, another can end no more than the first exchange of each domain that they share.
        _earlyMax = world.Domains.Sum(domain => placement.NodesOf(domain).Count);
        _threads = [.. world.Threads.Where(thread => placement.IsOn(node, thread)).Select(thread => thread.Id.Value)];
    }

    /// <summary>How to make a node's part of a run.</summary>
    public static Props Props(World world, NodePlacement placement, int node, long window, int lanes) =>
        Akka.Actor.Props.Create(() => new NodeShardActor(world, placement, node, window, lanes));

    /// <inheritdoc/>
    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(reason =>
    {
        Fail(reason);
        return Directive.Stop;
    });

    /// <inheritdoc/>
    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case DomainProtocol.Envelope envelope when _domains.TryGetValue(envelope.Domain, out IActorRef? domain):
                domain.Tell(envelope);
                break;
            case DomainProtocol.Envelope envelope when _early.Count < _earlyMax:
                _early.Add(envelope);
                break;
            case NodeShardProtocol.Begin begin:
                _owner = Sender;
                Begin(begin.Shards);
                break;
            case NodeShardProtocol.Stop:
                foreach (IActorRef domain in _domains.Values)
                {
                    domain.Tell(new DomainProtocol.Stop());
                }

                break;
            case DomainProtocol.Progressed progressed:
                _accesses[progressed.Domain] = progressed.Accesses;
                Context.Parent.Tell(new NodeShardProtocol.Progressed(_node, progressed.VirtualTime, _accesses.Values.Sum()));
                break;
            case DomainProtocol.Ended ended:
                End(ended);
                break;
            case DomainProtocol.Broken broken:
                Fail(broken.Reason);
                break;
            case NodeShardProtocol.Collect collect:
                Collect(collect.End);
                break;
            case Terminated terminated:
                Fail(new InvalidOperationException($"{terminated.ActorRef.Path.Name} stopped unexpectedly"));
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private RunPart Part => new(_world, _placement.CoresOf(_node), _placement.GroupsOf(_node), [.. _world.Threads.Where(thread => _threads.Contains(thread.Id.Value))]);

    private void Begin(IReadOnlyList<IActorRef> shards)
    {
        foreach (Domain domain in _world.Domains)
        {
            DomainShare share = new(domain, _placement, _node);
            if (!share.IsEmpty)
            {
                IActorRef actor = Context.ActorOf(DomainActor.Props(_world, share, shards, _window, _lanes, turns: null), $"domain-{domain.Index}");
                _domains.Add(domain.Index, Context.Watch(actor));
                actor.Tell(new DomainProtocol.Begin());
            }
        }

        foreach (DomainProtocol.Envelope envelope in _early)
        {
            if (_domains.TryGetValue(envelope.Domain, out IActorRef? domain))
            {
                domain.Tell(envelope);
            }
        }

        _early.Clear();
        _running = _domains.Count;
        StopIfAllEnded();
    }

    private void End(DomainProtocol.Ended ended)
    {
        _completed &= ended.Completed;
        if (_placement.NodesOf(_world.Domains[ended.Domain])[0] == _node)
        {
            _windows += ended.Windows;
        }

        if (ended.Exchange is { } exchange)
        {
            _threads.ExceptWith(_world.Threads.Where(thread => _world.GroupOf(thread.Space).DomainIndex == ended.Domain).Select(thread => thread.Id.Value));
            _threads.UnionWith(exchange.Threads);
            _envelopes += exchange.Envelopes;
            _bytes += exchange.Bytes;
        }

        _running--;
        StopIfAllEnded();
    }

    private void StopIfAllEnded()
    {
        if (_running == 0)
        {
            _owner.Tell(new NodeShardProtocol.Stopped(_node, _completed, _windows, RunEnd.Of(Part)));
        }
    }

    private void Collect(long end)
    {
        RunPart part = Part;
        NodeReport host = new(Self.Path.ToString(), part.Cores.Count, part.Groups.Sum(group => group.Members.Count), _envelopes, _bytes);
        byte[][] pieces = [.. StatisticsCodec.Encode(RunStatistics.Collect(part, end)).Chunk(PieceBytes)];
        foreach (byte[] piece in pieces)
        {
            Sender.Tell(new NodeShardProtocol.Collected(_node, pieces.Length, piece, host));
        }
    }

    private void Fail(Exception reason) => _owner.Tell(new NodeShardProtocol.Failed(_node, reason.ToString()));
}
