using System.Collections.Concurrent;
using System.ComponentModel;
using Microsoft.Extensions.Logging;
using VmSim.Host.Hosting;

namespace VmSim.Host.Service;

/// <summary>
/// Has jobs made: here as many at a time as there are processors for, and fewer where memory does not do, each in a process of its own,
/// and on nodes as many as those ask for. What it decides stands in the store before anything follows from it, so that it may end at any
/// moment. Nothing waits for the store's disk behind the gate, so that what many decide at the same time goes there together.
/// </summary>
internal sealed partial class JobScheduler : IDisposable
{
    /// <summary>How long a job waits whose store's disk was full, and how long the store itself is left alone then.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>How often it is looked whether there is memory again.</summary>
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);

    /// <summary>How long somebody who says that a job has ended is let wait for the store: less than a node waits for an answer.</summary>
    private static readonly TimeSpan RecordPatience = TimeSpan.FromSeconds(3);

    private readonly StoreFolder _folder;
    private readonly JobStore _store;
    private readonly SchedulerOptions _options;
    private readonly ServiceMetrics _metrics;
    private readonly ILogger _log;
    private readonly TimeProvider _clock;
    private readonly Lock _gate = new();
    private readonly BuildQueues _queue;
    private readonly Dictionary<long, (RunningJob Job, Task<bool> Recorded)> _running = [];

    /// <summary>Jobs that are being begun or cancelled.</summary>
    private readonly Dictionary<long, TakenJob> _taken = [];

    /// <summary>Who makes what, by what was asked for. The store adds to it in the middle of a transaction.</summary>
    private readonly ConcurrentDictionary<string, long> _making = new(StringComparer.Ordinal);

    /// <summary>Jobs that ask for what another one is making.</summary>
    private readonly HeldJobs _held = new();

    private readonly LateJobs _late = new();
    private Task _filling = Task.CompletedTask;
    private readonly SemaphoreSlim _wake = new(0);
    private volatile string _problem = "";
    private volatile bool _isStopping;
    private long _peak;

    /// <summary>Makes a scheduler; it begins with <see cref="RunAsync"/>.</summary>
    public JobScheduler(
        StoreFolder folder, JobStore store, SchedulerOptions options, ServiceMetrics metrics, ILogger<JobScheduler> log, TimeProvider clock)
    {
        (_folder, _store, _options, _metrics, _log, _clock) = (folder, store, options, metrics, log, clock);
        _queue = new BuildQueues(store.Build, Knows, clock);
        _here = new NodeRoom("", 0, HostMemory.Total, options.Threads);
        metrics.Watch(
            () => WaitingCount, () => Locked(() => _running.Count), () => Locked(() => _nodes.Count));
    }

    /// <summary>What keeps the service from its work now; empty if nothing does.</summary>
    public string Problem => _problem;

    /// <summary>Whether the store has said what waits.</summary>
    public bool HasRecovered { get; private set; }

    private long WaitingCount => Locked(() => _queue.Count + _held.Count + _late.Count + (_gang is null ? 0 : 1));

    /// <summary>How far a running job is; null if it does not run, or has not said so yet.</summary>
    public JobProgress? ProgressOf(long id)
    {
        lock (_gate)
        {
            return _running.TryGetValue(id, out (RunningJob Job, Task<bool>) running) ? running.Job.Progress : null;
        }
    }

    /// <summary>
    /// Somebody looks at a job: while he goes on to do so, it tells how it stands. There is nothing to see at first, since nobody looked.
    /// </summary>
    /// <returns>How it stands; null if it does not run, or has not said so yet.</returns>
    public JobFigures? LookAt(long id)
    {
        lock (_gate)
        {
            if (!_running.TryGetValue(id, out (RunningJob Job, Task<bool>) running))
            {
                return null;
            }

            running.Job.Maker.Look();
            return running.Job.FiguresAt(_clock.GetUtcNow());
        }
    }

    /// <summary>Has jobs made until it is asked to stop; those that run then write a last checkpoint and wait for the next start.</summary>
    /// <exception cref="IOException">Another service has taken the store over.</exception>
    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested && !_store.IsTaken)
        {
            bool isWell = await TryAsync(async () =>
            {
                _store.Beat();
                Recover();
                MissNodes();
                while (HasRoomHere() && await StartHereAsync())
                {
                    // There may be room for one more.
                }
            });
            Task woken = _wake.WaitAsync(isWell ? Look : _store.IsTaken ? TimeSpan.Zero : Patience, stop);
            await woken.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        Task[] recorded;
        lock (_gate)
        {
            _isStopping = true;
            recorded = [.. _running.Values.Select(running => running.Recorded)];
            foreach ((RunningJob job, Task<bool> _) in _running.Values)
            {
                job.Maker.Stop();
            }
        }

        await Task.WhenAll(recorded);
        if (_store.IsTaken)
        {
            throw new IOException(_problem);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _wake.Dispose();

    private T Locked<T>(Func<T> read)
    {
        lock (_gate)
        {
            return read();
        }
    }

    /// <summary>Has the next look at what may be begun come at once.</summary>
    private void Wake()
    {
        if (_options.Jobs > 0 && !_isStopping && _wake.CurrentCount == 0)
        {
            _wake.Release();
        }
    }

    /// <summary>What waited when the service ended, or was made, waits again.</summary>
    private void Recover()
    {
        if (HasRecovered)
        {
            return;
        }

        StoreRecovery found = _store.Recover();
        lock (_gate)
        {
            // A node may go on with what it has, and says so soon.
            DateTimeOffset due = _clock.GetUtcNow() + ServiceNode.Silence;
            foreach (Job job in found.Leased)
            {
                _late.Add(job, due);
            }

            foreach (WaitingLine line in found.Waiting)
            {
                _queue.Find(line);
            }

            HasRecovered = true;
        }
    }

    private bool HasRoomHere()
    {
        lock (_gate)
        {
            int here = _running.Values.Count(running => running.Job.Maker is JobProcess);
            return here < _options.Jobs && (here == 0 || HostMemory.Available() >= _peak);
        }
    }

    /// <summary>Takes the next jobs out of the queue.</summary>
    /// <param name="build">The build that is to make them.</param>
    /// <param name="count">How many at most.</param>
    /// <exception cref="IOException">The store cannot be read, and none is taken.</exception>
    private async Task<List<TakenJob>> TakeAsync(string build, int count)
    {
        List<TakenJob> taken = [];
        while (!TryTake(taken, build, count, out Task filled))
        {
            try
            {
                await filled;
            }
            catch (IOException) when (taken.Count > 0)
            {
                // What is taken is given back when it cannot be begun.
                break;
            }
        }

        return taken;
    }

    /// <summary>Takes jobs out of the queue as far as it has them in memory.</summary>
    /// <param name="taken">Takes them.</param>
    /// <param name="build">The build that is to make them.</param>
    /// <param name="count">How many it may have at most.</param>
    /// <param name="filled">Ends when there are more.</param>
    /// <returns>Whether no more are to be had or wanted.</returns>
    private bool TryTake(List<TakenJob> taken, string build, int count, out Task filled)
    {
        lock (_gate)
        {
            while (_late.TakeDue(_clock.GetUtcNow()) is { } due)
            {
                _queue.Return(PlaceOf(due));
            }

            QueueRest? rest = null;
            while (taken.Count < count && _queue.Take(build, out rest) is { } next)
            {
                TakenJob job = new(next);
                _taken.Add(next.Id, job);
                taken.Add(job);
            }

            // All who need more wait for one fetch; nobody waits for the store behind the gate.
            _filling = rest is not null && _filling.IsCompleted ? FillAsync(rest) : _filling;
            filled = _filling;
            return rest is null;
        }
    }

    private async Task FillAsync(QueueRest rest)
    {
        IReadOnlyList<long> next = await _store.WaitingAsync(
            rest.Owner, rest.Priority, rest.After, JobQueue.Window, rest.IsSplit, rest.Build);
        lock (_gate)
        {
            _queue.Fill(rest, next);
        }
    }

    private static QueuedJob PlaceOf(Job job) => new(job.Id, job.Owner, job.Priority, job.Spread.IsSplit, job.Build);

    /// <summary>Whether a job that the store says waits is in hands already; the gate is held.</summary>
    private bool Knows(long id) => _taken.ContainsKey(id) || _running.ContainsKey(id) || _held.Has(id) || _late.Has(id)
        || _gang?.Job.Id == id;

    /// <summary>Whether a result is there, which is used then; what was removed from the store is made again.</summary>
    private bool HasResult(string digest) => _folder.UseResult(digest, _clock.GetUtcNow());

    private Task NoteAsync(long id, string text) => TryAsync(() => _store.LogAsync(id, text));

    /// <summary>Does what may fail for want of room or processes.</summary>
    private async Task<bool> TryAsync(Func<Task> work)
    {
        try
        {
            await work();
            _problem = "";
            return true;
        }
        catch (Exception reason) when (reason is IOException or UnauthorizedAccessException or Win32Exception)
        {
            _problem = reason.Message;
            ServiceLog.Problem(_log, reason.Message);
            return false;
        }
    }
}
