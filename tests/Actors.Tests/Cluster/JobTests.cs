using Akka.Actor;
using Akka.Util;
using VmSim.Actors.Cluster;
using VmSim.Actors.Running;
using VmSim.Actors.Simulation;
using VmSim.Core.Reports;
using VmSim.Core.Settings;

namespace VmSim.Actors.Tests.Cluster;

public sealed class JobTests
{
    private static readonly Address[] Addresses =
        [.. Enumerable.Range(1, 3).Select(i => new Address("akka.ssl.tcp", "vmsim", $"host{i}", 4_000 + i))];

    private static readonly TimeSpan Period = new(TimeSpan.TicksPerMinute);
    private static readonly AppVersion Build = AppVersion.Create("0.1.0");
    private readonly Clock _clock = new();
    private readonly Sink<int> _joined = new();
    private readonly Sink<RunProgress> _progress = new();
    private readonly Job _job;

    public JobTests() => _job = new Job(
        new JobProtocol.Submit(
            new RunPlan { Scenario = "", Nodes = 2, CoresPerNode = 1, Window = 100, Until = 5_000 },
            JoinSeconds: 7,
            _progress,
            _joined), _clock);

    [Fact]
    public void OnWorkers_TooFew_Waits()
    {
        Assert.Equal(JobAction.Wait, _job.OnWorkers(Addresses[..1]));
        Assert.Empty(_job.Nodes);
        Assert.Equal([1], _joined.Reported);
    }

    [Fact]
    public void OnWorkers_Enough_TakesTheFirst()
    {
        Assert.Equal(JobAction.Prepare, _job.OnWorkers(Addresses));
        Assert.Equal(Addresses[..2], _job.Nodes);
        Assert.Equal([2], _joined.Reported);
        Assert.Equal(JobAction.Wait, _job.OnWorkers(Addresses));
    }

    [Fact]
    public void OnJoinTimeout_Joining_SaysHowManyJoined()
    {
        Workers workers = new();
        Assert.Null(workers.Add(Addresses[0], Build, Build));
        Assert.NotNull(workers.Add(Addresses[1], AppVersion.Create("0.2.0"), Build));
        Assert.Equal(JobAction.Answer, _job.OnJoinTimeout(workers));
        Assert.Equal(
            "1 of 2 nodes joined within 7 s; node host2:4002 has another build of vmsim (0.2.0; here 0.1.0) and is left out; "
            + "cluster.join-seconds sets how long to wait",
            Failure<ScenarioException>().Message);
    }

    [Fact]
    public void OnJoinTimeout_Joined_IsNothing()
    {
        Prepared();
        Assert.Equal(JobAction.Wait, _job.OnJoinTimeout(new Workers()));
        Assert.False(_job.IsOver);
    }

    [Fact]
    public void OnPrepared_SaidTwiceByOneNode_WaitsForTheOther()
    {
        _job.OnWorkers(Addresses);
        Assert.Equal(JobAction.Wait, _job.OnPrepared(0, threads: 3));
        Assert.Equal(JobAction.Wait, _job.OnPrepared(0, threads: 3));
        Assert.Equal(JobAction.Begin, _job.OnPrepared(1, threads: 4));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(2)]
    public void AnyMessage_OfNoNodeOfTheRun_IsNothing(int node)
    {
        Prepared();
        _job.OnBusy(node);
        _job.OnProgressed(new NodeShardProtocol.Progressed(node, 1, 1));
        Assert.Equal(JobAction.Wait, _job.OnRefused(node, "no"));
        Assert.Equal(JobAction.Wait, _job.OnFailed(node, "broken"));
        Assert.Equal(JobAction.Wait, _job.OnStopped(Stopped(node)));
        Assert.Equal(JobAction.Wait, _job.OnCollected(Collected(node)));
        Assert.Empty(_progress.Reported);
        Assert.False(_job.IsOver);
    }

    [Fact]
    public void OnRefused_Preparing_NamesTheNode()
    {
        _job.OnWorkers(Addresses);
        Assert.Equal(JobAction.Answer, _job.OnRefused(1, "no such trace"));
        Assert.Equal("node 2 of 2 (host2:4002): no such trace", Failure<ScenarioException>().Message);
    }

