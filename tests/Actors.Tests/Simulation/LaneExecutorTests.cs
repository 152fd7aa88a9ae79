using Akka.Dispatch;
using VmSim.Actors.Simulation;

namespace VmSim.Actors.Tests.Simulation;

public sealed class LaneExecutorTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public void Execute_FromManyThreadsAndFromItself_RunsAllOnOneThread()
    {
        const int senders = 4;
        const int items = 5_000;
        LaneExecutor lane = new("lane");
        HashSet<int> threads = [];
        long ran = 0;
        using ManualResetEventSlim done = new();
        void Run()
        {
            threads.Add(Environment.CurrentManagedThreadId);
            if (++ran == 2 * senders * items)
            {
                done.Set();
            }
        }

        Parallel.For(0, senders, sender =>
        {
            for (int i = 0; i < items; i++)
            {
                lane.Execute(new Work(() =>
                {
                    Run();
                    lane.Execute(new Work(Run));
                }));
                if (i % 1_000 == sender)
                {
                    // Long enough for the lane to run out of work and sleep.
                    Thread.Sleep(1);
                }
            }
        });
        Assert.True(done.Wait(Patience));
        Assert.Single(threads);
        lane.Shutdown();
    }

    [Fact]
    public void Execute_AfterTheLaneHasGoneToSleep_WakesIt()
    {
        LaneExecutor lane = new("lane");
        using SemaphoreSlim ran = new(0);
        for (int i = 0; i < 20; i++)
        {
            Thread.Sleep(5);
            lane.Execute(new Work(() => ran.Release()));
            Assert.True(ran.Wait(Patience));
        }

        lane.Shutdown();
    }

    [Fact]
    public void Shutdown_WithWorkLeft_RunsItAndEndsTheThread()
    {
        LaneExecutor lane = new("lane");
        Thread? thread = null;
        using ManualResetEventSlim begin = new();
        int ran = 0;
        lane.Execute(new Work(() =>
        {
            thread = Thread.CurrentThread;
            begin.Wait(Patience);
        }));
        lane.Execute(new Work(() => ran++));
        lane.Shutdown();
        begin.Set();
        SpinWait.SpinUntil(() => thread is not null, Patience);
        Assert.True(thread!.Join(Patience));
        Assert.Equal(1, ran);
    }

    private sealed class Work(Action action) : IRunnable
    {
        public void Run() => action();

        public void Execute() => action();
    }
}
