using VmSim.Core.Addresses;
using VmSim.Core.Reports;
using VmSim.Core.Shootdown;

namespace VmSim.Host.Reporting;

/// <summary>
/// Lists shootdowns, a row each: what tells a shootdown from others, then its figures, then whose call or fault led to it. Names of columns
/// with a unit end in it.
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

    /// <summary>
    /// The records in their order. A figure that a shootdown does not have is empty, as is the wait where nobody was told or the operation
    /// still waited, and the first address where the whole space was flushed.
    /// </summary>
    public static ListTable<ShootdownRecord> Of(RunReport report)
    {
        ListTable<ShootdownRecord> table = new(report.ShootdownRecords);
        foreach ((string column, Func<ShootdownRecord, long> read) in Columns)
        {
            table.AddNumber(column, record => read(record) is >= 0 and long value ? value : null);
        }

        table.AddText("first_address", record => record.Dead.IsWholeSpace ? "" : record.Dead.Start.ToString());
        new CauseTexts(report).AddTo(table, record => (record.Space, record.Cause));
        table.AddNumber("operation", record => record.Operation);
        return table;
    }
}
