namespace VmSim.Actors.Running;

/// <summary>When a run is written down, where to, and what it goes on from. Nothing here changes what it finds.</summary>
public sealed record RunCheckpoints
{
    /// <summary>Wall time from one checkpoint to the next, at the end of a window; zero for none by wall time.</summary>
    public TimeSpan Period { get; init; }

    /// <summary>
    /// Virtual time from one checkpoint to the next in cycles, 0 to <see cref="Core.Scenarios.ScenarioSpec.MaxUntil"/>: one stands at each
    /// multiple of it before which something happens; 0 for none by virtual time.
    /// </summary>
    public long PeriodCycles { get; init; }

    /// <summary>
    /// Is given what writes a checkpoint to a stream, and sees to it that a whole one replaces the one before; what it throws ends the
    /// run. Null for a run that is never written down.
    /// </summary>
    public Action<Action<Stream>>? Keep { get; init; }

    /// <summary>The checkpoint that the run goes on from, which can seek and ends with it; null for a run from time 0.</summary>
    public Stream? From { get; init; }

    /// <summary>What messages call <see cref="From"/>.</summary>
    public string FromName { get; init; } = "the checkpoint";
}
