namespace VmSim.Host.Service;

/// <summary>A job as the service shows it.</summary>
/// <param name="Id">Its number.</param>
/// <param name="Submission">Number of its submission.</param>
/// <param name="Name">What people call it.</param>
/// <param name="Label">What differs between the jobs of its submission.</param>
/// <param name="Owner">Who submitted it.</param>
/// <param name="Priority">0 to <see cref="JobLimits.PriorityMax"/>, the greatest first.</param>
/// <param name="State">Where it stands.</param>
/// <param name="Outcome">How its run ended; empty before.</param>
/// <param name="Reason">Why it was begun again, failed, or was not run; empty for none.</param>
/// <param name="Digest">Digest of its run; empty before the result.</param>
/// <param name="Attempts">How often a process has begun it.</param>
/// <param name="Submitted">When, in milliseconds since 1970, UTC.</param>
/// <param name="Started">When a process began it last; 0 for never.</param>
/// <param name="Ended">When it was over; 0 before.</param>
/// <param name="Node">The node that has or had it last; empty for the service's own machine.</param>
/// <param name="Bounds">What it may take at most, by those who submitted it.</param>
/// <param name="Spread">Over how many nodes it is to be spread, and what it takes.</param>
/// <param name="Members">The nodes that have or had it together last, the one that leads first; empty for one node.</param>
/// <param name="Progress">How far it is; null if it does not run.</param>
/// <param name="Build">The build that makes it.</param>
internal sealed record JobView(
    long Id,
    long Submission,
    string Name,
    string Label,
    string Owner,
    int Priority,
    JobState State,
    string Outcome,
    string Reason,
    string Digest,
    int Attempts,
    long Submitted,
    long Started,
    long Ended,
    string Node,
    JobBounds Bounds,
    JobSpread Spread,
    IReadOnlyList<string> Members,
    JobProgress? Progress,
    string Build = "")
{
    /// <summary>When its result was removed, in milliseconds since 1970, UTC; 0 if it was not.</summary>
    public long Removed { get; init; }

    /// <summary>What a job that waits has to wait for besides its turn; empty for nothing.</summary>
    public string Waits { get; init; } = "";

    /// <summary>Shows a job.</summary>
    public static JobView Of(Job job, JobProgress? progress) => new(
        job.Id, job.Submission, job.Name, job.Label, job.Owner, job.Priority, job.State, job.Outcome, job.Reason, job.Digest, job.Attempts,
        job.Submitted, job.Started, job.Ended, job.Node, job.Bounds,
        job.Spread, job.Members, progress, job.Build);
}
