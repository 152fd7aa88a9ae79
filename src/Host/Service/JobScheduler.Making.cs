namespace VmSim.Host.Service;

/// <content>A job on its way: it is begun, made, and what has become of it is written down.</content>
internal sealed partial class JobScheduler
{
    /// <summary>Has the store say that a job is begun.</summary>
    /// <param name="taken">The job.</param>
    /// <param name="build">The build that is to make it.</param>
    /// <param name="node">The node that is to have it; empty for this machine.</param>
    /// <param name="lease">By what the node is to have it; empty likewise.</param>
    /// <param name="members">The nodes that are to have it together; empty for one.</param>
    /// <returns>The job, which is taken until <see cref="Run"/>, and what it runs; null if there is nothing to be made of it now.</returns>
    /// <exception cref="IOException">The store does not say so; the job waits as before.</exception>
    private async Task<(Job Job, RunRequest Run)?> BeginAsync(
        TakenJob taken, string build, string node, string lease, params IReadOnlyList<string> members)
    {
        string? making = null;
        JobBegun begun;
        Func<Job, int> nodesFor = taken.Job.IsSplit ? _ => 1 : NodesFor(node, build);
        try
        {
            if (taken.Job.Build != build)
            {
                await MoveAsync(taken);
            }

            begun = await _store.BeginAsync(new JobBeginning(taken.Job.Id, node, lease, HasResult, request =>
            {
                making = _making.GetOrAdd(request, taken.Job.Id) == taken.Job.Id ? request : null;
                return making is not null;
            })
            {
                Members = members,
                NodesFor = nodesFor,
            });
        }
        catch
        {
            lock (_gate)
            {
                Free(making);
                _queue.End(taken.Job);
                _queue.Return(taken.Job);
                Settle(taken);
            }

            throw;
        }

        if (begun is { State: JobState.Running, Job: { } job, Run: { } run })
        {
            return (job, run);
        }

        lock (_gate)
        {
            _queue.End(taken.Job);
            if (begun.IsForOthers)
            {
                Free(making);
                Leave(begun.Job!);
            }
            else if (begun.State == JobState.Queued && _making.ContainsKey(begun.Job!.Request))
            {
                _held.Add(taken.Job, begun.Job.Request);
            }
            else if (begun.State == JobState.Queued)
            {
                // The other one has ended meanwhile.
                _queue.Return(taken.Job);
            }

            Settle(taken);
        }

        if (begun is { WasOver: false, State: JobState.Done })
        {
            CountEnd(begun.Job!, JobState.Done);
        }

        return null;
    }

    /// <summary>A job of a build that is lost becomes one of this build.</summary>
    /// <exception cref="IOException">The store does not say so; the job is what it was.</exception>
    private async Task MoveAsync(TakenJob taken)
    {
        await _store.MoveAsync(taken.Job.Id);
        lock (_gate)
        {
            _queue.End(taken.Job);
            taken.Job = taken.Job with { Build = _store.Build };
            _queue.Begin(taken.Job);
        }
    }

    /// <summary>Makes the next job in a process of this machine.</summary>
    /// <returns>Whether there was one.</returns>
    private async Task<bool> StartHereAsync()
    {
        TakenJob? taken = (await TakeAsync(_store.Build, 1)).SingleOrDefault();
        if (taken is null || await BeginAsync(taken, _store.Build, "", "") is not ({ } job, { } run))
        {
            return taken is not null;
        }

        JobProcess made;
        try
        {
            made = JobProcess.Start(new JobOrder(
                job.Id, _folder.Root, run.Scenario, run.Inputs, _options.Threads, _options.CheckpointSeconds,
                job.Bounds.And(_options.Caps)));
        }
        catch (Exception reason)
        {
            await TryAsync(() => _store.RequeueAsync(job.Id, reason.Message, job.Attempts - 1));
            lock (_gate)
            {
                Free(job.Request);
                _queue.End(taken.Job);
                _queue.Return(taken.Job);
                Settle(taken);
            }

            throw;
        }

        lock (_gate)
        {
            _turns.WholeBegun();
            Run(taken, job, made);
        }

        await NoteAsync(job.Id, JobStore.BegunBy(made.Where, job.Attempts));
        return true;
    }

