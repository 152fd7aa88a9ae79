using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.Tools.PublishSubscribe;
using Akka.Remote;
using VmSim.Core.Engine;
using VmSim.Core.Settings;

namespace VmSim.Actors.Cluster;

/// <summary>A node that simulates for others: builds the world of a run, holds the node's part of it, and gives it up when the run is over or its coordinator is gone.</summary>
public sealed class NodeActor : UntypedActor
{
    private readonly int _lanes;
    private readonly TaskCompletionSource<string> _over;
    private readonly Akka.Cluster.Cluster _cluster = Akka.Cluster.Cluster.Get(Context.System);
    private IActorRef _shard = ActorRefs.Nobody;
    private IActorRef _coordinator = ActorRefs.Nobody;
    private World? _world;
    private string _reason = "";

    /// <summary>Makes a node.</summary>
    /// <param name="lanes">Lanes of the actor system.</param>
    /// <param name="over">Set when the node's one run is over, with what happened.</param>
    public NodeActor(int lanes, TaskCompletionSource<string> over)
    {
        _lanes = lanes;
        _over = over;
    }

    /// <summary>How to make a node.</summary>
    public static Props Props(int lanes, TaskCompletionSource<string> over) => Akka.Actor.Props.Create(() => new NodeActor(lanes, over));

    /// <inheritdoc/>
    protected override void PreStart()
    {
        _cluster.Subscribe(Self, ClusterEvent.SubscriptionInitialStateMode.InitialStateAsEvents, typeof(ClusterEvent.UnreachableMember), typeof(ClusterEvent.MemberLeft), typeof(ClusterEvent.MemberRemoved));
        Context.System.EventStream.Subscribe(Self, typeof(DisassociatedEvent));
    }

    /// <inheritdoc/>
    protected override void PostStop()
    {
        _cluster.Unsubscribe(Self);
        Context.System.EventStream.Unsubscribe(Self);
        _world?.Dispose();
    }

    /// <inheritdoc/>
    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case NodeProtocol.Prepare prepare:
                _coordinator = Sender;
                _coordinator.Tell(Prepare(prepare));
                break;
            case NodeShardProtocol.Progressed progressed:
                DistributedPubSub.Get(Context.System).Mediator.Tell(new Publish(NodeProtocol.ProgressTopic, progressed));
                break;
            case DisassociatedEvent lost when !_shard.IsNobody():
                _coordinator.Tell(new NodeProtocol.PeerLost(lost.RemoteAddress));
                break;
            case NodeProtocol.Dismiss:
                End("the run is over");
                break;
            case ClusterEvent.UnreachableMember { Member: { } member } when member.HasRole(NodeProtocol.CoordinatorRole):
                End("the run's coordinator cannot be reached any more");
                break;
            case ClusterEvent.IMemberEvent { Member: { } member } when member.HasRole(NodeProtocol.CoordinatorRole):
                End("the run's coordinator has left");
                break;
            case Terminated:
                _over.TrySetResult(_reason);
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private NodeProtocol.IMessage Prepare(NodeProtocol.Prepare prepare)
    {
        if (_world is not null)
        {
            return new NodeProtocol.Refused(prepare.Node, "the node has a run already");
        }

        try
        {
            RunPlan plan = prepare.Plan;
            int threads = plan.Threads == 0 ? _lanes : Math.Min(plan.Threads, _lanes);
            _world = new World(plan.Load());
            NodePlacement placement = new(_world, plan.Nodes, plan.CoresPerNode);
            _shard = Context.Watch(Context.ActorOf(NodeShardActor.Props(_world, placement, prepare.Node, plan.Window, threads), "shard"));
            return new NodeProtocol.Prepared(prepare.Node, threads, _shard);
        }
        catch (Exception reason) when (reason is ScenarioException or IOException or UnauthorizedAccessException or Core.Traces.TraceFormatException)
        {
            return new NodeProtocol.Refused(prepare.Node, reason.Message);
        }
    }

    /// <summary>Gives the run up; the session is over once no actor works on the world any more.</summary>
    private void End(string reason)
    {
        _reason = reason;
        if (_shard.IsNobody())
        {
            _over.TrySetResult(reason);
        }
        else
        {
            Context.Stop(_shard);
        }
    }
}