    [Fact]
    public void OnStop_BeforeTheRun_IsACancelledJob()
    {
        Assert.Equal(JobAction.Answer, _job.OnStop());
        Assert.Equal("stopped before the nodes had joined", Failure<OperationCanceledException>().Message);
    }

    [Fact]
    public void OnStop_Preparing_IsACancelledJob()
    {
        _job.OnWorkers(Addresses);
        Assert.Equal(JobAction.Answer, _job.OnStop());
        Assert.Equal("stopped before the nodes were ready", Failure<OperationCanceledException>().Message);
    }

    [Fact]
    public void OnStop_Running_StopsTheShards()
    {
        Prepared();
        Assert.Equal(JobAction.Stop, _job.OnStop());
        Assert.False(_job.IsOver);
    }

    [Fact]
    public void OnProgressed_OfTwoNodes_AddsTheirAccesses()
    {
        Prepared();
        _job.OnProgressed(new NodeShardProtocol.Progressed(0, 50, 10));
        _job.OnProgressed(new NodeShardProtocol.Progressed(1, 60, 5));
        Assert.Equal([new RunProgress(50, 10), new RunProgress(60, 15)], _progress.Reported);
    }

    [Fact]
    public void OnStopped_AllNodes_CollectsAtTheLatestEnd()
    {
        Prepared();
        Assert.Equal(JobAction.Wait, _job.OnStopped(Stopped(0, clock: 700)));
        Assert.Equal(JobAction.Wait, _job.OnStopped(Stopped(0, clock: 9_000)));
        Assert.Equal(JobAction.Collect, _job.OnStopped(Stopped(1, clock: 800)));
        Assert.Equal(800, _job.End);
    }

