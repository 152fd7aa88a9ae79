
namespace VmSim.Core.Traces.Import;

/// <summary>
/// Reads the text of <c>perf script -F pid,tid,time,event,addr</c> for page-fault samples: a stream of addresses, one a fault.
/// </summary>
/// <remarks>A line counts when it has an event whose name holds "faults", ended by a colon, and an address after it. The thread is the
/// number before, or the
/// second of PID/TID. Samples say neither what is mapped nor whether the fault was a store; every one becomes a store to anonymous
/// memory.</remarks>
public sealed class PerfImporter : ITraceImporter
{
    private const int MaxThreads = 65_536;

    /// <inheritdoc/>
    public string Name => "perf";

    /// <inheritdoc/>
    public string Summary => "perf script -F pid,tid,time,event,addr of page-fault samples";

    /// <inheritdoc/>
    public ImportSummary Import(Stream log, IVmtSink sink, ImportOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ImportSummary summary = new ImportSummary();
        TraceEmitter emitter = new TraceEmitter(sink, summary, options.Sets);
        RegionGuess guess = new RegionGuess(emitter);
        LineReader lines = new LineReader(LogStreams.Open(log, options.File), options.File);
        Dictionary<ulong, int> threads = new Dictionary<ulong, int>();
        emitter.Header(options.Name);
        while (lines.TryRead(out ReadOnlySpan<byte> line))
        {
            summary.Lines++;
            if (line.IsEmpty || line[0] == (byte)'#')
            {
                continue;
            }

            if (!TryParse(line, out ulong thread, out ulong address) || !guess.Use(address))
            {
                summary.Drop(lines.LineNumber, LineReader.Printable(line));
                continue;
            }

            if (!threads.TryGetValue(thread, out int number))
            {
                number = threads.Count < MaxThreads ? threads.Count : 0;
                threads.Add(thread, number);
            }

            emitter.CurrentThread = number;
            emitter.Reference(VmtKind.Store, address, 1);
            summary.DataReferences++;
        }

        emitter.Finish();
        if (summary.DataReferences == 0 && summary.FirstDropped is { } dropped)
        {
            throw TraceFormatException.AtLine(
                options.File,
                dropped.Line,
                dropped.Text,
                "perf script lines with a page-fault event and its address; record with -d and print with -F pid,tid,time,event,addr");
        }

        summary.Notes.Add("Page-fault samples are one address a fault: counts of accesses and mappings are not those of the program.");
        return summary;
    }

    /// <summary>Whether a line has an event with "faults" and an address behind it.</summary>
    private static bool TryParse(ReadOnlySpan<byte> line, out ulong thread, out ulong address)
    {
        thread = 0;
        address = 0;
        FieldReader fields = new FieldReader(line);
        bool hasThread = false;
        while (!fields.AtEnd)
        {
            ReadOnlySpan<byte> word = fields.Word();
            if (word[^1] == (byte)':' && word.IndexOf("faults"u8) >= 0)
            {
                return hasThread && fields.Hex(out address);
            }

            // comm may hold digits too; the last plain number or pair before the event is the thread, unless it is a period
            int slash = word.IndexOf((byte)'/');
            FieldReader number = new FieldReader(word[(slash + 1)..]);
            if (number.Decimal(out ulong value) && (!hasThread || slash > 0))
            {
                thread = value;
                hasThread = true;
            }
        }

        return false;
    }
}
