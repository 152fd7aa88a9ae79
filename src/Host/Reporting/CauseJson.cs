using System.Text.Json;
using VmSim.Core.Addresses;
using VmSim.Core.Kernel.Causes;
using VmSim.Core.Programs;
using VmSim.Core.Reports;

namespace VmSim.Host.Reporting;

/// <summary>Writes and reads the causes in <c>report.json</c>. Figures of 0 are left out.</summary>
internal static class CauseJson
{
    /// <summary>Writes the fields of a cause.</summary>
    public static void Write(Utf8JsonWriter json, CauseReport cause)
    {
        CauseRow row = cause.Row;
        json.WriteNumber("addressSpace", cause.AddressSpace.Value);
        json.WriteNumber("number", cause.Number);
        if (row.Thread.Value >= 0)
        {
            json.WriteNumber("thread", row.Thread.Value);
        }

        json.WriteString("call", row.Call);
        if (row.Object.Length > 0)
        {
            json.WriteString("object", row.Object);
        }

        if (row.Area is { } area)
        {
            json.WriteString("area", area.ToString());
        }

        if (row.Site is { } site)
        {
            json.WriteStartArray("site");
            foreach (string frame in site.Frames)
            {
                json.WriteStringValue(frame);
            }

            json.WriteEndArray();
        }

        foreach (CauseFigure figure in CauseFigure.All.Where(figure => row[figure] != 0))
        {
            json.WriteNumber(figure.Info.Name, row[figure]);
        }
    }

    /// <summary>Reads a cause.</summary>
    /// <exception cref="JsonException">An area is no address.</exception>
    public static CauseReport Read(JsonElement item) => new(
        new SpaceId(item.GetProperty("addressSpace").GetInt32()),
        item.GetProperty("number").GetInt32(),
        new CauseRow
        {
            Thread = new ThreadId(item.TryGetProperty("thread", out JsonElement thread) ? thread.GetInt32() : -1),
            Call = Text(item, "call"),
            Object = Text(item, "object"),
            Area = item.TryGetProperty("area", out JsonElement area) ? ReadAddress(area.GetString() ?? "") : null,
            Site = item.TryGetProperty("site", out JsonElement site) ? ReadSite(site) : null,
            Values = [.. CauseFigure.All.Select(
                figure => item.TryGetProperty(figure.Info.Name, out JsonElement value) ? value.GetInt64() : 0)],
        });

    private static CallSite ReadSite(JsonElement site) => site.GetArrayLength() <= CallSite.FramesMax
        ? new CallSite([.. site.EnumerateArray().Select(frame => frame.GetString() ?? "")])
        : throw new JsonException($"site has {site.GetArrayLength()} frames; at most {CallSite.FramesMax} are allowed");

    private static string Text(JsonElement item, string name) =>
        item.TryGetProperty(name, out JsonElement text) ? text.GetString() ?? "" : "";

    private static VirtAddr ReadAddress(string text) =>
        text.StartsWith("0x", StringComparison.Ordinal)
            && ulong.TryParse(text.AsSpan(2), System.Globalization.NumberStyles.AllowHexSpecifier, null, out ulong value)
            ? new VirtAddr(value)
            : throw new JsonException($"area is \"{text}\"; an address is 0x and hexadecimal digits");
}
