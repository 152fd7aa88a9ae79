using Akka.Actor;
using VmSim.Actors.Running;
using VmSim.Actors.Simulation;
using VmSim.Core.Reports;
using VmSim.Core.Settings;

namespace VmSim.Actors.Cluster;

/// <summary>What a <see cref="JobCoordinatorActor"/> has to do next.</summary>
internal enum JobAction
{
    /// <summary>Nothing, until something happens.</summary>
    Wait,

    /// <summary>Have the nodes build the world.</summary>
    Prepare,

    /// <summary>Start the nodes' shards.</summary>
    Begin,

    /// <summary>Stop the shards at the end of a window.</summary>
    Stop,

    /// <summary>Ask the shards what they have come to.</summary>
    Save,

    /// <summary>Have what they have come to written down.</summary>
    Keep,

    /// <summary>Ask the shards what they have counted.</summary>
    Collect,

    /// <summary>Give the answer and dismiss the nodes.</summary>
    Answer,
}

/// <summary>
/// One run on a cluster, from its submission to its answer: it waits for enough nodes, has them build the world, starts them, and gathers
/// what they have counted. Where it is written down, all nodes stop at the end of a window, and begin anew behind that. It is told what
/// happens and says what to do next; it sends nothing itself. A node that is lost ends it.
/// </summary>
/// <param name="submit">What is run.</param>
/// <param name="time">The clock that measures the simulation loop.</param>
internal sealed partial class Job(JobProtocol.Submit submit, TimeProvider time)
{
    private readonly RunStatistics _statistics = new();

    /// <summary>Nodes that have still to end their part of the phase.</summary>
    private readonly HashSet<int> _pending = [];
    private Phase _phase;
    private NodeReport[] _reports = [];
    private List<byte[]>[] _pieces = [];
    private long[] _accesses = [];
    private SilenceWatch _silence = new(0);
    private RunEnd? _end;
    private int _threads;
    private bool _completed = true;
    private bool _stopAsked;
    private long _windows;
    private long _windowsKept;
    private long _started;
    private double _wall;

    private enum Phase
    {
        Joining,
        Preparing,
        Running,
        Saving,
        Keeping,
        Collecting,
        Over,
    }

    /// <summary>The run.</summary>
    public RunPlan Plan => submit.Plan;

    /// <summary>Addresses of the run's nodes, by node number; empty until enough have joined.</summary>
    public IReadOnlyList<Address> Nodes { get; private set; } = [];

    /// <summary>How long the run goes on before it is written down next; zero for as long as it takes.</summary>
    public TimeSpan Period { get; private set; } = submit.Checkpoints?.Period ?? TimeSpan.Zero;

    /// <summary>Writes down what the nodes have come to, on any thread; null if there is nothing.</summary>
    public Action? Keep { get; private set; }

    /// <summary>Whether there is an answer.</summary>
    public bool IsOver => _phase == Phase.Over;

    /// <summary>What to tell the client; null until the job is over.</summary>
    public JobProtocol.IMessage? Answer { get; private set; }

    /// <summary>Virtual time at which the run ended on all nodes, in cycles; known once all have stopped.</summary>
    public long End => _end!.Value.Time(Plan.Until, _completed).Value;

    /// <summary>Whether a number is that of a node of the run.</summary>
    public bool Has(int node) => node >= 0 && node < Nodes.Count;

    /// <summary>Nodes that have said nothing yet: they are asked again.</summary>
    public IEnumerable<int> Unheard => Enumerable.Range(0, Nodes.Count).Where(_silence.IsUnheard);

    /// <summary>What a message of the client or of a node means for the job.</summary>
    /// <returns>Null if it is none of theirs.</returns>
    public JobAction? On(object message) => message switch
    {
        JobProtocol.Stop => OnStop(),
        JobProtocol.ProcessEnded ended => OnLost(ended.Which),
        NodeProtocol.Prepared prepared => OnPrepared(prepared.Node, prepared.Threads),
        NodeProtocol.Busy busy => OnBusy(busy.Node),
        NodeProtocol.Refused refused => OnRefused(refused.Node, refused.Reason),
        NodeShardProtocol.Progressed progressed => OnProgressed(progressed),
        NodeShardProtocol.Stopped stopped => OnStopped(stopped),
        NodeShardProtocol.Saved saved => OnSaved(saved),
        NodeShardProtocol.Collected collected => OnCollected(collected),
        NodeShardProtocol.Failed failed => OnFailed(failed.Node, failed.Reason),
        _ => null,
    };

