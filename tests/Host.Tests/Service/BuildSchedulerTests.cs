using VmSim.Host.Service;
using VmSim.Testing;

namespace VmSim.Host.Tests.Service;

/// <summary>A service of a new build, and nodes of the old one and the new: each makes the jobs of its own.</summary>
public sealed class BuildSchedulerTests : IDisposable
{
    private const string Old = "1.0.0-old";
    private const string New = "1.0.0-new";
    private const string Digest = "0123456789abcdef";
    private static readonly TimeSpan Quarter = ServiceNode.Silence / 4;

    private readonly string _folder = Directory.CreateTempSubdirectory("vmsim-builds-").FullName;
    private readonly MovableClock _clock = new();
    private readonly Dictionary<string, FakeNode> _nodes = [];
    private Scheduled _service;

    public BuildSchedulerTests() => _service = new Scheduled(_folder, _clock, Old);

    [Fact]
    public async Task Jobs_OfTwoBuilds_AreMadeByNodesOfTheirOwn()
    {
        Submit("a");
        Submit("b");
        await UpgradeAsync();
        Submit("c");
        Assert.Equal(3, GivenTo("new", New).Job);
        Assert.Equal(1, GivenTo("old", Old).Job);
        Assert.Empty(Beat("new", New).Orders);
        Assert.Equal(2, GivenTo("old", Old).Job);
        Assert.Empty(Beat("old", Old).Orders);
        Assert.Equal((Old, New), (_service.Find(2).Build, _service.Find(3).Build));
    }

    /// <summary>A node says why it is idle where nothing of its build waits.</summary>
    [Fact]
    public async Task Nodes_OfAnotherBuild_SayWhatTheyWaitFor()
    {
        Submit("a");
        await UpgradeAsync();
        Beat("old", Old, room: 0);
        Beat("other", "1.0.0-other");
        Assert.Equal("", Assert.Single(_service.Scheduler.Nodes(), node => node.Name == "old").Problem);
        Assert.Contains(New, Assert.Single(_service.Scheduler.Nodes(), node => node.Name == "other").Problem, StringComparison.Ordinal);
        Assert.Equal("", _service.Scheduler.WaitsOf(_service.Find(1)));
        Leave("old", Old);
        Assert.Contains(Old, _service.Scheduler.WaitsOf(_service.Find(1)), StringComparison.Ordinal);
        Submit("b");
        Assert.Contains(New, _service.Scheduler.WaitsOf(_service.Find(2)), StringComparison.Ordinal);
        Beat("old", Old, room: 0);
        Assert.Equal(1, GivenTo("old", Old).Job);
        Assert.Contains(New, Assert.Single(_service.Scheduler.Nodes(), node => node.Name == "old").Problem, StringComparison.Ordinal);
    }

    /// <summary>What an old node has goes on under the new service, and is the old build's when it has to be begun again.</summary>
    [Fact]
    public async Task Job_OfANodeThatGoesOn_StaysOfItsBuild()
    {
        Submit("a");
        NodeOrder order = GivenTo("old", Old);
        await UpgradeAsync();
        Assert.Empty(Beat("old", Old, room: 0).Void);
        Assert.Equal(JobState.Running, _service.Find(1).State);
        Assert.True(await _service.Scheduler.EndAsync("old", 1, order.Lease, new NodeEnding(null, "killed", IsLost: true)));
        _nodes["old"].Claims.Clear();
        HangGuard.Until(() => _service.Find(1).State == JobState.Queued);
        Assert.Empty(Beat("new", New).Orders);
        Assert.Equal(1, GivenTo("old", Old).Job);
    }

    /// <summary>When the last node of a build has gone, its jobs are for the service's build, the older first.</summary>
    [Fact]
    public async Task Jobs_OfABuildThatNobodyHas_AreMadeByTheNext()
    {
        Submit("a");
        Submit("b");
        Submit("split", nodes: 2);
        await UpgradeAsync();
        Submit("c");
        Beat("old", Old, room: 0);
        for (int quarter = 0; quarter < 3; quarter++)
        {
            _clock.Advance(Quarter);
            Beat("old", Old, room: 0);
            Beat("new", New, room: 0);
        }

        // The old one is there still; it leaves, and is missed.
        Leave("old", Old);
        _clock.Advance(Quarter);
        Assert.Equal(4, GivenTo("new", New).Job);
        for (int quarter = 0; quarter < 4; quarter++)
        {
            _clock.Advance(Quarter);
            Beat("new", New, room: 0);
            Beat("second", New, room: 0);
        }

        List<NodeOrder> orders = [];
        while (orders.DistinctBy(order => order.Job).Count() < 3)
        {
            orders.Add(GivenTo("new", New, "second"));
        }

        Assert.All(orders, order => Assert.Equal(order.Job == 3, order.Gang is not null));
        Assert.All([1, 2, 3], id => Assert.Equal((New, JobState.Running), (_service.Find(id).Build, _service.Find(id).State)));
        Assert.Contains(_service.Store.LogOf(1), line => line.Text.Contains(Old, StringComparison.Ordinal));

        // Whoever asks for the same of the new build has that result.
        PutResult();
        NodeOrder first = orders.Single(order => order.Job == 1);
        JobAnswer done = new(Digest, false, "completed", 1, 0, "");
        Assert.True(await _service.Scheduler.EndAsync(_service.Find(1).Node, 1, first.Lease, new NodeEnding(done, "", IsLost: false)));
        HangGuard.Until(() => _service.Find(1).State == JobState.Done);
        Submit("a");
        Assert.Equal(JobState.Done, _service.Find(5).State);
    }

