using System.Globalization;
using Spectre.Console;
using VmSim.Core.Experiments;
using VmSim.Host.Terminal;

namespace VmSim.Host.Reporting;

/// <summary>
/// Shows what TLB experiments counted, one line a configuration, in 80 columns: shares of accesses in percent, walks per million accesses
/// and, where there are fetches, per million fetches, per million loads and stores, and per thousand instructions; cycles for one access.
/// </summary>
internal static class TlbView
{
    private const string None = "-";

    /// <summary>Shows rows.</summary>
    /// <param name="rows">The rows; those of traces have fetches and data apart.</param>
    /// <param name="basis">Name of the row that ratios are to; null for no ratios.</param>
    /// <param name="console">Where to.</param>
    public static void Show(IReadOnlyList<(TlbConfig Config, TlbResult Result)> rows, string? basis, IAnsiConsole console)
    {
        List<(string Name, Func<TlbResult, string> Field)> columns = [("L1 %", result => Percent(FirstHits(result), result.Accesses))];
        bool hasFetches = rows.Any(row => row.Result.Fetches > 0);
        if (hasFetches)
        {
            columns.Add(("fetch/M", result => PerMillion(result.FetchWalks, result.Fetches)));
            columns.Add(("data/M", result => PerMillion(result.Walks - result.FetchWalks, result.Accesses - result.Fetches)));
            columns.Add(("walks/ki", result => Ratio(1000.0 * result.Walks, result.Fetches)));
        }
        else
        {
            columns.Add(("L2 %", result => Percent(result.SecondHits4K + result.SecondHits2M, result.Accesses)));
            columns.Add(("walks/M", result => PerMillion(result.Walks, result.Accesses)));
        }

        // Ratios and fetches take the room of what the table of results has too.
        if (basis is null)
        {
            columns.Add(("refs/walk", result => Ratio(result.References, result.Walks)));
        }

        if (basis is null && !hasFetches)
        {
            columns.Add(("faults", result => Quantities.Count(result.Faults)));
        }

        columns.Add(("cycles", result => Ratio(result.Cycles, result.Accesses)));
        if (basis is not null && rows.FirstOrDefault(row => row.Config.Name == basis).Result is { } first)
        {
            columns.Add(("x walks", result => Ratio(WalksPerMillion(result), WalksPerMillion(first))));
            columns.Add(("x cycles", result => Ratio((double)result.Cycles / result.Accesses, (double)first.Cycles / first.Accesses)));
        }

        Table table = new Table().Border(TableBorder.None).AddColumn("configuration");
        foreach ((string name, _) in columns)
        {
            table.AddColumn(new TableColumn(name).RightAligned().NoWrap().PadLeft(1));
        }

        foreach ((TlbConfig config, TlbResult result) in rows)
        {
            table.AddRow([new Text(config.Name), .. columns.Select(column => new Text(column.Field(result)))]);
        }

        console.Write(table);
    }

    /// <summary>Page walks for each million accesses; 0 if there were none.</summary>
    public static double WalksPerMillion(TlbResult result) => result.Accesses == 0 ? 0 : 1e6 * result.Walks / result.Accesses;

    private static long FirstHits(TlbResult result) => result.FirstHits4K + result.FirstHits2M;

    private static string Percent(double part, double whole) => Ratio(100 * part, whole);

    private static string PerMillion(long part, long whole) => whole == 0 ? None : Quantities.Count((long)Math.Round(1e6 * part / whole));

    private static string Ratio(double part, double whole) =>
        whole == 0 || double.IsNaN(whole) ? None : (part / whole).ToString("0.00", CultureInfo.InvariantCulture);
}
