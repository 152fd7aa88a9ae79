using System.Security.Cryptography;

namespace VmSim.Host.Service;

/// <content>
/// Nodes: other machines, or other processes, that make jobs. A node asks; the service never does. It says each second what it has, and is
/// given what it has room for. A job is a node's by a lease, drawn anew each time: whatever comes with another one changes nothing, so that
/// a node that was taken for lost cannot disturb the next one.
/// </content>
internal sealed partial class JobScheduler
{
    private readonly Dictionary<string, ServiceNode> _nodes = new(StringComparer.Ordinal);

    /// <summary>A node says what it is at, and is told what to do when that stands in the store.</summary>
    /// <param name="name">The node.</param>
    /// <param name="beat">What it says; it has been checked.</param>
    /// <returns>What to do; null if another process has the name.</returns>
    public async Task<NodeAnswer?> BeatAsync(string name, NodeBeat beat)
    {
        ServiceNode? node;
        List<string> none = [];
        List<Task> noted = [];
        List<string> looked = [];
        int room = 0;
        lock (_gate)
        {
            if ((node = NodeOf(name, beat)) is null)
            {
                return null;
            }

            _queue.Hear(beat.Build);
            if (node.Hear(beat, _clock.GetUtcNow()) && HasRecovered && !_isStopping)
            {
                none = Hear(node, beat, noted);
                if (beat.State == NodeState.Leaving)
                {
                    _nodes.Remove(name);
                    ServiceLog.Node(_log, name, "left");
                }
                else
                {
                    looked = [.. node.Jobs.Values.Where(job => job.TakeLook()).Take(FigureRules.JobsMax).Select(job => job.Lease)];
                    room = RoomOf(node);
                }
            }
        }

        // What the node has said for the logs goes into the store with what is begun, since it says it once.
        List<NodeOrder> orders = [];
        noted.Add(room > 0 || node.Awaits ? TryAsync(() => GiveAsync(node, beat.Number, orders)) : Task.CompletedTask);
        await Task.WhenAll(noted);
        return new NodeAnswer(orders, none, node.Drains, looked);
    }

    /// <summary>Has a node end with the jobs that it has.</summary>
    /// <returns>Whether there is such a node.</returns>
    public bool Drain(string name)
    {
        lock (_gate)
        {
            return _nodes.TryGetValue(name, out ServiceNode? node) && (node.Drains = true);
        }
    }

    /// <summary>The nodes, by name.</summary>
    public IReadOnlyList<NodeView> Nodes()
    {
        lock (_gate)
        {
            return
            [
                .. _nodes.Values.OrderBy(node => node.Name, StringComparer.Ordinal).Select(node => new NodeView(
                    node.Name,
                    node.Last!.Build,
                    node.Last.Jobs,
                    node.Ids.Count(),
                    [.. node.Ids.Order()],
                    node.Drains ? NodeState.Draining : node.Last.State,
                    node.Seen.ToUnixTimeMilliseconds(),
                    ProblemOf(node))),
            ];
        }
    }

    /// <summary>What a job that waits has to wait for besides its turn; empty for nothing.</summary>
    public string WaitsOf(Job job)
    {
        if (job.State != JobState.Queued)
        {
            return "";
        }

        bool isHere = job.Build == _store.Build;
        lock (_gate)
        {
            return (isHere && _options.Jobs > 0) || _nodes.Values.Any(node => !node.Drains && node.Last!.Build == job.Build) ? ""
                : isHere ? $"no node of build {job.Build} takes jobs"
                : job.Build.Length == 0 ? $"of which build it was is not known; it is for build {_store.Build}"
                : $"no node of its build, {job.Build}, takes jobs; {ServiceNode.Silence.TotalSeconds} s after the last has gone it is "
                    + $"for build {_store.Build}";
        }
    }

    /// <summary>Whether a node has a job by a lease that counts, or a part of one that others have with it.</summary>
    public bool HasPartOf(string name, long job, string lease)
    {
        lock (_gate)
        {
            return (HeldBy(name, job, lease) ?? LeaderOf(name, job, lease)) is not null;
        }
    }

    /// <summary>Whether a node has a job by a lease that counts, and leads if others have it too.</summary>
    public bool Holds(string name, long job, string lease)
    {
        lock (_gate)
        {
            return HeldBy(name, job, lease) is not null;
        }
    }

