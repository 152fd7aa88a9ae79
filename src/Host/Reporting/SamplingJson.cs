using System.Text.Json;
using VmSim.Core.Reports;

namespace VmSim.Host.Reporting;

/// <summary>The part of <c>report.json</c> that says how far figures can be off because accesses were sampled.</summary>
internal static class SamplingJson
{
    private const string Name = "sampling";

    /// <summary>Writes it; nothing for a run that was not sampled.</summary>
    public static void Write(Utf8JsonWriter json, SamplingReport? sampling)
    {
        if (sampling is null)
        {
            return;
        }

        json.WriteStartObject(Name);
        json.WriteNumber("units", sampling.Units);
        json.WriteNumber("detailedAccesses", sampling.Detailed);
        json.WriteNumber("skippedAccesses", sampling.Skipped);
        json.WriteStartObject("intervals");
        foreach (SampledFigure figure in sampling.Intervals)
        {
            json.WriteStartObject(figure.Name);
            json.WriteNumber("estimate", figure.Estimate);
            if (figure.HalfWidth is { } half)
            {
                json.WriteNumber("halfWidth95", half);
            }

            json.WriteEndObject();
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    /// <summary>Reads it; null if the report has none.</summary>
    public static SamplingReport? Read(JsonElement root) =>
        !root.TryGetProperty(Name, out JsonElement sampling)
            ? null
            : new SamplingReport(
                ReportJson.Long(sampling, "units"),
                ReportJson.Long(sampling, "detailedAccesses"),
                ReportJson.Long(sampling, "skippedAccesses"),
                [.. sampling.GetProperty("intervals").EnumerateObject().Select(figure => new SampledFigure(
                    figure.Name,
                    ReportJson.Long(figure.Value, "estimate"),
                    figure.Value.TryGetProperty("halfWidth95", out JsonElement half) ? half.GetInt64() : null))]);
}
