using Akka.Actor;
using VmSim.Actors.Cluster;
using VmSim.Core.Reports;

namespace VmSim.Actors.Tests.Cluster;

/// <summary>
/// Every order in which two local nodes start, join, get ready, stop and answer, in which the run is submitted and stopped, and in which
/// one of them dies or freezes at any point: each ends with the answer that belongs to it, within the seconds of silence that are stated.
/// </summary>
public sealed class JobOrderTests
{
    private static readonly Address[] Addresses =
        [.. Enumerable.Range(0, 2).Select(i => new Address("akka.ssl.tcp", "vmsim", "host", 4_000 + i))];

    /// <summary>What a node does when all goes well, step by step.</summary>
    private enum Step
    {
        Start,
        Join,
        Ready,
        Stopped,
        Collected,
    }

    [Fact]
    public void AnyOrder_OfStartJoinSubmitAndEnd_AnswersOnce()
    {
        int orders = 0;
        foreach (int[] order in Orders())
        {
            Stage stage = new();
            foreach (int actor in order)
            {
                stage.Go(actor);
            }

            stage.RunOut();
            Assert.True(stage.Answer is JobProtocol.Finished, $"order {string.Join("", order)}: {stage.Describe()}");
            Assert.Equal(1, stage.Answers);
            orders++;
        }

        Assert.Equal(30, orders);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void AnyOrder_NodeDiesAtAnyPoint_NamesIt(int node) => AtEveryPoint(
        (stage, point) =>
        {
            stage.Die(node);
            stage.RunOut();
            Assert.True(
                stage.Failure is NodeLostException lost && lost.Message.Contains($"local node {node + 1}", StringComparison.Ordinal),
                $"{point}: {stage.Describe()}");
        });

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void AnyOrder_NodeFreezesAtAnyPoint_NamesItWithinTheSecondsOfSilence(int node) => AtEveryPoint(
        (stage, point) =>
        {
            stage.Freeze(node);
            int seconds = stage.RunOut();

            // One that has delivered all that it had is not missed.
            bool isNamed = stage.Failure is NodeLostException lost && lost.Message.Contains($"{node + 1} of 2", StringComparison.Ordinal);
            Assert.True(isNamed || (stage.HasDelivered(node) && stage.Answer is JobProtocol.Finished), $"{point}: {stage.Describe()}");
            Assert.InRange(seconds, 0, SilenceWatch.SecondsMax + 1);
        });

    [Fact]
    public void JoinTimeout_NodeFrozenBeforeItSaysAnything_NamesIt()
    {
        ProcessWatch processes = new();
        processes.Started("local node 1 of 2 (process 17)");
        processes.Started("local node 2 of 2 (process 18)");
        processes.Heard("local node 1 of 2 (process 17)");
        Assert.Equal("; local node 2 of 2 (process 18) has said nothing since its start", processes.Unheard);
    }

    [Fact]
    public void Tick_ProcessAtWorkThatSaysNothing_IsNotMute()
    {
        ProcessWatch processes = new();
        Job job = new(
            new JobProtocol.Submit(
                new RunPlan { Scenario = "", Nodes = 2, CoresPerNode = 1, Window = 100 }, JoinSeconds: 60, null, null),
            TimeProvider.System);
        processes.Started("slow");
        processes.Started("frozen");
        for (int second = 1; second <= SilenceWatch.SecondsMax; second++)
        {
            Assert.Equal(JobAction.Wait, processes.Tick(job));
            processes.Moved("slow");
        }

        Assert.Equal("; frozen has said nothing since its start; slow has said nothing since its start", processes.Unheard);
        Assert.Equal(JobAction.Answer, processes.Tick(job));
        NodeLostException lost = Assert.IsType<NodeLostException>(Assert.IsType<JobProtocol.Failed>(job.Answer).Reason);
        Assert.StartsWith("frozen was lost: it has said nothing for 15 s", lost.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AnyOrder_StoppedAtAnyPoint_EndsWithoutASecondOfWaiting() => AtEveryPoint(
        (stage, point) =>
        {
            stage.Stop();
            stage.RunOut();
            bool isOver = stage.Failure is OperationCanceledException || stage.Answer is JobProtocol.Finished;
            Assert.True(isOver, $"{point}: {stage.Describe()}");
            Assert.Equal(1, stage.Answers);
        });

    /// <summary>Plays every order up to every point before the answer, and has something happen there.</summary>
    private static void AtEveryPoint(Action<Stage, string> happens)
    {
        int points = 0;
        foreach (int[] order in Orders())
        {
            for (int length = 0; length <= order.Length; length++)
            {
                Stage stage = new();
                foreach (int actor in order[..length])
                {
                    stage.Go(actor);
                }

                for (int further = 0; stage.Answer is null; further++)
                {
                    happens(stage, $"order {string.Join("", order[..length])} and {further} steps");
                    points++;
                    stage = new Stage();
                    foreach (int actor in order[..length])
                    {
                        stage.Go(actor);
                    }

                    // The steps after those of the order come by turns.
                    for (int i = 0; length == order.Length && i <= further; i++)
                    {
                        stage.Go(i % 2);
                    }

                    if (length < order.Length)
                    {
                        break;
                    }
                }
            }
        }

        Assert.InRange(points, 100, 1_000);
    }

    /// <summary>Orders of two starts, two joins and the submission: 0 and 1 are the nodes, 2 is the client.</summary>
    private static IEnumerable<int[]> Orders()
    {
        return Arrange([], [2, 2, 1]);

        static IEnumerable<int[]> Arrange(int[] done, int[] left) => left.Sum() == 0
            ? [done]
            : Enumerable.Range(0, left.Length).Where(actor => left[actor] > 0).SelectMany(actor =>
                Arrange([.. done, actor], [.. left.Select((count, i) => i == actor ? count - 1 : count)]));
    }

    /// <summary>A coordinator, a client and two nodes without processes, connections and clocks.</summary>
    private sealed class Stage
    {
        private readonly ProcessWatch _processes = new();
        private readonly List<Address> _workers = [];
        private readonly int[] _steps = new int[2];
        private readonly bool[] _isDead = new bool[2];
        private readonly bool[] _isFrozen = new bool[2];
        private readonly List<JobAction> _done = [];
        private bool _isAsked;
        private Job? _job;

        public int Answers => _done.Count(action => action == JobAction.Answer);

        public JobProtocol.IMessage? Answer => _job?.Answer;

        public Exception? Failure => (Answer as JobProtocol.Failed)?.Reason;

        public bool HasDelivered(int node) => (Step)_steps[node] > Step.Collected;

        public void Go(int actor)
        {
            if (actor == 2)
            {
                Submit();
            }
            else if (!_isDead[actor] && !_isFrozen[actor] && CanGo(actor))
            {
                Take(actor, (Step)_steps[actor]++);
            }
        }

        public void Die(int node)
        {
            _isDead[node] = true;
            string which = $"{Name(node)} (exit code 137)";
            if (_job is null)
            {
                _processes.EndedEarly(which);
            }
            else
            {
                Do(_job.OnLost(which));
            }
        }

        public void Freeze(int node)
        {
            _processes.Started(Name(node));
            _isFrozen[node] = true;
        }

        public void Stop()
        {
            if (_job is null)
            {
                _processes.StoppedEarly();
            }
            else
            {
                Do(_job.OnStop());
            }
        }

        /// <summary>Lets everybody go on, second by second, until there is an answer.</summary>
        public int RunOut()
        {
            Submit();
            int seconds = 0;
            for (; Answer is null && seconds <= 60; seconds++)
            {
                for (int turn = 0; turn < 10; turn++)
                {
                    Go(turn % 2);
                }

                for (int node = 0; node < 2; node++)
                {
                    if (!_isDead[node] && !_isFrozen[node])
                    {
                        _processes.Heard(Name(node));
                        Do(_job!.OnBusy(node));
                    }
                }

                Do(_job!.OnSecond());
                Do(_processes.Tick(_job));
            }

            return seconds;
        }

        public string Describe() => $"{Answer} {Failure?.Message} after {string.Join(", ", _done)}";

        private static string Name(int node) => $"local node {node + 1} of 2";

        private bool CanGo(int node) => (Step)_steps[node] switch
        {
            Step.Start or Step.Join => true,
            Step.Ready => _done.Contains(JobAction.Prepare),
            Step.Stopped => _done.Contains(JobAction.Begin),
            Step.Collected => _done.Contains(JobAction.Collect),
            _ => false,
        };

        private void Submit()
        {
            if (_isAsked)
            {
                return;
            }

            _isAsked = true;
            _job = new Job(
                new JobProtocol.Submit(
                    new RunPlan { Scenario = "", Nodes = 2, CoresPerNode = 1, Window = 100, Until = 5_000 }, JoinSeconds: 60, null, null),
                TimeProvider.System);
            Do(_processes.OnSubmitted(_job) ?? _job.OnWorkers(_workers));
        }

        private void Take(int node, Step step)
        {
            switch (step)
            {
                case Step.Start:
                    _processes.Started(Name(node));
                    _processes.Heard(Name(node));
                    break;
                case Step.Join:
                    _workers.Add(Addresses[node]);
                    Do(_job?.OnWorkers(_workers));
                    break;
                case Step.Ready:
                    Do(_job!.OnPrepared(node, threads: 1));
                    break;
                case Step.Stopped:
                    Do(_job!.OnStopped(new NodeShardProtocol.Stopped(node, Completed: true, Windows: 1, new RunEnd(100, true, false))));
                    break;
                case Step.Collected:
                    Do(_job!.OnCollected(new NodeShardProtocol.Collected(
                        node, 1, StatisticsCodec.Encode(new RunStatistics()), new NodeReport("a", 1, 2, 3, 4))));
                    break;
            }
        }

        private void Do(JobAction? action)
        {
            if (action is { } known)
            {
                _done.Add(known);
            }
        }
    }
}
