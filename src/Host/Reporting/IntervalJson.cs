using System.Text.Json;
using VmSim.Core.Kernel;
using VmSim.Core.Reports;
using VmSim.Core.Statistics;

namespace VmSim.Host.Reporting;

/// <summary>What a report says of intervals of time and of who interrupted whom, as JSON; each row of numbers has a line.</summary>
internal static class IntervalJson
{
    /// <summary>Writes both, as far as the report has them.</summary>
    public static void Write(Utf8JsonWriter json, RunReport report)
    {
        if (report.Intervals is { } intervals)
        {
            json.WriteStartObject("intervals");
            json.WriteNumber("cycles", intervals.Length.Value);
            foreach ((string name, IReadOnlyList<long> values) in intervals.Series)
            {
                json.WritePropertyName(name);
                WriteRow(json, values, " ");
            }

            json.WriteEndObject();
        }

        if (report.Interrupts is { } interrupts)
        {
            json.WriteStartObject("interruptMatrix");
            json.WriteNumber("coresPerBlock", interrupts.CoresPerBlock);
            json.WriteStartArray("rows");
            foreach (IReadOnlyList<long> row in interrupts.Rows)
            {
                WriteRow(json, row, "\n      ");
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }
    }

    /// <summary>Reads the intervals of a report; null if a version wrote it that had none.</summary>
    /// <exception cref="JsonException">They are none.</exception>
    public static RunIntervals? ReadIntervals(JsonElement root) => root.TryGetProperty("intervals", out JsonElement intervals)
        ? new RunIntervals(
            intervals.GetProperty("cycles").GetInt64() is > 0 and long cycles
                ? cycles
                : throw new JsonException("intervals.cycles is below 1"),
            [
                .. intervals.EnumerateObject().Where(series => series.Name != "cycles").Select(
                    series => new KeyValuePair<string, IReadOnlyList<long>>(
                        series.Name, ReadRow(series.Value, "intervals", IntervalSeries.IntervalsMax))),
            ])
        : null;

    /// <summary>Reads who interrupted whom; null if nobody did.</summary>
    /// <exception cref="JsonException">The rows are not as long as there are rows, or the blocks are none.</exception>
    public static RunInterrupts? ReadInterrupts(JsonElement root)
    {
        if (!root.TryGetProperty("interruptMatrix", out JsonElement matrix))
        {
            return null;
        }

        int block = matrix.GetProperty("coresPerBlock").GetInt32();
        IReadOnlyList<long>[] rows =
            [.. matrix.GetProperty("rows").EnumerateArray().Select(row => ReadRow(row, "interruptMatrix.rows", InterruptMatrix.BlocksMax))];
        return block > 0 && rows.Length > 0 && Array.TrueForAll(rows, row => row.Count == rows.Length)
            ? new RunInterrupts(block, rows)
            : throw new JsonException("interruptMatrix: as many columns as rows, and blocks of 1 core or more, are needed");
    }

    /// <summary>Writes numbers on one line; the writer, left alone, would give each a line of its own.</summary>
    private static void WriteRow(Utf8JsonWriter json, IReadOnlyList<long> values, string before) =>
        json.WriteRawValue($"{before}[{string.Join(", ", values)}]");

    /// <summary>Reads as many numbers as a run writes at most, so that a damaged report is no picture without end.</summary>
    private static long[] ReadRow(JsonElement row, string name, int most) => row.GetArrayLength() <= most
        ? [.. row.EnumerateArray().Select(value => value.GetInt64())]
        : throw new JsonException($"{name}: {row.GetArrayLength()} numbers found; at most {most} are allowed");
}
