namespace VmSim.Host.Service;

/// <summary>A job that a node makes, as the service sees it.</summary>
/// <param name="node">The node.</param>
/// <param name="lease">By what the node has it.</param>
/// <param name="givenAt">Number of the beat whose answer has the order, which the next one claims; 0 for one that it had before.</param>
internal sealed class NodeJob(ServiceNode node, string lease, long givenAt) : IJobMaker
{
    private readonly TaskCompletionSource<JobEnding> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Action<JobProgress> _progress = _ => { };

    /// <summary>The node.</summary>
    public ServiceNode Node => node;

    /// <summary>By what the node has it.</summary>
    public string Lease => lease;

    /// <summary>Number of the beat whose answer has the order.</summary>
    public long GivenAt => givenAt;

    /// <summary>Whether the attempt has ended.</summary>
    public bool IsOver => _ended.Task.IsCompleted;

    /// <summary>Whether the node has said so.</summary>
    public bool IsEndedByNode { get; private set; }

    /// <inheritdoc/>
    public string Where => $"node {node.Name}";

    /// <inheritdoc/>
    public Task<JobEnding> WaitAsync(Action<JobProgress> progress, Action<string> log)
    {
        Volatile.Write(ref _progress, progress);
        return _ended.Task;
    }

    /// <summary>The node has said what it is at. What it says for the job's log is the scheduler's concern.</summary>
    public void Hear(NodeClaim claim)
    {
        if (claim.Progress is { } made)
        {
            Volatile.Read(ref _progress)(made);
        }
    }

    /// <summary>The attempt has ended; what is said of it later counts no more.</summary>
    public void End(JobEnding ending) => _ended.TrySetResult(ending);

    /// <summary>The node says that the attempt has ended, be it for the second time.</summary>
    /// <returns>Whether that counts; false if it has ended without the node.</returns>
    public bool EndByNode(JobEnding ending) => IsEndedByNode |= _ended.TrySetResult(ending);

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
