namespace VmSim.Host.Service;

/// <summary>A job that is out of the queue while the store is told what becomes of it.</summary>
/// <param name="job">The job.</param>
internal sealed class TakenJob(QueuedJob job)
{
    private readonly TaskCompletionSource _settled = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The job.</summary>
    public QueuedJob Job { get; set; } = job;

    /// <summary>Ends when it is known what has become of it.</summary>
    public Task Settled => _settled.Task;

    /// <summary>It is known.</summary>
    public void Settle() => _settled.TrySetResult();
}
