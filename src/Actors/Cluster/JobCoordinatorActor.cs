using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.Tools.PublishSubscribe;
using Akka.Remote;
using Akka.Util;

namespace VmSim.Actors.Cluster;

/// <summary>
/// The cluster's coordinator of runs, a cluster singleton: carries out one <see cref="Job"/> at a time with the nodes that have joined.
/// Takes no part in simulating.
/// </summary>
public sealed class JobCoordinatorActor : UntypedActor, IWithTimers
{
    private readonly Workers _workers = new();
    private readonly ProcessWatch _processes = new();
    private Job? _job;
    private IActorRef _client = ActorRefs.Nobody;
    private IActorRef[] _shards = [];
    private LinkAddress[] _links = [];

    private sealed record JoinTimeout;

    private sealed record Second;

    private sealed record PeriodOver;

    private sealed record Kept(Job Job);

    private sealed record NotKept(Job Job, Exception Reason);

    /// <inheritdoc/>
    public ITimerScheduler Timers { get; set; } = null!;

    /// <inheritdoc cref="JobCoordinatorActor"/>
    public static Props Props() => Akka.Actor.Props.Create(() => new JobCoordinatorActor());

    /// <inheritdoc/>
    protected override void PreStart()
    {
        ClusterWatch.Begin(
            Context.System, Self, typeof(ClusterEvent.MemberUp), typeof(ClusterEvent.UnreachableMember),
            typeof(ClusterEvent.MemberRemoved));
        DistributedPubSub.Get(Context.System).Mediator.Tell(new Subscribe(NodeProtocol.ProgressTopic, Self));
    }

    /// <inheritdoc/>
    protected override void PostStop()
    {
        ClusterWatch.End(Context.System, Self);
        Perform(_job?.OnCoordinatorStopped());
    }

