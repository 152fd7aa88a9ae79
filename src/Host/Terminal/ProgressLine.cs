using VmSim.Actors.Simulation;

namespace VmSim.Host.Terminal;

/// <summary>
/// Says on stderr how far a run has come, as <see cref="StatusLine"/> does: where the scenario says when it ends, how much of it that is
/// and how long the rest will take.
/// </summary>
/// <param name="error">Where it is said.</param>
/// <param name="ghz">The clock by which cycles are time.</param>
/// <param name="end">Virtual time at which the run ends at the latest, in cycles; 0 if nobody knows.</param>
internal sealed class ProgressLine(TextWriter error, double ghz, long end)
    : IProgress<RunProgress>, IProgress<int>, IProgress<string>, IDisposable
{
    private readonly StatusLine _line = new(error);
    private readonly long _started = Environment.TickCount64;

    /// <summary>Virtual time of the first word: a run that goes on from a checkpoint has not taken the time before.</summary>
    private long _first = -1;

    private RunProgress _last;

    /// <inheritdoc/>
    public void Report(RunProgress value)
    {
        // Domains come forward one after the other, and what has been said is not taken back.
        _last = new RunProgress(Math.Max(_last.VirtualTime, value.VirtualTime), Math.Max(_last.Accesses, value.Accesses));
        _first = _first < 0 ? _last.VirtualTime : _first;
        _line.Show(Text(_last, _first, ghz, end, Math.Max(0.001, (Environment.TickCount64 - _started) / 1000.0)));
    }

    /// <summary>How many nodes have joined.</summary>
    public void Report(int value) => _line.Show($"{value} nodes have joined");

    /// <summary>What a person should know.</summary>
    public void Report(string value) => _line.Say($"vmsim: {value}");

    /// <inheritdoc/>
    public void Dispose() => _line.Dispose();

    /// <summary>The line.</summary>
    /// <param name="value">How far the run has come.</param>
    /// <param name="first">Virtual time from which on it was simulated here.</param>
    /// <param name="ghz">The clock.</param>
    /// <param name="end">When it ends at the latest; 0 if nobody knows.</param>
    /// <param name="seconds">How long it has taken, more than 0.</param>
    internal static string Text(RunProgress value, long first, double ghz, long end, double seconds)
    {
        string sofar = $"simulated {Quantities.Time(value.VirtualTime, ghz)}, {Quantities.Count(value.Accesses)} accesses, "
            + $"{Quantities.Count(value.Accesses / seconds)}/s";
        if (end <= 0 || value.VirtualTime > end)
        {
            return sofar;
        }

        long done = value.VirtualTime - first;
        string left = done > 0 ? $", {Quantities.Seconds(seconds * (end - value.VirtualTime) / done)} left" : "";
        return $"{Quantities.Percent(value.VirtualTime, end)}: {sofar}{left}";
    }
}