    /// <summary>Whether what a node says of the end of a job counts, be it for the second time.</summary>
    public bool MayEnd(string name, long job, string lease)
    {
        lock (_gate)
        {
            return GivenTo(name, job, lease) is { IsOver: false } or { IsEndedByNode: true } || LeaderOf(name, job, lease) is not null;
        }
    }

    /// <summary>A job has ended on a node; if it was made, the store has its result.</summary>
    /// <returns>Whether that counts, once it stands in the store.</returns>
    /// <exception cref="IOException">The store does not say so yet; the same may be said again.</exception>
    public async Task<bool> EndAsync(string name, long job, string lease, NodeEnding ending)
    {
        Task<bool> recorded;
        lock (_gate)
        {
            JobEnding made = new(ending.Answer, ending.Death, ending.IsLost);
            bool counts = LeaderOf(name, job, lease) is { } leader
                ? EndPart(leader, name, made)
                : GivenTo(name, job, lease)?.EndByNode(made) == true;
            if (!counts)
            {
                return false;
            }

            recorded = _running[job].Recorded;
        }

        try
        {
            return await recorded.WaitAsync(RecordPatience) ? true : throw new StoreAwayException("the service is being stopped");
        }
        catch (TimeoutException)
        {
            throw new StoreAwayException(
                _problem.Length > 0 ? _problem : $"the store has said nothing for {RecordPatience.TotalSeconds} s");
        }
    }

    /// <summary>Why a node is given nothing; the gate is held.</summary>
    private string ProblemOf(ServiceNode node) =>
        node.Drains || node.Last!.Build == _store.Build || _queue.CountOf(node.Last.Build) > 0
        ? ""
        : $"it is of another build than the service ({_store.Build}), and no job of its own waits";

    /// <summary>The node that a beat is of; null if another process has the name. The gate is held.</summary>
    private ServiceNode? NodeOf(string name, NodeBeat beat)
    {
        if (_nodes.TryGetValue(name, out ServiceNode? node) && node.Instance == beat.Instance)
        {
            return node;
        }

        if (node?.Lives(_clock.GetUtcNow()) == true)
        {
            return null;
        }

        if (node is not null)
        {
            GiveUp(node, $"another process is node {name} now");
        }

        ServiceLog.Node(_log, name, $"joined, {beat.Jobs} at a time, build {beat.Build}");
        return _nodes[name] = new ServiceNode(name, beat.Instance);
    }

    /// <summary>Takes a node's claims; the gate is held.</summary>
    /// <param name="node">The node.</param>
    /// <param name="beat">What it says.</param>
    /// <param name="noted">Takes what is still to be written into the store.</param>
    /// <returns>Leases among them that count no more.</returns>
    private List<string> Hear(ServiceNode node, NodeBeat beat, List<Task> noted)
    {
        List<string> none = [];
        HashSet<string> claimed = new(StringComparer.Ordinal);
        foreach (NodeClaim claim in beat.Claims)
        {
            NodeJob? held = HeldBy(node.Name, claim.Job, claim.Lease) ?? Adopt(node, claim, noted);
            if (held is null && !HearPart(node, claim))
            {
                none.Add(claim.Lease);
                continue;
            }

            claimed.Add(claim.Lease);
            held?.Hear(claim);
            noted.AddRange(claim.Log.Select(line => NoteAsync(claim.Job, line)));
        }

        // The answer that had the order has not reached it, or another process has the name now.
        foreach (NodeJob lost in node.Jobs.Values.Where(job => job.GivenAt < beat.Number && !claimed.Contains(job.Lease)))
        {
            lost.End(new JobEnding(
                null, beat.State == NodeState.Leaving ? $"node {node.Name} has left" : $"node {node.Name} does not have it", IsLost: true));
        }

        MissParts(node, beat, claimed);
        return none;
    }

    /// <summary>Goes on with what a node has gone on with while there was no service.</summary>
    private NodeJob? Adopt(ServiceNode node, NodeClaim claim, List<Task> noted)
    {
        if (_late.Find(claim.Job) is not { } job || job.Lease != claim.Lease || job.Node != node.Name
            || job.Build != node.Last!.Build)
        {
            return null;
        }

        _late.Remove(job.Id);
        _queue.Begin(PlaceOf(job));
        NodeJob held = new(node, claim.Lease, givenAt: 0);
        node.Jobs[job.Id] = held;
        held.Miss(job.Members.Skip(1), _clock.GetUtcNow() + ServiceNode.Silence);
        Run(null, job, held);

        // If the store does not hear of it, the next service finds the lease there all the same.
        noted.Add(TryAsync(() => _store.AdoptAsync(job.Id, $"node {node.Name} has gone on with it")));
        return held;
    }

