namespace VmSim.Core.Traces.Import.Perf;

/// <summary>
/// Reads recordings of perf: page faults, system calls, TLB flushes and the scheduler's events, as <c>perf script</c> and
/// <c>perf trace</c> print them.
/// </summary>
/// <remarks>
/// A fault becomes a touch of its page: what kind the error code says (x86: include/asm/trap_pf.h; RISC-V: causes 12, 13 and 15), and a
/// store if the sample has no code, as page-faults of the software events has none. A sample without a data address is left out.
/// </remarks>
public sealed class PerfImporter : ITraceImporter
{
    private const string Allowed = "lines of perf script or perf trace with page faults and their addresses, or system calls: record with "
        + "perf record -d, and print with perf script -F comm,pid,tid,cpu,time,event,addr,trace --show-task-events --show-mmap-events";

    /// <inheritdoc/>
    public string Name => "perf";

    /// <inheritdoc/>
    public string Summary => "perf script or perf trace: faults, calls, TLB flushes and switches; bpftrace's lines of that form";

    /// <inheritdoc/>
    public ImportSummary Import(Stream log, IVmtSink sink, ImportOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ImportSummary summary = new ImportSummary();
        PerfRecording recording = new PerfRecording(sink, summary, options);
        PerfEvents events = new PerfEvents(recording, summary);
        LineReader lines = new LineReader(LogStreams.Open(log, options.File), options.File);
        (long Line, string Text)? unused = null;
        while (lines.TryRead(out ReadOnlySpan<byte> line))
        {
            summary.Lines++;
            if (line.Trim(" \t\r"u8).IsEmpty)
            {
                continue;
            }

            // A thread's name may begin with #, as perf's own comments do.
            if (!events.TryTake(line))
            {
                if (line[0] == (byte)'#')
                {
                    continue;
                }

                summary.Drop(lines.LineNumber, LineReader.Printable(line));
            }

            if (events.Used == 0)
            {
                unused ??= (lines.LineNumber, LineReader.Printable(line));
            }
        }

        recording.Finish();
        if (events.Used == 0)
        {
            (long number, string text) = unused ?? (lines.LineNumber, "no events");
            throw TraceFormatException.AtLine(options.File, Math.Max(number, 1), text, Allowed);
        }

        AddNotes(summary, recording, events);
        return summary;
    }

    private static void AddNotes(ImportSummary summary, PerfRecording recording, PerfEvents events)
    {
        if (summary.Lost > 0)
        {
            summary.Notes.Add($"perf lost {summary.Lost:N0} events: calls and faults are missing. Record with a larger buffer (-m 64M).");
        }

        if (recording.Flushes + recording.OtherFlushes.Count > 0)
        {
            summary.Notes.Add(
                $"The kernel flushed TLBs {recording.Flushes + recording.OtherFlushes.Count:N0} times, "
                    + $"{recording.OtherFlushes.Count:N0} of them while no process of the recording ran; each trace ends in its own.");
        }

        if (events.WithoutKind > 0)
        {
            summary.Notes.Add($"{events.WithoutKind:N0} faults do not say what they were and count as stores.");
        }

        summary.Notes.Add("A fault is one touch of its page: counts of accesses are not those of the program.");
    }
}
