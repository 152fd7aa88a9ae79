using System.Text.Json;
using VmSim.Core.Reports;
using VmSim.Host.Reporting;
using VmSim.Host.Terminal;

namespace VmSim.CoverageFuzz.Targets;

/// <summary>The report of an earlier run: it is shown, and what is written of it is read as the same.</summary>
internal sealed class ReportTarget() : FuzzTarget("report", typeof(JsonException))
{
    private const string Counters = "{\"accesses\":5,\"faults\":1}";
    private const string Shares = "{\"walk\":{\"count\":2,\"sum\":9,\"p50\":1,\"p90\":2,\"p99\":2,\"max\":7}}";

    public override IEnumerable<byte[]> Seeds =>
    [
        SeedFiles.Text(
            "{\"schemaVersion\":1,\"scenario\":\"a\",\"seed\":5,\"fingerprint\":\"29\",\"outcome\":\"completed\",\"findings\":[\"x\"],"
                + "\"protocol\":\"linux\","
                + $"\"ghz\":2.5,\"windowBound\":100,\"totals\":{Counters},\"latencyCycles\":{Shares},"
                + $"\"shootdowns\":{Shares},\"shootdownsLeftOut\":1,"
                + $"\"cores\":[{{\"id\":0,\"socket\":0,\"cycles\":{Counters},\"counters\":{Counters}}}],"
                + $"\"addressSpaces\":[{{\"id\":0,\"name\":\"p\",\"counters\":{Counters},\"shootdowns\":{Shares}}}],"
                + "\"threads\":[{\"id\":0,\"name\":\"t\",\"addressSpace\":0,\"core\":0,"
                + "\"started\":0,\"ended\":9,\"accesses\":5,\"faults\":1}],"
                + "\"checker\":{\"allowedStaleness\":1,\"longestStaleness\":2},\"host\":{\"wallSeconds\":1,\"cpuSeconds\":1,\"threads\":2,"
                + "\"accessesPerSecond\":5,\"peakMemoryBytes\":7,\"windowCycles\":9,\"windows\":1,"
                + "\"nodes\":[{\"address\":\"a\",\"cores\":1,\"spaces\":1,\"envelopes\":1,\"bytes\":1}]}}"),
    ];

    public override IEnumerable<string> Words =>
    [
        "\"shootdowns\"", "\"totals\"", "\"cores\"", "\"threads\"", "\"host\"", "\"nodes\"", "\"checker\"", "\"latencyCycles\"", "\"sum\"",
        "null",
        "9223372036854775807", "-9223372036854775808", "1e308", "\"\\u001b\"", "[]", "{}", "true",
    ];

    protected override void Read(byte[] input)
    {
        RunReport report = ReportJson.Read(new MemoryStream(input, writable: false), "fuzz.json");
        ReportView.Show(report, Consoles.For(TextWriter.Null));
        byte[] written = Written(report);
        Same("a report that was written and read", written, Written(ReportJson.Read(new MemoryStream(written), "again.json")));
    }

    private static byte[] Written(RunReport report)
    {
        using MemoryStream stream = new();
        ReportJson.Write(report, stream);
        return stream.ToArray();
    }
}
