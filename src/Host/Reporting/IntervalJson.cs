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

        if (report.CoreTime is { } time)
        {
            json.WriteStartObject("coreTime");
            json.WriteNumber("coresPerBlock", time.CoresPerBlock);
            WriteRows(json, "user", time.User);
            WriteRows(json, "lost", time.Lost);
            json.WriteEndObject();
        }

        if (report.Interrupts is { } interrupts)
        {
            json.WriteStartObject("interruptMatrix");
            json.WriteNumber("coresPerBlock", interrupts.CoresPerBlock);
            WriteRows(json, "rows", interrupts.Rows);
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
        IReadOnlyList<long>[] rows = ReadRows(matrix, "interruptMatrix", "rows", InterruptMatrix.BlocksMax);
        return block > 0 && rows.Length > 0 && Array.TrueForAll(rows, row => row.Count == rows.Length)
            ? new RunInterrupts(block, rows)
            : throw new JsonException("interruptMatrix: as many columns as rows, and blocks of 1 core or more, are needed");
    }

    /// <summary>Reads where cores' cycles went; null if a version wrote the report that did not say.</summary>
    /// <exception cref="JsonException">The rows are not as many or as long as each other, or the blocks are none.</exception>
    public static RunCoreTime? ReadCoreTime(JsonElement root)
    {
        if (!root.TryGetProperty("coreTime", out JsonElement time))
        {
            return null;
        }

        int block = time.GetProperty("coresPerBlock").GetInt32();
        IReadOnlyList<long>[] user = ReadRows(time, "coreTime", "user", IntervalSeries.IntervalsMax);
        IReadOnlyList<long>[] lost = ReadRows(time, "coreTime", "lost", IntervalSeries.IntervalsMax);
        return block > 0 && user.Length == lost.Length && user.Concat(lost).All(row => row.Count == user[0].Count)
            ? new RunCoreTime(block, user, lost)
            : throw new JsonException("coreTime: as many rows of lost as of user, of one length, and blocks of 1 core or more, are needed");
    }

    private static void WriteRows(Utf8JsonWriter json, string name, IReadOnlyList<IReadOnlyList<long>> rows)
    {
        json.WriteStartArray(name);
        foreach (IReadOnlyList<long> row in rows)
        {
            WriteRow(json, row, "\n      ");
        }

        json.WriteEndArray();
    }

    private static IReadOnlyList<long>[] ReadRows(JsonElement of, string table, string name, int most)
    {
        JsonElement rows = of.GetProperty(name);
        return rows.GetArrayLength() <= InterruptMatrix.BlocksMax
            ? [.. rows.EnumerateArray().Select(row => ReadRow(row, $"{table}.{name}", most))]
            : throw new JsonException(
                $"{table}.{name}: {rows.GetArrayLength()} rows found; at most {InterruptMatrix.BlocksMax} are allowed");
    }

    /// <summary>Writes numbers on one line; the writer, left alone, would give each a line of its own.</summary>
    private static void WriteRow(Utf8JsonWriter json, IReadOnlyList<long> values, string before) =>
        json.WriteRawValue($"{before}[{string.Join(", ", values)}]");

    /// <summary>Reads as many numbers as a run writes at most, so that a damaged report is no picture without end.</summary>
    private static long[] ReadRow(JsonElement row, string name, int most) => row.GetArrayLength() <= most
        ? [.. row.EnumerateArray().Select(value => value.GetInt64())]
        : throw new JsonException($"{name}: {row.GetArrayLength()} numbers found; at most {most} are allowed");
}
