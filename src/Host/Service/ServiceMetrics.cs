using System.Diagnostics.Metrics;

namespace VmSim.Host.Service;

/// <summary>What is counted of a service, for System.Diagnostics.Metrics.</summary>
internal sealed class ServiceMetrics : IDisposable
{
    /// <summary>Name of the meter.</summary>
    public const string MeterName = "vmsim.service";

    /// <summary>Seconds from a job that the machine hardly notices to one of a day.</summary>
    private static readonly double[] Bounds = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3_600, 14_400, 86_400];

    private readonly Meter _meter = new(MeterName);
    private readonly Counter<long> _submitted;
    private readonly Counter<long> _ended;
    private readonly Counter<long> _again;
    private readonly Histogram<double> _seconds;
    private readonly Counter<long> _removed;
    private readonly Counter<long> _freed;

    /// <summary>Makes the instruments.</summary>
    public ServiceMetrics()
    {
        _submitted = _meter.CreateCounter<long>(
            "vmsim.jobs.submitted", "{job}", "Jobs that were submitted, by whether the store had the result.");
        _ended = _meter.CreateCounter<long>("vmsim.jobs.ended", "{job}", "Jobs that are over, by their state.");
        _again = _meter.CreateCounter<long>("vmsim.jobs.retried", "{job}", "Attempts that ended without a result and are made again.");
        _removed = _meter.CreateCounter<long>(
            "vmsim.store.removed", "{item}", "What was removed because it was over for long, by kind.");
        _freed = _meter.CreateCounter<long>("vmsim.store.freed", "By", "Bytes of results that were removed.");
        _seconds = _meter.CreateHistogram(
            "vmsim.jobs.duration",
            "s",
            "From submission to the end of a job.",
            advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = Bounds });
    }

    /// <summary>Has every series be there from the start, with 0: what appears with its first event shows no rise.</summary>
    public void Begin()
    {
        Submitted(0, 0);
        _again.Add(0);
        Removed(new RetentionTally());
        foreach (JobState state in (JobState[])[JobState.Done, JobState.Failed, JobState.Cancelled])
        {
            _ended.Add(0, new KeyValuePair<string, object?>("state", ServiceText.Of(state)));
        }
    }

    /// <summary>Has the numbers of jobs read when they are asked for.</summary>
    public void Watch(Func<long> waiting, Func<int> running, Func<int> nodes)
    {
        _meter.CreateObservableGauge("vmsim.nodes", nodes, "{node}", "Nodes that make jobs, besides the service's own machine.");
        _meter.CreateObservableGauge("vmsim.jobs.waiting", waiting, "{job}", "Jobs that wait.");
        _meter.CreateObservableGauge("vmsim.jobs.running", running, "{job}", "Jobs that are being made.");
    }

    /// <summary>Jobs were submitted.</summary>
    public void Submitted(int count, int done)
    {
        _submitted.Add(count - done, new KeyValuePair<string, object?>("stored", "no"));
        _submitted.Add(done, new KeyValuePair<string, object?>("stored", "yes"));
    }

    /// <summary>A job's process has ended.</summary>
    /// <param name="state">Where the job stands.</param>
    /// <param name="seconds">Wall time since it was submitted, in seconds.</param>
    public void Ended(JobState state, double seconds)
    {
        if (state == JobState.Queued)
        {
            _again.Add(1);
            return;
        }

        _ended.Add(1, new KeyValuePair<string, object?>("state", ServiceText.Of(state)));
        _seconds.Record(seconds);
    }

    /// <summary>What was over was removed.</summary>
    public void Removed(RetentionTally tally)
    {
        _freed.Add(tally.Bytes);
        (string Kind, long Count)[] counts =
            [("result", tally.Results), ("job", tally.Jobs), ("scenario", tally.Scenarios), ("trace", tally.Inputs)];
        foreach ((string kind, long count) in counts)
        {
            _removed.Add(count, new KeyValuePair<string, object?>("kind", kind));
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();
}
