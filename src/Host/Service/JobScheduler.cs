using System.ComponentModel;
using Microsoft.Extensions.Logging;
using VmSim.Host.Hosting;
using VmSim.Host.Reporting;

namespace VmSim.Host.Service;

/// <summary>
/// Has jobs made: here as many at a time as there are processors for, and fewer where memory does not do, each in a process of its own,
/// and on nodes as many as those ask for. What it decides stands in the store before anything follows from it, so that it may end at any
/// moment.
/// </summary>
internal sealed partial class JobScheduler : IDisposable
{
    /// <summary>How long a job waits whose store's disk was full, and how long the store itself is left alone then.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>How often it is looked whether there is memory again.</summary>
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);

    private readonly StoreFolder _folder;
    private readonly JobStore _store;
    private readonly SchedulerOptions _options;
    private readonly ServiceMetrics _metrics;
    private readonly ILogger _log;
    private readonly TimeProvider _clock;
    private readonly Lock _gate = new();
    private readonly JobQueue _queue = new();
    private readonly Dictionary<long, (RunningJob Job, Task Made)> _running = [];

    /// <summary>Jobs that ask for what another one is making.</summary>
    private readonly Dictionary<long, Job> _held = [];

    private readonly List<(Job Job, DateTimeOffset Due)> _late = [];
    private readonly SemaphoreSlim _wake = new(0);
    private volatile string _problem = "";
    private volatile bool _isStopping;
    private bool _hasRecovered;
    private long _peak;

    /// <summary>Makes a scheduler; it begins with <see cref="RunAsync"/>.</summary>
    public JobScheduler(
        StoreFolder folder, JobStore store, SchedulerOptions options, ServiceMetrics metrics, ILogger<JobScheduler> log, TimeProvider clock)
    {
        (_folder, _store, _options, _metrics, _log, _clock) = (folder, store, options, metrics, log, clock);
        metrics.Watch(() => WaitingCount, () => RunningCount, () => Nodes().Count);
    }

    /// <summary>What keeps the service from its work now; empty if nothing does.</summary>
    public string Problem => _problem;

    private int WaitingCount
    {
        get
        {
            lock (_gate)
            {
                return _queue.Count + _held.Count + _late.Count;
            }
        }
    }

    private int RunningCount
    {
        get
        {
            lock (_gate)
            {
                return _running.Count;
            }
        }
    }

    /// <summary>How far a running job is; null if it does not run, or has not said so yet.</summary>
    public JobProgress? ProgressOf(long id)
    {
        lock (_gate)
        {
            return _running.TryGetValue(id, out (RunningJob Job, Task) running) ? running.Job.Progress : null;
        }
    }

    /// <summary>Has jobs made until it is asked to stop; those that run then write a last checkpoint and wait for the next start.</summary>
    /// <exception cref="IOException">Another service has taken the store over.</exception>
    public async Task RunAsync(CancellationToken stop)
    {
        bool hasRecovered = false;
        while (!stop.IsCancellationRequested && !_store.IsTaken)
        {
            bool isWell = Try(() =>
            {
                _store.Beat();
                hasRecovered = hasRecovered || Recover();
                FindLost();
                MissNodes();
                while (HasRoomHere() && StartNext(Here))
                {
                    // There may be room for one more.
                }
            });
            Task woken = _wake.WaitAsync(isWell ? Look : _store.IsTaken ? TimeSpan.Zero : Patience, stop);
            await woken.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        Task[] made;
        lock (_gate)
        {
            _isStopping = true;
            made = [.. _running.Values.Select(running => running.Made)];
            foreach ((RunningJob job, Task _) in _running.Values)
            {
                job.Maker.Stop();
            }
        }

        await Task.WhenAll(made);
        if (_store.IsTaken)
        {
            throw new IOException(_problem);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _wake.Dispose();

    /// <summary>What waited when the service ended, or was made, waits again.</summary>
    private bool Recover()
    {
        IReadOnlyList<Job> jobs = _store.Recover();
        lock (_gate)
        {
            // A node may go on with what it has, and says so soon.
            DateTimeOffset due = _clock.GetUtcNow() + ServiceNode.Silence;
            _late.AddRange(jobs.Where(job => job.Lease.Length > 0).Select(job => (job, due)));
            foreach (Job job in jobs.Where(job => job.Lease.Length == 0))
            {
                _queue.Add(job.Id, job.Owner, job.Priority);
            }

            _hasRecovered = true;
        }

        return true;
    }

    private bool HasRoomHere()
    {
        lock (_gate)
        {
            int here = _running.Values.Count(running => running.Job.Maker is JobProcess);
            return here < _options.Jobs && (here == 0 || HostMemory.Available() >= _peak);
        }
    }

    /// <summary>Has the next job made if there is one.</summary>
    /// <param name="make">Begins to make it, which stands in the store then.</param>
    /// <returns>Whether there was one.</returns>
    private bool StartNext(Func<Job, IJobMaker> make)
    {
        lock (_gate)
        {
            foreach ((Job Job, DateTimeOffset Due) late in _late.FindAll(late => late.Due <= _clock.GetUtcNow()))
            {
                _late.Remove(late);
                _queue.Add(late.Job.Id, late.Job.Owner, late.Job.Priority);
            }

            if (_queue.Take() is not { } next)
            {
                return false;
            }

            try
            {
                Start(_store.Find(next.Id)!, make);
            }
            catch
            {
                _queue.End(next.Owner);
                _queue.Add(next.Id, next.Owner, next.Priority);
                throw;
            }

            return true;
        }
    }

    private void Start(Job job, Func<Job, IJobMaker> make)
    {
        if (_running.Values.Any(running => running.Job.Job.Request == job.Request))
        {
            _queue.End(job.Owner);
            _held[job.Id] = job;
            return;
        }

        if (ResultFor(job.Request) is { } there)
        {
            _store.End(job.Id, JobState.Done, there.Digest, there.Outcome, "the store had the result");
            _queue.End(job.Owner);
            return;
        }

        IJobMaker maker = make(job);
        Run(job with { Attempts = job.Attempts + 1 }, maker);
    }

    private static string BegunBy(Job job, IJobMaker maker) => $"begun by {maker.Where}, attempt {job.Attempts + 1}";

    /// <summary>Makes a job in a process of this machine.</summary>
    private JobProcess Here(Job job)
    {
        RunRequest run = _store.RunOf(job);
        _store.Begin(job.Id, job.Attempts + 1);
        JobProcess made = JobProcess.Start(new JobOrder(
            job.Id, _folder.Root, run.Scenario, run.Inputs, _options.Threads, _options.CheckpointSeconds));
        Note(job.Id, BegunBy(job, made));
        return made;
    }

    private void Run(Job job, IJobMaker maker)
    {
        RunningJob running = new(job, maker);
        _running[job.Id] = (running, Task.Run(() => MakeAsync(running), CancellationToken.None));
        ServiceLog.Begun(_log, job.Id, job.Attempts, maker.Where);
    }

    private async Task MakeAsync(RunningJob running)
    {
        Job job = running.Job;
        JobEnding ending = await running.Maker.WaitAsync(progress => running.Progress = progress, text => Note(job.Id, text));
        running.Maker.Dispose();
        if (ending.IsDetached)
        {
            return;
        }

        JobAnswer? answer = ending.Answer;
        JobVerdict verdict = running.CancelledBy is { } who && answer?.Code != 0
            ? new JobVerdict(JobState.Cancelled, $"cancelled by {who}")
            : JobVerdict.Of(job.Attempts, ending, _isStopping);

        // A disk that is full now has room again some time; until then the job counts as running, and so it does after a restart.
        while (!Try(() => Record(job, verdict, answer)) && !_isStopping)
        {
            await Task.Delay(Patience, _clock);
        }

        Leave(job, verdict, running.Maker is JobProcess ? answer?.PeakBytes ?? 0 : 0);
    }

    private void Record(Job job, JobVerdict verdict, JobAnswer? answer)
    {
        string note = $"{ServiceText.Of(verdict.State)}{(verdict.Reason.Length > 0 ? $": {verdict.Reason}" : "")}";
        if (verdict.State == JobState.Queued)
        {
            _store.Requeue(job.Id, verdict.Reason, verdict.Counts ? job.Attempts : job.Attempts - 1, note);
        }
        else
        {
            _store.End(job.Id, verdict.State, answer?.Digest ?? "", answer?.Outcome ?? "", verdict.Reason, note);
            _folder.Clear(job.Id);
        }

        ServiceLog.Ended(_log, job.Id, ServiceText.Of(verdict.State), verdict.Reason);
    }

    private void Leave(Job job, JobVerdict verdict, long peak)
    {
        lock (_gate)
        {
            _running.Remove(job.Id);
            _queue.End(job.Owner);
            _peak = Math.Max(_peak, peak);
            if (verdict is { State: JobState.Queued, Waits: true })
            {
                _late.Add((job, _clock.GetUtcNow() + Patience));
            }
            else if (verdict.State == JobState.Queued && !_isStopping)
            {
                _queue.Add(job.Id, job.Owner, job.Priority);
            }

            foreach (Job held in _held.Values.Where(held => held.Request == job.Request).ToArray())
            {
                _held.Remove(held.Id);
                _queue.Add(held.Id, held.Owner, held.Priority);
            }
        }

        _metrics.Ended(verdict.State, (_clock.GetUtcNow().ToUnixTimeMilliseconds() - job.Submitted) / 1000.0);
        if (!_isStopping)
        {
            _wake.Release();
        }
    }

    /// <summary>A result that is in the store for a request; what somebody has removed there is made again.</summary>
    private (string Digest, string Outcome)? ResultFor(string request) =>
        _store.ResultFor(request) is { } found && File.Exists(Path.Combine(_folder.ResultOf(found.Digest), RunFolder.ReportName))
            ? found
            : null;

    private void Note(long id, string text) => Try(() => _store.Log(id, text));

    /// <summary>Does what may fail for want of room or processes.</summary>
    private bool Try(Action work)
    {
        try
        {
            work();
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
