namespace VmSim.Host.Service;

/// <summary>Jobs whose turn comes only after some time.</summary>
internal sealed class LateJobs
{
    private readonly Dictionary<long, (Job Job, DateTimeOffset Due)> _jobs = [];
    private readonly SortedSet<(DateTimeOffset Due, long Id)> _order = [];

    /// <summary>How many there are.</summary>
    public int Count => _jobs.Count;

    /// <summary>Whether a job is one of them.</summary>
    public bool Has(long job) => _jobs.ContainsKey(job);

    /// <summary>A job waits until a time.</summary>
    public void Add(Job job, DateTimeOffset due)
    {
        Remove(job.Id);
        _jobs[job.Id] = (job, due);
        _order.Add((due, job.Id));
    }

    /// <summary>A job by its number; null if it is none of them.</summary>
    public Job? Find(long job) => _jobs.TryGetValue(job, out (Job Job, DateTimeOffset) late) ? late.Job : null;

    /// <summary>A job is not one of them any more.</summary>
    public void Remove(long job)
    {
        if (_jobs.Remove(job, out (Job Job, DateTimeOffset Due) late))
        {
            _order.Remove((late.Due, job));
        }
    }

    /// <summary>Takes out a job whose time has come.</summary>
    /// <returns>The job; null if there is none.</returns>
    public Job? TakeDue(DateTimeOffset now)
    {
        if (_order.Count == 0 || _order.Min.Due > now)
        {
            return null;
        }

        Job job = _jobs[_order.Min.Id].Job;
        Remove(job.Id);
        return job;
    }
}
