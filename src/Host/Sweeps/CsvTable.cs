using System.Text;

namespace VmSim.Host.Sweeps;

/// <summary>A table whose values are separated by commas (RFC 4180), with a row of names first.</summary>
/// <param name="Path">Its file.</param>
/// <param name="Names">The names.</param>
/// <param name="Rows">The rows, each with a value for each name.</param>
internal sealed record CsvTable(string Path, IReadOnlyList<string> Names, IReadOnlyList<string[]> Rows)
{
    /// <summary>Reads a table.</summary>
    /// <exception cref="IOException">It is none.</exception>
    public static CsvTable Read(string path)
    {
        List<string[]> rows = [.. Parse(File.ReadAllText(path))];
        if (rows.Count == 0)
        {
            throw new IOException($"{path}: an empty file found; a table is needed");
        }

        int wrong = rows.FindIndex(row => row.Length != rows[0].Length);
        return wrong < 0
            ? new CsvTable(path, rows[0], rows[1..])
            : throw new IOException($"{path}, row {wrong + 1}: {rows[wrong].Length} values found; {rows[0].Length} are needed");
    }

    /// <summary>Number of a column.</summary>
    /// <exception cref="IOException">There is none of this name.</exception>
    public int Column(string name)
    {
        int column = Names.ToList().IndexOf(name);
        return column >= 0 ? column : throw new IOException($"{Path}: there is no column {name}; this is no table of a sweep");
    }

    private static IEnumerable<string[]> Parse(string text)
    {
        List<string> row = [];
        StringBuilder field = new();
        bool isQuoted = false;
        for (int i = 0; i < text.Length; i++)
        {
            char character = text[i];
            if (isQuoted)
            {
                bool isQuote = character == '"';
                bool isDoubled = isQuote && i + 1 < text.Length && text[i + 1] == '"';
                isQuoted = !isQuote || isDoubled;
                i += isDoubled ? 1 : 0;
                _ = isQuoted ? field.Append(character) : field;
                continue;
            }

            switch (character)
            {
                case '"':
                    isQuoted = true;
                    break;
                case ',':
                    row.Add(field.ToString());
                    field.Clear();
                    break;
                case '\n':
                    row.Add(field.ToString());
                    field.Clear();
                    yield return [.. row];
                    row.Clear();
                    break;
                case '\r':
                    break;
                default:
                    field.Append(character);
                    break;
            }
        }
    }
}
