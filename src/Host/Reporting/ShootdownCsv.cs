using System.Globalization;
using System.Text;
using VmSim.Core.Addresses;
using VmSim.Core.Reports;
using VmSim.Core.Shootdown;
using VmSim.Core.Statistics;
using VmSim.Host.Terminal;

namespace VmSim.Host.Reporting;

/// <summary>
/// Writes shootdowns as comma-separated values, one line each: what tells a shootdown from others, then its figures, then whose call or
/// fault led to it. Names of columns with a unit end in it.
/// </summary>
internal static class ShootdownCsv
{
    private static readonly (string Column, Func<ShootdownRecord, long> Read)[] Columns =
    [
        ("begin_cycles", record => record.BegunAt.Value),
        ("address_space", record => record.Space.Value),
        ("shootdown", record => record.Id),
        ("initiator_core", record => record.Initiator.Value),
        ("page_bytes", record => (long)record.Dead.Stride.Bytes()),
        .. ShootdownFigure.All.Select(figure => (figure.Column, figure.Read)),
    ];

    private static readonly string[] CauseColumns = ["first_address", "process", "thread", "call", "object", "area", "site"];

    /// <summary>
    /// Writes a header and the records in their order. A figure that a shootdown does not have is empty, as is the wait where nobody was
    /// told or the operation still waited, and the first address where the whole space was flushed.
    /// </summary>
    public static void Write(RunReport report, Stream stream)
    {
        CauseNamesOf names = new(report);
        Dictionary<(int Space, int Cause), string> causes =
            report.Causes.ToDictionary(cause => (cause.AddressSpace.Value, cause.Number), cause => Whose(names, cause));
        using StreamWriter writer = new(stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), leaveOpen: true);
        writer.Write(string.Join(',', Columns.Select(column => column.Column).Concat(CauseColumns)) + "\n");
        string unknown = new(',', CauseColumns.Length - 2);
        StringBuilder line = new();
        foreach (ShootdownRecord record in report.ShootdownRecords)
        {
            line.Clear();
            foreach ((_, Func<ShootdownRecord, long> read) in Columns)
            {
                long value = read(record);
                line.Append(line.Length == 0 ? "" : ",").Append(value < 0 ? "" : value.ToString(CultureInfo.InvariantCulture));
            }

            line.Append(',').Append(record.Dead.IsWholeSpace ? "" : record.Dead.Start.ToString());
            line.Append(',').Append(causes.GetValueOrDefault((record.Space.Value, record.Cause), unknown));
            writer.Write(line.Append('\n'));
        }
    }

    private static string Whose(CauseNamesOf names, CauseReport cause) => string.Join(
        ',',
        CsvField.Of(names.Process(cause.AddressSpace)),
        CsvField.Of(names.Thread(cause.Row.Thread)),
        CsvField.Of(cause.Row.Call),
        CsvField.Of(PlainWriter.Line(cause.Row.Object)),
        cause.Row.Area?.ToString() ?? "",
        CsvField.Of(PlainWriter.Line(cause.Row.Site?.Text ?? "")));
}