    /// <inheritdoc/>
    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case JobProtocol.Submit submit:
                Submit(submit);
                break;
            case ClusterEvent.MemberUp { Member: { } member } when member.HasRole(NodeProtocol.WorkerRole):
                Join(member);
                break;
            case ClusterEvent.UnreachableMember { Member: { } member }:
                Lose(member.Address);
                break;
            case ClusterEvent.MemberRemoved { Member: { } member }:
                Lose(member.Address);
                break;
            case DisassociatedEvent lost:
                Lose(lost.RemoteAddress);
                Down(lost.RemoteAddress);
                break;
            case NodeProtocol.PeerLost lost:
                Lose(lost.Address);
                break;
            case Terminated terminated:
                Lose(terminated.ActorRef.Path.Address);
                break;
            case JoinTimeout:
                Perform(_job?.OnJoinTimeout(_workers, _processes.Unheard));
                break;
            case Second when _job is { } job:
                AskUnheard(job);
                Perform(job.OnSecond());
                Perform(_processes.Tick(job));
                break;
            case PeriodOver:
                Perform(_job?.OnPeriod());
                break;
            case Kept kept when ReferenceEquals(kept.Job, _job):
                Perform(kept.Job.OnKept());
                break;
            case NotKept failed when ReferenceEquals(failed.Job, _job):
                Perform(failed.Job.OnNotKept(failed.Reason));
                break;
            case Kept or NotKept:
                // Its run was over meanwhile, and another one has begun.
                break;
            case JobProtocol.ProcessStarted started:
                _processes.Started(started.Which);
                break;
            case JobProtocol.ProcessMoved moved:
                _processes.Moved(moved.Which);
                break;
            case JobProtocol.ProcessHeard heard:
                _processes.Heard(heard.Which);
                break;
            case JobProtocol.ProcessEnded ended when _job is null:
                _processes.EndedEarly(ended.Which);
                break;
            case JobProtocol.Stop when _job is null:
                _processes.StoppedEarly();
                break;
            default:
                OnJob(message);
                break;
        }
    }

    private void Submit(JobProtocol.Submit submit)
    {
        if (_job is { IsOver: false })
        {
            Sender.Tell(new JobProtocol.Failed(
                new InvalidOperationException("the coordinator carries out another run; submit again when that is over")));
            return;
        }

        _job = new Job(submit, TimeProvider.System);
        _client = Sender;
        Timers.StartSingleTimer("join", new JoinTimeout(), TimeSpan.FromSeconds(submit.JoinSeconds));
        Timers.StartPeriodicTimer("second", new Second(), TimeSpan.FromSeconds(1));
        Perform(_processes.OnSubmitted(_job) ?? _job.OnWorkers(_workers.Addresses));
    }

    private void Join(Member member)
    {
        AppVersion build = Akka.Cluster.Cluster.Get(Context.System).SelfMember.AppVersion;
        if (_workers.Add(member.Address, member.AppVersion, build) is { } misfit)
        {
            _job?.Notify(misfit);
        }

        Perform(_job?.OnWorkers(_workers.Addresses));
    }

    private void Lose(Address address)
    {
        _workers.Remove(address);
        Perform(_job?.OnLost(address));
    }

    /// <summary>
    /// Has a worker whose connection broke leave the cluster at once: the run has given it up, and nothing of it counts any more. A process
    /// that lives finds itself out, and joins anew. One that is silent, and whose connection stands, is the resolver's (cluster.conf).
    /// </summary>
    private static void Down(Address address)
    {
        Akka.Cluster.Cluster cluster = Akka.Cluster.Cluster.Get(Context.System);
        if (cluster.State.Members.Any(member => member.Address == address && member.HasRole(NodeProtocol.WorkerRole)
            && member.Status is MemberStatus.Joining or MemberStatus.WeaklyUp or MemberStatus.Up))
        {
            cluster.Down(address);
        }
    }

    private void OnJob(object message)
    {
        JobAction? action = _job?.On(message);
        if (action is null)
        {
            Unhandled(message);
            return;
        }

        if (message is NodeProtocol.Prepared prepared && _job!.Has(prepared.Node) && _shards[prepared.Node].IsNobody())
        {
            _shards[prepared.Node] = Context.Watch(prepared.Shard);
            _links[prepared.Node] = prepared.Link;
        }

        Perform(action);
    }

    private void Perform(JobAction? action)
    {
        switch (action)
        {
            case JobAction.Prepare:
                _shards = [.. _job!.Nodes.Select(_ => (IActorRef)ActorRefs.Nobody)];
                _links = new LinkAddress[_shards.Length];
                AskUnheard(_job);
                break;
            case JobAction.Begin:
                Begin(_job!);
                break;
            case JobAction.Stop:
                TellShards(new NodeShardProtocol.Stop());
                break;
            case JobAction.Save:
                TellShards(new NodeShardProtocol.Save());
                break;
            case JobAction.Keep:
                Keep(_job!);
                break;
            case JobAction.Collect:
                TellShards(new NodeShardProtocol.Collect(_job!.End));
                break;
            case JobAction.Answer:
                Answer(_job!);
                break;
            default:
                break;
        }
    }

    private void Begin(Job job)
    {
        TellShards(new NodeShardProtocol.Begin(_shards, _links));
        if (job.Period > TimeSpan.Zero)
        {
            Timers.StartSingleTimer("period", new PeriodOver(), job.Period);
        }
    }

    /// <summary>Away from this actor, which has to hear meanwhile whether all nodes are there.</summary>
    private void Keep(Job job) =>
        _ = Task.Run(job.Keep!).PipeTo(Self, success: () => new Kept(job), failure: reason => new NotKept(job, reason));

    private void AskUnheard(Job job)
    {
        foreach (int node in job.Unheard)
        {
            NodeAt(job.Nodes[node]).Tell(new NodeProtocol.Prepare(job.Plan, node));
        }
    }

    /// <summary>A node serves one run: it leaves once it is dismissed, and joins anew, so that the next job does not count on it.</summary>
    private void Answer(Job job)
    {
        Timers.CancelAll();
        Array.ForEach(_shards, shard => Context.Unwatch(shard));
        foreach (Address node in job.Nodes)
        {
            _workers.Remove(node);
            NodeAt(node).Tell(new NodeProtocol.Dismiss());
        }

        _client.Tell(job.Answer);
    }

    private void TellShards(object message) => Array.ForEach(_shards, shard => shard.Tell(message));

    private static ActorSelection NodeAt(Address node) => Context.ActorSelection(new RootActorPath(node) / "user" / NodeProtocol.ActorName);
}
