using System.Globalization;
using System.Text;
using VmSim.Core.Kernel.Causes;
using VmSim.Core.Reports;
using VmSim.Core.Statistics;
using VmSim.Host.Terminal;

namespace VmSim.Host.Reporting;

/// <summary>
/// Writes the causes of a report as comma-separated values, one line each: whose it was, then its figures. Names of columns end in the
/// unit.
/// </summary>
internal static class CauseCsv
{
    private static readonly string[] Whose = ["address_space", "cause", "process", "thread", "call", "object", "area", "site"];

    /// <summary>Writes a header and the causes in their order.</summary>
    public static void Write(RunReport report, Stream stream)
    {
        CauseNamesOf names = new(report);
        using StreamWriter writer = new(stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), leaveOpen: true);
        writer.Write(string.Join(',', Whose.Concat(CauseFigure.All.Select(figure => figure.Column))) + "\n");
        foreach (CauseReport cause in report.Causes)
        {
            IEnumerable<string> cells = [.. Cells(names, cause), .. cause.Row.Values.Select(Number)];
            writer.Write(string.Join(',', cells) + "\n");
        }
    }

    /// <summary>The cells that say whose it was.</summary>
    private static IEnumerable<string> Cells(CauseNamesOf names, CauseReport cause) =>
    [
        Number(cause.AddressSpace.Value),
        Number(cause.Number),
        CsvField.Of(names.Process(cause.AddressSpace)),
        CsvField.Of(names.Thread(cause.Row.Thread)),
        CsvField.Of(cause.Row.Call),
        CsvField.Of(PlainWriter.Line(cause.Row.Object)),
        cause.Row.Area?.ToString() ?? "",
        CsvField.Of(PlainWriter.Line(cause.Row.Site?.Text ?? "")),
    ];

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);
}
