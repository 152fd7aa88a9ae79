using System.Globalization;
using Spectre.Console;
using VmSim.Core.Experiments;
using VmSim.Host.Terminal;

namespace VmSim.Host.Reporting;

/// <summary>Shows what TLB experiments counted: one line a configuration, shares in percent of accesses, cycles for one access.</summary>
internal static class TlbView
{
    public static void Show(IReadOnlyList<(TlbConfig Config, TlbResult Result)> rows, IAnsiConsole console)
    {
        Table table = new Table().Border(TableBorder.None).AddColumn("configuration");
        foreach (string column in (string[])["L1 %", "L2 %", "walk %", "refs/walk", "faults", "cycles"])
        {
            table.AddColumn(new TableColumn(column).RightAligned().NoWrap().PadLeft(1));
        }

        foreach ((TlbConfig config, TlbResult result) in rows)
        {
            table.AddRow(
                new Text(config.Name),
                new Text(Percent(result.FirstHits4K + result.FirstHits2M, result.Accesses)),
                new Text(Percent(result.SecondHits4K + result.SecondHits2M, result.Accesses)),
                new Text(Percent(result.Walks, result.Accesses)),
                new Text(Ratio(result.References, result.Walks)),
                new Text(Quantities.Count(result.Faults)),
                new Text(Ratio(result.Cycles, result.Accesses)));
        }

        console.Write(table);
    }

    private static string Percent(double part, double whole) =>
        whole == 0 ? "-" : (100 * part / whole).ToString("0.00", CultureInfo.InvariantCulture);

    private static string Ratio(double part, double whole) =>
        whole == 0 ? "-" : (part / whole).ToString("0.00", CultureInfo.InvariantCulture);
}
