using System.Globalization;
using System.Text;
using Parquet;
using Parquet.Schema;
using VmSim.Core.Statistics;

namespace VmSim.Host.Reporting;

/// <summary>A table of numbers and texts, a row an item, that is written as CSV or, by its name, as Parquet.</summary>
/// <param name="rows">The items, in the order of the table.</param>
internal sealed class ListTable<T>(IReadOnlyList<T> rows)
{
    /// <summary>How the name of a Parquet file ends.</summary>
    public const string ParquetEnd = ".parquet";

    /// <summary>Rows that are put into columns at a time.</summary>
    private const int RowsOfGroup = 1 << 16;

    private readonly List<Column> _columns = [];

    /// <summary>Adds a column of whole numbers; null is an empty field.</summary>
    public void AddNumber(string name, Func<T, long?> read) => _columns.Add(new Column(name, read, null));

    /// <summary>Adds a column of texts; an empty one is an empty field.</summary>
    public void AddText(string name, Func<T, string> read) => _columns.Add(new Column(name, null, read));

    /// <summary>Writes the table, as Parquet if the file is called so.</summary>
    public async Task WriteAsync(string name, Stream stream)
    {
        if (!name.EndsWith(ParquetEnd, StringComparison.OrdinalIgnoreCase))
        {
            WriteCsv(stream);
            return;
        }

        // The library looks back into what it has written, which a pipe cannot.
        using MemoryStream whole = new();
        await WriteParquetAsync(whole);
        whole.WriteTo(stream);
    }

    /// <summary>Writes the table as CSV (RFC 4180), with a row of names first.</summary>
    public void WriteCsv(Stream stream)
    {
        using StreamWriter writer = new(stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), leaveOpen: true);
        writer.Write(string.Join(',', _columns.Select(column => column.Name)) + "\n");
        StringBuilder line = new();
        foreach (T row in rows)
        {
            line.Clear();
            for (int i = 0; i < _columns.Count; i++)
            {
                line.Append(i == 0 ? "" : ",").Append(_columns[i].FieldOf(row));
            }

            writer.Write(line.Append('\n'));
        }
    }

    private async Task WriteParquetAsync(Stream stream)
    {
        DataField[] fields =
        [
            .. _columns.Select(column =>
                new DataField(column.Name, column.Number is null ? typeof(string) : typeof(long), isNullable: true)),
        ];
        await using ParquetWriter writer = await ParquetWriter.CreateAsync(new ParquetSchema(fields), stream);
        foreach (T[] group in rows.Chunk(RowsOfGroup).DefaultIfEmpty([]))
        {
            using ParquetRowGroupWriter written = writer.CreateRowGroup();
            for (int i = 0; i < fields.Length; i++)
            {
                if (_columns[i].Number is { } number)
                {
                    await written.WriteAsync<long>(fields[i], group.Select(number).ToArray());
                }
                else
                {
                    string[] texts = [.. group.Select(_columns[i].Text!)];
                    await written.WriteAsync(fields[i], texts);
                }
            }

            written.CompleteValidate();
        }
    }

    private sealed record Column(string Name, Func<T, long?>? Number, Func<T, string>? Text)
    {
        public string FieldOf(T row) => Number is null
            ? CsvField.Of(Text!(row))
            : Number(row)?.ToString(CultureInfo.InvariantCulture) ?? "";
    }
}
