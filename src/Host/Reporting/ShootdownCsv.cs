using System.Globalization;
using System.Text;
using VmSim.Core.Addresses;
using VmSim.Core.Shootdown;

namespace VmSim.Host.Reporting;

/// <summary>
/// Writes shootdowns as comma-separated values, one line each: what tells a shootdown from others, then its figures. Names of columns end
/// in the unit.
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
    /// Writes a header and the records in their order. A figure that a shootdown does not have is empty, as is the wait where nobody was
    /// told or the operation still waited.
    /// </summary>
    public static void Write(IReadOnlyList<ShootdownRecord> records, Stream stream)
    {
        using StreamWriter writer = new(stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), leaveOpen: true);
        writer.Write(string.Join(',', Columns.Select(column => column.Column)) + "\n");
        StringBuilder line = new();
        foreach (ShootdownRecord record in records)
        {
            line.Clear();
            foreach ((_, Func<ShootdownRecord, long> read) in Columns)
            {
                long value = read(record);
                line.Append(line.Length == 0 ? "" : ",").Append(value < 0 ? "" : value.ToString(CultureInfo.InvariantCulture));
            }

            writer.Write(line.Append('\n'));
        }
    }
}
