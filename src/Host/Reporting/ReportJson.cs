using System.Text.Json;
using VmSim.Core.Addresses;
using VmSim.Core.Reports;
using VmSim.Core.Statistics;

namespace VmSim.Host.Reporting;

/// <summary>Writes and reads <c>report.json</c>. Fields come in a fixed order, so that equal reports are equal bytes.</summary>
public static class ReportJson
{
    private static readonly JsonWriterOptions Indented = new() { Indented = true, NewLine = "\n" };

    /// <summary>Writes a report.</summary>
    public static void Write(RunReport report, Stream stream)
    {
        ArgumentNullException.ThrowIfNull(report);
        using Utf8JsonWriter json = new(stream, Indented);
        json.WriteStartObject();
        json.WriteNumber("schemaVersion", report.SchemaVersion);
        json.WriteString("scenario", report.Scenario);
        json.WriteNumber("seed", report.Seed);
        json.WriteString("fingerprint", report.Fingerprint);
        json.WriteString("outcome", report.Outcome);
        json.WriteStartArray("findings");
        foreach (string finding in report.Findings)
        {
            json.WriteStringValue(finding);
        }

        json.WriteEndArray();
        json.WriteString("protocol", report.Protocol);
        json.WriteString("machine", report.Facts.Machine);
        json.WriteString("kernel", report.Facts.Kernel);
        WriteCounters(json, "costs", report.Facts.Costs);
        json.WriteNumber("ghz", report.Ghz);
        json.WriteNumber("windowBound", report.WindowBound.Value);
        WriteCounters(json, "totals", report.Totals);
        SamplingJson.Write(json, report.Sampling);
        WriteCounters(json, "vmstat", VmStatLine.Of(report));
        WriteDistributions(json, "latencyCycles", report.LatencyCycles);
        WriteDistributions(json, "shootdowns", report.Shootdowns);
        json.WriteNumber("shootdownsLeftOut", report.ShootdownsLeftOut);
        IntervalJson.Write(json, report);
        WriteArray(json, "causes", report.Causes, CauseJson.Write);
        WriteArray(json, "cores", report.Cores, WriteCore);
        WriteArray(json, "addressSpaces", report.AddressSpaces, WriteSpace);
        WriteArray(json, "threads", report.Threads, WriteThread);
        if (report.Checker is { } checker)
        {
            json.WriteStartObject("checker");
            json.WriteNumber("allowedStaleness", checker.AllowedStaleness.Value);
            json.WriteNumber("longestStaleness", checker.LongestStaleness.Value);
            json.WriteEndObject();
        }

        ProvenanceJson.Write(json, report.Provenance);
        if (report.Host is { } host)
        {
            ProvenanceJson.Write(json, host);
        }

        json.WriteEndObject();
    }

