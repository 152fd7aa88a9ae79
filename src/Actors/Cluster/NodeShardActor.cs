using System.Collections.Frozen;
using Akka.Actor;
using VmSim.Actors.Configuration;
using VmSim.Actors.Simulation;
using VmSim.Core.Engine;

namespace VmSim.Actors.Cluster;

/// <summary>
/// One node's part of a run: owns the domains, or shares of them, that live here, and takes the envelopes of the other nodes' shards.
/// </summary>
/// <param name="world">The run's world, at time 0.</param>
/// <param name="placement">The node of each core and group.</param>
/// <param name="node">The node's number in the run.</param>
/// <param name="window">Length of a window in cycles, 1 to the bound.</param>
/// <param name="lanes">Lanes of the actor system that the run may use.</param>
/// <param name="links">The node's connections to the others; null if all shards are in one process.</param>
public sealed class NodeShardActor(World world, NodePlacement placement, int node, long window, int lanes, NodeLinks? links) : UntypedActor
{
    /// <summary>Bytes of statistics in one message.</summary>
    private const int PieceBytes = 4 << 20;

    private ShardTally _tally = new(world, placement, node);
    private readonly Dictionary<int, IActorRef> _domains = [];
    private readonly List<DomainProtocol.Envelope> _early = [];

    /// <summary>Before this node begins, another can end no more than the first exchange of each domain that they share.</summary>
    private readonly int _earlyMax = world.Domains.Sum(domain => placement.NodesOf(domain).Count);
    private IActorRef _owner = ActorRefs.Nobody;
    private IReadOnlyList<IActorRef> _shards = [];
    private bool _stopAsked;
    private bool _isConnected;
    private int _begun;

    /// <summary>The domains' actors, for threads of links; none while the node stands between two pieces of the run.</summary>
    private volatile FrozenDictionary<int, IActorRef> _receivers = FrozenDictionary<int, IActorRef>.Empty;

    private sealed record Connected;

    private sealed record NotConnected(Exception Reason);

    private sealed record LinkEnded(int Peer, Exception Reason);

    /// <inheritdoc cref="NodeShardActor"/>
    public static Props Props(World world, NodePlacement placement, int node, long window, int lanes, NodeLinks? links = null) =>
        Akka.Actor.Props.Create(() => new NodeShardActor(world, placement, node, window, lanes, links));

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
            case DomainProtocol.Envelope envelope when (links is null || _domains.Count == 0) && _early.Count < _earlyMax:
                _early.Add(envelope);
                break;
            case DomainProtocol.Envelope envelope:
                Fail(new InvalidDataException(
                    $"node {envelope.Peer + 1} sends an envelope about domain {envelope.Domain}, of which nothing is here"));
                break;
            case NodeShardProtocol.Begin begin:
                _owner = Sender;
                _shards = begin.Shards;
                Begin(begin.Links);
                break;
            case Connected:
                OnConnected();
                break;
            case NotConnected failed:
                // The network is to blame, or a node that is gone, and not the simulation.
                _owner.Tell(new NodeProtocol.Refused(node, failed.Reason.Message));
                break;
            case LinkEnded { Reason: InvalidDataException } link:
                Fail(link.Reason);
                break;
            case LinkEnded link:
                _owner.Tell(new NodeProtocol.PeerLost(_shards[link.Peer].Path.Address));
                break;
            case NodeShardProtocol.Stop:
                _stopAsked = true;
                foreach (IActorRef domain in _domains.Values)
                {
                    domain.Tell(new DomainProtocol.Stop());
                }

                break;
            case DomainProtocol.Progressed progressed:
                Context.Parent.Tell(_tally.OnProgressed(progressed));
                break;
            case DomainProtocol.Ended ended:
                _tally.OnEnded(ended);
                StopIfAllEnded();
                break;
            case DomainProtocol.Broken broken:
                Fail(broken.Reason);
                break;
            case NodeShardProtocol.Save:
                Reply(_tally.Save(PieceBytes));
                break;
            case NodeShardProtocol.Collect collect:
                Reply(_tally.Collect(collect.End, Self.Path.ToString(), PieceBytes));
                break;
            case Terminated terminated:
                Fail(new InvalidOperationException($"{terminated.ActorRef.Path.Name} stopped unexpectedly"));
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private void Reply(IEnumerable<NodeShardProtocol.IMessage> pieces)
    {
        foreach (NodeShardProtocol.IMessage piece in pieces)
        {
            Sender.Tell(piece);
        }
    }

    private void Begin(IReadOnlyList<LinkAddress> addresses)
    {
        _tally = _begun++ == 0 ? _tally : new ShardTally(world, placement, node);
        if (links is null || _isConnected)
        {
            CreateDomains(links is null ? new ActorLinks(node, _shards) : links);
            return;
        }

        int[] peers = [.. _tally.Shares.SelectMany(share => share.Peers).Distinct()];
        IReadOnlyList<IActorRef> shards = _shards;
        _ = Task.Factory.StartNew(
            () => links.Connect(node, peers, peer => (shards[peer].Path.Address.Host ?? links.Host, addresses[peer])),
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default).PipeTo(Self, success: () => new Connected(), failure: reason => new NotConnected(reason));
    }

    /// <summary>All connections stand: the domains begin, and from then on what comes is handed to them.</summary>
    private void OnConnected()
    {
        IActorRef self = Self;
        _isConnected = true;
        CreateDomains(links!);
        links!.Start(
            envelope => _receivers.GetValueOrDefault(envelope.Domain, self).Tell(envelope, ActorRefs.NoSender),
            (peer, reason) => self.Tell(new LinkEnded(peer, reason), ActorRefs.NoSender));
    }

    private void CreateDomains(IPeerLinks ways)
    {
        foreach (DomainShare share in _tally.Shares)
        {
            int domain = share.Domain.Index;
            Props props = DomainActor.Props(world, share, ways, window, lanes, turns: null);
            IActorRef actor = Context.ActorOf(props, $"domain-{domain}-{_begun}");
            _domains.Add(domain, Context.Watch(actor));
            actor.Tell(new DomainProtocol.Begin());
            if (_stopAsked)
            {
                actor.Tell(new DomainProtocol.Stop());
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
        _receivers = _domains.ToFrozenDictionary();
        StopIfAllEnded();
    }

    private void StopIfAllEnded()
    {
        if (_tally.IsOver)
        {
            // When all have said so they may begin anew: what comes from one that has begun is for actors that are not there yet.
            foreach (IActorRef domain in _domains.Values)
            {
                Context.Unwatch(domain);
                Context.Stop(domain);
            }

            _domains.Clear();
            _receivers = FrozenDictionary<int, IActorRef>.Empty;
            _stopAsked = false;
            _owner.Tell(_tally.Stopped());
        }
    }

    private void Fail(Exception reason) => _owner.Tell(new NodeShardProtocol.Failed(
        node, PlugInFailedException.Of(reason, world.Scenario.PlugIns)?.Message ?? reason.ToString()));
}