    /// <summary>Split jobs have nodes of one build alone, and one that waits for a build's nodes keeps none of another's.</summary>
    [Fact]
    public async Task SplitJob_HasNodesOfOneBuild()
    {
        Submit("old split", nodes: 2);
        await UpgradeAsync();
        Submit("new split", nodes: 2);
        foreach ((string name, string build, int room) in new[] { ("o1", Old, 0), ("n1", New, 0), ("o2", Old, 1), ("n2", New, 1) })
        {
            Assert.Empty(Beat(name, build, room).Orders);
        }

        Assert.Equal(1, GivenTo("o1", Old).Job);
        Assert.Equal(2, GivenTo("n1", New).Job);
        Assert.Equal(["o1", "o2"], _service.Find(1).Members);
        Assert.Equal(["n1", "n2"], _service.Find(2).Members);
    }

    /// <summary>A split job for which nodes were kept, and whose nodes have all gone, does not stand in the way of others.</summary>
    [Fact]
    public async Task SplitJob_WhoseNodesHaveGone_KeepsNobody()
    {
        Submit("old split", nodes: 2);
        await UpgradeAsync();
        Submit("new split", nodes: 2);
        Beat("o1", Old);
        Beat("n1", New, room: 0);
        Beat("n2", New);
        Leave("o1", Old);
        Assert.Equal(2, GivenTo("n1", New).Job);
        Assert.Equal((JobState.Queued, Old), (_service.Find(1).State, _service.Find(1).Build));
    }

    public void Dispose()
    {
        _service.StopAsync().GetAwaiter().GetResult();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task UpgradeAsync()
    {
        await _service.StopAsync();
        _service = new Scheduled(_folder, _clock, New);
        HangGuard.Until(() => _service.Scheduler.HasRecovered);
    }

    private void Submit(string text, int nodes = 1) => Wait(_service.Scheduler.SubmitAsync(
        new JobRequest("test", [new RunRequest("", text, [])], Spread: new JobSpread(nodes)), "ada"));

    /// <summary>What a node is given as soon as there is something; another one asks too, if a job is for both.</summary>
    private NodeOrder GivenTo(string name, string build, string? other = null)
    {
        NodeOrder? order = null;
        HangGuard.Until(() =>
        {
            order = Beat(name, build).Orders.SingleOrDefault();
            if (order is null && other is not null)
            {
                order = Beat(other, build).Orders.SingleOrDefault();
            }

            return order is not null;
        });
        return order!;
    }

    private NodeAnswer Beat(string name, string build, int room = 1)
    {
        NodeAnswer answer = Wait(_service.Scheduler.BeatAsync(name, Say(name, build) with { Room = room }))!;
        _nodes[name].Claims.AddRange(answer.Orders);
        return answer;
    }

    private void Leave(string name, string build) =>
        Assert.NotNull(Wait(_service.Scheduler.BeatAsync(name, Say(name, build) with { State = NodeState.Leaving })));

    private NodeBeat Say(string name, string build)
    {
        if (!_nodes.TryGetValue(name, out FakeNode? node))
        {
            _nodes[name] = node = new FakeNode($"{_nodes.Count:x16}");
        }

        NodeClaim[] claims = [.. node.Claims.Select(order => new NodeClaim(order.Job, order.Lease, null, [], "10.0.0.1:9"))];
        return new NodeBeat(node.Instance, ++node.Number, build, 9, 1, NodeState.Ready, claims, Threads: 1, Host: "10.0.0.1");
    }

    private void PutResult()
    {
        string result = new StoreFolder(_folder).ResultOf(Digest);
        Directory.CreateDirectory(result);
        File.WriteAllText(Path.Combine(result, "report.json"), "{}");
    }

    private static T Wait<T>(Task<T> task) => task.OrHangAsync().GetAwaiter().GetResult();

    /// <summary>What a node has, as it says it.</summary>
    private sealed class FakeNode(string instance)
    {
        public string Instance => instance;

        public long Number { get; set; }

        public List<NodeOrder> Claims { get; } = [];
    }
}