    /// <summary>Reads a report.</summary>
    /// <param name="stream">The text.</param>
    /// <param name="name">What it is called in errors.</param>
    /// <exception cref="JsonException">The text is not a report that this version can read.</exception>
    public static RunReport Read(Stream stream, string name)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(stream);
            JsonElement root = document.RootElement;
            int version = root.GetProperty("schemaVersion").GetInt32();
            return version == 1 ? ReadReport(root) : throw new JsonException($"schemaVersion is {version}; this program reads version 1");
        }
        catch (Exception reason) when (reason is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new JsonException($"{name}: this is no report of a run: {reason.Message}", reason);
        }
    }

    internal static void WriteArray<T>(Utf8JsonWriter json, string name, IReadOnlyList<T> items, Action<Utf8JsonWriter, T> write)
    {
        json.WriteStartArray(name);
        foreach (T item in items)
        {
            json.WriteStartObject();
            write(json, item);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteCounters(Utf8JsonWriter json, string name, IReadOnlyList<KeyValuePair<string, long>> counters)
    {
        json.WriteStartObject(name);
        foreach ((string counter, long value) in counters)
        {
            json.WriteNumber(counter, value);
        }

        json.WriteEndObject();
    }

    private static void WriteDistributions(Utf8JsonWriter json, string of, IReadOnlyList<KeyValuePair<string, Distribution>> distributions)
    {
        json.WriteStartObject(of);
        foreach ((string name, Distribution distribution) in distributions)
        {
            json.WriteStartObject(name);
            json.WriteNumber("count", distribution.Count);
            if (distribution.Sum is { } sum)
            {
                json.WriteNumber("sum", sum);
            }

            json.WriteNumber("p50", distribution.P50);
            json.WriteNumber("p90", distribution.P90);
            json.WriteNumber("p99", distribution.P99);
            json.WriteNumber("max", distribution.Max);
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    private static void WriteCore(Utf8JsonWriter json, CoreReport core)
    {
        json.WriteNumber("id", core.Id.Value);
        json.WriteNumber("socket", core.Socket);
        WriteCounters(json, "cycles", core.Cycles);
        WriteCounters(json, "counters", core.Counters);
    }

    private static void WriteSpace(Utf8JsonWriter json, AddressSpaceReport space)
    {
        json.WriteNumber("id", space.Id.Value);
        json.WriteString("name", space.Name);
        WriteCounters(json, "counters", space.Counters);
        WriteDistributions(json, "shootdowns", space.Shootdowns);
    }

    private static void WriteThread(Utf8JsonWriter json, ThreadReport thread)
    {
        json.WriteNumber("id", thread.Id.Value);
        json.WriteString("name", thread.Name);
        json.WriteNumber("addressSpace", thread.AddressSpace.Value);
        json.WriteNumber("core", thread.Core.Value);
        json.WriteNumber("started", thread.Started.Value);
        json.WriteNumber("ended", thread.Ended.Value);
        json.WriteNumber("accesses", thread.Accesses);
        json.WriteNumber("faults", thread.Faults);
    }

    private static RunReport ReadReport(JsonElement root) => new()
    {
        Scenario = Text(root, "scenario"),
        Seed = root.GetProperty("seed").GetUInt64(),
        Fingerprint = Text(root, "fingerprint"),
        Outcome = Text(root, "outcome"),
        Findings = [.. root.GetProperty("findings").EnumerateArray().Select(item => item.GetString() ?? "")],
        Protocol = Text(root, "protocol"),
        Facts = root.TryGetProperty("costs", out JsonElement costs)
            ? new MachineFacts(Text(root, "machine"), Text(root, "kernel"), ReadCounters(costs))
            : MachineFacts.None,
        Ghz = root.GetProperty("ghz").GetDouble(),
        WindowBound = root.GetProperty("windowBound").GetInt64(),
        Totals = ReadCounters(root.GetProperty("totals")),
        Sampling = SamplingJson.Read(root),
        LatencyCycles = ReadDistributions(root.GetProperty("latencyCycles")),
        Shootdowns = ReadShootdowns(root),
        ShootdownsLeftOut = root.TryGetProperty("shootdownsLeftOut", out JsonElement leftOut) ? leftOut.GetInt64() : 0,
        Intervals = IntervalJson.ReadIntervals(root),
        CoreTime = IntervalJson.ReadCoreTime(root),
        Interrupts = IntervalJson.ReadInterrupts(root),
        Causes = root.TryGetProperty("causes", out JsonElement causes) ? [.. causes.EnumerateArray().Select(CauseJson.Read)] : [],
        Cores = [.. root.GetProperty("cores").EnumerateArray().Select(ReadCore)],
        AddressSpaces = [.. root.GetProperty("addressSpaces").EnumerateArray().Select(item => new AddressSpaceReport
        {
            Id = new SpaceId(item.GetProperty("id").GetInt32()),
            Name = Text(item, "name"),
            Counters = ReadCounters(item.GetProperty("counters")),
            Shootdowns = ReadShootdowns(item),
        })],
        Threads = [.. root.GetProperty("threads").EnumerateArray().Select(item => new ThreadReport
        {
            Id = new ThreadId(item.GetProperty("id").GetInt32()),
            Name = Text(item, "name"),
            AddressSpace = new SpaceId(item.GetProperty("addressSpace").GetInt32()),
            Core = new CoreId(item.GetProperty("core").GetInt32()),
            Started = Long(item, "started"),
            Ended = Long(item, "ended"),
            Accesses = Long(item, "accesses"),
            Faults = Long(item, "faults"),
        })],
        Checker = root.TryGetProperty("checker", out JsonElement checker)
            ? new CheckerReport(Long(checker, "allowedStaleness"), Long(checker, "longestStaleness"))
            : null,
        Host = root.TryGetProperty("host", out JsonElement host) ? ProvenanceJson.ReadHost(host) : null,
        Provenance = ProvenanceJson.Read(root),
    };

    private static CoreReport ReadCore(JsonElement item) => new()
    {
        Id = new CoreId(item.GetProperty("id").GetInt32()),
        Socket = item.GetProperty("socket").GetInt32(),
        Cycles = ReadCounters(item.GetProperty("cycles")),
        Counters = ReadCounters(item.GetProperty("counters")),
    };

    private static KeyValuePair<string, long>[] ReadCounters(JsonElement counters) =>
        [.. counters.EnumerateObject().Select(item => new KeyValuePair<string, long>(item.Name, item.Value.GetInt64()))];

    /// <summary>Reports of versions that did not have them have none.</summary>
    private static KeyValuePair<string, Distribution>[] ReadShootdowns(JsonElement of) =>
        of.TryGetProperty("shootdowns", out JsonElement figures) ? ReadDistributions(figures) : [];

    private static KeyValuePair<string, Distribution>[] ReadDistributions(JsonElement distributions) =>
        [.. distributions.EnumerateObject()
            .Select(item => new KeyValuePair<string, Distribution>(item.Name, ReadDistribution(item.Value)))];

    private static Distribution ReadDistribution(JsonElement item) => new(
        Long(item, "count"),
        item.TryGetProperty("sum", out JsonElement sum) ? sum.GetInt64() : null,
        Long(item, "p50"),
        Long(item, "p90"),
        Long(item, "p99"),
        Long(item, "max"));

    internal static long Long(JsonElement item, string name) => item.GetProperty(name).GetInt64();

    internal static string Text(JsonElement item, string name) =>
        item.GetProperty(name).GetString() ?? throw new JsonException($"{name} is null; a text is needed");
}
