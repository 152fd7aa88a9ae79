using VmSim.Core.Traces;

namespace VmSim.Host.Files;

/// <summary>Finds the trace files of a recording that is a folder, as DynamoRIO makes them.</summary>
/// <remarks>
/// A recording's folder has the traces in trace/, one file a thread or one a core, beside lists of modules, functions and schedules. Its
/// raw/ folder holds what has to be turned into traces first.
/// </remarks>
internal static class RecordingFolder
{
    private const string Traces = "trace";
    private const string Raw = "raw";
    private static readonly string[] Marks = [".trace", ".memtrace", ".mtrace"];

    /// <summary>The trace files in a folder or in its trace folder, by name.</summary>
    /// <exception cref="TraceFormatException">There are none.</exception>
    public static IReadOnlyList<string> FilesOf(string folder)
    {
        string inside = Path.Combine(folder, Traces);
        string place = Directory.Exists(inside) ? inside : folder;
        List<string> files = [.. Directory.EnumerateFiles(place).Where(IsTrace).Order(StringComparer.Ordinal)];
        if (files.Count > 0)
        {
            return files;
        }

        throw TraceFormatException.Missing(folder, Directory.Exists(Path.Combine(folder, Raw))
            ? "it has raw data alone; turn it into traces: drrun -t drmemtrace -indir FOLDER"
            : "it has no trace files, whose names have .trace in them");
    }

    private static bool IsTrace(string path)
    {
        string name = Path.GetFileName(path);
        return Array.Exists(Marks, mark => $"{name}.".Contains(mark + '.', StringComparison.Ordinal));
    }
}
