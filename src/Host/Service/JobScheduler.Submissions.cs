namespace VmSim.Host.Service;

/// <content>Submissions, and jobs that are not wanted any more.</content>
internal sealed partial class JobScheduler
{
    /// <summary>Whether so many jobs more may wait.</summary>
    public bool HasRoomFor(int count) => WaitingCount + count <= _options.WaitingMax;

    /// <summary>What any job may take at most.</summary>
    public JobBounds Caps => _options.Caps;

    /// <summary>Takes a submission in.</summary>
    /// <param name="request">What is submitted; it has been checked.</param>
    /// <param name="owner">By whom.</param>
    /// <exception cref="IOException">The store cannot be written.</exception>
    public async Task<JobReceipt> SubmitAsync(JobRequest request, string owner)
    {
        IReadOnlyList<Job> jobs;
        try
        {
            jobs = await _store.AddAsync(request, owner, [.. request.Runs.Select(run => RequestDigest.Of(run, _store.Build))], HasResult);
        }
        catch (IOException)
        {
            // It may stand in the store all the same, if the answer to its last word was lost; its jobs are found there.
            lock (_gate)
            {
                _queue.Find(new WaitingLine(
                    _store.Build, owner, request.Priority ?? JobLimits.PriorityUsual, request.Spread?.IsSplit == true, 0));
            }

            throw;
        }

        lock (_gate)
        {
            foreach (Job job in jobs.Where(job => !job.IsOver))
            {
                _queue.Add(PlaceOf(job));
            }
        }

        int done = jobs.Count(job => job.IsOver);
        _metrics.Submitted(jobs.Count, done);
        ServiceLog.Submitted(_log, jobs[0].Id, jobs.Count, owner);
        Wake();
        JobBounds bounds = (request.Bounds ?? JobBounds.None).And(Caps);
        return new JobReceipt(jobs[0].Id, jobs.Count, done, request.Needs is { } needs ? bounds.Hint(needs) : "");
    }

    /// <summary>A job is not wanted any more.</summary>
    /// <param name="job">The job, as the store has it.</param>
    /// <param name="who">Who does not want it.</param>
    /// <returns>Whether it was still to be made.</returns>
    /// <exception cref="IOException">The store cannot be written; nothing has changed, or it may have been cancelled.</exception>
    public async Task<bool> CancelAsync(Job job, string who)
    {
        QueuedJob place = PlaceOf(job);
        TakenJob? taken;
        Job? late;
        while ((taken = TryTake(place, out late, out Task? settled)) is null && settled is not null)
        {
            await settled;
        }

        bool isCancelled = false;
        try
        {
            isCancelled = await _store.EndAsync(job.Id, JobState.Cancelled, "", "", $"cancelled by {who}");
        }
        finally
        {
            lock (_gate)
            {
                if (isCancelled && _running.TryGetValue(job.Id, out (RunningJob Job, Task<bool>) running))
                {
                    running.Job.CancelledBy = who;
                    running.Job.Maker.Kill();
                }

                if (taken is not null)
                {
                    Return(taken, late, isCancelled);
                }
            }
        }

        if (isCancelled && taken is not null)
        {
            _folder.Clear(job.Id);
        }

        return isCancelled;
    }

    /// <summary>Takes a job that waits from wherever it waits.</summary>
    /// <param name="job">The job.</param>
    /// <param name="late">The job, if it waited for a time.</param>
    /// <param name="settled">Ends when it is worth another try; null if the job runs.</param>
    /// <returns>The job; null if it is in other hands.</returns>
    private TakenJob? TryTake(QueuedJob job, out Job? late, out Task? settled)
    {
        lock (_gate)
        {
            late = null;
            settled = null;
            if (_taken.TryGetValue(job.Id, out TakenJob? other))
            {
                settled = other.Settled;
                return null;
            }

            if (_running.ContainsKey(job.Id))
            {
                return null;
            }

            if (_gang?.Job.Id == job.Id)
            {
                // It counted as running while nodes were kept for it.
                _gang = null;
                _queue.End(job);
            }

            late = _late.Find(job.Id);
            _late.Remove(job.Id);
            _held.Remove(job);
            _queue.Remove(job);
            return _taken[job.Id] = new TakenJob(job);
        }
    }

    /// <summary>A job that was to be cancelled is, or waits again; the gate is held.</summary>
    private void Return(TakenJob taken, Job? late, bool isCancelled)
    {
        if (!isCancelled && late is not null)
        {
            _late.Add(late, _clock.GetUtcNow());
        }
        else if (!isCancelled)
        {
            // One that was over is found out when its turn comes.
            _queue.Return(taken.Job);
        }

        Settle(taken);
    }
}
