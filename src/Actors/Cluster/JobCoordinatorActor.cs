using System.Diagnostics;
using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.Tools.PublishSubscribe;
using Akka.Remote;
using VmSim.Actors.Running;
using VmSim.Actors.Simulation;
using VmSim.Core.Reports;
using VmSim.Core.Settings;

namespace VmSim.Actors.Cluster;

/// <summary>
/// The cluster's coordinator of runs, a cluster singleton: waits for the nodes of a run, has them build its world, starts them, gathers what they counted. Takes
/// no part in simulating. A node that is lost ends the run.
/// </summary>
public sealed class JobCoordinatorActor : UntypedActor, IWithTimers
{
    private readonly Akka.Cluster.Cluster _cluster = Akka.Cluster.Cluster.Get(Context.System);
    private readonly SortedDictionary<string, Address> _workers = new(StringComparer.Ordinal);
    private readonly RunStatistics _statistics = new();
    private JobProtocol.Submit? _job;
    private IActorRef _client = ActorRefs.Nobody;
    private Address[] _nodes = [];
    private IActorRef[] _shards = [];
    private NodeReport[] _reports = [];
    private List<byte[]>[] _pieces = [];
    private long[] _accesses = [];
    private SilenceWatch _silence = new(0);
    private RunEnd? _end;
    private int _pending;
    private int _threads;
    private bool _completed = true;
    private long _windows;
    private long _started;
    private double _wall;
    private bool _over;
    private string _misfits = "";

    private sealed record JoinTimeout;

    private sealed record Second;

    /// <inheritdoc/>
    public ITimerScheduler Timers { get; set; } = null!;

    /// <summary>How to make the coordinator.</summary>
    public static Props Props() => Akka.Actor.Props.Create(() => new JobCoordinatorActor());

    /// <inheritdoc/>
    protected override void PreStart()
    {
        _cluster.Subscribe(Self, ClusterEvent.SubscriptionInitialStateMode.InitialStateAsEvents, typeof(ClusterEvent.MemberUp), typeof(ClusterEvent.UnreachableMember), typeof(ClusterEvent.MemberRemoved));
        DistributedPubSub.Get(Context.System).Mediator.Tell(new Subscribe(NodeProtocol.ProgressTopic, Self));
        Context.System.EventStream.Subscribe(Self, typeof(DisassociatedEvent));
    }

    /// <inheritdoc/>
    protected override void PostStop()
    {
        _cluster.Unsubscribe(Self);
        Context.System.EventStream.Unsubscribe(Self);
        if (_job is not null)
        {
            Fail(new NodeLostException("the coordinator of the run was stopped"));
        }
    }

