namespace VmSim.Host.Service;

/// <summary>How a service makes its jobs.</summary>
/// <param name="Jobs">Jobs at a time on this machine; 0 leaves all to nodes.</param>
/// <param name="Threads">Host threads that simulate in each, at least 1.</param>
/// <param name="CheckpointSeconds">Wall time from one checkpoint of a job to the next, in seconds.</param>
internal sealed record SchedulerOptions(int Jobs, int Threads, double CheckpointSeconds)
{
    /// <summary>What any job may take at most.</summary>
    public JobBounds Caps { get; init; } = JobBounds.None;

    /// <summary>Jobs that may wait at a time.</summary>
    public int WaitingMax { get; init; } = JobLimits.WaitingMax;
}
