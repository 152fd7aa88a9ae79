using System.Globalization;
using VmSim.Core.Experiments;
using VmSim.Core.Mapping.Scripts;

namespace VmSim.Core.Validation;

/// <summary>
/// Reads measured figures from CSV, one a line. The first line names the columns. Empty lines and lines that begin with # are passed over;
/// fields have no quotation marks and no commas.
/// </summary>
public static class FigureTable
{
    /// <summary>The line that names the columns.</summary>
    public const string Heading = "program,beside,pages,figure,unit,measured,source";

    private const long LargestSize = 1 << 20;
    private const double LargestFigure = 1e15;
    private const double MostFall = 100;

    /// <summary>Reads a table.</summary>
    /// <param name="reader">The table.</param>
    /// <param name="file">Its name, for messages.</param>
    /// <exception cref="TableFormatException">A line is not allowed; the message names the file, line and column.</exception>
    public static IReadOnlyList<MeasuredFigure> Read(TextReader reader, string file)
    {
        ArgumentNullException.ThrowIfNull(reader);
        List<MeasuredFigure> figures = [];
        Dictionary<(MeasuredCase, string), long> lines = [];
        foreach ((long line, string[] fields) in Lines(reader, file, Heading))
        {
            MeasuredFigure figure = Figure(fields, file, line);
            if (!lines.TryAdd((figure.Case, figure.Figure), line))
            {
                throw new TableFormatException(
                    $"{file}, line {line}: found {figure.Figure} of {fields[0]},{fields[1]},{fields[2]} again; it stands in line "
                        + $"{lines[(figure.Case, figure.Figure)]}, and once is allowed");
            }

            figures.Add(figure);
        }

        return figures.Count > 0 ? figures : throw new TableFormatException($"{file}: found no figures; one or more are needed");
    }

    /// <summary>The fields of each line behind the one that names the columns.</summary>
    internal static IEnumerable<(long Line, string[] Fields)> Lines(TextReader reader, string file, string columns)
    {
        int count = columns.Split(',').Length;
        bool hasHeading = false;
        long line = 0;
        while (TextLines.Read(reader, problem => new TableFormatException($"{file}, line {line + 1}: {problem}")) is { } text)
        {
            line++;
            if (text.Length == 0 || text[0] == '#')
            {
                continue;
            }

            if (!hasHeading)
            {
                hasHeading = text == columns
                    ? true
                    : throw new TableFormatException($"{file}, line {line}: found '{text}'; the first line must be {columns}");
                continue;
            }

            string[] fields = text.Split(',', StringSplitOptions.TrimEntries);
            yield return fields.Length == count
                ? (line, fields)
                : throw new TableFormatException($"{file}, line {line}: found {fields.Length} fields; {count} are needed: {columns}");
        }

        if (!hasHeading)
        {
            throw new TableFormatException($"{file}: found no columns; the first line must be {columns}");
        }
    }

    /// <summary>A number of a field, within bounds.</summary>
    internal static double Number(string field, double most, string file, long line, string column) =>
        double.TryParse(field, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && value >= 0 && value <= most
            ? value
            : throw TableFormatException.At(
                file, line, column, field, string.Create(CultureInfo.InvariantCulture, $"a number from 0 to {most:0.###############}"));

    /// <summary>A measured figure; a change may be a fall.</summary>
    private static double Measured(string field, FigureUnit unit, string file, long line) =>
        unit == FigureUnit.Percent && field.StartsWith('-')
            ? -Number(field[1..], MostFall, file, line, "measured")
            : Number(field, LargestFigure, file, line, "measured");

    private static MeasuredFigure Figure(string[] fields, string file, long line)
    {
        MeasuredProgram program = MeasuredPrograms.All.Find(fields[0])
            ?? throw TableFormatException.At(file, line, "program", fields[0], string.Join(", ", MeasuredPrograms.All.Names));
        if (!program.Besides.Contains(fields[1]))
        {
            throw TableFormatException.At(file, line, "beside", fields[1], string.Join(", ", program.Besides));
        }

        bool isNumber = long.TryParse(fields[2], NumberStyles.None, CultureInfo.InvariantCulture, out long size);
        if (!isNumber || size < 1 || size > program.MostSize)
        {
            throw TableFormatException.At(
                file, line, "pages", fields[2], $"a whole number from 1 to {Math.Min(program.MostSize, LargestSize)} with {program.Name}");
        }

        FigureUnit unit = FigureUnit.All.Find(fields[4])
            ?? throw TableFormatException.At(file, line, "unit", fields[4], string.Join(", ", FigureUnit.All.Names));
        if (program.UnitOf(fields[3]) is not { } needed)
        {
            throw TableFormatException.At(file, line, "figure", fields[3], $"{string.Join(", ", program.Figures)} with {program.Name}");
        }

        if (!program.Has(fields[1], fields[3]))
        {
            string allowed = string.Join(", ", program.Figures.Where(one => program.Has(fields[1], one)));
            throw TableFormatException.At(file, line, "figure", fields[3], $"{allowed} with {fields[1]}");
        }

        return unit == needed
            ? new MeasuredFigure
            {
                Case = new MeasuredCase(program.Name, fields[1], size),
                Figure = fields[3],
                Unit = unit,
                Measured = Measured(fields[5], unit, file, line),
                Source = fields[6],
            }
            : throw TableFormatException.At(file, line, "unit", fields[4], $"{needed.Name} with {fields[3]}");
    }
}
