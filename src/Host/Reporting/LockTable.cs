using Spectre.Console;
using VmSim.Core.Kernel;
using VmSim.Core.Kernel.Locks;
using VmSim.Core.Reports;
using VmSim.Host.Terminal;

namespace VmSim.Host.Reporting;

/// <summary>
/// Shows which locks and contended cache lines a run waited for; those that never left a core and never made anyone wait are left out.
/// </summary>
internal static class LockTable
{
    private static readonly (string Heading, Func<LockCounters, SpaceCounters.Counter> Counter)[] Columns =
    [
        ("taken", of => of.Acquisitions),
        ("waits", of => of.Waits),
        ("wait cycles", of => of.WaitCycles),
        ("near moves", of => of.LocalTransfers),
        ("far moves", of => of.RemoteTransfers),
    ];

    /// <summary>Writes the table, if it has a row.</summary>
    public static void Show(RunReport report, IAnsiConsole console)
    {
        Table table = new Table().Border(TableBorder.Simple).BorderColor(Color.Grey);
        table.AddColumn(new TableColumn("lock").NoWrap());
        foreach ((string heading, _) in Columns)
        {
            table.AddColumn(new TableColumn(heading).RightAligned());
        }

        foreach (LockKind kind in LockKind.All)
        {
            LockCounters counters = SpaceCounters.Of(kind);
            long[] values = [.. Columns.Select(column => report.Total(column.Counter(counters).Info.Name))];
            if (values.Skip(1).Any(value => value > 0))
            {
                table.AddRow([kind.Name, .. values.Select(value => Quantities.Exact(value))]);
            }
        }

        if (table.Rows.Count > 0)
        {
            console.WriteLine();
            console.Write(table);
        }
    }
}
