using Microsoft.Extensions.Logging;

namespace VmSim.Host.Service;

/// <summary>
/// Removes what is over and was not used for long: results, jobs with their logs and scenarios, and traces that no job needs. It goes in
/// steps, each a transaction as short as those of jobs, between which others have their turn. A result is hidden by one rename in the
/// transaction that says so, at which no submission can take it for its own, and deleted after that; what a dead process has left hidden
/// is deleted by the next pass. What is used is touched, and so counts anew: by who submits the same, makes it, or fetches it.
/// </summary>
/// <param name="folder">The store's folder.</param>
/// <param name="store">Its jobs.</param>
/// <param name="rules">What is kept.</param>
/// <param name="metrics">Counts what is removed.</param>
/// <param name="log">Told what is removed.</param>
/// <param name="clock">Says what time it is.</param>
internal sealed class Retention(
    StoreFolder folder, JobStore store, RetentionRules rules, ServiceMetrics metrics, ILogger<Retention> log, TimeProvider clock)
{
    /// <summary>
    /// How long what was used is kept whatever the rules say: a fetch takes three requests, a submission follows the traces that it names,
    /// and a process that has found a result says so later.
    /// </summary>
    public static readonly TimeSpan Grace = TimeSpan.FromHours(1);

    /// <summary>How long a trace is kept after it was sent or asked for: others of its submission may be on their way for hours.</summary>
    public static readonly TimeSpan TraceGrace = TimeSpan.FromDays(1);

    /// <summary>From the end of one pass to the next.</summary>
    private static readonly TimeSpan Rest = TimeSpan.FromMinutes(10);

    /// <summary>Makes pass after pass until it is asked to stop; a store that is away is tried again with the next.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        while (rules != RetentionRules.None && !stop.IsCancellationRequested)
        {
            try
            {
                await PassAsync(stop);
            }
            catch (Exception reason) when (reason is IOException or UnauthorizedAccessException)
            {
                ServiceLog.Problem(log, reason.Message);
            }
            catch (OperationCanceledException)
            {
                return;
            }

            await Task.Delay(Rest, clock, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Removes what is to be removed now.</summary>
    /// <param name="stop">Ends it between two steps.</param>
    public async Task<RetentionTally> PassAsync(CancellationToken stop)
    {
        RetentionTally tally = new();
        try
        {
            folder.ClearHidden();
            if (rules.Results is { } age)
            {
                await RemoveResultsAsync(tally, Longest(age), long.MaxValue, stop);
            }

            if (rules.Bytes is { } most && await MeasureAsync(stop) - most is > 0 and long beyond)
            {
                await RemoveResultsAsync(tally, Grace, beyond, stop);
            }

            if (rules.Jobs is { } kept)
            {
                await RemoveJobsAsync(tally, Before(Longest(kept)), stop);
                await RemoveInputsAsync(tally, stop);
            }
        }
        finally
        {
            folder.ClearHidden();
            if (tally.IsAny)
            {
                metrics.Removed(tally);
                ServiceLog.Removed(log, tally.Results, tally.Bytes, tally.Jobs, tally.Scenarios, tally.Inputs);
            }
        }

        return tally;
    }

    private static TimeSpan Longest(TimeSpan age) => age > Grace ? age : Grace;

    private long Before(TimeSpan age) => (clock.GetUtcNow() - age).ToUnixTimeMilliseconds();

    /// <summary>Removes results that were not used for a time, the least used first, until enough is free.</summary>
    private async Task RemoveResultsAsync(RetentionTally tally, TimeSpan age, long bytes, CancellationToken stop)
    {
        long freed = 0;
        ResultSweep step;
        do
        {
            stop.ThrowIfCancellationRequested();
            step = await store.SweepResultsAsync(Before(age), bytes - freed, folder);
            freed += step.Bytes;
            tally.Results += step.Removed;
            tally.Bytes += step.Bytes;
            folder.ClearHidden();
        }
        while (step.HasMore && freed < bytes);
    }

    /// <summary>Bytes of all results. Those of which the store does not know it are looked at.</summary>
    private async Task<long> MeasureAsync(CancellationToken stop)
    {
        long total = 0;
        string after = "";
        IReadOnlyList<(string Digest, long Bytes)> step;
        do
        {
            stop.ThrowIfCancellationRequested();
            step = store.ResultsAfter(after);
            List<(string, long)> measured = [.. step.Where(result => result.Bytes < 0).Select(
                result => (result.Digest, folder.BytesOfResult(result.Digest)))];
            if (measured.Count > 0)
            {
                await store.MeasureAsync(measured);
            }

            total += step.Sum(result => Math.Max(0, result.Bytes)) + measured.Sum(result => result.Item2);
            after = step.Count > 0 ? step[^1].Digest : after;
        }
        while (step.Count > 0);
        return total;
    }

    private async Task RemoveJobsAsync(RetentionTally tally, long before, CancellationToken stop)
    {
        JobSweep step = new(0, 0, 0, IsAll: false);
        while (!step.IsAll)
        {
            stop.ThrowIfCancellationRequested();
            step = await store.SweepJobsAsync(step.After, before);
            tally.Jobs += step.Jobs;
            tally.Scenarios += step.Scenarios;
        }

        while (await store.ForgetResultsAsync(before))
        {
            stop.ThrowIfCancellationRequested();
        }
    }

    /// <summary>Removes traces that no scenario of the store names. Who is about to submit one has touched it.</summary>
    private async Task RemoveInputsAsync(RetentionTally tally, CancellationToken stop)
    {
        HashSet<string> old = [.. folder.InputsBefore(clock.GetUtcNow() - TraceGrace)];
        string after = "";
        while (old.Count > 0 && store.ScenariosAfter(after) is { Count: > 0 } step)
        {
            stop.ThrowIfCancellationRequested();
            foreach (InputName input in step.SelectMany(scenario => scenario.Inputs))
            {
                old.Remove(folder.InputOf(input.Digest, StoredFiles.EndingOf(input.Path)));
            }

            after = step[^1].Request;
        }

        foreach (string file in old)
        {
            // A submission is taken in by the same thread, so that none comes between the look and the removal.
            tally.Inputs += await store.SweepInputAsync(() => folder.TryRemoveInput(file, clock.GetUtcNow() - TraceGrace)) ? 1 : 0;
        }
    }
}
