using System.Buffers.Binary;

namespace VmSim.Core.Traces.Import;

/// <summary>Reads ChampSim traces: a record an instruction, of the standard kind or CloudSuite's, which is recognised.</summary>
/// <remarks>
/// Addresses are 0 where there is none. One thread; nothing says what is mapped, so memory is mapped where it is used. An instruction of
/// the standard kind, which is x86-64's, that loads and stores one place has its store first (<see cref="InstructionReferences"/>).
/// </remarks>
public sealed class ChampSimImporter : ITraceImporter
{
    /// <inheritdoc/>
    public string Name => "champsim";

    /// <inheritdoc/>
    public string Summary => "ChampSim instruction records of 64 bytes, or of 96 (CloudSuite): plain, gzip, zstd or xz";

    /// <inheritdoc/>
    public ImportSummary Import(Stream log, IVmtSink sink, ImportOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ImportSummary summary = new ImportSummary();
        TraceEmitter emitter = new TraceEmitter(sink, summary, options.Sets, keepsLoads: true);
        RegionGuess guess = new RegionGuess(emitter);
        InstructionReferences references = new InstructionReferences(emitter);
        (Stream whole, ChampSimFormat format) = Recognise(LogStreams.Open(log, options.File), options.File);
        RecordReader records = new RecordReader(whole, format.Bytes, options.File);
        emitter.Header(options.Name);
        while (records.TryRead(out ReadOnlySpan<byte> record))
        {
            summary.Lines++;
            if (!ChampSimFormat.HasBranchBytes(record))
            {
                throw TraceFormatException.AtByte(
                    options.File,
                    records.Offset - format.Bytes + ChampSimFormat.BranchAt,
                    $"is-branch {record[ChampSimFormat.BranchAt]} and branch-taken {record[ChampSimFormat.BranchAt + 1]}",
                    "0 or 1 in both, as ChampSim records have");
            }

            Take(VmtKind.Fetch, record);
            for (int i = 0; i < ChampSimFormat.Sources; i++)
            {
                Take(VmtKind.Load, record[(format.SourcesAt + (8 * i))..]);
            }

            for (int i = 0; i < format.Destinations; i++)
            {
                Take(VmtKind.Store, record[(format.DestinationsAt + (8 * i))..]);
            }

            references.End();
        }

        emitter.Finish();
        summary.Notes.Add($"Records are of {format.Bytes} bytes ({format.Name}).");
        summary.Notes.Add(
            "ChampSim traces say nothing of mappings and threads: memory is anonymous, mapped where it is used, and there is one thread.");
        guess.AddNotes(summary);
        return summary;

        void Take(VmtKind kind, ReadOnlySpan<byte> field)
        {
            ulong address = BinaryPrimitives.ReadUInt64LittleEndian(field);
            if (address == 0)
            {
                return;
            }

            if (!guess.Use(address))
            {
                summary.Drop(summary.Lines, guess.Refusal(address));
                return;
            }

            if (kind == VmtKind.Fetch || format != ChampSimFormat.Standard)
            {
                emitter.Reference(kind, address, 1);
            }
            else
            {
                references.Add(kind, address, 1);
            }

            _ = kind == VmtKind.Fetch ? summary.Fetches++ : summary.DataReferences++;
        }
    }

    private static (Stream Whole, ChampSimFormat Format) Recognise(Stream unpacked, string file)
    {
        try
        {
            Stream whole = TraceStreams.Peek(unpacked, ChampSimFormat.SampleBytes, out byte[] sample);
            return (whole, ChampSimFormat.Of(sample));
        }
        catch (Exception error) when (error is InvalidDataException or EndOfStreamException)
        {
            throw TraceFormatException.AtByte(
                file, 0, $"the packed data is cut off or damaged ({error.Message})", "an undamaged file", error);
        }
    }
}
