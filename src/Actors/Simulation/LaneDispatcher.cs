using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Akka.Configuration;
using Akka.Dispatch;

namespace VmSim.Actors.Simulation;

/// <summary>Configures the dispatcher of one lane: one host thread, which its actors never leave.</summary>
public sealed class LaneDispatcherConfigurator : MessageDispatcherConfigurator
{
    private readonly Dispatcher _dispatcher;

    /// <summary>Called by Akka with the configuration that <see cref="Lanes.Configuration"/> wrote.</summary>
    public LaneDispatcherConfigurator(Config config, IDispatcherPrerequisites prerequisites)
        : base(config, prerequisites)
    {
        ArgumentNullException.ThrowIfNull(config);
        _dispatcher = new Dispatcher(
            this, config.GetString("id"), config.GetInt("throughput"), null, new Factory(), config.GetTimeSpan("shutdown-timeout"));
    }

    /// <inheritdoc/>
    public override MessageDispatcher Dispatcher() => _dispatcher;

    private sealed class Factory : ExecutorServiceFactory
    {
        public override ExecutorService Produce(string id) => new LaneExecutor(id);
    }
}

/// <summary>
/// One thread that runs the actors of a lane. Work that they give themselves and each other, nearly all of it, passes no lock and wakes no
/// thread. Without work the thread looks for some for a while, as the next phase of a window is near, and then sleeps.
/// </summary>
internal sealed class LaneExecutor : ExecutorService
{
    /// <summary>
    /// Looks for work before the thread sleeps, some tens of microseconds; calibrated: a phase on another lane rarely takes longer.
    /// </summary>
    private const int Looks = 60;

    /// <summary>What came from other threads is looked at once in so many turns.</summary>
    private const int LocalTurns = 8;

    [ThreadStatic]
    private static LaneExecutor? s_current;

    private readonly Queue<IRunnable> _local = new();
    private readonly ConcurrentQueue<IRunnable> _remote = new();
    private readonly SemaphoreSlim _wake = new(0);
    private int _asleep;
    private volatile bool _stopping;

    public LaneExecutor(string id)
        : base(id)
    {
        new Thread(Work) { IsBackground = true, Name = id }.Start();
    }

    /// <inheritdoc/>
    public override void Execute(IRunnable run)
    {
        if (ReferenceEquals(s_current, this))
        {
            _local.Enqueue(run);
            return;
        }

        _remote.Enqueue(run);
        WakeUp();
    }

    /// <inheritdoc/>
    public override void Shutdown()
    {
        _stopping = true;
        WakeUp();
    }

    private void WakeUp()
    {
        // The work must be in the queue before this thread sees whether the lane sleeps; the lane looks into the queue after it says
        // that it sleeps.
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref _asleep) == 1 && Interlocked.Exchange(ref _asleep, 0) == 1)
        {
            _wake.Release();
        }
    }

    private void Work()
    {
        s_current = this;
        do
        {
            while (RunTurns())
            {
            }
        }
        while (WaitForWork());
    }

    /// <summary>Runs a few actors. It is entered again and again, so that it is compiled with what it calls.</summary>
    /// <returns>Whether there may be more to do.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool RunTurns()
    {
        for (int turn = 0; turn < LocalTurns && _local.TryDequeue(out IRunnable? own); turn++)
        {
            own.Run();
        }

        if (_remote.TryDequeue(out IRunnable? other))
        {
            other.Run();
            return true;
        }

        return _local.Count > 0;
    }

    /// <summary>Waits until another thread has given the lane something to do.</summary>
    /// <returns>False when the lane is to end.</returns>
    private bool WaitForWork()
    {
        SpinWait look = default;
        for (int i = 0; i < Looks; i++)
        {
            if (!_remote.IsEmpty)
            {
                return true;
            }

            look.SpinOnce(sleep1Threshold: -1);
        }

        Volatile.Write(ref _asleep, 1);
        Interlocked.MemoryBarrier();
        if (!_remote.IsEmpty || _stopping)
        {
            if (Interlocked.Exchange(ref _asleep, 0) == 0)
            {
                _wake.Wait();
            }

            return !_stopping || !_remote.IsEmpty;
        }

        _wake.Wait();
        return !_stopping || !_remote.IsEmpty;
    }
}
