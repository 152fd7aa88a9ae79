using System.Net.Sockets;
using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.Tools.PublishSubscribe;
using Akka.Remote;
using VmSim.Actors.Configuration;
using VmSim.Core.Engine;
using VmSim.Core.Scenarios;

namespace VmSim.Actors.Cluster;

/// <summary>
/// A node that simulates for others: builds the world of a run, holds the node's part of it, and gives it up when the run is over or its
/// coordinator is gone. Takes orders from members of the cluster that are coordinators of the same build, and from then on from the one
/// that it works for.
/// </summary>
/// <param name="lanes">Lanes of the actor system.</param>
/// <param name="folders">Folders from which it may load files.</param>
/// <param name="remoting">Makes its connections to other nodes.</param>
/// <param name="over">Set when the node's one run is over, with what happened.</param>
public sealed class NodeActor(int lanes, NodeFolders folders, SecureRemoting remoting, TaskCompletionSource<string> over)
    : UntypedActor, IWithTimers
{
    private static readonly TimeSpan BusyInterval = TimeSpan.FromSeconds(1);
    private readonly Akka.Cluster.Cluster _cluster = Akka.Cluster.Cluster.Get(Context.System);
    private IActorRef _shard = ActorRefs.Nobody;
    private IActorRef _coordinator = ActorRefs.Nobody;
    private NodeProtocol.Prepare? _job;
    private Task<World>? _building;
    private NodeLinks? _links;
    private string _reason = "";

    private sealed record Built(World World);

    private sealed record NotBuilt(Exception Reason);

    private sealed record SayBusy;

    /// <inheritdoc/>
    public ITimerScheduler Timers { get; set; } = null!;

    /// <inheritdoc cref="NodeActor"/>
    public static Props Props(int lanes, NodeFolders folders, SecureRemoting remoting, TaskCompletionSource<string> over) =>
        Akka.Actor.Props.Create(() => new NodeActor(lanes, folders, remoting, over));

    /// <inheritdoc/>
    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(reason =>
    {
        // A shard that were started anew would wait for a run that is under way.
        _coordinator.Tell(new NodeShardProtocol.Failed(_job!.Node, reason.ToString()));
        return Directive.Stop;
    });

    /// <inheritdoc/>
    protected override void PreStart()
    {
        ClusterWatch.Begin(
            Context.System, Self, typeof(ClusterEvent.UnreachableMember), typeof(ClusterEvent.MemberLeft),
            typeof(ClusterEvent.MemberRemoved));
    }

    /// <inheritdoc/>
    protected override void PostStop()
    {
        ClusterWatch.End(Context.System, Self);
        _links?.Dispose();
        _ = _building?.ContinueWith(
            building => building.Result.Dispose(),
            CancellationToken.None,
            TaskContinuationOptions.OnlyOnRanToCompletion | TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
    }

    /// <inheritdoc/>
    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case NodeProtocol.Prepare prepare when IsCoordinator(Sender.Path.Address):
                Prepare(prepare);
                break;
            case NodeProtocol.Dismiss when Sender.Path.Address == _coordinator.Path.Address:
                End("the run is over");
                break;
            case Built built:
                Ready(built.World);
                break;
            case NotBuilt failed:
                Refuse(failed.Reason);
                break;
            case SayBusy:
                SayThatBusy();
                break;
            case NodeShardProtocol.Progressed progressed:
                DistributedPubSub.Get(Context.System).Mediator.Tell(new Publish(NodeProtocol.ProgressTopic, progressed));
                break;
            case DisassociatedEvent lost when !_shard.IsNobody():
                _coordinator.Tell(new NodeProtocol.PeerLost(lost.RemoteAddress));
                break;
            case ClusterEvent.UnreachableMember { Member: { } member } when member.HasRole(NodeProtocol.CoordinatorRole):
                End("the run's coordinator cannot be reached any more");
                break;
            case ClusterEvent.IMemberEvent { Member: { } member } when member.HasRole(NodeProtocol.CoordinatorRole):
                End("the run's coordinator has left");
                break;
            case Terminated:
                _shard = ActorRefs.Nobody;
                EndIfIdle();
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private bool IsCoordinator(Address address)
    {
        Address there = address.HasLocalScope ? _cluster.SelfAddress : address;
        return _cluster.State.Members.Any(member =>
            member.Address == there && member.HasRole(NodeProtocol.CoordinatorRole) && member.AppVersion == _cluster.SelfMember.AppVersion);
    }

    private void Prepare(NodeProtocol.Prepare prepare)
    {
        if (_job is not null)
        {
            // The coordinator asks again until it hears from the node.
            if (!Sender.Equals(_coordinator))
            {
                Sender.Tell(new NodeProtocol.Refused(prepare.Node, "the node has a run already"));
            }

            return;
        }

        _job = prepare;
        _coordinator = Sender;
        SayThatBusy();
        Timers.StartPeriodicTimer("busy", new SayBusy(), BusyInterval, BusyInterval);
        // Away from this actor, which has to say that the node is at work, and to hear that the run is over.
        _building = Task.Run(() => Build(prepare));
        _ = _building.PipeTo(Self, success: world => new Built(world), failure: reason => new NotBuilt(reason));
    }

    private World Build(NodeProtocol.Prepare prepare)
    {
        RunPlan plan = prepare.Plan;
        ScenarioSpec scenario = plan.Load(folders);
        World world = PlugInFailedException.Guard(scenario.PlugIns, () => new World(scenario, plan.Check, lists: plan.Lists));
        try
        {
            plan.Restore(world, prepare.Node, folders);
            return world;
        }
        catch
        {
            world.Dispose();
            throw;
        }
    }

    private void SayThatBusy() => _coordinator.Tell(new NodeProtocol.Busy(_job!.Node));

    private void Ready(World world)
    {
        if (_reason.Length > 0)
        {
            EndIfIdle();
            return;
        }

        RunPlan plan = _job!.Plan;
        int threads = plan.Threads == 0 ? lanes : Math.Min(plan.Threads, lanes);
        NodePlacement placement = new(world, plan.Nodes, plan.CoresPerNode);
        _links = remoting.Links();
        LinkAddress link;
        try
        {
            link = _links.Listen(_cluster.SelfAddress.Host);
        }
        catch (SocketException failure)
        {
            Refuse(failure);
            return;
        }

        _shard = Context.Watch(Context.ActorOf(NodeShardActor.Props(world, placement, _job.Node, plan.Window, threads, _links), "shard"));
        _coordinator.Tell(new NodeProtocol.Prepared(_job.Node, threads, _shard, link));
    }

    private void Refuse(Exception failure)
    {
        _coordinator.Tell(NodeRefusal.Of(_job!.Node, failure));
        EndIfIdle();
    }

    /// <summary>Gives the run up; the session is over once nobody works on the world any more.</summary>
    private void End(string reason)
    {
        _reason = reason;

        // First: a domain that is in the middle of writing to a node that hangs could not stop.
        _links?.Dispose();
        Context.Stop(_shard);
        EndIfIdle();
    }

    private void EndIfIdle()
    {
        if (_reason.Length > 0 && _shard.IsNobody() && _building is not { IsCompleted: false })
        {
            Timers.CancelAll();
            over.TrySetResult(_reason);
        }
    }
}