    /// <summary>There are so many nodes now.</summary>
    /// <param name="workers">Their addresses; the job takes the first as many as it needs.</param>
    public JobAction OnWorkers(IReadOnlyCollection<Address> workers)
    {
        if (_phase != Phase.Joining)
        {
            return JobAction.Wait;
        }

        submit.Joined?.Report(Math.Min(workers.Count, Plan.Nodes));
        if (workers.Count < Plan.Nodes)
        {
            return JobAction.Wait;
        }

        Nodes = [.. workers.Take(Plan.Nodes)];
        _reports = new NodeReport[Nodes.Count];
        _pieces = [.. Nodes.Select(_ => new List<byte[]>())];
        _accesses = new long[Nodes.Count];
        _silence = new SilenceWatch(Nodes.Count);
        Enter(Phase.Preparing);
        return JobAction.Prepare;
    }

    /// <summary>The time to wait for nodes is over.</summary>
    /// <param name="workers">Nodes that have joined.</param>
    /// <param name="unheard">What to say of processes that have said nothing; empty for none.</param>
    public JobAction OnJoinTimeout(Workers workers, string unheard = "") => _phase != Phase.Joining
        ? JobAction.Wait
        : Fail(new ScenarioException(
            $"{workers.Addresses.Count} of {Plan.Nodes} nodes joined within {submit.JoinSeconds} s{workers.Misfits}{unheard}; "
            + "cluster.join-seconds sets how long to wait"));

    /// <summary>A node has built the world.</summary>
    /// <param name="node">Its number.</param>
    /// <param name="threads">Host threads that will simulate there.</param>
    public JobAction OnPrepared(int node, int threads)
    {
        if (_phase != Phase.Preparing || !_pending.Remove(node))
        {
            return JobAction.Wait;
        }

        _silence.Heard(node);
        _threads += threads;
        if (_pending.Count > 0)
        {
            return JobAction.Wait;
        }

        return Begin();
    }

    /// <summary>A node cannot take part.</summary>
    public JobAction OnRefused(int node, string reason) =>
        Has(node) ? Fail(new ScenarioException($"{Describe(node)}: {reason}")) : JobAction.Wait;

    /// <summary>A node is at work.</summary>
    public JobAction OnBusy(int node)
    {
        if (Has(node))
        {
            _silence.Heard(node);
        }

        return JobAction.Wait;
    }

    /// <summary>A second has passed in which nodes could say something.</summary>
    public JobAction OnSecond() => _phase != Phase.Over && _silence.Tick() is { } mute
        ? OnMute(Describe(mute))
        : JobAction.Wait;

    /// <summary>A node says how far it has come.</summary>
    public JobAction OnProgressed(NodeShardProtocol.Progressed progressed)
    {
        if (Has(progressed.Node))
        {
            _accesses[progressed.Node] = progressed.Accesses;
            submit.Progress?.Report(new RunProgress(progressed.VirtualTime, _accesses.Sum()));
        }

        return JobAction.Wait;
    }

    /// <summary>The client asks for the end of the run.</summary>
    public JobAction OnStop()
    {
        _stopAsked = true;
        return _phase switch
        {
            Phase.Joining => Fail(new OperationCanceledException("stopped before the nodes had joined")),
            Phase.Preparing => Fail(new OperationCanceledException("stopped before the nodes were ready")),
            Phase.Running => JobAction.Stop,
            _ => JobAction.Wait,
        };
    }

    /// <summary>A node's part of the run has stopped.</summary>
    public JobAction OnStopped(NodeShardProtocol.Stopped stopped)
    {
        if (_phase != Phase.Running || !_pending.Remove(stopped.Node))
        {
            return JobAction.Wait;
        }

        _completed &= stopped.Completed;
        _windows += stopped.Windows;
        _end = _end?.Merge(stopped.End) ?? stopped.End;
        if (_pending.Count > 0)
        {
            return JobAction.Wait;
        }

        _wall += time.GetElapsedTime(_started).TotalSeconds;
        if (submit.Checkpoints is not null && !_completed)
        {
            Enter(Phase.Saving);
            return JobAction.Save;
        }

        return Collect();
    }

