using VmSim.Actors.Cluster;
using VmSim.Host.Service;
using VmSim.Testing;

namespace VmSim.Host.Tests.Service;

/// <summary>Nodes on plain objects: what they are given, and what becomes of that in every order of loss, return and end.</summary>
public sealed class NodeSchedulerTests : IDisposable
{
    private const string Digest = "0123456789abcdef";
    private const string One = "00000000000000a1";
    private const string Other = "00000000000000b2";
    private static readonly JobAnswer Done = new(Digest, false, "completed", 1, 0, "");

    private readonly string _folder = Directory.CreateTempSubdirectory("vmsim-nodes-").FullName;
    private readonly MovableClock _clock = new();
    private long _number = 100;
    private Scheduled _service;

    public NodeSchedulerTests() => _service = new Scheduled(_folder, _clock);

    [Fact]
    public void Order_ClaimedAndEnded_IsDone()
    {
        Submit();
        NodeOrder order = Assert.Single(Beat("a", 1).Orders);
        Assert.Equal(("text", false), (order.Scenario, order.HasCheckpoint));
        Assert.Empty(Beat("a", 2, order).Orders);
        Assert.Equal(1, Assert.Single(_service.Scheduler.Nodes()).Running);
        Assert.True(End("a", order));
        HangGuard.Until(() => _service.Find(1).State == JobState.Done);
        Assert.Equal(("a", Digest, "completed"), (_service.Find(1).Node, _service.Find(1).Digest, _service.Find(1).Outcome));
        Assert.False(End("a", order));
    }

    /// <summary>The answer that had the order was lost on its way: the next beat does not claim it.</summary>
    [Fact]
    public void Order_ThatDidNotArrive_IsGivenAgain()
    {
        Submit();
        NodeOrder lost = Assert.Single(Beat("a", 1).Orders);
        Beat("a", 2, room: 0);
        HangGuard.Until(() => _service.Find(1).State == JobState.Queued);
        NodeOrder again = GivenTo("a", One);
        Assert.NotEqual(lost.Lease, again.Lease);
        Assert.Equal([lost.Lease], Beat("a", ++_number, lost, again).Void);
        Assert.False(End("a", lost));

        // A beat that was overtaken on its way says nothing.
        Assert.Empty(Beat("a", 2).Orders);
        Assert.Equal((JobState.Running, 1), (_service.Find(1).State, _service.Find(1).Attempts));
    }

    [Fact]
    public void Node_ThatFallsSilent_LosesWhatItHas()
    {
        Submit();
        NodeOrder first = Assert.Single(Beat("a", 1).Orders);
        Beat("a", 2, first);
        _clock.Advance(ServiceNode.Silence);
        HangGuard.Until(() => _service.Find(1).State == JobState.Queued);
        Assert.Equal("node a has fallen silent", _service.Find(1).Reason);
        NodeOrder second = GivenTo("b", Other);

        // It was frozen, and goes on: what it has counts no more.
        Assert.Equal([first.Lease], Beat("a", 3, first).Void);
        Assert.False(_service.Scheduler.Holds("a", 1, first.Lease));
        Assert.True(_service.Scheduler.Holds("b", 1, second.Lease));
        Assert.Equal(1, _service.Find(1).Attempts);
    }

    [Fact]
    public async Task Service_ThatComesBack_GoesOnWithWhatNodesHave()
    {
        Submit();
        Submit("other");
        NodeOrder[] orders = [.. Beat("a", 1, room: 2).Orders];
        Assert.Equal(2, orders.Length);
        Beat("a", 2, orders);
        await _service.StopAsync();
        _service = new Scheduled(_folder, _clock);
        NodeAnswer answer = Beat("a", 3, One, room: 1, orders[0]);
        Assert.Empty(answer.Void);
        Assert.Empty(answer.Orders);
        Assert.Equal(JobState.Running, _service.Find(1).State);

        // The other one is nobody's; it waits as long as its node could still claim it.
        Assert.Equal(JobState.Queued, _service.Find(2).State);
        Assert.Empty(Beat("b", 1, instance: Other).Orders);
        _clock.Advance(ServiceNode.Silence);
        Beat("a", 4, One, room: 0, orders[0]);
        NodeOrder again = Assert.Single(Beat("b", 2, instance: Other).Orders);
        Assert.Equal(2, again.Job);
        Assert.Equal([orders[1].Lease], Beat("a", 5, One, room: 0, orders).Void);
        PutResult();
        Assert.True(End("a", orders[0]));
        HangGuard.Until(() => _service.Find(1).State == JobState.Done);
    }

