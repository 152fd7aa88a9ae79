using Spectre.Console;
using VmSim.Core.Reports;
using VmSim.Host.Terminal;

namespace VmSim.Host.Reporting;

/// <summary>Shows which locks and contended cache lines a run waited for; those that never left a core and never made anyone wait are left out.</summary>
internal static class LockTable
{
    private static readonly string[] s_columns = [LockCatalog.Acquisitions, LockCatalog.Waits, LockCatalog.WaitCycles, LockCatalog.LocalTransfers, LockCatalog.RemoteTransfers];

    /// <summary>Writes the table, if it has a row.</summary>
    public static void Show(RunReport report, IAnsiConsole console)
    {
        Table table = new Table().Border(TableBorder.Simple).BorderColor(Color.Grey);
        table.AddColumn(new TableColumn("lock").NoWrap());
        foreach (string column in (string[])["taken", "waits", "wait cycles", "near moves", "far moves"])
        {
            table.AddColumn(new TableColumn(column).RightAligned());
        }

        foreach ((_, string name, _) in LockCatalog.Kinds)
        {
            long[] values = [.. s_columns.Select(column => report.Total(name + column))];
            if (values.Skip(1).Any(value => value > 0))
            {
                table.AddRow([name, .. values.Select(value => Quantities.Exact(value))]);
            }
        }

        if (table.Rows.Count > 0)
        {
            console.WriteLine();
            console.Write(table);
        }
    }
}
