using System.Diagnostics.Metrics;

namespace VmSim.Host.Service;

/// <summary>What is counted of a service, for System.Diagnostics.Metrics.</summary>
internal sealed class ServiceMetrics : IDisposable
{
    /// <summary>Name of the meter.</summary>
    public const string MeterName = "vmsim.service";

    private readonly Meter _meter = new(MeterName);
    private readonly Counter<long> _submitted;
    private readonly Counter<long> _ended;
    private readonly Counter<long> _again;
    private readonly Histogram<double> _seconds;

    /// <summary>Makes the instruments.</summary>
    public ServiceMetrics()
    {
        _submitted = _meter.CreateCounter<long>(
            "vmsim.jobs.submitted", "{job}", "Jobs that were submitted, by whether the store had the result.");
        _ended = _meter.CreateCounter<long>("vmsim.jobs.ended", "{job}", "Jobs that are over, by their state.");
        _again = _meter.CreateCounter<long>("vmsim.jobs.retried", "{job}", "Attempts that ended without a result and are made again.");
        _seconds = _meter.CreateHistogram<double>("vmsim.jobs.duration", "s", "From submission to the end of a job.");
    }

    /// <summary>Has the numbers of jobs read when they are asked for.</summary>
    public void Watch(Func<int> waiting, Func<int> running, Func<int> nodes)
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

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();
}
