using System.Globalization;
using System.Text;

namespace VmSim.Host.Capture;

/// <summary>Runs a program under Valgrind's lackey tool and keeps each process's log and memory layout.</summary>
internal sealed class ValgrindCapture(string folder)
{
    private const string LayoutStart = "SHOW_SEGMENTS: Memory layout at client startup";
    private readonly Dictionary<int, StringBuilder> _layouts = [];
    private readonly HashSet<int> _inside = [];
    private int _main = -1;

    /// <summary>The process that was started; -1 when Valgrind did not get that far.</summary>
    public int MainProcess => _main;

    /// <summary>Runs the program; its own standard error is passed on.</summary>
    /// <returns>Its exit code.</returns>
    public int Run(string program, IReadOnlyList<string> arguments, TracedWay way, TextWriter error) => CaptureTools.RunTraced(
        CaptureTools.Valgrind,
        [
            "-d", "--vgdb=no", "--tool=lackey", "--trace-mem=yes", "--trace-syscalls=yes", "--trace-sched=yes", "--trace-children=yes",
            $"--log-file={Path.Combine(folder, "log")}.%p", program, .. arguments,
        ],
        way,
        line => Take(line, error));

    /// <summary>The log of a process; null when there is none.</summary>
    public string? LogOf(int process)
    {
        string path = Path.Combine(folder, $"log.{process}");
        return File.Exists(path) ? path : null;
    }

    /// <summary>
    /// The memory layout at the start of the program that a process ran last; null for a child that has executed no program.
    /// </summary>
    public Stream? LayoutOf(int process) =>
        _layouts.TryGetValue(process, out StringBuilder? layout) ? new MemoryStream(Encoding.UTF8.GetBytes(layout.ToString())) : null;

    /// <summary>Keeps the layout blocks of Valgrind's own messages (--PID:1: ...) and passes on what is the program's.</summary>
    private void Take(string line, TextWriter error)
    {
        int colon = line.StartsWith("--", StringComparison.Ordinal) ? line.IndexOf(':', StringComparison.Ordinal) : -1;
        if (colon < 0 || !int.TryParse(line.AsSpan(2, colon - 2), NumberStyles.None, CultureInfo.InvariantCulture, out int process))
        {
            if (!line.StartsWith("==", StringComparison.Ordinal))
            {
                error.WriteLine(line);
            }

            return;
        }

        _main = _main < 0 ? process : _main;
        if (line.Contains(LayoutStart, StringComparison.Ordinal))
        {
            _inside.Add(process);
            _layouts[process] = new StringBuilder();
        }

        if (_inside.Contains(process))
        {
            _layouts[process].Append(line).Append('\n');
            if (line.Contains("aspacem >>>", StringComparison.Ordinal))
            {
                _inside.Remove(process);
            }
        }
    }
}
