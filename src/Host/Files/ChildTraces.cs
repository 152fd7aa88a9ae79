using VmSim.Core.Traces;
using VmSim.Core.Traces.Import;

namespace VmSim.Host.Files;

/// <summary>
/// Writes the traces of forked processes beside their parents', where a replay finds them. All stand aside until the whole family is there.
/// </summary>
/// <param name="target">The trace of the first process.</param>
/// <param name="binary">Whether the binary form is written whatever the name.</param>
/// <param name="inputs">Files that the command reads.</param>
internal sealed class ChildTraces(string target, bool binary, params IReadOnlyList<string> inputs) : IImportChildren, IDisposable
{
    /// <summary>The longest name of a file on Linux (NAME_MAX), less what a trace that is being written has behind it.</summary>
    private const int MaxName = 255 - 8;

    private readonly Dictionary<ulong, string> _names = new() { [0] = target };
    private readonly Dictionary<ulong, TraceOutput> _open = [];
    private readonly HashSet<string> _used = new(StringComparer.Ordinal);
    private readonly List<(string Path, ImportSummary Summary)> _paths = [];
    private readonly List<TraceOutput> _finished = [];

    /// <summary>The traces that were written, with what was found for each.</summary>
    public IReadOnlyList<(string Path, ImportSummary Summary)> Paths => _paths;

    /// <inheritdoc/>
    public IVmtSink? Open(ulong parent, ulong process)
    {
        if (!_names.TryGetValue(parent, out string? name) && parent != process)
        {
            return null;
        }

        string path = name is null ? TraceNames.BesideOf(target, process) : TraceNames.ChildOf(name, process);
        if (Path.GetFileName(path).Length > MaxName || _open.ContainsKey(process) || !_used.Add(path))
        {
            return null;
        }

        TraceOutput output = new(path, binary, inputs);
        _names[process] = path;
        _open.Add(process, output);
        return output.Sink;
    }

    /// <inheritdoc/>
    public void Close(ulong process, ImportSummary summary)
    {
        if (_open.Remove(process, out TraceOutput? output))
        {
            _finished.Add(output);
            output.Finish();
            _paths.Add((_names[process], summary));
        }
    }

    /// <summary>The whole family is there: the traces appear under their names.</summary>
    public void Complete() => _finished.ForEach(output => output.Complete());

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (TraceOutput output in _open.Values.Concat(_finished))
        {
            output.Dispose();
        }

        _open.Clear();
        _finished.Clear();
    }
}
