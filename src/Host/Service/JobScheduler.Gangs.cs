using System.Security.Cryptography;

namespace VmSim.Host.Service;

/// <content>
/// Jobs that several nodes have together. One such job at a time waits for nodes; it begins when all that it needs have room, and keeps a
/// place of each until then. One node leads; the others are told where it waits for them as soon as it has said so. All have the job by the
/// same lease, which ends with the first of them that is lost.
/// </content>
internal sealed partial class JobScheduler
{
    private readonly GangTurns _turns = new();

    /// <summary>The split job whose turn it is; null for none.</summary>
    private WaitingGang? _gang;

    private bool _isTakingGang;

    /// <summary>This machine, as far as jobs are placed by it.</summary>
    private readonly NodeRoom _here;

    /// <summary>Begins the split job whose turn it is, if all nodes that it needs have room.</summary>
    /// <param name="build">The build of a node that asks.</param>
    private async Task BeginGangAsync(string build)
    {
        await TakeGangAsync(build);
        TakenJob taken;
        IReadOnlyList<NodeRoom> chosen;
        lock (_gate)
        {
            if (_gang is not { } gang || Place(gang) is not { Count: > 0 } nodes)
            {
                return;
            }

            chosen = nodes;
            taken = new TakenJob(PlaceOf(gang.Job));
            build = gang.Build;
            _taken.Add(gang.Job.Id, taken);
            _gang = null;
            _turns.Begun(nodes.Count);
        }

        string lease = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(NodeRules.LeaseLength / 2));
        string[] members = [.. chosen.Select(node => node.Name)];
        if (await BeginAsync(taken, build, members[0], lease, members.Length > 1 ? members : []) is not ({ } job, { } run))
        {
            return;
        }

