namespace VmSim.Host.Service;

/// <summary>A job that is being made.</summary>
/// <param name="job">The job.</param>
/// <param name="maker">Who makes it.</param>
internal sealed class RunningJob(Job job, IJobMaker maker)
{
    private JobProgress? _progress;
    private Told? _figures;
    private string? _cancelledBy;

    /// <summary>The job, as it was when it was begun.</summary>
    public Job Job => job;

    /// <summary>Who makes it.</summary>
    public IJobMaker Maker => maker;

    /// <summary>How far it is; null before it has said so.</summary>
    public JobProgress? Progress
    {
        get => Volatile.Read(ref _progress);
        set => Volatile.Write(ref _progress, value);
    }

    /// <summary>How it stands; null before somebody has looked, and when nobody has for so long that what it told is old.</summary>
    public JobFigures? FiguresAt(DateTimeOffset now) =>
        Volatile.Read(ref _figures) is { } told && now - told.At < JobViewer.LookTime ? told.Figures : null;

    /// <summary>It has told how it stands.</summary>
    public void Tell(JobFigures figures, DateTimeOffset now) => Volatile.Write(ref _figures, new Told(figures, now));

    /// <summary>Who does not want it any more; null if nobody.</summary>
    public string? CancelledBy
    {
        get => Volatile.Read(ref _cancelledBy);
        set => Volatile.Write(ref _cancelledBy, value);
    }

    private sealed record Told(JobFigures Figures, DateTimeOffset At);
}
