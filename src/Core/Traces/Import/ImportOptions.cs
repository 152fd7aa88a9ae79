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

    /// <summary>Opens another file that a setting of the importer names. The stream is the importer's to close.</summary>
    public Func<string, Stream> Open { get; init; } = name => throw new FileNotFoundException($"{name}: no other files are at hand", name);

    /// <summary>Opens another log of the same recording by name (strace -ff); null when there is none.</summary>
    public Func<string, Stream?>? OpenIfThere { get; init; }

    /// <summary>The other files of a log that has several, each read beside the others; the log itself is the first.</summary>
    public IReadOnlyList<ImportPart> Parts { get; init; } = [];

    /// <summary>Names the files whose names begin like a path (strace -ff), in order; null where files cannot be listed.</summary>
    public Func<string, IReadOnlyList<string>>? ListBeside { get; init; }

    /// <summary>
    /// Finds the source line, as <c>file:line</c>, of an address in a program or library, as it stands in its file; null where nobody
    /// knows.
    /// </summary>
    public Func<string, ulong, string?>? SourceLine { get; init; }

    /// <summary>Whether the stacks of calls that are in the log are kept.</summary>
    public bool Stacks { get; init; } = true;

    /// <summary>Takes the traces of forked processes that are in the log; null leaves them out.</summary>
    public IImportChildren? Children { get; init; }
}

/// <summary>A file of a log that has several.</summary>
/// <param name="File">Its name, for messages.</param>
/// <param name="Open">Opens it from its beginning.</param>
public sealed record ImportPart(string File, Func<Stream> Open);

/// <summary>Takes the traces of processes that the program forked.</summary>
public interface IImportChildren
{
    /// <summary>Begins the trace of a forked process.</summary>
    /// <param name="parent">The kernel's number of the process that forked it; 0 for the first process of the log.</param>
    /// <param name="process">Its own number.</param>
    /// <returns>Where its trace goes; null if it is to be left out.</returns>
    /// <remarks>A process that ran beside the first one, and that none of the log forked, is its own parent.</remarks>
    IVmtSink? Open(ulong parent, ulong process);

    /// <summary>Ends the trace of a forked process.</summary>
    /// <param name="process">Its number.</param>
    /// <param name="summary">What was found of it.</param>
    void Close(ulong process, ImportSummary summary);
}

/// <summary>Turns another tool's log into a trace. Its name stands on the command line; its summary says what it reads.</summary>
public interface ITraceImporter : INamed
{
    /// <summary>Reads the log to its end in constant memory.</summary>
    /// <exception cref="TraceFormatException">The log is cut off, damaged or of another kind.</exception>
    ImportSummary Import(Stream log, IVmtSink sink, ImportOptions options);
}
