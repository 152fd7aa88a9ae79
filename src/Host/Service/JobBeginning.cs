namespace VmSim.Host.Service;

/// <summary>Who would begin a job.</summary>
/// <param name="Id">The job.</param>
/// <param name="Node">The node that would have it; empty for the service's own machine.</param>
/// <param name="Lease">By what the node would have it; empty likewise.</param>
/// <param name="HasResult">Whether a result is there, by the digest of its run.</param>
/// <param name="MayMake">Whether nobody else makes the same; from then on nobody else may.</param>
internal sealed record JobBeginning(long Id, string Node, string Lease, Func<string, bool> HasResult, Func<string, bool> MayMake)
{
    /// <summary>The nodes that would have it together, the one that leads first; empty for one node.</summary>
    public IReadOnlyList<string> Members { get; init; } = [];

    /// <summary>Over how many nodes it is to be spread: 1 if it is begun, 0 if another node is to have it.</summary>
    public Func<Job, int> NodesFor { get; init; } = _ => 1;
}

/// <summary>What has become of that.</summary>
/// <param name="State">
/// Where the job stands: <see cref="JobState.Running"/> if it is begun, <see cref="JobState.Queued"/> if it waits for another that makes
/// the same, <see cref="JobState.Done"/> if the store had the result, and otherwise that it was over before.
/// </param>
/// <param name="Job">The job as it is then; null if there is none.</param>
/// <param name="Run">What it runs; null if it is not begun.</param>
/// <param name="WasOver">Whether it was over before.</param>
/// <param name="IsForOthers">Whether it waits for another node, or for several.</param>
internal sealed record JobBegun(JobState State, Job? Job, RunRequest? Run = null, bool WasOver = false, bool IsForOthers = false);
