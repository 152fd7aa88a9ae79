using System.Globalization;
using System.Text;
using Parquet;
using Parquet.Schema;
using VmSim.Actors.Cluster;
using VmSim.Core.Statistics;

namespace VmSim.Host.Sweeps;

/// <summary>
/// The table of a sweep: a row a run, with its parameters, every figure of its report, and where they come from. The same as CSV and as
/// Parquet.
/// </summary>
internal sealed class SweepTable
{
    private readonly List<Column> _columns = [];
    private readonly IReadOnlyList<SweepResult> _results;

    /// <summary>Makes the table.</summary>
    /// <param name="plan">The sweep.</param>
    /// <param name="results">Its runs.</param>
    public SweepTable(SweepPlan plan, IReadOnlyList<SweepResult> results)
    {
        _results = results;
        for (int axis = 0; axis < plan.Axes.Count; axis++)
        {
            for (int key = 0; key < plan.Axes[axis].Keys.Count; key++)
            {
                (int row, int value) = (axis, key);
                AddText(plan.Axes[axis].Keys[key], result => result.Point.Rows[row][value]);
            }
        }

        AddText("seed", result => (result.Found?.Seed ?? result.Point.Seed)?.ToString(CultureInfo.InvariantCulture) ?? "");
        AddText("point", result => result.Point.IsBetween ? "between" : "grid");
        AddText("outcome", result => result.Found?.Outcome ?? "failed");
        AddText("error", result => result.Error);
        AddNumber("findings", result => result.Found?.Findings);
        foreach (string name in results.SelectMany(result => result.Found?.Values ?? []).Select(value => value.Key).Distinct())
        {
            AddNumber(name, result => result.Found?[name]);
        }

        AddText("scenario", _ => plan.Scenario);
        AddText("run", result => result.Digest.Length > 0 ? $"{SweepFolder.RunsName}/{result.Digest}" : "");
        AddText("fingerprint", result => result.Found?.Fingerprint ?? "");
        AddText("build", _ => BuildIdentity.Here);
    }

    /// <summary>Writes the table as CSV (RFC 4180), with a row of names first.</summary>
    public void WriteCsv(Stream stream)
    {
        using StreamWriter writer = new(stream, new UTF8Encoding(false), leaveOpen: true);
        writer.Write(string.Join(',', _columns.Select(column => CsvField.Of(column.Name))) + "\n");
        foreach (SweepResult result in _results)
        {
            writer.Write(string.Join(',', _columns.Select(column => CsvField.Of(column.TextOf(result)))) + "\n");
        }
    }

    /// <summary>Writes the table as Parquet: texts, and numbers of 64 bits that may be missing.</summary>
    public async Task WriteParquetAsync(Stream stream)
    {
        DataField[] fields =
        [
            .. _columns.Select(column =>
                new DataField(column.Name, column.Number is null ? typeof(string) : typeof(double), isNullable: true)),
        ];
        using MemoryStream whole = new();
        await using (ParquetWriter writer = await ParquetWriter.CreateAsync(new ParquetSchema(fields), whole))
        {
            using ParquetRowGroupWriter rows = writer.CreateRowGroup();
            for (int i = 0; i < fields.Length; i++)
            {
                Column column = _columns[i];
                if (column.Number is { } number)
                {
                    await rows.WriteAsync<double>(fields[i], _results.Select(number).ToArray());
                }
                else
                {
                    string[] texts = [.. _results.Select(column.TextOf)];
                    await rows.WriteAsync(fields[i], texts);
                }
            }

            rows.CompleteValidate();
        }

        whole.WriteTo(stream);
    }

    private void AddText(string name, Func<SweepResult, string> text) => _columns.Add(new Column(name, text, null));

    private void AddNumber(string name, Func<SweepResult, double?> number) => _columns.Add(new Column(
        name, result => number(result)?.ToString("R", CultureInfo.InvariantCulture) ?? "", number));

    private sealed record Column(string Name, Func<SweepResult, string> TextOf, Func<SweepResult, double?>? Number);
}
