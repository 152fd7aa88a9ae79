using VmSim.Core.Kernel;
using VmSim.Core.Reports;

namespace VmSim.Host.Reporting;

/// <summary>Lists faults or calls, a row each, in the order in which they came. Names of columns with a unit end in it.</summary>
internal static class OperationList
{
    /// <summary>
    /// The faults or the calls of a report, forks and ends of processes among the latter. When it started, ended and what that took is
    /// empty where it had not at the end of the run, as is an address where there is none.
    /// </summary>
    public static ListTable<OperationRecord> Of(RunReport report, bool faults)
    {
        ListTable<OperationRecord> table = new([.. report.OperationRecords.Where(record => record.IsFault == faults)]);
        table.AddNumber("begin_cycles", record => record.EnteredAt.Value);
        table.AddNumber("end_cycles", record => Known(record.ReturnedAt.Value));
        table.AddNumber("cycles", record => record.ReturnedAt < 0 ? null : (record.ReturnedAt - record.EnteredAt).Value);
        table.AddNumber("lock_wait_cycles", record => record.StartedAt < 0 ? null : (record.StartedAt - record.EnteredAt).Value);
        table.AddNumber("shootdown_wait_cycles", record => record.ShootdownWait.Value);
        table.AddNumber("address_space", record => record.Space.Value);
        table.AddNumber("operation", record => record.Id);
        table.AddNumber("core", record => record.Core.Value);
        table.AddNumber("failed", record => record.Failed ? 1 : 0);
        table.AddText("first_address", record => record.Address.Value == 0 ? "" : record.Address.ToString());
        if (!faults)
        {
            table.AddNumber("range_bytes", record => record.Bytes == 0 ? null : (long)Math.Min(record.Bytes, long.MaxValue));
        }

        new CauseTexts(report).AddTo(table, record => (record.Space, record.Cause), record => record.Thread);
        return table;
    }

    private static long? Known(long cycles) => cycles < 0 ? null : cycles;
}
