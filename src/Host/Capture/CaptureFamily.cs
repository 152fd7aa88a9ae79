using VmSim.Core.Traces;
using VmSim.Core.Traces.Import;
using VmSim.Host.Files;
using VmSim.Host.Reporting;

namespace VmSim.Host.Capture;

/// <summary>
/// Writes the traces of a process and of all that it forked, named so that a replay finds them: NAME.child.PID beside NAME. All stand aside
/// until the whole family is there.
/// </summary>
internal sealed class CaptureFamily(TextWriter error) : IDisposable
{
    private const int MaxDepth = 64;

    /// <summary>How vmtplug.c begins its comment on a program that was executed and is not in the trace.</summary>
    private const string ExecutedComment = "# exec:";

    private readonly List<TraceOutput> _outputs = [];
    private readonly SourceLines _lines = new();

    /// <summary>Paths of the traces that were written.</summary>
    public List<string> Written { get; } = [];

    /// <summary>Copies the raw traces of a process under QEMU and of its children.</summary>
    /// <param name="raw">The raw trace of the process.</param>
    /// <param name="children">The beginning of its children's names; a dot and the process id follow.</param>
    /// <param name="target">The trace to write.</param>
    /// <param name="depth">How many forks lie above.</param>
    public void WriteQemu(string raw, string children, string target, int depth = 0)
    {
        ForkWatcher forks = new();
        using (FileStream stream = File.OpenRead(raw))
        {
            TraceOutput output = Open(target);
            forks.Target = new SiteWriter(output.Sink, _lines);
            string? damage = TraceTools.Copy(TraceSources.Open(stream, raw, salvage: true), forks, salvage: true);
            output.Finish();
            Tell(damage is null ? null : $"the trace ends early: {damage}");
        }

        Written.Add(target);
        if (forks.HasExecuted)
        {
            Tell(
                $"{Path.GetFileName(target)}: a program that was executed is missing: "
                + "it is not one for x86-64, or cannot be found by its descriptor");
        }

        foreach (ulong process in forks.Processes)
        {
            string child = $"{children}.{process}";
            if (File.Exists(child) && depth < MaxDepth)
            {
                WriteQemu(child, children, TraceNames.ChildOf(target, process), depth + 1);
            }
        }
    }

    /// <summary>Imports the logs of a process under lackey and of its children.</summary>
    public void WriteValgrind(ValgrindCapture capture, int process, string name, string target, int depth = 0)
    {
        ImportSummary summary;
        using (FileStream stream = File.OpenRead(capture.LogOf(process)!))
        using (Stream? layout = capture.LayoutOf(process))
        {
            TraceOutput output = Open(target);
            LackeyImporter importer = new()
            {
                Layout = layout is null ? "" : $"the memory layout of process {process}",
                FollowsExec = depth > 0 && layout is not null,
            };
            summary = importer.Import(
                stream, output.Sink, new ImportOptions { File = capture.LogOf(process)!, Name = name, Open = _ => layout! });
            output.Finish();
        }

        Written.Add(target);
        if (depth == 0 || summary.Dropped > 0)
        {
            summary.Notes.RemoveAll(_ => depth > 0);
            ImportSummaryView.Show(summary, target, error, forks: false);
        }

        if (depth > 0 && capture.LayoutOf(process) is not null)
        {
            Tell(
                $"{Path.GetFileName(target)}: begins where the process executed its program; "
                + "what it did between fork and exec is not in it");
        }

        foreach (ulong child in summary.Children)
        {
            if (depth < MaxDepth && child <= int.MaxValue && capture.LogOf((int)child) is not null)
            {
                WriteValgrind(capture, (int)child, $"{name}-child", TraceNames.ChildOf(target, child), depth + 1);
            }
        }
    }

    /// <summary>The whole family is there: the traces appear under their names, the first process's last.</summary>
    public void Complete()
    {
        Leftovers.Whole(() => _outputs.AsEnumerable().Reverse().ToList().ForEach(output => output.Complete()));
        Tell(_lines.IsToolMissing ? SourceLines.Missing : null);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _outputs.ForEach(output => output.Dispose());
        _lines.Dispose();
    }

    private TraceOutput Open(string target)
    {
        TraceOutput output = new(target);
        _outputs.Add(output);
        return output;
    }

    private void Tell(string? message)
    {
        if (message is not null)
        {
            error.WriteLine(message);
        }
    }

    /// <summary>Passes records on and notes forks.</summary>
    private sealed class ForkWatcher : IVmtSink
    {
        public IVmtSink? Target { get; set; }

        public List<ulong> Processes { get; } = [];

        public bool HasExecuted { get; private set; }

        public void Write(in VmtRecord record)
        {
            Target!.Write(record);
            if (record.Kind == VmtKind.Fork)
            {
                Processes.Add(record.Number);
            }

            HasExecuted |= record.Kind == VmtKind.Comment && record.Text!.StartsWith(ExecutedComment, StringComparison.Ordinal);
        }
    }
}
