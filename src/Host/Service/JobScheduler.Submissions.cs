namespace VmSim.Host.Service;

/// <content>
/// Submissions. One that fails may stand in the store all the same, if the answer to its last word was lost; its jobs are found there.
/// </content>
internal sealed partial class JobScheduler
{
    /// <summary>Held while a submission is in the store and not yet in the queue. It is taken before <see cref="_gate"/>.</summary>
    private readonly Lock _taking = new();

    /// <summary>Whether a submission failed that may stand in the store all the same: the answer to its last word was lost.</summary>
    private volatile bool _isUnsure;

    /// <summary>Takes a submission in.</summary>
    /// <param name="request">What is submitted; it has been checked.</param>
    /// <param name="owner">By whom.</param>
    public JobReceipt Submit(JobRequest request, string owner)
    {
        IReadOnlyList<Job> jobs = Take(request, owner);

        int done = jobs.Count(job => job.IsOver);
        _metrics.Submitted(jobs.Count, done);
        ServiceLog.Submitted(_log, jobs[0].Id, jobs.Count, owner);
        _wake.Release();
        return new JobReceipt(jobs[0].Id, jobs.Count, done);
    }

    /// <summary>A job is not wanted any more.</summary>
    /// <returns>Whether it was still to be made.</returns>
    public bool Cancel(long id, string who)
    {
        lock (_gate)
        {
            if (_running.TryGetValue(id, out (RunningJob Job, Task) running))
            {
                running.Job.CancelledBy = who;
                running.Job.Maker.Kill();
                return true;
            }

            if (!_queue.Has(id) && !_held.ContainsKey(id) && !_late.Exists(late => late.Job.Id == id))
            {
                return false;
            }

            _store.End(id, JobState.Cancelled, "", "", $"cancelled by {who}");
            _queue.Remove(id);
            _held.Remove(id);
            _late.RemoveAll(late => late.Job.Id == id);
            _folder.Clear(id);
            return true;
        }
    }

    /// <summary>Takes a submission into the store, and into the queue.</summary>
    private IReadOnlyList<Job> Take(JobRequest request, string owner)
    {
        lock (_taking)
        {
            try
            {
                IReadOnlyList<Job> jobs = _store.Add(request, owner, [.. request.Runs.Select(RequestDigest.Of)], ResultFor);
                lock (_gate)
                {
                    foreach (Job job in jobs.Where(job => !job.IsOver))
                    {
                        _queue.Add(job.Id, job.Owner, job.Priority);
                    }
                }

                return jobs;
            }
            catch (IOException)
            {
                _isUnsure = true;
                throw;
            }
        }
    }

    /// <summary>Takes up what stands in the store although its submission was answered with a failure.</summary>
    private void FindLost()
    {
        if (!_isUnsure)
        {
            return;
        }

        lock (_taking)
        {
            IReadOnlyList<Job> jobs = _store.Waiting();
            lock (_gate)
            {
                foreach (Job job in jobs.Where(job => !Knows(job.Id)))
                {
                    _queue.Add(job.Id, job.Owner, job.Priority);
                }
            }

            _isUnsure = false;
        }
    }

    private bool Knows(long id) =>
        _queue.Has(id) || _running.ContainsKey(id) || _held.ContainsKey(id) || _late.Exists(late => late.Job.Id == id);
}