    /// <summary>Gives a node jobs: its parts of those that several nodes have together, and others.</summary>
    /// <param name="node">The node.</param>
    /// <param name="number">Number of its beat.</param>
    /// <param name="orders">Takes them, in the order of their turns.</param>
    private async Task GiveAsync(ServiceNode node, long number, List<NodeOrder> orders)
    {
        await BeginGangAsync(node.Last!.Build);
        int room;
        lock (_gate)
        {
            Deliver(node, number, orders);
            room = RoomOf(node) - (_gang?.Kept.Contains(node.Name) == true ? 1 : 0);
        }

        List<TakenJob> taken;
        int given = 0;
        do
        {
            taken = await TakeAsync(node.Last.Build, room - given);
            NodeOrder?[] begun = new NodeOrder?[taken.Count];
            try
            {
                await Task.WhenAll(taken.Select(async (job, i) => begun[i] = await GiveAsync(node, number, job)));
            }
            finally
            {
                // Of what is taken, something may be over or wait for another: then there may be one more.
                orders.AddRange(begun.OfType<NodeOrder>());
                given += begun.OfType<NodeOrder>().Count();
            }
        }
        while (taken.Count > 0 && given < room);
    }

    private async Task<NodeOrder?> GiveAsync(ServiceNode node, long number, TakenJob taken)
    {
        string lease = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(NodeRules.LeaseLength / 2));
        if (await BeginAsync(taken, node.Last!.Build, node.Name, lease) is not ({ } job, { } run))
        {
            return null;
        }

        bool hasCheckpoint = File.Exists(_folder.CheckpointOf(job.Id));
        lock (_gate)
        {
            NodeJob held = new(node, lease, number);
            node.Jobs[job.Id] = held;
            _turns.WholeBegun();
            Run(taken, job, held);
            if (_isStopping)
            {
                held.Stop();
            }
            else if (!ReferenceEquals(_nodes.GetValueOrDefault(node.Name), node))
            {
                held.End(new JobEnding(null, $"node {node.Name} was given up", IsLost: true));
            }
        }

        return OrderOf(job, run, lease, hasCheckpoint);
    }

    private NodeOrder OrderOf(Job job, RunRequest run, string lease, bool hasCheckpoint) => new(
        job.Id, lease, run.Scenario, run.Inputs, _options.CheckpointSeconds, hasCheckpoint, job.Bounds.And(_options.Caps));

    /// <summary>Gives up nodes that have fallen silent.</summary>
    private void MissNodes()
    {
        lock (_gate)
        {
            DateTimeOffset now = _clock.GetUtcNow();
            foreach (ServiceNode node in _nodes.Values.Where(node => !node.Lives(now)).ToArray())
            {
                ServiceLog.Node(_log, node.Name, $"has said nothing for {ServiceNode.Silence.TotalSeconds} s");
                GiveUp(node, $"node {node.Name} has fallen silent");
            }

            foreach (NodeJob job in _nodes.Values.SelectMany(node => node.Jobs.Values))
            {
                job.EndIfMissing(now);
            }
        }
    }

    private void GiveUp(ServiceNode node, string what)
    {
        _nodes.Remove(node.Name);
        foreach (NodeJob job in node.Jobs.Values)
        {
            job.End(new JobEnding(null, what, IsLost: true));
        }

        foreach (GangPart part in node.Parts.Values)
        {
            part.Leader.End(new JobEnding(null, what, IsLost: true));
        }
    }

    private NodeJob? HeldBy(string name, long job, string lease) =>
        GivenTo(name, job, lease) is { IsOver: false } held ? held : null;

    /// <summary>A job that a node has by a lease, or whose end is being written down.</summary>
    private NodeJob? GivenTo(string name, long job, string lease) =>
        _running.TryGetValue(job, out (RunningJob Job, Task<bool>) running) && running.Job.Maker is NodeJob given
        && given.Node.Name == name && given.Lease == lease
            ? given
            : null;
}
