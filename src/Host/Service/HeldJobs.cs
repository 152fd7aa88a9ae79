namespace VmSim.Host.Service;

/// <summary>Jobs that ask for what another one is making, by what they ask for.</summary>
internal sealed class HeldJobs
{
    private readonly Dictionary<string, HashSet<QueuedJob>> _byRequest = new(StringComparer.Ordinal);
    private readonly Dictionary<long, string> _requests = [];

    /// <summary>How many there are.</summary>
    public int Count => _requests.Count;

    /// <summary>Whether a job is one of them.</summary>
    public bool Has(long job) => _requests.ContainsKey(job);

    /// <summary>A job waits for what another one makes.</summary>
    public void Add(QueuedJob job, string request)
    {
        if (!_byRequest.TryGetValue(request, out HashSet<QueuedJob>? jobs))
        {
            _byRequest[request] = jobs = [];
        }

        jobs.Add(job);
        _requests[job.Id] = request;
    }

    /// <summary>A job is not one of them any more.</summary>
    public void Remove(QueuedJob job)
    {
        if (_requests.Remove(job.Id, out string? request))
        {
            HashSet<QueuedJob> jobs = _byRequest[request];
            jobs.Remove(job);
            if (jobs.Count == 0)
            {
                _byRequest.Remove(request);
            }
        }
    }

    /// <summary>What they wait for is made no more.</summary>
    /// <returns>The jobs that have waited for it.</returns>
    public IReadOnlyCollection<QueuedJob> Free(string request)
    {
        if (!_byRequest.Remove(request, out HashSet<QueuedJob>? jobs))
        {
            return [];
        }

        foreach (QueuedJob job in jobs)
        {
            _requests.Remove(job.Id);
        }

        return jobs;
    }
}
