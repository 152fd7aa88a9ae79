using System.Globalization;
using System.Text;
using VmSim.Core.Settings;
using VmSim.Core.Traces;
using VmSim.Core.Traces.Import;

namespace SamplePlugIns;

// docs/plug-ins.md shows this file from here on.

/// <summary>Reads lines of "thread R|W address"; what is mapped is guessed from where memory is used.</summary>
public sealed class AddressListImporter : ITraceImporter
{
    [Setting("Bytes that each access reads or writes.", Unit = SettingUnit.Bytes, Min = 1, Max = 4096)]
    public int AccessBytes { get; init; } = 8;

    public string Name => "address-list";

    public string Summary => "lines of \"thread R|W address\", the address in hexadecimal";

    public ImportSummary Import(Stream log, IVmtSink sink, ImportOptions options)
    {
        ImportSummary summary = new();
        TraceEmitter emitter = new(sink, summary, options.Sets);
        RegionGuess guess = new(emitter);
        LineReader lines = new(TraceStreams.Unpack(log), options.File);
        emitter.Header(options.Name);
        while (lines.TryRead(out ReadOnlySpan<byte> line))
        {
            summary.Lines++;
            string[] fields = Encoding.ASCII.GetString(line).Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (fields is not [string thread, "R" or "W", string at]
                || !ushort.TryParse(thread, NumberStyles.None, CultureInfo.InvariantCulture, out ushort number)
                || !ulong.TryParse(at, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong address)
                || !guess.Use(address))
            {
                summary.Drop(lines.LineNumber, LineReader.Printable(line));
                continue;
            }

            emitter.CurrentThread = number;
            emitter.Reference(fields[1] == "W" ? VmtKind.Store : VmtKind.Load, address, (uint)AccessBytes);
            summary.DataReferences++;
        }

        emitter.Finish();
        return summary;
    }
}
