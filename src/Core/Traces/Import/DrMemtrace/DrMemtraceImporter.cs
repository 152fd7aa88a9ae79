namespace VmSim.Core.Traces.Import.DrMemtrace;

/// <summary>
/// Reads DynamoRIO's drmemtrace records, 12 bytes each: a file, or all files of a recording, one a thread or one a core.
/// </summary>
/// <remarks>
/// System calls are used when they were recorded with their arguments (-record_syscall) and their effect follows from these: munmap,
/// mprotect, madvise, mmap with MAP_FIXED and others. What another mmap or brk returned is not in the trace; memory is mapped where it is
/// used.
/// </remarks>
public sealed class DrMemtraceImporter : ITraceImporter
{
    /// <inheritdoc/>
    public string Name => "drmemtrace";

    /// <inheritdoc/>
    public string Summary => "DynamoRIO drmemtrace records of 12 bytes, a file or a folder: plain, gzip, zstd or zip";

    /// <inheritdoc/>
    public ImportSummary Import(Stream log, IVmtSink sink, ImportOptions options)
    {
        ArgumentNullException.ThrowIfNull(log);
        ArgumentNullException.ThrowIfNull(options);
        ImportSummary summary = new ImportSummary();
        TraceEmitter emitter = new TraceEmitter(sink, summary, options.Sets, keepsLoads: true);
        emitter.Header(options.Name);
        DrMemtracePass pass = new DrMemtracePass(emitter, summary);
        PriorityQueue<DrMemtraceFile, (ulong Time, int Index)> waiting = new();
        List<DrMemtraceFile> files = [new DrMemtraceFile(log, options.File, 0)];
        try
        {
            foreach (ImportPart part in options.Parts)
            {
                files.Add(new DrMemtraceFile(part.Open(), part.File, files.Count));
            }

            files.ForEach(file => waiting.Enqueue(file, (0, file.Index)));
            while (waiting.TryDequeue(out DrMemtraceFile? file, out _))
            {
                ulong until = waiting.TryPeek(out _, out (ulong Time, int Index) next) ? next.Time : ulong.MaxValue;
                if (pass.Read(file, until))
                {
                    waiting.Enqueue(file, (file.Time, file.Index));
                }
                else
                {
                    file.Dispose();
                }
            }
        }
        finally
        {
            files.ForEach(file => file.Dispose());
        }

        if (summary.Lines == 0)
        {
            throw TraceFormatException.AtByte(options.File, 0, "the log has no records", "a log with something in it");
        }

        pass.Finish();
        return summary;
    }
}