    /// <summary>A job is being made; the gate is held.</summary>
    private void Run(TakenJob? taken, Job job, IJobMaker maker)
    {
        RunningJob running = new(job, maker);
        _running[job.Id] = (running, Task.Run(() => MakeAsync(running), CancellationToken.None));
        _making[job.Request] = job.Id;
        if (taken is not null)
        {
            Settle(taken);
        }

        ServiceLog.Begun(_log, job.Id, job.Attempts, maker.Where);
    }

    /// <summary>It is known what has become of a job; the gate is held.</summary>
    private void Settle(TakenJob taken)
    {
        _taken.Remove(taken.Job.Id);
        taken.Settle();
    }

    /// <summary>What a job asked for is made no more; the gate is held.</summary>
    private void Free(string? request)
    {
        if (request is null)
        {
            return;
        }

        _making.TryRemove(request, out _);
        foreach (QueuedJob held in _held.Free(request))
        {
            _queue.Return(held);
        }
    }

    /// <summary>Waits for the end of a job that is being made, and has the store say what has become of it.</summary>
    /// <returns>Whether the store says so.</returns>
    private async Task<bool> MakeAsync(RunningJob running)
    {
        Job job = running.Job;
        JobEnding ending = await running.Maker.WaitAsync(
            progress => running.Progress = progress,
            figures => running.Tell(figures, _clock.GetUtcNow()),
            text => _ = NoteAsync(job.Id, text));
        running.Maker.Dispose();
        if (ending.IsDetached)
        {
            return false;
        }

        JobAnswer? answer = ending.Answer;
        JobVerdict verdict = running.CancelledBy is { } who
            ? new JobVerdict(JobState.Cancelled, $"cancelled by {who}")
            : JobVerdict.Of(job.Attempts, ending, _isStopping);

        // A disk that is full now has room again some time; until then the job counts as running, and so it does after a restart.
        bool isRecorded;
        while (!(isRecorded = await TryAsync(() => RecordAsync(job, verdict, answer))) && !_isStopping)
        {
            await Task.Delay(Patience, _clock);
        }

        Leave(job, verdict, running.Maker is JobProcess ? answer?.PeakBytes ?? 0 : 0);
        return isRecorded;
    }

    private async Task RecordAsync(Job job, JobVerdict verdict, JobAnswer? answer)
    {
        string note = $"{ServiceText.Of(verdict.State)}{(verdict.Reason.Length > 0 ? $": {verdict.Reason}" : "")}";
        if (verdict.State == JobState.Queued)
        {
            await _store.RequeueAsync(job.Id, verdict.Reason, verdict.Counts ? job.Attempts : job.Attempts - 1, note);
        }
        else
        {
            string digest = answer?.Digest ?? "";
            long bytes = digest.Length > 0 ? _folder.BytesOfResult(digest) : -1;
            await _store.EndAsync(job.Id, verdict.State, digest, answer?.Outcome ?? "", verdict.Reason, note, bytes);
            _folder.Clear(job.Id);
        }

        ServiceLog.Ended(_log, job.Id, note);
    }

    private void Leave(Job job, JobVerdict verdict, long peak)
    {
        lock (_gate)
        {
            if (_running.Remove(job.Id, out (RunningJob Job, Task<bool>) running) && running.Job.Maker is NodeJob held)
            {
                held.Node.Jobs.Remove(job.Id);
                held.Parts.ForEach(part => part.Node.Parts.Remove(job.Id));
            }

            _queue.End(PlaceOf(job));
            _peak = Math.Max(_peak, peak);
            if (verdict is { State: JobState.Queued, Waits: true })
            {
                _late.Add(job, _clock.GetUtcNow() + Patience);
            }
            else if (verdict.State == JobState.Queued && !_isStopping)
            {
                _queue.Return(PlaceOf(job));
            }

            Free(job.Request);
        }

        CountEnd(job, verdict.State);
        Wake();
    }

    private void CountEnd(Job job, JobState state) =>
        _metrics.Ended(state, (_clock.GetUtcNow().ToUnixTimeMilliseconds() - job.Submitted) / 1000.0);
}
