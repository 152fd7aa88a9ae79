using VmSim.Core.Settings;

namespace VmSim.Core.Traces.Import.Strace;

/// <summary>Reads what strace prints of a program, its threads and the processes that it forks: memory operations, no accesses.</summary>
/// <remarks>
/// The language is that of strace's man page and sources (printleader, syscall_exiting_trace, print_mmap_flags), with all its options for
/// prefixes and values. A call on memory is written, counted as failed, counted as one that is not simulated, or refused.
/// </remarks>
public sealed class StraceImporter : ITraceImporter
{
    private const int MostNamed = 10;

    /// <summary>Whether lines that cannot be used are left out and counted, instead of the log being refused.</summary>
    [Setting("Whether lines that cannot be used are left out and counted, instead of the log being refused.")]
    public bool Drop { get; init; }

    /// <inheritdoc/>
    public string Name => "strace";

    /// <inheritdoc/>
    public string Summary => "strace -f -ttt -y -e trace=memory,process (memory operations only)";

    /// <inheritdoc/>
    public ImportSummary Import(Stream log, IVmtSink sink, ImportOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ImportSummary summary = new ImportSummary();
        long process = StraceMerge.ProcessOf(options.File);
        StraceFamily family = new StraceFamily(sink, summary, options, process);
        StracePass pass = new StracePass(family, summary, Drop);
        StraceMerge merge = new StraceMerge(log, pass, summary, options, process);
        merge.Run();
        pass.Finish();
        Tell(summary, family, pass.Calls);
        Note(
            summary,
            merge.Reused.Count,
            $"the numbers {Named(merge.Reused)} were used again, and have one log each: strace kept that of the last use.");
        Note(
            summary,
            merge.OpenEnds.Count,
            $"the last line of {Named(merge.OpenEnds)} has no line end: if the log was cut there, the number it ends in may be too.");
        IReadOnlyList<string> others = merge.NotRead();
        Note(
            summary,
            others.Count,
            $"not imported, as no call in the logs made them: {Named(others)} (import each by itself).");
        return summary;
    }

    private static void Tell(ImportSummary summary, StraceFamily family, StraceCalls calls)
    {
        Note(
            summary,
            family.LeftOutLines,
            $"{family.LeftOutLines} calls of forked processes are left out, as their traces are not written.");
        Note(
            summary,
            family.Adopted.Count,
            $"the log has no call that made {Named(family.Adopted)}: taken as threads of the first process "
                + "(record with -e trace=memory,process).");
        Note(
            summary,
            family.Executed.Count,
            $"the log has no call that made {Named(family.Executed)}: taken as processes that the first one forked, "
                + "as they execute programs (record with -e trace=memory,process).");
        Note(
            summary,
            family.Mentioned.Count,
            $"of {Named(family.Mentioned)} the log has signals and ends only.");
        Note(
            summary,
            family.Silent.Count,
            $"nothing in the log is of {Named(family.Silent)}: threads or processes that strace did not follow (-f).");
        Note(
            summary,
            family.Assumed,
            $"{family.Assumed} ranges were used that no call mapped: taken as mapped by the kernel at exec (program, loader, stack).");
        Note(
            summary,
            calls.UnnamedFiles,
            $"{calls.UnnamedFiles} mappings are of files that the log does not name: one descriptor is taken as one file "
                + "(record with -y).");
        Note(
            summary,
            calls.UnsizedSegments,
            $"{calls.UnsizedSegments} shared segments were attached whose size is not in the log: one page each (record shmget).");
    }

    private static void Note(ImportSummary summary, long count, string text)
    {
        if (count > 0)
        {
            summary.Notes.Add(text);
        }
    }

    private static string Named<T>(IReadOnlyCollection<T> ids) =>
        string.Join(", ", ids.Take(MostNamed)) + (ids.Count > MostNamed ? $" and {ids.Count - MostNamed} more" : "");
}