    /// <inheritdoc/>
    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case JobProtocol.Submit submit:
                _job = submit;
                _client = Sender;
                Timers.StartSingleTimer("join", new JoinTimeout(), TimeSpan.FromSeconds(submit.JoinSeconds));
                Join();
                break;
            case JobProtocol.Stop:
                Stop();
                break;
            case JobProtocol.ProcessEnded ended:
                Lose(ended.Which);
                break;
            case JoinTimeout when _nodes.Length == 0:
                Fail(new ScenarioException($"{_workers.Count} of {_job!.Plan.Nodes} nodes joined within {_job.JoinSeconds} s{_misfits}; cluster.join-seconds sets how long to wait"));
                break;
            case Second when !_over:
                Listen();
                break;
            case NodeProtocol.IMessage node:
                OnNode(node);
                break;
            case NodeShardProtocol.IMessage shard:
                OnShard(shard);
                break;
            case ClusterEvent.MemberUp { Member: { } member } when member.HasRole(NodeProtocol.WorkerRole) && member.AppVersion != _cluster.SelfMember.AppVersion:
                string misfit = $"node {member.Address.Host}:{member.Address.Port} has another build of vmsim ({member.AppVersion}; here {_cluster.SelfMember.AppVersion}) and is left out";
                _misfits += $"; {misfit}";
                _job?.Notices?.Report(misfit);
                break;
            case ClusterEvent.MemberUp { Member: { } member } when member.HasRole(NodeProtocol.WorkerRole):
                _workers[member.Address.ToString()] = member.Address;
                Join();
                break;
            case ClusterEvent.UnreachableMember { Member: { } member }:
                Lose(member.Address);
                break;
            case ClusterEvent.MemberRemoved { Member: { } member }:
                Lose(member.Address);
                break;
            case DisassociatedEvent lost:
                Lose(lost.RemoteAddress);
                break;
            case Terminated terminated:
                Lose(terminated.ActorRef.Path.Address);
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private void OnNode(NodeProtocol.IMessage message)
    {
        switch (message)
        {
            case NodeProtocol.Prepared prepared when IsOfRun(prepared.Node) && _shards[prepared.Node] is null:
                _shards[prepared.Node] = Context.Watch(prepared.Shard);
                _threads += prepared.Threads;
                if (--_pending == 0)
                {
                    BeginRun();
                }

                break;
            case NodeProtocol.Busy busy when IsOfRun(busy.Node):
                _silence.Heard(busy.Node);
                break;
            case NodeProtocol.Refused refused when IsOfRun(refused.Node):
                Fail(new ScenarioException($"{Describe(refused.Node)}: {refused.Reason}"));
                break;
            case NodeProtocol.PeerLost lost:
                Lose(lost.Address);
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private void OnShard(NodeShardProtocol.IMessage message)
    {
        switch (message)
        {
            case NodeShardProtocol.Progressed progressed when IsOfRun(progressed.Node):
                _accesses[progressed.Node] = progressed.Accesses;
                _job?.Progress?.Report(new RunProgress(progressed.VirtualTime, _accesses.Sum()));
                break;
            case NodeShardProtocol.Stopped stopped when IsOfRun(stopped.Node):
                _completed &= stopped.Completed;
                _windows += stopped.Windows;
                _end = _end is { } end ? end.Merge(stopped.End) : stopped.End;
                if (--_pending == 0)
                {
                    CollectStatistics();
                }

                break;
            case NodeShardProtocol.Collected collected when IsOfRun(collected.Node):
                Gather(collected);
                break;
            case NodeShardProtocol.Failed failed when IsOfRun(failed.Node):
                Fail(new SimulationFailedException($"{Describe(failed.Node)}: {failed.Reason}"));
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    /// <summary>Has the nodes build the world, once there are enough of them.</summary>
    private void Join()
    {
        if (_job is null || _nodes.Length > 0)
        {
            return;
        }

        _job.Joined?.Report(Math.Min(_workers.Count, _job.Plan.Nodes));
        if (_workers.Count < _job.Plan.Nodes)
        {
            return;
        }

        _nodes = [.. _workers.Values.Take(_job.Plan.Nodes)];
        _shards = new IActorRef[_nodes.Length];
        _reports = new NodeReport[_nodes.Length];
        _pieces = [.. _nodes.Select(_ => new List<byte[]>())];
        _accesses = new long[_nodes.Length];
        _pending = _nodes.Length;
        _silence = new SilenceWatch(_nodes.Length);
        for (int node = 0; node < _nodes.Length; node++)
        {
            NodeAt(node).Tell(new NodeProtocol.Prepare(_job.Plan, node));
        }

        Timers.StartPeriodicTimer("second", new Second(), TimeSpan.FromSeconds(1));
    }

    /// <summary>Asks those again who have said nothing yet, and gives those up who say nothing any more.</summary>
    private void Listen()
    {
        for (int node = 0; node < _nodes.Length; node++)
        {
            if (_silence.IsUnheard(node))
            {
                NodeAt(node).Tell(new NodeProtocol.Prepare(_job!.Plan, node));
            }
        }

        if (_silence.Tick() is { } mute)
        {
            Fail(new NodeLostException($"{Describe(mute)} was lost: it has said nothing for {SilenceWatch.SecondsMax} s; the run has stopped"));
        }
    }

    private bool IsOfRun(int node) => node >= 0 && node < _nodes.Length;

    private void BeginRun()
    {
        _pending = _shards.Length;
        _started = Stopwatch.GetTimestamp();
        foreach (IActorRef shard in _shards)
        {
            shard.Tell(new NodeShardProtocol.Begin(_shards));
        }
    }

    private void Stop()
    {
        foreach (IActorRef? shard in _shards)
        {
            shard?.Tell(new NodeShardProtocol.Stop());
        }

        if (Array.Exists(_shards, shard => shard is null) || _nodes.Length == 0)
        {
            Fail(new OperationCanceledException(_nodes.Length == 0 ? "stopped before the nodes had joined" : "stopped before the nodes were ready"));
        }
    }

    private void CollectStatistics()
    {
        _wall = Stopwatch.GetElapsedTime(_started).TotalSeconds;
        _pending = _shards.Length;
        long end = _end!.Value.Time(_job!.Plan.Until, _completed);
        foreach (IActorRef shard in _shards)
        {
            shard.Tell(new NodeShardProtocol.Collect(end));
        }
    }

    private void Gather(NodeShardProtocol.Collected collected)
    {
        List<byte[]> pieces = _pieces[collected.Node];
        pieces.Add(collected.Bytes);
        if (pieces.Count < collected.Pieces)
        {
            return;
        }

        try
        {
            _statistics.Add(StatisticsCodec.Decode([.. pieces.SelectMany(piece => piece)]));
        }
        catch (InvalidDataException reason)
        {
            Fail(new SimulationFailedException($"{Describe(collected.Node)}: {reason.Message}", reason));
            return;
        }

        _reports[collected.Node] = collected.Host with { Address = $"{_nodes[collected.Node].Host}:{_nodes[collected.Node].Port}" };
        if (--_pending == 0)
        {
            Answer(new JobProtocol.Finished(_completed, _windows, _end!.Value, _statistics, _threads, _wall, _reports));
        }
    }

    private void Lose(Address address)
    {
        _workers.Remove(address.ToString());
        int node = Array.IndexOf(_nodes, address);
        if (node >= 0)
        {
            Lose(Describe(node));
        }
    }

    private void Lose(string which) => Fail(new NodeLostException($"{which} was lost; the run has stopped"));

    private void Fail(Exception reason)
    {
        if (!_over)
        {
            Answer(new JobProtocol.Failed(reason));
        }
    }

    private void Answer(JobProtocol.IMessage answer)
    {
        _over = true;
        _client.Tell(answer);
        for (int node = 0; node < _nodes.Length; node++)
        {
            NodeAt(node).Tell(new NodeProtocol.Dismiss());
        }
    }

    private ActorSelection NodeAt(int node) => Context.ActorSelection(new RootActorPath(_nodes[node]) / "user" / NodeProtocol.ActorName);

    private string Describe(int node) => $"node {node + 1} of {_nodes.Length} ({_nodes[node].Host}:{_nodes[node].Port})";
}

/// <summary>A node of a cluster run was lost.</summary>
public sealed class NodeLostException : Exception
{
    /// <summary>Makes an exception without a message.</summary>
    public NodeLostException()
    {
    }

    /// <summary>Makes an exception with a message that names the node.</summary>
    public NodeLostException(string message)
        : base(message)
    {
    }

    /// <summary>Makes an exception with a message and its cause.</summary>
    public NodeLostException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
