using System.Diagnostics;
using System.Text.Json;
using VmSim.Host.Hosting;
using VmSim.Host.Terminal;

namespace VmSim.Host.Sweeps;

/// <summary>
/// Makes the runs of a sweep in child processes: as many at a time as there are processors for, and fewer where memory does not do. A run
/// that fails is noted and the others go on; one whose process died or ran out of memory beside others is tried once more alone.
/// </summary>
internal sealed class SweepRunner : IDisposable
{
    /// <summary>Runs whose time tells how long those that are left will take.</summary>
    private const int Remembered = 8;

    private readonly SweepPlan _plan;
    private readonly string _runs;
    private readonly int _jobs;
    private readonly int _threads;
    private readonly StatusLine _status;
    private readonly List<SweepProcess> _idle = [];
    private readonly Queue<double> _seconds = new();
    private readonly Lock _gate = new();
    private TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _active;
    private int _asked;
    private int _answered;
    private int _failed;
    private long _peak;

    /// <summary>Makes a runner.</summary>
    /// <param name="plan">The sweep.</param>
    /// <param name="folder">The sweep's folder.</param>
    /// <param name="jobs">The most runs at a time.</param>
    /// <param name="threads">Host threads that simulate in each.</param>
    /// <param name="error">Where progress goes.</param>
    public SweepRunner(SweepPlan plan, string folder, int jobs, int threads, TextWriter error)
    {
        _plan = plan;
        _runs = Path.Combine(folder, SweepFolder.RunsName);
        _jobs = jobs;
        _threads = threads;
        _status = new StatusLine(error);
    }

    /// <summary>Makes runs.</summary>
    /// <param name="points">The runs.</param>
    /// <param name="cancellation">Ends all processes; what is done stays.</param>
    /// <returns>What became of them, in their order; those are left out that were not begun or not finished.</returns>
    public async Task<IReadOnlyList<SweepResult>> RunAsync(IReadOnlyList<SweepPoint> points, CancellationToken cancellation)
    {
        (SweepResult? Result, bool MayRetry)[] results = new (SweepResult?, bool)[points.Count];
        Interlocked.Add(ref _asked, points.Count);
        int next = -1;
        await Task.WhenAll(Enumerable.Range(0, Math.Min(_jobs, points.Count)).Select(_ => Task.Run(WorkAsync, CancellationToken.None)));
        for (int i = 0; i < points.Count && !cancellation.IsCancellationRequested; i++)
        {
            if (results[i].MayRetry && _jobs > 1)
            {
                _failed--;
                results[i] = await RunOneAsync(points[i], cancellation);
            }
        }

        return [.. results.Select(item => item.Result).OfType<SweepResult>()];

        async Task WorkAsync()
        {
            for (int i = Interlocked.Increment(ref next); i < points.Count; i = Interlocked.Increment(ref next))
            {
                await EnterAsync(cancellation);
                if (cancellation.IsCancellationRequested)
                {
                    return;
                }

                try
                {
                    results[i] = await RunOneAsync(points[i], cancellation);
                    Interlocked.Increment(ref _answered);
                }
                finally
                {
                    Leave();
                }
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _status.Dispose();
        _idle.ForEach(process => process.Close());
        _idle.ForEach(process => process.Dispose());
    }

    /// <summary>Makes a run; there is no result if the sweep is cancelled meanwhile.</summary>
    private async Task<(SweepResult? Result, bool MayRetry)> RunOneAsync(SweepPoint point, CancellationToken cancellation)
    {
        if (cancellation.IsCancellationRequested)
        {
            return (null, false);
        }

        SweepRequest request = new(_plan.Scenario, point.Sets(_plan), _plan.FitsSockets, _runs, [.. _plan.Lists.Select(list => list.Name)]);
        SweepProcess process = Take();
        long started = Stopwatch.GetTimestamp();
        SweepAnswer answer;
        try
        {
            answer = await process.RunAsync(request, cancellation);
        }
        catch (OperationCanceledException)
        {
            process.Dispose();
            return (null, false);
        }

        bool isSpent = answer.Code is not (ExitCodes.Ok or ExitCodes.BadInput or ExitCodes.Usage);
        GiveBack(process, isSpent);
        SweepResult result = ResultOf(point, answer);
        Note(answer, Stopwatch.GetElapsedTime(started).TotalSeconds);
        return (result, answer.Code == ExitCodes.System);
    }

    private SweepResult ResultOf(SweepPoint point, SweepAnswer answer)
    {
        try
        {
            RunFigures? found = answer.Code == ExitCodes.Ok ? RunFigures.Load(Path.Combine(_runs, answer.Digest)) : null;
            return new SweepResult(point, answer.Digest, answer.WasThere, answer.Error, found) { LeftOut = answer.LeftOut };
        }
        catch (Exception reason) when (reason is IOException or UnauthorizedAccessException or JsonException)
        {
            return new SweepResult(point, answer.Digest, answer.WasThere, $"{reason.Message}; delete the run's folder", null);
        }
    }

    private SweepProcess Take()
    {
        lock (_gate)
        {
            if (_idle.Count > 0)
            {
                SweepProcess process = _idle[^1];
                _idle.RemoveAt(_idle.Count - 1);
                return process;
            }
        }

        return SweepProcess.Start(_threads);
    }

    private void GiveBack(SweepProcess process, bool isSpent)
    {
        if (isSpent)
        {
            process.Dispose();
            return;
        }

        lock (_gate)
        {
            _idle.Add(process);
        }
    }

    /// <summary>Waits until there is memory for one more run: as much as the greatest has taken so far. One may always run.</summary>
    private async Task EnterAsync(CancellationToken cancellation)
    {
        while (!cancellation.IsCancellationRequested)
        {
            Task ended;
            lock (_gate)
            {
                if (_active == 0 || HostMemory.Available() >= _peak)
                {
                    _active++;
                    return;
                }

                ended = _ended.Task;
            }

            await ended.WaitAsync(cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private void Leave()
    {
        TaskCompletionSource ended;
        lock (_gate)
        {
            _active--;
            ended = _ended;
            _ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        ended.TrySetResult();
    }

    private void Note(SweepAnswer answer, double seconds)
    {
        lock (_gate)
        {
            _peak = Math.Max(_peak, answer.PeakBytes);
            _failed += answer.Code == ExitCodes.Ok ? 0 : 1;
            if (!answer.WasThere)
            {
                _seconds.Enqueue(seconds);
                _ = _seconds.Count > Remembered ? _seconds.Dequeue() : 0;
            }

            int done = _answered + 1;
            string failed = _failed > 0 ? $", {_failed} failed" : "";
            double left = _seconds.Count == 0 ? 0 : _seconds.Average() * (_asked - done) / Math.Max(1, _jobs);
            string time = Quantities.Seconds(Math.Round(left));
            _status.Show($"{done} of {_asked} runs ({100.0 * done / _asked:0} %){failed}, about {time} left");
        }
    }
}
