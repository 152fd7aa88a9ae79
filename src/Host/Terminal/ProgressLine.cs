using VmSim.Actors.Simulation;

namespace VmSim.Host.Terminal;

/// <summary>Says on stderr how far a run has come, as <see cref="StatusLine"/> does.</summary>
internal sealed class ProgressLine(TextWriter error, double ghz) : IProgress<RunProgress>, IProgress<int>, IProgress<string>, IDisposable
{
    private readonly StatusLine _line = new(error);
    private readonly long _started = Environment.TickCount64;

    /// <inheritdoc/>
    public void Report(RunProgress value)
    {
        double seconds = Math.Max(0.001, (Environment.TickCount64 - _started) / 1000.0);
        _line.Show(
            $"simulated {Quantities.Time(value.VirtualTime, ghz)}, {Quantities.Count(value.Accesses)} accesses, "
            + $"{Quantities.Count(value.Accesses / seconds)}/s");
    }

    /// <summary>How many nodes have joined.</summary>
    public void Report(int value) => _line.Show($"{value} nodes have joined");

    /// <summary>What a person should know.</summary>
    public void Report(string value) => _line.Say($"vmsim: {value}");

    /// <inheritdoc/>
    public void Dispose() => _line.Dispose();
}
