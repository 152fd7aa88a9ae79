using System.Text.Json;
using VmSim.Core.Reports;

namespace VmSim.Host.Reporting;

/// <summary>Where a report comes from, and what it cost, as JSON.</summary>
internal static class ProvenanceJson
{
    /// <summary>Writes what a report was made from, if somebody has said.</summary>
    public static void Write(Utf8JsonWriter json, RunProvenance? provenance)
    {
        if (provenance is null)
        {
            return;
        }

        json.WriteStartObject("provenance");
        json.WriteString("version", provenance.Version);
        json.WriteString("commit", provenance.Commit);
        json.WriteString("build", provenance.Build);
        json.WriteString("digest", provenance.Digest);
        ReportJson.WriteArray(json, "files", provenance.Files, (writer, file) =>
        {
            writer.WriteString("path", file.Path);
            writer.WriteString("digest", file.Digest);
        });
        json.WriteEndObject();
    }

    /// <summary>Writes what a run cost its host.</summary>
    public static void Write(Utf8JsonWriter json, HostReport host)
    {
        json.WriteStartObject("host");
        json.WriteString("command", host.Command);
        json.WriteString("started", host.Started);
        json.WriteNumber("wallSeconds", host.WallSeconds);
        json.WriteNumber("cpuSeconds", host.CpuSeconds);
        json.WriteNumber("threads", host.Threads);
        json.WriteNumber("accessesPerSecond", host.AccessesPerSecond);
        json.WriteNumber("peakMemoryBytes", host.PeakMemoryBytes);
        json.WriteNumber("windowCycles", host.WindowCycles.Value);
        json.WriteNumber("windows", host.Windows);
        ReportJson.WriteArray(json, "nodes", host.Nodes, (writer, node) =>
        {
            writer.WriteString("address", node.Address);
            writer.WriteNumber("cores", node.Cores);
            writer.WriteNumber("spaces", node.Spaces);
            writer.WriteNumber("envelopes", node.Envelopes);
            writer.WriteNumber("bytes", node.Bytes);
        });
        json.WriteEndObject();
    }

    /// <summary>Reads what a report was made from; null if a version wrote it that did not say.</summary>
    public static RunProvenance? Read(JsonElement root) => root.TryGetProperty("provenance", out JsonElement provenance)
        ? new RunProvenance(
            ReportJson.Text(provenance, "version"),
            ReportJson.Text(provenance, "commit"),
            ReportJson.Text(provenance, "build"),
            ReportJson.Text(provenance, "digest"),
            [
                .. provenance.GetProperty("files").EnumerateArray()
                    .Select(file => new RunFile(ReportJson.Text(file, "path"), ReportJson.Text(file, "digest"))),
            ])
        : null;

    /// <summary>Reads what a run cost its host.</summary>
    public static HostReport ReadHost(JsonElement host) => new()
    {
        Command = TextOrNone(host, "command"),
        Started = TextOrNone(host, "started"),
        WallSeconds = host.GetProperty("wallSeconds").GetDouble(),
        CpuSeconds = host.GetProperty("cpuSeconds").GetDouble(),
        Threads = host.GetProperty("threads").GetInt32(),
        AccessesPerSecond = host.GetProperty("accessesPerSecond").GetDouble(),
        PeakMemoryBytes = ReportJson.Long(host, "peakMemoryBytes"),
        WindowCycles = ReportJson.Long(host, "windowCycles"),
        Windows = ReportJson.Long(host, "windows"),
        Nodes = [.. host.GetProperty("nodes").EnumerateArray().Select(item => new NodeReport(
            ReportJson.Text(item, "address"),
            item.GetProperty("cores").GetInt32(),
            item.GetProperty("spaces").GetInt32(),
            ReportJson.Long(item, "envelopes"),
            ReportJson.Long(item, "bytes")))],
    };

    /// <summary>Reports of versions that did not have it have none.</summary>
    private static string TextOrNone(JsonElement of, string name) => of.TryGetProperty(name, out _) ? ReportJson.Text(of, name) : "";
}
