using VmSim.Host.Terminal;

namespace VmSim.Host.Service;

/// <summary>What becomes of a job whose process has ended.</summary>
/// <param name="State">Where it stands now: <see cref="JobState.Queued"/> for once more.</param>
/// <param name="Reason">Why.</param>
/// <param name="Counts">Whether the attempt counts against <see cref="JobLimits.AttemptsMax"/>.</param>
/// <param name="Waits">Whether what went wrong needs time to pass before the next attempt.</param>
internal readonly record struct JobVerdict(JobState State, string Reason, bool Counts = true, bool Waits = false)
{
    /// <summary>Judges.</summary>
    /// <param name="attempts">How often the job has been begun, this attempt among them.</param>
    /// <param name="ending">How this attempt ended.</param>
    /// <param name="isStopping">Whether the service has asked it to stop.</param>
    public static JobVerdict Of(int attempts, JobEnding ending, bool isStopping) => ending.Answer switch
    {
        { Code: ExitCodes.Ok, WasThere: true } => new(JobState.Done, "the store had the result"),
        { Code: ExitCodes.Ok } => new(JobState.Done, ""),
        { IsDiskFull: true } answer =>
            new(JobState.Queued, $"the disk of the store is full: {answer.Error}", Counts: false, Waits: true),
        { IsMemoryShort: true } answer => new(JobState.Queued, answer.Error, Counts: false, Waits: true),
        { Code: ExitCodes.System or ExitCodes.Internal } answer => Again(attempts, answer.Error),
        { } answer => new(JobState.Failed, answer.Error),
        null when ending.IsLost => new(JobState.Queued, ending.Death, Counts: false),
        null when isStopping => new(JobState.Queued, "the service was stopped; it goes on from its last checkpoint", Counts: false),
        null => Again(attempts, ending.Death),
    };

    private static JobVerdict Again(int attempts, string reason) => attempts < JobLimits.AttemptsMax
        ? new(JobState.Queued, reason)
        : new(JobState.Failed, $"{reason}; it was begun {attempts} times");
}