    [Fact]
    public void Node_ThatLeaves_GivesBackAtOnce()
    {
        Submit();
        Assert.Single(Beat("a", 1).Orders);
        Assert.Empty(Wait(_service.Scheduler.BeatAsync("a", Say(One, 2, state: NodeState.Leaving)))!.Orders);
        HangGuard.Until(() => _service.Find(1).State == JobState.Queued);
        Assert.Equal("node a has left", _service.Find(1).Reason);
        Assert.Empty(_service.Scheduler.Nodes());
    }

    [Fact]
    public void Node_ThatDrains_IsGivenNothing()
    {
        Assert.False(_service.Scheduler.Drain("a"));
        Beat("a", 1);
        Assert.True(_service.Scheduler.Drain("a"));
        Submit();
        NodeAnswer answer = Beat("a", 2);
        Assert.Empty(answer.Orders);
        Assert.True(answer.Drains);
        Assert.Equal(NodeState.Draining, Assert.Single(_service.Scheduler.Nodes()).State);
        Assert.Single(Beat("b", 1, instance: Other).Orders);
    }

    [Fact]
    public void Node_OfAnotherBuild_IsGivenNothing()
    {
        Submit();
        Assert.Empty(Wait(_service.Scheduler.BeatAsync("a", Say(One, 1) with { Build = "0.0.1-0000" }))!.Orders);
        Assert.Contains(BuildIdentity.Here, Assert.Single(_service.Scheduler.Nodes()).Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Name_OfALivingNode_IsTaken()
    {
        Beat("a", 1);
        Assert.Null(Wait(_service.Scheduler.BeatAsync("a", Say(Other, 1))));
        _clock.Advance(ServiceNode.Silence);
        Assert.NotNull(Wait(_service.Scheduler.BeatAsync("a", Say(Other, 1))));
    }

    [Fact]
    public void Job_ThatIsCancelled_IsVoid()
    {
        Submit();
        NodeOrder order = Assert.Single(Beat("a", 1).Orders);
        Assert.True(Wait(_service.Scheduler.CancelAsync(_service.Find(1), "ada")));
        Assert.Equal([order.Lease], Beat("a", 2, order).Void);
        HangGuard.Until(() => _service.Find(1).State == JobState.Cancelled);
        Assert.Equal("cancelled by ada", _service.Find(1).Reason);
    }

    /// <summary>Two that ask for the same are one run.</summary>
    [Fact]
    public void Jobs_ThatAskForTheSame_AreMadeOnce()
    {
        Submit();
        Submit();
        NodeOrder order = Assert.Single(Beat("a", 1, room: 2).Orders);
        Beat("a", 2, order);
        PutResult();
        Assert.True(End("a", order));
        HangGuard.Until(() => _service.Find(1).State == JobState.Done);
        HangGuard.Until(() =>
        {
            Assert.Empty(Wait(_service.Scheduler.BeatAsync("b", Say(Other, ++_number)))!.Orders);
            return _service.Find(2).State == JobState.Done;
        });
    }

    /// <summary>Figures are asked for while somebody looks, and gone with the job.</summary>
    [Fact]
    public void Figures_OfAJob_AreToldWhileSomebodyLooks()
    {
        Submit();
        NodeOrder order = Assert.Single(Beat("a", 1).Orders);
        Assert.Equal([], Beat("a", 2, order).Looked!);
        Assert.Null(_service.Scheduler.LookAt(1));
        Assert.Equal([order.Lease], Beat("a", 3, order).Looked!);
        Assert.Equal([], Beat("a", 4, order).Looked!);
        JobFigures figures = SomeFigures.Of();
        NodeClaim claim = new(1, order.Lease, null, [], Figures: figures);

        // A node that has the job no more says nothing that counts.
        Wait(_service.Scheduler.BeatAsync("a", Say(One, 5, claim with { Lease = Other }, new NodeClaim(1, order.Lease, null, []))));
        Assert.Null(_service.Scheduler.LookAt(1));
        int number = 5;

        // What is said before the attempt has begun to listen is said again a second later.
        HangGuard.Until(() =>
        {
            Wait(_service.Scheduler.BeatAsync("a", Say(One, ++number, claim)));
            return ReferenceEquals(figures, _service.Scheduler.LookAt(1));
        });
        Beat("a", ++number, order);
        Assert.Same(figures, _service.Scheduler.LookAt(1));

        // Nobody has looked for a while: what was told then is no figure of now.
        _clock.Advance(JobViewer.LookTime);
        Beat("a", ++number, order);
        Assert.Null(_service.Scheduler.LookAt(1));
        Assert.True(End("a", order));
        HangGuard.Until(() => _service.Scheduler.LookAt(1) is null);
    }

    [Fact]
    public void Problem_OfABeat_NamesIt()
    {
        NodeBeat good = Say(One, 1, new NodeClaim(1, One, null, ["line"]));
        Assert.Null(NodeRules.Problem(good));
        foreach ((NodeBeat bad, string words) in new (NodeBeat, string)[]
        {
            (good with { Instance = "x" }, "instance"),
            (good with { Number = 0 }, "number"),
            (good with { Build = "" }, "build"),
            (good with { Build = "\u001b[2J" }, "build"),
            (good with { Build = "\u202ex" }, "build"),
            (good with { Claims = [new NodeClaim(1, One, new JobProgress(1, -5, 1), [])] }, "claims"),
            (good with { Claims = [new NodeClaim(1, One, new JobProgress(1e308, 1, 1), [])] }, "claims"),
            (good with { Jobs = 0 }, "jobs"),
            (good with { Room = -1 }, "room"),
            (good with { Room = good.Jobs + 1 }, "room"),
            (good with { State = (NodeState)9 }, "state"),
            (good with { Claims = [null!] }, "claims"),
            (good with { Claims = [new NodeClaim(1, "../x", null, [])] }, "claims"),
            (good with { Claims = [new NodeClaim(1, One, null, [null!])] }, "claims"),
            (good with { Claims = [new NodeClaim(1, One, null, ["\u0007"])] }, "claims"),
            (good with { Claims = [new NodeClaim(1, One, null, [], Figures: SomeFigures.Of() with { Ghz = -1 })] }, "ghz"),
        })
        {
            Assert.Contains(words, NodeRules.Problem(bad), StringComparison.Ordinal);
        }

        foreach (string name in (string[])["", "a/b", "..%2f", "a b", new string('a', NodeRules.NameMax + 1)])
        {
            Assert.NotNull(NodeRules.NameProblem(name));
        }

        Assert.Null(NodeRules.NameProblem("box-2.lab_3"));
    }

    /// <summary>Whatever a process says, a node makes something of it that the service takes.</summary>
    [Theory]
    [InlineData("two\nlines\r\nand a bell \u0007 and \u202e")]
    [InlineData("")]
    public void Problem_OfAnEnding_IsNoneForWhatNodesSend(string said)
    {
        foreach (string text in (string[])[said, said + new string('x', 100_000)])
        {
            string sendable = NodeRules.Sendable(text);
            Assert.Null(NodeRules.Problem(new NodeEnding(null, sendable, IsLost: false)));
            Assert.Null(NodeRules.Problem(new NodeEnding(Done with { Error = sendable }, "", IsLost: false)));
            Assert.Null(NodeRules.Problem(Say(One, 1, new NodeClaim(1, One, null, [sendable]))));
        }

        Assert.NotNull(NodeRules.Problem(new NodeEnding(null, "two\nlines", IsLost: false)));
        Assert.NotNull(NodeRules.Problem(new NodeEnding(Done with { PeakBytes = -1 }, "", IsLost: false)));
    }

    public void Dispose()
    {
        _service.StopAsync().GetAwaiter().GetResult();
        Directory.Delete(_folder, recursive: true);
    }

    private void Submit(string text = "text") =>
        Wait(_service.Scheduler.SubmitAsync(new JobRequest("test", [new RunRequest("", text, [])]), "ada"));

    private NodeAnswer Beat(string name, long number, params NodeOrder[] claimed) => Beat(name, number, One, room: 1, claimed);

    private NodeAnswer Beat(string name, long number, int room) => Beat(name, number, One, room);

    private NodeAnswer Beat(string name, long number, string instance) => Beat(name, number, instance, room: 1);

    private NodeAnswer Beat(string name, long number, string instance, int room, params NodeOrder[] claimed) =>
        Wait(_service.Scheduler.BeatAsync(
            name,
            Say(instance, number, [.. claimed.Select(order => new NodeClaim(order.Job, order.Lease, null, []))]) with { Room = room }))!;

    private static NodeBeat Say(string instance, long number, params NodeClaim[] claims) =>
        new(instance, number, BuildIdentity.Here, 2, 1, NodeState.Ready, claims);

    private static NodeBeat Say(string instance, long number, NodeState state) => Say(instance, number) with { State = state };

    /// <summary>What a node is given as soon as there is something: a job stands in the store before it stands in the queue.</summary>
    private NodeOrder GivenTo(string name, string instance)
    {
        NodeOrder? order = null;
        HangGuard.Until(() => (order = Beat(name, ++_number, instance).Orders.SingleOrDefault()) is not null);
        return order!;
    }

    private bool End(string name, NodeOrder order) =>
        Wait(_service.Scheduler.EndAsync(name, order.Job, order.Lease, new NodeEnding(Done, "", IsLost: false)));

    private static T Wait<T>(Task<T> task) => task.OrHangAsync().GetAwaiter().GetResult();

    private void PutResult()
    {
        string result = new StoreFolder(_folder).ResultOf(Digest);
        Directory.CreateDirectory(result);
        File.WriteAllText(Path.Combine(result, "report.json"), "{}");
    }
}
