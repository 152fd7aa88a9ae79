using CsCheck;
using VmSim.Actors.Cluster;
using VmSim.Host.Service;
using VmSim.Testing;

namespace VmSim.Host.Tests.Service;

/// <summary>Jobs that several nodes have together, on plain objects.</summary>
public sealed class GangSchedulerTests : IDisposable
{
    private const string Digest = "0123456789abcdef";
    private static readonly JobAnswer Done = new(Digest, false, "completed", 1, 0, "");

    private readonly string _folder = Directory.CreateTempSubdirectory("vmsim-gangs-").FullName;
    private readonly MovableClock _clock = new();
    private readonly SortedDictionary<string, FakeNode> _nodes = new(StringComparer.Ordinal);
    private Scheduled _service;
    private int _texts;

    public GangSchedulerTests() => _service = new Scheduled(_folder, _clock);

    /// <summary>The node that leads is told first, the others when it waits for them; it alone brings the result.</summary>
    [Fact]
    public void Gang_AllHaveRoom_BeginsTogether()
    {
        Submit(nodes: 2);
        Meet("a", "b");
        NodeOrder leads = Until("a");
        Assert.Equal((2, true), (leads.Gang!.Nodes, leads.Gang.Leads));
        Assert.Empty(Beat("b").Orders);
        Beat("a", address: "10.0.0.1:99");
        NodeOrder joins = Until("b");
        Assert.Equal((2, "10.0.0.1:99", leads.Lease), (joins.Gang!.Nodes, joins.Gang.Join, joins.Lease));
        Assert.Equal(["a", "b"], _service.Find(1).Members);
        Assert.All(_service.Scheduler.Nodes(), node => Assert.Equal([1L], node.Ids));
        Assert.True(_service.Scheduler.HasPartOf("b", 1, joins.Lease));
        Assert.False(_service.Scheduler.Holds("b", 1, joins.Lease));
        Assert.True(End("a", leads, Done));
        HangGuard.Until(() => _service.Find(1).State == JobState.Done);
        Assert.Equal([joins.Lease], Beat("b").Void);
    }

    /// <summary>Whoever is lost, the attempt is over for all, and the job is begun again.</summary>
    [Theory]
    [InlineData("a")]
    [InlineData("b")]
    public void Gang_OneFallsSilent_IsBegunAgainOnTheOthers(string lost)
    {
        (NodeOrder leads, NodeOrder joins) = BeginTwo();
        string left = lost == "a" ? "b" : "a";
        _clock.Advance(ServiceNode.Silence / 2);
        Beat(left);
        _clock.Advance(ServiceNode.Silence / 2);
        HangGuard.Until(() => _service.Find(1).State == JobState.Queued);
        Assert.Equal($"node {lost} has fallen silent", _service.Find(1).Reason);
        Assert.Equal([leads.Lease], Beat(left).Void);
        Assert.Equal(leads.Lease, joins.Lease);
        Assert.False(_service.Scheduler.Holds("a", 1, leads.Lease));

        // It waits for the other one for a while, and then takes what there is.
        DateTimeOffset since = _clock.GetUtcNow();
        NodeOrder? again = null;
        HangGuard.Until(() =>
        {
            _clock.Advance(ServiceNode.Silence / 4);
            again = Beat(left).Orders.SingleOrDefault();
            return again is not null;
        });
        Assert.True(_clock.GetUtcNow() - since >= ServiceNode.Silence);
        Assert.Null(again!.Gang);
        Assert.Equal((JobState.Running, 1), (_service.Find(1).State, _service.Find(1).Attempts));
    }

    [Fact]
    public void Gang_OneDoesNotHaveItsPart_IsOver()
    {
        BeginTwo();
        _nodes["b"].Claims.Clear();
        Beat("b", room: 0);
        HangGuard.Until(() => _service.Find(1).State == JobState.Queued);
        Assert.Equal("node b does not have its part", _service.Find(1).Reason);
    }

