using VmSim.Actors.Running;
using VmSim.Host.Reporting;

namespace VmSim.Host;

/// <summary>One line on stderr that says how far a run has come; nothing when stderr is not a terminal.</summary>
internal sealed class ProgressLine : IProgress<RunProgress>, IDisposable
{
    private readonly TextWriter _error;
    private readonly double _ghz;
    private readonly bool _shown;
    private readonly long _started = Environment.TickCount64;
    private int _width;

    public ProgressLine(TextWriter error, double ghz)
    {
        _error = error;
        _ghz = ghz;
        _shown = ReferenceEquals(error, Console.Error) && !Console.IsErrorRedirected;
    }

    /// <inheritdoc/>
    public void Report(RunProgress value)
    {
        if (!_shown)
        {
            return;
        }

        double seconds = Math.Max(0.001, (Environment.TickCount64 - _started) / 1000.0);
        string line = $"simulated {Quantities.Time(value.VirtualTime, _ghz)}, {Quantities.Count(value.Accesses)} accesses, {Quantities.Count(value.Accesses / seconds)}/s";
        _error.Write($"\r{line.PadRight(_width)}");
        _width = line.Length;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_width > 0)
        {
            _error.Write($"\r{new string(' ', _width)}\r");
        }
    }
}