    /// <summary>A piece of what a node has counted has come.</summary>
    public JobAction OnCollected(NodeShardProtocol.Collected collected)
    {
        int node = collected.Node;
        if (_phase != Phase.Collecting || !_pending.Contains(node))
        {
            return JobAction.Wait;
        }

        if (!IsWhole(node, collected.Bytes, collected.Pieces))
        {
            return JobAction.Wait;
        }

        try
        {
            _statistics.Add(StatisticsCodec.Decode(Whole(TakePieces(node))));
        }
        catch (InvalidDataException reason)
        {
            return Fail(new SimulationFailedException($"{Describe(node)}: {reason.Message}", reason));
        }

        _reports[node] = collected.Host with { Address = HostAndPort(node) };
        _pending.Remove(node);
        return _pending.Count > 0
            ? JobAction.Wait
            : Finish(new JobProtocol.Finished(_completed, _windows, _end!.Value, _statistics, _threads, _wall, _reports));
    }

    /// <summary>A node's part of the run broke off.</summary>
    public JobAction OnFailed(int node, string reason) =>
        Has(node) ? Fail(new SimulationFailedException($"{Describe(node)}: {reason}")) : JobAction.Wait;

    /// <summary>An address cannot be reached any more, which ends the job if it is one of its nodes.</summary>
    public JobAction OnLost(Address address)
    {
        for (int node = 0; node < Nodes.Count; node++)
        {
            if (Nodes[node].Equals(address))
            {
                return OnLost(Describe(node));
            }
        }

        return JobAction.Wait;
    }

    /// <summary>A process that takes part is gone, or the coordinator itself.</summary>
    /// <param name="which">What to call it.</param>
    public JobAction OnLost(string which) => Fail(new NodeLostException($"{which} was lost; the run has stopped"));

    /// <summary>A process that takes part has said nothing for too long.</summary>
    /// <param name="which">What to call it.</param>
    public JobAction OnMute(string which) =>
        Fail(new NodeLostException($"{which} was lost: it has said nothing for {SilenceWatch.SecondsMax} s; the run has stopped"));

    /// <summary>The coordinator is stopped, from within or from outside.</summary>
    public JobAction OnCoordinatorStopped() => Fail(new NodeLostException("the coordinator of the run was stopped"));

    /// <summary>Tells a person what they should know.</summary>
    public void Notify(string notice) => submit.Notices?.Report(notice);

    private JobAction Begin()
    {
        Enter(Phase.Running);
        _started = time.GetTimestamp();
        return JobAction.Begin;
    }

    private JobAction Collect()
    {
        Enter(Phase.Collecting);
        return JobAction.Collect;
    }

    /// <summary>Takes a piece of a node that has still to say something.</summary>
    /// <returns>Whether it was the last one.</returns>
    private bool IsWhole(int node, byte[] piece, int pieces)
    {
        if (!_pending.Contains(node))
        {
            return false;
        }

        _pieces[node].Add(piece);
        return _pieces[node].Count >= pieces;
    }

    private List<byte[]> TakePieces(int node)
    {
        List<byte[]> pieces = _pieces[node];
        _pieces[node] = [];
        return pieces;
    }

    /// <summary>Puts together what is read as a whole.</summary>
    /// <exception cref="InvalidDataException">It is more than one array holds.</exception>
    private static byte[] Whole(List<byte[]> pieces)
    {
        long bytes = pieces.Sum(piece => (long)piece.Length);
        if (bytes > Array.MaxLength)
        {
            throw new InvalidDataException(
                $"its statistics have {bytes} bytes; at most {Array.MaxLength} are allowed: spread the run over more nodes");
        }

        byte[] whole = new byte[bytes];
        int at = 0;
        foreach (byte[] piece in pieces)
        {
            piece.CopyTo(whole, at);
            at += piece.Length;
        }

        return whole;
    }

    private void Enter(Phase phase)
    {
        _phase = phase;
        _pending.UnionWith(Enumerable.Range(0, Nodes.Count));
    }

    private JobAction Fail(Exception reason) => Finish(new JobProtocol.Failed(reason));

    private JobAction Finish(JobProtocol.IMessage answer)
    {
        if (_phase == Phase.Over)
        {
            return JobAction.Wait;
        }

        _phase = Phase.Over;
        Answer = answer;
        return JobAction.Answer;
    }

    private string HostAndPort(int node) => $"{Nodes[node].Host}:{Nodes[node].Port}";

    private string Describe(int node) => $"node {node + 1} of {Nodes.Count} ({HostAndPort(node)})";
}
