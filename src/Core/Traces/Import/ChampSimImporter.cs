using System.Buffers.Binary;

namespace VmSim.Core.Traces.Import;

/// <summary>Reads ChampSim traces: 64 bytes an instruction (inc/trace_instruction.h, input_instr), plain or gzip.</summary>
/// <remarks>Layout: 8 bytes instruction pointer, 1 is-branch, 1 branch-taken, 2 destination and 4 source registers, 2 x 8 destination and 4
/// x 8
/// source addresses, 0 for none. One thread; nothing says what is mapped, so memory is mapped where it is used.</remarks>
public sealed class ChampSimImporter : ITraceImporter
{
    private const int RecordBytes = 64;
    private const int Destinations = 16;
    private const int Sources = 32;

    /// <inheritdoc/>
    public string Name => "champsim";

    /// <inheritdoc/>
    public string Summary => "ChampSim instruction records of 64 bytes, plain, gzip or xz";

    /// <inheritdoc/>
    public ImportSummary Import(Stream log, IVmtSink sink, ImportOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ImportSummary summary = new ImportSummary();
        TraceEmitter emitter = new TraceEmitter(sink, summary, options.Sets);
        RegionGuess guess = new RegionGuess(emitter);
        RecordReader records = new RecordReader(TraceStreams.Unpack(log), RecordBytes, options.File);
        emitter.Header(options.Name);
        while (records.TryRead(out ReadOnlySpan<byte> record))
        {
            summary.Lines++;
            if (record[8] > 1 || record[9] > 1)
            {
                throw TraceFormatException.AtByte(
                    options.File,
                    records.Offset - RecordBytes + 8,
                    $"is-branch {record[8]} and branch-taken {record[9]}",
                    "0 or 1 in both, as ChampSim records have");
            }

            Take(VmtKind.Fetch, record);
            for (int i = 0; i < 4; i++)
            {
                Take(VmtKind.Load, record[(Sources + (8 * i))..]);
            }

            for (int i = 0; i < 2; i++)
            {
                Take(VmtKind.Store, record[(Destinations + (8 * i))..]);
            }
        }

        emitter.Finish();
        summary.Notes.Add(
            "ChampSim traces say nothing of mappings and threads: memory is anonymous, mapped where it is used, and there is one thread.");
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
                summary.Drop(
                    summary.Lines,
                    $"address {address:x} is not in user space, or more than {RegionGuess.MaxRegions} regions of 2 MiB are used");
                return;
            }

            emitter.Reference(kind, address, 1);
            _ = kind == VmtKind.Fetch ? summary.Fetches++ : summary.DataReferences++;
        }
    }
}
