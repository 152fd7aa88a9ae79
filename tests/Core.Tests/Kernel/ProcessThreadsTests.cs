using VmSim.Core.Addresses;
using VmSim.Core.Kernel;
using VmSim.Core.Programs;
using VmSim.Core.VirtualTime;
using VmSim.Testing;

namespace VmSim.Core.Tests.Kernel;

/// <summary>Threads of a process, numbered from 10 on, each on the core of its place in the process.</summary>
public sealed class ProcessThreadsTests
{
    private static readonly ThreadId A = new(10);
    private static readonly ThreadId B = new(11);
    private static readonly ThreadId C = new(12);
    private readonly Signals _signals = new();
    private readonly ProcessThreads _threads;

    public ProcessThreadsTests()
    {
        ProgramImage image = TestWorlds.Image(
            new ThreadBuilder("a").Build(), new ThreadBuilder("b").Build(), new ThreadBuilder("c").Build(startsRunnable: false));
        _threads = new ProcessThreads(
            new SpaceIdentity(new SpaceId(0), "p", A, [new CoreId(0), new CoreId(1), new CoreId(2)]), image, _signals);
    }

    [Fact]
    public void Start_ThreadsThatStartRunnable_Wakes()
    {
        _threads.Start();
        Assert.Equal(["wake 10 on 0", "wake 11 on 1"], _signals.Take());
    }

    [Fact]
    public void StartThread_WakesTheOtherAndReturns()
    {
        Ask(ThreadRequest.Start(A, 2));
        Assert.Equal(["wake 12 on 2", "return 10 to 0"], _signals.Take());
    }

    [Fact]
    public void Signal_BeforeAndAfter_WakesThoseThatWaitAndLetsLaterOnesPass()
    {
        Ask(ThreadRequest.Wait(A, 3));
        Ask(ThreadRequest.Wait(B, 4));
        Ask(ThreadRequest.Signal(C, 3));
        Ask(ThreadRequest.Signal(C, 3));
        Ask(ThreadRequest.Wait(C, 3));
        Assert.Equal(["sleep 10 on 0", "sleep 11 on 1", "wake 10 on 0", "return 12 to 2"], _signals.Take());
        Assert.Equal(["p: thread 11 (b) waits for event 4"], _threads.DescribeWaits());
    }

    [Fact]
    public void Barrier_LastParty_OpensItForAllAndClosesIt()
    {
        Ask(ThreadRequest.EnterBarrier(A, 0));
        Ask(ThreadRequest.EnterBarrier(B, 0));
        Assert.Equal(
            ["p: thread 10 (a) waits at barrier 0 with 2 of 3 parties", "p: thread 11 (b) waits at barrier 0 with 2 of 3 parties"],
            _threads.DescribeWaits());
        Ask(ThreadRequest.EnterBarrier(C, 0));
        Ask(ThreadRequest.EnterBarrier(C, 0));
        Assert.Equal(
            ["sleep 10 on 0", "sleep 11 on 1", "wake 10 on 0", "wake 11 on 1", "return 12 to 2", "sleep 12 on 2"], _signals.Take());
    }

    [Fact]
    public void Mutex_HeldByAnother_GoesToWhatHasWaitedLongest()
    {
        Ask(ThreadRequest.Lock(A, 1));
        Ask(ThreadRequest.Lock(C, 1));
        Ask(ThreadRequest.Lock(B, 1));
        Assert.Equal(
            ["p: thread 12 (c) waits for mutex 1, held by thread 10 (a)", "p: thread 11 (b) waits for mutex 1, held by thread 10 (a)"],
            _threads.DescribeWaits());
        Ask(ThreadRequest.Unlock(A, 1));
        Ask(ThreadRequest.Unlock(C, 1));
        Ask(ThreadRequest.Unlock(B, 1));
        Ask(ThreadRequest.Lock(A, 1));
        Assert.Equal(
            ["return 10 to 0", "sleep 12 on 2", "sleep 11 on 1", "wake 12 on 2", "wake 11 on 1", "return 10 to 0"], _signals.Take());
    }

    [Fact]
    public void Unlock_MutexOfAnotherOrOfNone_SaysWhoseItIs()
    {
        Ask(ThreadRequest.Lock(A, 0));
        Assert.Contains(
            "thread 11 (b) of p unlocks a mutex that thread 10 (a) holds", Error(ThreadRequest.Unlock(B, 0)), StringComparison.Ordinal);
        Assert.Contains(
            "thread 11 (b) of p unlocks a mutex that no thread holds", Error(ThreadRequest.Unlock(B, 1)), StringComparison.Ordinal);
    }

    [Fact]
    public void Sleep_UntilItsEnd_IsOnNoCore()
    {
        Ask(ThreadRequest.Sleep(B, new Cycles(700)));
        _threads.EndSleep(B);
        Assert.Equal(["sleep 11 on 1", "alarm 11 in 700", "wake 11 on 1"], _signals.Take());
    }

    [Fact]
    public void Migrate_ThreadWakesOnTheOtherCoreFromThenOn()
    {
        Ask(ThreadRequest.Migrate(A, new CoreId(7)));
        Ask(ThreadRequest.Wait(A, 0));
        Ask(ThreadRequest.Signal(B, 0));
        Assert.Equal(["wake 10 on 7", "sleep 10 on 0", "wake 10 on 7"], _signals.Take());
    }

    [Fact]
    public void Exit_LastThreadThatRan_EndsTheProcess()
    {
        Ask(ThreadRequest.Exit(A));
        Ask(ThreadRequest.Exit(B));
        Assert.Equal(["return 10 to 0", "process ends with 11 on 1"], _signals.Take());
    }

    [Fact]
    public void Exit_WhileAStartedThreadRuns_EndsNothing()
    {
        Ask(ThreadRequest.Start(A, 2));
        Ask(ThreadRequest.Exit(A));
        Ask(ThreadRequest.Exit(B));
        Ask(ThreadRequest.Exit(C));
        Assert.Equal(
            ["wake 12 on 2", "return 10 to 0", "return 10 to 0", "return 11 to 1", "process ends with 12 on 2"], _signals.Take());
    }

    private void Ask(ThreadRequest request) => _threads.Handle(new CoreId(request.Thread.Value - 10), request);

    private string Error(ThreadRequest request) => Assert.Throws<InvalidOperationException>(() => Ask(request)).Message;

    /// <summary>Writes down what threads are told.</summary>
    private sealed class Signals : IThreadSignals
    {
        private readonly List<string> _lines = [];

        public void Return(ThreadId thread, CoreId core) => _lines.Add($"return {thread} to {core}");

        public void PutToSleep(ThreadId thread, CoreId core) => _lines.Add($"sleep {thread} on {core}");

        public void Wake(ThreadId thread, CoreId core) => _lines.Add($"wake {thread} on {core}");

        public void SetAlarm(ThreadId thread, Cycles duration) => _lines.Add($"alarm {thread} in {duration}");

        public void EndProcess(ThreadId thread, CoreId core) => _lines.Add($"process ends with {thread} on {core}");

        public List<string> Take() => _lines;
    }
}
