using System.Security.Cryptography;
using VmSim.Actors.Cluster;

namespace VmSim.Host.Service;

/// <content>
/// Nodes: other machines, or other processes, that make jobs. A node asks; the service never does. It says each second what it has, and is
/// given what it has room for. A job is a node's by a lease, drawn anew each time: whatever comes with another one changes nothing, so that
/// a node that was taken for lost cannot disturb the next one.
/// </content>
internal sealed partial class JobScheduler
{
    private readonly Dictionary<string, ServiceNode> _nodes = new(StringComparer.Ordinal);

    /// <summary>A node says what it is at, and is told what to do.</summary>
    /// <param name="name">The node.</param>
    /// <param name="beat">What it says; it has been checked.</param>
    /// <returns>What to do; null if another process has the name.</returns>
    public NodeAnswer? Beat(string name, NodeBeat beat)
    {
        lock (_gate)
        {
            DateTimeOffset now = _clock.GetUtcNow();
            if (!_nodes.TryGetValue(name, out ServiceNode? node) || node.Instance != beat.Instance)
            {
                if (node?.Lives(now) == true)
                {
                    return null;
                }

                _nodes[name] = node = new ServiceNode(name, beat.Instance);
                ServiceLog.Node(_log, name, $"joined, {beat.Jobs} at a time, build {beat.Build}");
            }

            if (!node.Hear(beat, now) || !_hasRecovered || _isStopping)
            {
                return new NodeAnswer([], [], node.Drains);
            }

            List<string> none = Hear(node, beat);
            if (beat.State == NodeState.Leaving)
            {
                _nodes.Remove(name);
                ServiceLog.Node(_log, name, "left");
                return new NodeAnswer([], none, node.Drains);
            }

            List<NodeOrder> orders = [];
            int room = node.Drains || ProblemOf(node).Length > 0 ? 0 : beat.Room;
            Try(() =>
            {
                while (room-- > 0 && StartNext(job => Give(job, node, orders)))
                {
                    // There may be one more.
                }
            });
            return new NodeAnswer(orders, none, node.Drains);
        }
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
                    JobsOf(node.Name).Count(),
                    [.. IdsOf(node.Name)],
                    node.Drains ? NodeState.Draining : node.Last.State,
                    node.Seen.ToUnixTimeMilliseconds(),
                    ProblemOf(node))),
            ];
        }
    }

    private IEnumerable<long> IdsOf(string node) => _running
        .Where(running => running.Value.Job.Maker is NodeJob { IsOver: false } held && held.Node == node)
        .Select(running => running.Key).Order();

    /// <summary>Whether a node has a job by a lease that counts.</summary>
    public bool Holds(string name, long job, string lease)
    {
        lock (_gate)
        {
            return HeldBy(name, job, lease) is not null;
        }
    }

    /// <summary>A job has ended on a node; if it was made, the store has its result.</summary>
    /// <returns>Whether that counts.</returns>
    public bool End(string name, long job, string lease, NodeEnding ending)
    {
        lock (_gate)
        {
            NodeJob? held = HeldBy(name, job, lease);
            held?.End(new JobEnding(ending.Answer, ending.Death, ending.IsLost));
            return held is not null;
        }
    }

    private static string ProblemOf(ServiceNode node) => node.Last!.Build == BuildIdentity.Here
        ? ""
        : $"it is of another build than the service ({BuildIdentity.Here})";

    /// <summary>Takes a node's claims.</summary>
    /// <returns>Leases among them that count no more.</returns>
    private List<string> Hear(ServiceNode node, NodeBeat beat)
    {
        List<string> none = [];
        HashSet<string> claimed = new(StringComparer.Ordinal);
        foreach (NodeClaim claim in beat.Claims)
        {
            NodeJob? held = HeldBy(node.Name, claim.Job, claim.Lease) ?? Adopt(node, claim);
            if (held is null)
            {
                none.Add(claim.Lease);
                continue;
            }

            claimed.Add(claim.Lease);
            held.Hear(claim);
        }

        // The answer that had the order has not reached it, or another process has the name now.
        foreach (NodeJob lost in JobsOf(node.Name).Where(job => job.GivenAt < beat.Number && !claimed.Contains(job.Lease)))
        {
            lost.End(new JobEnding(
                null, beat.State == NodeState.Leaving ? $"node {node.Name} has left" : $"node {node.Name} does not have it", IsLost: true));
        }

        return none;
    }

    /// <summary>Goes on with what a node has gone on with while there was no service.</summary>
    private NodeJob? Adopt(ServiceNode node, NodeClaim claim)
    {
        int late = _late.FindIndex(late => late.Job.Id == claim.Job && late.Job.Lease == claim.Lease && late.Job.Node == node.Name);
        if (late < 0 || ProblemOf(node).Length > 0 || !Try(() => _store.Adopt(claim.Job)))
        {
            return null;
        }

        Job job = _late[late].Job;
        _late.RemoveAt(late);
        _queue.Begin(job.Owner);
        NodeJob held = new(node.Name, claim.Lease, givenAt: 0);
        Run(job, held);
        Note(job.Id, $"node {node.Name} has gone on with it");
        return held;
    }

    private NodeJob Give(Job job, ServiceNode node, List<NodeOrder> orders)
    {
        RunRequest run = _store.RunOf(job);
        string lease = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(NodeRules.LeaseLength / 2));
        NodeJob held = new(node.Name, lease, node.Last!.Number);
        _store.Begin(job.Id, job.Attempts + 1, node.Name, lease, BegunBy(job, held));
        orders.Add(new NodeOrder(
            job.Id, lease, run.Scenario, run.Inputs, _options.CheckpointSeconds, File.Exists(_folder.CheckpointOf(job.Id))));
        return held;
    }

    /// <summary>Gives up nodes that have fallen silent.</summary>
    private void MissNodes()
    {
        lock (_gate)
        {
            DateTimeOffset now = _clock.GetUtcNow();
            foreach (ServiceNode node in _nodes.Values.Where(node => !node.Lives(now)).ToArray())
            {
                _nodes.Remove(node.Name);
                string what = $"node {node.Name} has fallen silent";
                ServiceLog.Node(_log, node.Name, $"has said nothing for {ServiceNode.Silence.TotalSeconds} s");
                foreach (NodeJob job in JobsOf(node.Name))
                {
                    job.End(new JobEnding(null, what, IsLost: true));
                }
            }
        }
    }

    private IEnumerable<NodeJob> JobsOf(string name) =>
        _running.Values.Select(running => running.Job.Maker).OfType<NodeJob>().Where(job => job.Node == name && !job.IsOver);

    private NodeJob? HeldBy(string name, long job, string lease) =>
        _running.TryGetValue(job, out (RunningJob Job, Task) running) && running.Job.Maker is NodeJob { IsOver: false } held
        && held.Node == name && held.Lease == lease
            ? held
            : null;
}
