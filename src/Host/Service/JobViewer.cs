using VmSim.Actors.Simulation;
using VmSim.Core.Reports;

namespace VmSim.Host.Service;

/// <summary>The child's side of those who look at a job: while somebody does, the service says so again and again.</summary>
/// <param name="tell">Sends figures to the service.</param>
internal sealed class JobViewer(Action<JobFigures> tell) : IRunViewer
{
    /// <summary>How long it counts that somebody has looked: a page asks every two seconds, a node hears of it a second later.</summary>
    public static readonly TimeSpan LookTime = TimeSpan.FromSeconds(6);

    private long _until = long.MinValue;
    private int _isTelling;

    /// <inheritdoc/>
    public bool IsLooking => Environment.TickCount64 < Volatile.Read(ref _until);

    /// <summary>Somebody looks.</summary>
    public void Look() => Volatile.Write(ref _until, Environment.TickCount64 + (long)LookTime.TotalMilliseconds);

    /// <inheritdoc/>
    public void Show(RunSight sight)
    {
        // Not here: a service that is frozen takes nothing, and the run goes on all the same.
        if (Interlocked.Exchange(ref _isTelling, 1) == 0)
        {
            _ = Task.Run(() =>
            {
                try
                {
                    tell(FiguresOf(sight));
                }
                finally
                {
                    Volatile.Write(ref _isTelling, 0);
                }
            });
        }
    }

    /// <summary>What is sent of how a run stands.</summary>
    internal static JobFigures FiguresOf(RunSight sight)
    {
        RunGlimpse glimpse = sight.Glimpse;
        RunIntervals intervals = glimpse.Intervals;
        RunInterrupts? interrupts = glimpse.Interrupts;
        return new JobFigures(
            sight.Ghz,
            FigureRules.Sendable(glimpse.Reached.Value),
            intervals.Length.Value,
            [.. intervals.Series.Select(series => new FigureSeries(series.Key, [.. series.Value.Select(FigureRules.Sendable)]))],
            interrupts?.CoresPerBlock ?? 1,
            interrupts is null ? [] : [.. interrupts.Rows.Select(row => row.Select(FigureRules.Sendable).ToArray())],
            sight.WindowCycles,
            sight.WindowBoundCycles,
            FigureRules.Sendable(sight.WindowBoundReason),
            sight.Lanes,
            sight.Threads,
            sight.Domains,
            sight.DomainsSeen,
            [.. glimpse.Waits.Select(FigureRules.Sendable)],
            glimpse.HasMoreWaits);
    }
}
