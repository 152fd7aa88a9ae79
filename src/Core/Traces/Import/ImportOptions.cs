using VmSim.Core.Settings;

namespace VmSim.Core.Traces.Import;

/// <summary>How a log is imported.</summary>
public sealed record ImportOptions
{
    /// <summary>The log's file name, for messages.</summary>
    public string File { get; init; } = "log";

    /// <summary>The program's name, for the header.</summary>
    public string Name { get; init; } = "program";

    /// <summary>Sets of the filter that collapses references to a page: a power of two, 1 to 4,096. TLBs whose number of sets is a multiple
    /// of it miss as on the full trace.</summary>
    public int Sets { get; init; } = 16;

    /// <summary>Valgrind's -d output with the memory layout at start; null when the log itself has it or none is known.</summary>
    public Stream? Layout { get; init; }

    /// <summary>
    /// Whether the log is of a forked process after it executed a program, so that the layout replaces what the process inherited.
    /// </summary>
    public bool FollowsExec { get; init; }

    /// <summary>The layout's file name, for messages.</summary>
    public string LayoutFile { get; init; } = "layout";
}

/// <summary>Turns another tool's log into a trace. Its name stands on the command line; its summary says what it reads.</summary>
public interface ITraceImporter : INamed
{
    /// <summary>Reads the log to its end in constant memory.</summary>
    /// <exception cref="TraceFormatException">The log is cut off, damaged or of another kind.</exception>
    ImportSummary Import(Stream log, IVmtSink sink, ImportOptions options);
}
