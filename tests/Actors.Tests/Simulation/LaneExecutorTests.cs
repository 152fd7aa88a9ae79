using Akka.Dispatch;
using VmSim.Actors.Simulation;
using VmSim.Testing;

namespace VmSim.Actors.Tests.Simulation;

public sealed class LaneExecutorTests
{
    [Fact]
    public void Execute_FromManyThreadsAndFromItself_RunsAllOnOneThread()
    {
        const int senders = 4;
        const int items = 5_000;
        LaneExecutor lane = new("lane");
        HashSet<Thread> threads = [];
        Thread? worker = null;
        long ran = 0;
        using ManualResetEventSlim done = new();
        void Run()
        {
            Volatile.Write(ref worker, Thread.CurrentThread);
            threads.Add(Thread.CurrentThread);
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
                    HangGuard.Until(() => Sleeps(Volatile.Read(ref worker)));
                }
            }
        });
        Assert.True(done.Wait(HangGuard.Limit));
        Assert.Single(threads);
        lane.Shutdown();
    }

    [Fact]
    public void Execute_AfterTheLaneHasGoneToSleep_WakesIt()
    {
        LaneExecutor lane = new("lane");
        using SemaphoreSlim ran = new(0);
        Thread? worker = null;
        for (int i = 0; i < 20; i++)
        {
            lane.Execute(new Work(() =>
            {
                Volatile.Write(ref worker, Thread.CurrentThread);
                ran.Release();
            }));
            Assert.True(ran.Wait(HangGuard.Limit));
            HangGuard.Until(() => Sleeps(Volatile.Read(ref worker)));
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
            Volatile.Write(ref thread, Thread.CurrentThread);
            begin.Wait(HangGuard.Limit);
        }));
        lane.Execute(new Work(() => ran++));
        lane.Shutdown();
        begin.Set();
        HangGuard.Until(() => Volatile.Read(ref thread) is not null);
        Assert.True(thread!.Join(HangGuard.Limit));
        Assert.Equal(1, ran);
    }

    /// <summary>Whether a lane's thread has run out of work and sleeps.</summary>
    private static bool Sleeps(Thread? thread) => thread is not null && thread.ThreadState.HasFlag(ThreadState.WaitSleepJoin);

    private sealed class Work(Action action) : IRunnable
    {
        public void Run() => action();

        public void Execute() => action();
    }
}
