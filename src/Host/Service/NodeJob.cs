namespace VmSim.Host.Service;

/// <summary>A job that a node makes, as the service sees it.</summary>
/// <param name="node">The node.</param>
/// <param name="lease">By what the node has it.</param>
/// <param name="givenAt">Number of the beat whose answer has the order, which the next one claims; 0 for one that it had before.</param>
internal sealed class NodeJob(string node, string lease, long givenAt) : IJobMaker
{
    private readonly TaskCompletionSource<JobEnding> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Action<JobProgress> _progress = _ => { };
    private Action<string> _log = _ => { };

    /// <summary>The node.</summary>
    public string Node => node;

    /// <summary>By what the node has it.</summary>
    public string Lease => lease;

    /// <summary>Number of the beat whose answer has the order.</summary>
    public long GivenAt => givenAt;

    /// <summary>Whether the attempt has ended.</summary>
    public bool IsOver => _ended.Task.IsCompleted;

    /// <inheritdoc/>
    public string Where => $"node {node}";

    /// <inheritdoc/>
    public Task<JobEnding> WaitAsync(Action<JobProgress> progress, Action<string> log)
    {
        Volatile.Write(ref _progress, progress);
        Volatile.Write(ref _log, log);
        return _ended.Task;
    }

    /// <summary>The node has said what it is at.</summary>
    public void Hear(NodeClaim claim)
    {
        if (claim.Progress is { } made)
        {
            Volatile.Read(ref _progress)(made);
        }

        foreach (string line in claim.Log)
        {
            Volatile.Read(ref _log)(line);
        }
    }

    /// <summary>The attempt has ended; what is said of it later counts no more.</summary>
    public void End(JobEnding ending) => _ended.TrySetResult(ending);

    /// <inheritdoc/>
    public void Stop() => End(new JobEnding(null, "", IsDetached: true));

    /// <inheritdoc/>
    public void Kill() => End(new JobEnding(null, "it was ended"));

    /// <inheritdoc/>
    public void Dispose()
    {
        // What a node has is told it by the answers to its beats.
    }
}
