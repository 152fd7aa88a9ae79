using System.Globalization;
using System.Text;
using VmSim.Core.Addresses;
using VmSim.Core.Shootdown;

namespace VmSim.Host.Reporting;

/// <summary>Writes shootdowns as comma-separated values, one line each; names of columns end in the unit.</summary>
internal static class ShootdownCsv
{
    private const string Header =
        "begin_cycles,address_space,shootdown,initiator_core,target_cores,interrupts,spurious_interrupts,dead_pages,span_pages,page_bytes,"
        + "wait_cycles,handler_cycles,refill_miss_walks\n";

    /// <summary>
    /// Writes a header and the records in their order. The wait is empty where nobody was told or the operation still waited.
    /// </summary>
    public static void Write(IReadOnlyList<ShootdownRecord> records, Stream stream)
    {
        using StreamWriter writer = new(stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), leaveOpen: true);
        writer.Write(Header);
        foreach (ShootdownRecord r in records)
        {
            string wait = r.Wait < 0 ? "" : r.Wait.ToString();
            writer.Write(string.Create(
                CultureInfo.InvariantCulture,
                $"{r.BegunAt},{r.Space.Value},{r.Id},{r.Initiator.Value},{r.Targets},{r.Interrupts},{r.SpuriousInterrupts},"
                + $"{r.DeadPages},{r.Dead.Pages},{r.Dead.Stride.Bytes()},{wait},{r.HandlerCycles},{r.RefillMisses}\n"));
        }
    }
}