    /// <summary>What a node says of the end of its part counts for the job, but never that it is done.</summary>
    [Fact]
    public void Gang_APartEnds_IsTheEndOfTheAttempt()
    {
        (_, NodeOrder joins) = BeginTwo();
        JobAnswer over = new("", false, "", 1, 65, "over its limit of memory");
        Assert.True(End("b", joins, over));
        HangGuard.Until(() => _service.Find(1).State == JobState.Failed);
        Assert.Equal("over its limit of memory", _service.Find(1).Reason);

        (_, joins) = BeginTwo();
        Assert.True(End("b", joins, Done));
        HangGuard.Until(() => _service.Find(2).State == JobState.Queued);
        Assert.Contains("of which it has a part", _service.Find(2).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Service_ThatComesBack_GoesOnWithAGangThatIsWhole()
    {
        BeginTwo();
        await _service.StopAsync();
        _service = new Scheduled(_folder, _clock);
        HangGuard.Until(() => _service.Scheduler.HasRecovered);
        Assert.Empty(Beat("b").Void);
        Assert.Equal(JobState.Queued, _service.Find(1).State);
        Assert.Empty(Beat("a").Void);
        HangGuard.Until(() => _service.Find(1).State == JobState.Running);
        Assert.Empty(Beat("b").Void);
        _clock.Advance(ServiceNode.Silence / 2);
        Beat("a");
        Beat("b");
        _clock.Advance(ServiceNode.Silence / 2);
        Assert.Empty(Beat("a").Void);
        Assert.Empty(Beat("b").Void);
        Assert.Equal((JobState.Running, 1), (_service.Find(1).State, _service.Find(1).Attempts));
    }

    [Fact]
    public async Task Service_ThatComesBack_GivesUpAGangThatIsNotWhole()
    {
        BeginTwo();
        await _service.StopAsync();
        _service = new Scheduled(_folder, _clock);
        HangGuard.Until(() => _service.Scheduler.HasRecovered);
        Assert.Empty(Beat("a").Void);
        _clock.Advance(ServiceNode.Silence / 2);
        Beat("a");
        _clock.Advance(ServiceNode.Silence / 2);
        HangGuard.Until(() => _service.Find(1).Reason == "node b has not come back");
    }

    [Fact]
    public void Cancel_AGangThatWaitsOrRuns_EndsIt()
    {
        Submit(nodes: 2);
        Beat("a");
        Beat("a");
        Assert.True(Wait(_service.Scheduler.CancelAsync(_service.Find(1), "ada")));
        Assert.Equal(JobState.Cancelled, _service.Find(1).State);
        (NodeOrder leads, _) = BeginTwo();
        Assert.True(Wait(_service.Scheduler.CancelAsync(_service.Find(2), "ada")));
        Assert.Equal([leads.Lease], Beat("a").Void);
        Assert.Equal([leads.Lease], Beat("b").Void);
    }

    /// <summary>A job that fits on no node is split; one that fits on another than the one that asks is kept for that.</summary>
    [Fact]
    public void Job_TooLargeForANode_IsSplitOrKeptForAnother()
    {
        Beat("a", memory: 100, room: 0);
        Beat("b", memory: 100, room: 1);
        Submit(memory: 150, shared: 120);
        NodeOrder leads = Until("a", memory: 100);
        Assert.Equal(2, leads.Gang!.Nodes);
        Submit(memory: 150, shared: 120);
        Beat("c", memory: 200, room: 0);
        Assert.Empty(Beat("d", memory: 100).Orders);
        _clock.Advance(new TimeSpan(TimeSpan.TicksPerSecond));
        Assert.Null(Until("c", memory: 200).Gang);
    }

    /// <summary>
    /// An endless stream of small jobs, and split ones of all sizes, on nodes that ask and end jobs in any order: no node has more than it
    /// has room for, a split job has all of its nodes, and each has its turn.
    /// </summary>
    [Fact]
    public void Gangs_AmongEndlessSmallJobs_AllHaveTheirTurn() =>
        Gen.Select(Gen.Int[2, 5], Gen.Int[1, 2], Gen.Int[1, 4].Array[1, 4], Gen.Int).Sample(
            (nodes, places, splits, seed) =>
            {
                using GangSchedulerTests own = new();
                own.Crowd(nodes, places, splits, new Random(seed));
            },
            iter: 12,
            threads: 1);

    public void Dispose()
    {
        _service.StopAsync().GetAwaiter().GetResult();
        Directory.Delete(_folder, recursive: true);
    }

    private void Crowd(int nodes, int places, int[] splits, Random random)
    {
        Array.ForEach(splits, split => Submit(Math.Min(nodes, split + 1)));
        HashSet<long> left = [.. Enumerable.Range(1, splits.Length).Select(id => (long)id)];
        string[] names = [.. Enumerable.Range(0, nodes).Select(node => $"n{node}")];
        int beats = 0;
        while (left.Count > 0)
        {
            Assert.True(++beats < 400 * nodes, $"{left.Count} split jobs have had no turn in {beats} beats");
            Submit();
            string name = names[random.Next(nodes)];
            FakeNode node = Node(name);
            foreach (NodeOrder order in node.Claims.ToArray())
            {
                bool leads = order.Gang is not { Leads: false };
                bool isWhole = order.Gang is null || _nodes.Values.Count(one => one.Has(order)) == order.Gang.Nodes;
                if (leads && isWhole && random.Next(3) == 0)
                {
                    Assert.True(End(name, order, Done with { Code = 65, Error = "enough" }));
                    node.Claims.Remove(order);
                    if (order.Gang is not null)
                    {
                        left.Remove(order.Job);
                    }
                }
            }

            foreach (string lease in Beat(name, places - node.Claims.Count, address: "x:1").Void)
            {
                node.Claims.RemoveAll(order => order.Lease == lease);
            }

            Assert.True(node.Claims.Count <= places, $"{name} has {node.Claims.Count} of {places}");
            _clock.Advance(new TimeSpan(TimeSpan.TicksPerMillisecond));
        }
    }

    private (NodeOrder Leads, NodeOrder Joins) BeginTwo()
    {
        Submit(nodes: 2);
        Meet("a", "b");
        NodeOrder leads = Until("a");
        Beat("a", address: "10.0.0.1:99");
        NodeOrder joins = Until("b");
        Beat("b");
        return (leads, joins);
    }

    private void Submit(int nodes = 1, long memory = 0, long shared = 0) => Wait(_service.Scheduler.SubmitAsync(
        new JobRequest("test", [new RunRequest("", $"text {_texts++}", [], memory, shared)], Spread: new JobSpread(nodes)), "ada"));

    /// <summary>The service knows all of them before it gives one anything: it takes a beat for a job to be the next.</summary>
    private void Meet(params string[] names) => Array.ForEach(names, name => Beat(name, room: name == names[0] ? 0 : 1));

    private NodeOrder Until(string name, long memory = 0)
    {
        NodeOrder? order = null;
        HangGuard.Until(() => (order = Beat(name, memory: memory).Orders.SingleOrDefault()) is not null);
        return order!;
    }

    private NodeAnswer Beat(string name, int? room = null, string address = "", long memory = 0)
    {
        FakeNode node = Node(name);
        NodeAnswer answer = Wait(_service.Scheduler.BeatAsync(name, new NodeBeat(
            node.Instance,
            ++node.Number,
            BuildIdentity.Here,
            2,
            room ?? Math.Max(0, 1 - node.Claims.Count),
            NodeState.Ready,
            [
                .. node.Claims.Select(order => new NodeClaim(
                    order.Job, order.Lease, null, [], order.Gang is { Leads: true } ? address : "")),
            ],
            memory,
            1,
            "10.0.0.1")))!;
        node.Claims.RemoveAll(order => answer.Void.Contains(order.Lease));
        node.Claims.AddRange(answer.Orders);
        return answer;
    }

    private FakeNode Node(string name)
    {
        if (!_nodes.TryGetValue(name, out FakeNode? node))
        {
            _nodes[name] = node = new FakeNode($"{_nodes.Count:x16}");
        }

        return node;
    }

    private bool End(string name, NodeOrder order, JobAnswer answer)
    {
        bool counts = Wait(_service.Scheduler.EndAsync(name, order.Job, order.Lease, new NodeEnding(answer, "", IsLost: false)));
        _nodes[name].Claims.RemoveAll(claim => claim.Lease == order.Lease);
        return counts;
    }

    private static T Wait<T>(Task<T> task) => task.OrHangAsync().GetAwaiter().GetResult();

    /// <summary>What a node has, as it says it.</summary>
    private sealed class FakeNode(string instance)
    {
        public string Instance => instance;

        public long Number { get; set; }

        public List<NodeOrder> Claims { get; } = [];

        public bool Has(NodeOrder order) => Claims.Exists(claim => claim.Lease == order.Lease);
    }
}