    [Fact]
    public void OnPeriod_Running_SavesThePartsInTheirOrderAndGoesOn()
    {
        List<IReadOnlyList<byte[]>> kept = [];
        Job job = WithCheckpoints(kept);
        Assert.Equal(JobAction.Stop, job.OnPeriod());
        job.OnStopped(Stopped(0, windows: 4) with { Completed = false });
        Assert.Equal(JobAction.Save, job.OnStopped(Stopped(1, windows: 4)));
        Assert.Equal(JobAction.Wait, job.OnPeriod());
        Assert.Equal(JobAction.Wait, job.OnSaved(new NodeShardProtocol.Saved(1, 2, [3])));
        Assert.Equal(JobAction.Wait, job.OnSaved(new NodeShardProtocol.Saved(1, 2, [4])));
        Assert.Equal(JobAction.Wait, job.OnSaved(new NodeShardProtocol.Saved(1, 2, [5])));
        Assert.Equal(JobAction.Keep, job.OnSaved(new NodeShardProtocol.Saved(0, 1, [1, 2])));
        job.Keep!();
        Assert.Equal([[1, 2], [3, 4]], kept.Select(part => part.SelectMany(piece => piece)));
        Assert.Equal(JobAction.Begin, job.OnKept());
        job.OnStopped(Stopped(0));
        Assert.Equal(JobAction.Collect, job.OnStopped(Stopped(1)));
        job.OnCollected(Collected(0));
        Assert.Equal(JobAction.Answer, job.OnCollected(Collected(1)));
        Assert.True(Assert.IsType<JobProtocol.Finished>(job.Answer).Completed);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void OnStop_WithCheckpoints_SavesAndThenCollects(bool isLate)
    {
        Job job = WithCheckpoints([]);
        Assert.Equal(JobAction.Stop, isLate ? job.OnPeriod() : job.OnStop());
        job.OnStopped(Stopped(0) with { Completed = false });
        Assert.Equal(JobAction.Save, job.OnStopped(Stopped(1) with { Completed = false }));
        job.OnSaved(new NodeShardProtocol.Saved(0, 1, []));
        job.OnSaved(new NodeShardProtocol.Saved(1, 1, []));
        if (isLate)
        {
            Assert.Equal(JobAction.Wait, job.OnStop());
        }

        Assert.Equal(JobAction.Collect, job.OnKept());
    }

    /// <summary>A piece is the same array each time, so that the test needs no such memory.</summary>
    [Fact]
    public void OnSaved_MoreThanAnArrayHolds_IsKeptInPieces()
    {
        const int Pieces = 600;
        byte[] piece = new byte[4 << 20];
        List<IReadOnlyList<byte[]>> kept = [];
        Job job = WithCheckpoints(kept);
        job.OnPeriod();
        job.OnStopped(Stopped(0) with { Completed = false });
        job.OnStopped(Stopped(1) with { Completed = false });
        job.OnSaved(new NodeShardProtocol.Saved(1, 1, [7]));
        for (int i = 1; i < Pieces; i++)
        {
            Assert.Equal(JobAction.Wait, job.OnSaved(new NodeShardProtocol.Saved(0, Pieces, piece)));
        }

        Assert.Equal(JobAction.Keep, job.OnSaved(new NodeShardProtocol.Saved(0, Pieces, piece)));
        job.Keep!();
        Assert.True(kept[0].Sum(one => (long)one.Length) > Array.MaxLength);
        Assert.Equal([7], Assert.Single(kept[1]));
    }

    [Fact]
    public void OnCollected_MoreThanAnArrayHolds_SaysHowMuch()
    {
        const int Pieces = 600;
        byte[] piece = new byte[4 << 20];
        Prepared();
        _job.OnStopped(Stopped(0));
        _job.OnStopped(Stopped(1));
        for (int i = 1; i < Pieces; i++)
        {
            Assert.Equal(JobAction.Wait, _job.OnCollected(new NodeShardProtocol.Collected(1, Pieces, piece, Host("b"))));
        }

        Assert.Equal(JobAction.Answer, _job.OnCollected(new NodeShardProtocol.Collected(1, Pieces, piece, Host("b"))));
        Assert.StartsWith(
            "node 2 of 2 (host2:4002): its statistics have 2516582400 bytes; at most 2147483591 are allowed",
            Failure<SimulationFailedException>().Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void OnKept_WithoutAWindowSinceTheLast_WaitsTwiceAsLong()
    {
        Job job = WithCheckpoints([]);
        job.OnPeriod();
        job.OnStopped(Stopped(0, windows: 0) with { Completed = false });
        job.OnStopped(Stopped(1, windows: 0) with { Completed = false });
        job.OnSaved(new NodeShardProtocol.Saved(0, 1, []));
        job.OnSaved(new NodeShardProtocol.Saved(1, 1, []));
        job.OnKept();
        Assert.Equal(2 * Period, job.Period);
    }

    [Fact]
    public void OnNotKept_EndsTheRun()
    {
        Job job = WithCheckpoints([]);
        Assert.Equal(JobAction.Answer, job.OnNotKept(new IOException("no room")));
        Assert.Equal("no room", Assert.IsType<JobProtocol.Failed>(job.Answer).Reason.Message);
    }

    [Fact]
    public void OnCollected_AllPiecesOfAllNodes_Finishes()
    {
        Prepared();
        _clock.Seconds += 3;
        _job.OnStopped(Stopped(0, windows: 4));
        _job.OnStopped(Stopped(1, windows: 5) with { Completed = false });
        _clock.Seconds += 10;
        byte[] bytes = StatisticsCodec.Encode(new RunStatistics());
        Assert.Equal(JobAction.Wait, _job.OnCollected(new NodeShardProtocol.Collected(1, 2, bytes[..5], Host("b"))));
        Assert.Equal(JobAction.Wait, _job.OnCollected(new NodeShardProtocol.Collected(1, 2, bytes[5..], Host("b"))));
        Assert.Equal(JobAction.Answer, _job.OnCollected(Collected(0)));
        JobProtocol.Finished finished = Assert.IsType<JobProtocol.Finished>(_job.Answer);
        Assert.False(finished.Completed);
        Assert.Equal(9, finished.Windows);
        Assert.Equal(7, finished.Threads);
        Assert.Equal(3, finished.WallSeconds);
        Assert.Equal(["host1:4001", "host2:4002"], finished.Nodes.Select(node => node.Address));
    }

    [Fact]
    public void OnCollected_DamagedBytes_NamesTheNode()
    {
        Prepared();
        _job.OnStopped(Stopped(0));
        _job.OnStopped(Stopped(1));
        Assert.Equal(JobAction.Answer, _job.OnCollected(Collected(1) with { Bytes = [1, 2, 3] }));
        Assert.StartsWith("node 2 of 2 (host2:4002): statistics: ", Failure<SimulationFailedException>().Message, StringComparison.Ordinal);
    }

    [Fact]
    public void OnFailed_Running_NamesTheNode()
    {
        Prepared();
        Assert.Equal(JobAction.Answer, _job.OnFailed(0, "a defect"));
        Assert.Equal("node 1 of 2 (host1:4001): a defect", Failure<SimulationFailedException>().Message);
    }

    [Fact]
    public void On_MessagesOfNodes_MeansWhatTheyMean()
    {
        Prepared();
        Assert.Null(_job.On("anything else"));
        Assert.Equal(JobAction.Stop, _job.On(new JobProtocol.Stop()));
        Assert.Equal(JobAction.Wait, _job.On(new NodeProtocol.Busy(0)));
        Assert.Equal(JobAction.Wait, _job.On(Stopped(0)));
        Assert.Equal(JobAction.Answer, _job.On(new JobProtocol.ProcessEnded("local node 1 of 2")));
        Assert.Equal("local node 1 of 2 was lost; the run has stopped", Failure<NodeLostException>().Message);
    }

    [Fact]
    public void OnLost_ANodeOfTheRun_EndsTheJobOnce()
    {
        Prepared();
        Assert.Equal(JobAction.Wait, _job.OnLost(Addresses[2]));
        Assert.Equal(JobAction.Answer, _job.OnLost(Addresses[1]));
        Assert.Equal("node 2 of 2 (host2:4002) was lost; the run has stopped", Failure<NodeLostException>().Message);
        Assert.Equal(JobAction.Wait, _job.OnLost(Addresses[0]));
        Assert.Equal(JobAction.Wait, _job.OnStop());
        Assert.Equal("node 2 of 2 (host2:4002) was lost; the run has stopped", Failure<NodeLostException>().Message);
    }

    [Fact]
    public void OnSecond_ANodeIsSilent_NamesIt()
    {
        _job.OnWorkers(Addresses);
        Assert.Equal([0, 1], _job.Unheard);
        _job.OnBusy(0);
        Assert.Equal([1], _job.Unheard);
        for (int second = 0; second < SilenceWatch.SecondsMax; second++)
        {
            Assert.Equal(JobAction.Wait, _job.OnSecond());
            _job.OnBusy(0);
        }

        Assert.Equal(JobAction.Answer, _job.OnSecond());
        Assert.StartsWith(
            "node 2 of 2 (host2:4002) was lost: it has said nothing for 15 s",
            Failure<NodeLostException>().Message,
            StringComparison.Ordinal);
    }

    private Job WithCheckpoints(List<IReadOnlyList<byte[]>> kept)
    {
        Job job = new(
            new JobProtocol.Submit(
                new RunPlan { Scenario = "", Nodes = 2, CoresPerNode = 1, Window = 100 },
                JoinSeconds: 7,
                Progress: null,
                Joined: null,
                Checkpoints: new JobProtocol.PartKeeper(Period, kept.AddRange)),
            _clock);
        job.OnWorkers(Addresses);
        job.OnPrepared(0, threads: 1);
        Assert.Equal(JobAction.Begin, job.OnPrepared(1, threads: 1));
        return job;
    }

    private static NodeShardProtocol.Stopped Stopped(int node, long clock = 100, long windows = 1) =>
        new(node, Completed: true, windows, new RunEnd(clock, true, false));

    private static NodeShardProtocol.Collected Collected(int node) => new(node, 1, StatisticsCodec.Encode(new RunStatistics()), Host("a"));

    private static NodeReport Host(string address) => new(address, 1, 2, 3, 4);

    private void Prepared()
    {
        _job.OnWorkers(Addresses);
        _job.OnPrepared(0, threads: 3);
        Assert.Equal(JobAction.Begin, _job.OnPrepared(1, threads: 4));
    }

    private T Failure<T>()
        where T : Exception => Assert.IsType<T>(Assert.IsType<JobProtocol.Failed>(_job.Answer).Reason);

    private sealed class Sink<T> : IProgress<T>
    {
        public List<T> Reported { get; } = [];

        public void Report(T value) => Reported.Add(value);
    }

    /// <summary>A clock that only the test turns.</summary>
    private sealed class Clock : TimeProvider
    {
        public long Seconds { get; set; }

        public override long TimestampFrequency => 1;

        public override long GetTimestamp() => Seconds;
    }
}
