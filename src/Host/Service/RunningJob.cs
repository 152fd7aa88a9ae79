namespace VmSim.Host.Service;

/// <summary>A job that a process makes.</summary>
/// <param name="job">The job.</param>
/// <param name="process">Its process.</param>
internal sealed class RunningJob(Job job, JobProcess process)
{
    private JobProgress? _progress;
    private string? _cancelledBy;

    /// <summary>The job, as it was when it was begun.</summary>
    public Job Job => job;

    /// <summary>Its process.</summary>
    public JobProcess Process => process;

    /// <summary>How far it is; null before it has said so.</summary>
    public JobProgress? Progress
    {
        get => Volatile.Read(ref _progress);
        set => Volatile.Write(ref _progress, value);
    }

    /// <summary>Who does not want it any more; null if nobody.</summary>
    public string? CancelledBy
    {
        get => Volatile.Read(ref _cancelledBy);
        set => Volatile.Write(ref _cancelledBy, value);
    }
}