        bool hasCheckpoint = File.Exists(_folder.CheckpointOf(job.Id));
        lock (_gate)
        {
            Give(taken, job, OrderOf(job, run, lease, hasCheckpoint), members);
        }
    }

    /// <summary>Takes the next split job that nodes of a build may have out of the queue if it is its turn.</summary>
    private async Task TakeGangAsync(string build)
    {
        lock (_gate)
        {
            if (_gang is { } waits && waits.Build != build && Rooms(waits.Build).Length == 0)
            {
                // Its nodes have gone, and it keeps those of another build from nothing.
                _gang = null;
                _queue.End(PlaceOf(waits.Job));
                _queue.Return(PlaceOf(waits.Job));
            }

            if (_gang is not null || _isTakingGang || _queue.Greatest(build, isSplit: true) is not { } priority
                || !_turns.IsNext(priority, _queue.Greatest(build, isSplit: false)))
            {
                return;
            }

            _isTakingGang = true;
        }

        try
        {
            QueueRest? rest = null;
            TakenJob? taken;
            do
            {
                if (rest is not null)
                {
                    await FillAsync(rest);
                }

                taken = TakeSplit(build, out rest);
            }
            while (taken is null && rest is not null);
            if (taken is not null)
            {
                await AwaitNodesAsync(taken, build);
            }
        }
        finally
        {
            lock (_gate)
            {
                _isTakingGang = false;
            }
        }
    }

    private TakenJob? TakeSplit(string build, out QueueRest? rest)
    {
        lock (_gate)
        {
            if (_queue.Take(build, out rest, isSplit: true) is not { } next)
            {
                return null;
            }

            return _taken[next.Id] = new TakenJob(next);
        }
    }

    /// <summary>Looks at a split job, and has it wait for nodes if it is not over.</summary>
    private async Task AwaitNodesAsync(TakenJob taken, string build)
    {
        Job? job;
        try
        {
            job = await _store.FindAsync(taken.Job.Id);
        }
        catch
        {
            lock (_gate)
            {
                _queue.End(taken.Job);
                _queue.Return(taken.Job);
                Settle(taken);
            }

            throw;
        }

        lock (_gate)
        {
            if (job is { IsOver: false })
            {
                _gang = new WaitingGang(job, build, _clock.GetUtcNow());
            }
            else
            {
                _queue.End(taken.Job);
            }

            Settle(taken);
        }
    }

    /// <summary>Finds nodes for a split job, or keeps those that it waits for; the gate is held.</summary>
    /// <returns>All nodes that it needs, the one that leads first; none if it has to wait.</returns>
    private IReadOnlyList<NodeRoom> Place(WaitingGang gang)
    {
        gang.Kept.IntersectWith(_nodes.Keys);
        NodeRoom[] rooms = Rooms(gang.Build);
        JobSpread spread = gang.Job.Spread;
        int count = GangPlacement.NodesFor(spread, rooms);
        bool fits = count > 0;
        if (!fits)
        {
            // What it is said to need may be wrong; if it is not, its processes find out, and the job fails.
            spread = spread with { MemoryBytes = 0, SharedBytes = 0, Cores = 0 };
            count = GangPlacement.NodesFor(spread with { Nodes = Math.Max(1, rooms.Count(room => room.CanShare)) }, rooms);
        }

        IReadOnlyList<NodeRoom> nodes = GangPlacement.Choose(spread, rooms, count, gang.Kept);
        gang.Kept.Clear();
        gang.Kept.UnionWith(nodes.Select(node => node.Name));

        // One that is away may come back soon, and a service that has begun does not know all of them yet.
        bool isPatient = (!fits || count < spread.Nodes) && _clock.GetUtcNow() - gang.Since < ServiceNode.Silence;
        return !isPatient && nodes.All(node => node.Free > 0) ? nodes : [];
    }

    /// <summary>The nodes of a build that can be given jobs, busy ones too; the gate is held.</summary>
    private NodeRoom[] Rooms(string build) =>
    [
        .. _nodes.Values.Where(node => !node.Drains && node.Last!.State == NodeState.Ready && node.Last.Build == build).Select(RoomsOf),
    ];

    private static NodeRoom RoomsOf(ServiceNode node) => new(
        node.Name, node.Free, node.Last!.MemoryBytes, node.Last.Threads, CanShare: node.Last.Host.Length > 0);

    /// <summary>Jobs that a node may be given now; the gate is held.</summary>
    private static int RoomOf(ServiceNode node) => node.Drains ? 0 : node.Free;

    /// <summary>Where a job belongs that a node, or this machine, would have alone.</summary>
    /// <param name="node">The node; empty for this machine.</param>
    /// <param name="build">Its build.</param>
    /// <returns>For a job, over how many nodes it is to be spread; 1 if the node may have it, 0 if another may.</returns>
    private Func<Job, int> NodesFor(string node, string build)
    {
        NodeRoom asking = node.Length == 0
            ? _here
            : Locked(() => _nodes.TryGetValue(node, out ServiceNode? known) ? RoomsOf(known) : _here);
        return job => asking.Fits(job.Spread) ? 1 : NodesFor(job.Spread, build);
    }

    /// <summary>The same for a job that does not fit where it was to begin. The store asks; nobody waits for it behind the gate.</summary>
    private int NodesFor(JobSpread spread, string build)
    {
        NodeRoom[] rooms = Locked(() => Rooms(build));
        return (_options.Jobs > 0 && build == _store.Build && _here.Fits(spread)) || Array.Exists(rooms, room => room.Fits(spread)) ? 0
            : GangPlacement.NodesFor(spread, rooms) is > 1 and int nodes ? nodes
            : 1;
    }

    /// <summary>A job waits for another node than the one that asked, or for several; the gate is held.</summary>
    private void Leave(Job job)
    {
        if (job.Spread.IsSplit)
        {
            _queue.Return(PlaceOf(job));
        }
        else
        {
            _late.Add(job, _clock.GetUtcNow() + Look);
        }
    }

    /// <summary>Gives a job to several nodes, which are told so when they next ask; the gate is held.</summary>
    private void Give(TakenJob taken, Job job, NodeOrder order, string[] members)
    {
        IReadOnlyList<string> sets = job.Spread.Sets ?? [];
        ServiceNode? leader = _nodes.GetValueOrDefault(members[0]);
        NodeJob held = new(leader ?? new ServiceNode(members[0], ""), order.Lease, NodeJob.Undelivered)
        {
            Order = members.Length > 1 ? order with { Gang = new GangOrder(members.Length, "", sets) } : order,
        };
        held.Node.Jobs[job.Id] = held;
        string lost = leader is null ? members[0] : "";
        foreach (string name in members.Skip(1))
        {
            if (_nodes.TryGetValue(name, out ServiceNode? node))
            {
                GangPart part = new(node, held, order with { Gang = new GangOrder(members.Length, "", sets) });
                held.Parts.Add(part);
                node.Parts[job.Id] = part;
            }
            else
            {
                lost = name;
            }
        }

        Run(taken, job, held);
        if (_isStopping)
        {
            held.Stop();
        }
        else if (lost.Length > 0)
        {
            held.End(new JobEnding(null, $"node {lost} was given up", IsLost: true));
        }
    }

    /// <summary>Tells a node of its parts; the gate is held.</summary>
    private static void Deliver(ServiceNode node, long number, List<NodeOrder> orders)
    {
        foreach (NodeJob job in node.Jobs.Values.Where(job => !job.IsOver))
        {
            if (job.TakeOrder(number) is { } order)
            {
                orders.Add(order);
            }
        }

        foreach (GangPart part in node.Parts.Values)
        {
            if (part.TakeOrder(number) is { } order)
            {
                orders.Add(order);
            }
        }
    }

    /// <summary>A node says that it has a part of a job; the gate is held.</summary>
    /// <returns>Whether that counts, or may count as soon as the node that leads says the same.</returns>
    private bool HearPart(ServiceNode node, NodeClaim claim)
    {
        if (LeaderOf(node.Name, claim.Job, claim.Lease) is not null)
        {
            return true;
        }

        if (_late.Find(claim.Job) is { } late)
        {
            return late.Lease == claim.Lease && late.Members.Contains(node.Name);
        }

        bool isMissed = _running.TryGetValue(claim.Job, out (RunningJob Job, Task<bool>) running)
            && running.Job.Maker is NodeJob { IsOver: false } leader && leader.Lease == claim.Lease && leader.Find(node.Name);
        if (isMissed)
        {
            GangPart part = new(node, (NodeJob)running.Job.Maker, order: null);
            part.Leader.Parts.Add(part);
            node.Parts[claim.Job] = part;
        }

        return isMissed;
    }

    /// <summary>Ends what a node was to have a part in and does not have; the gate is held.</summary>
    private static void MissParts(ServiceNode node, NodeBeat beat, HashSet<string> claimed)
    {
        foreach (GangPart part in node.Parts.Values.Where(part => part.GivenAt < beat.Number && !claimed.Contains(part.Leader.Lease)))
        {
            string what = beat.State == NodeState.Leaving ? "has left" : "does not have its part";
            part.Leader.End(new JobEnding(null, $"node {node.Name} {what}", IsLost: true));
        }

        if (beat.State == NodeState.Leaving)
        {
            foreach (GangPart part in node.Parts.Values)
            {
                part.Leader.End(new JobEnding(null, $"node {node.Name} has left", IsLost: true));
            }

            foreach (NodeJob job in node.Jobs.Values)
            {
                job.End(new JobEnding(null, $"node {node.Name} has left", IsLost: true));
            }
        }
    }

    /// <summary>A node's part has ended before the job has: that is the end of the attempt, whatever the node that leads says.</summary>
    private static bool EndPart(NodeJob leader, string name, JobEnding ending)
    {
        JobEnding made = ending.Answer is { Code: Terminal.ExitCodes.Ok }
            ? ending with { Answer = null, Death = $"node {name} says that it has made the job, of which it has a part", IsLost = false }
            : ending;
        leader.End(made);
        return true;
    }

    /// <summary>The job that a node has a part in by a lease that counts; null if there is none.</summary>
    private NodeJob? LeaderOf(string name, long job, string lease) =>
        _nodes.TryGetValue(name, out ServiceNode? node) && node.Parts.TryGetValue(job, out GangPart? part)
        && part.Leader is { IsOver: false } leader && leader.Lease == lease
            ? leader
            : null;
}
