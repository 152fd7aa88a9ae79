using VmSim.Core.Experiments;

namespace VmSim.Core.Validation;

/// <summary>
/// Reads measured ranges of programs from CSV, one a line. The first line names the columns. Empty lines and lines that begin with # are
/// passed over; fields have no quotation marks and no commas.
/// </summary>
public static class RangeTable
{
    /// <summary>The line that names the columns.</summary>
    public const string Heading = "program,figure,least,most,bound,source";

    private const double LargestCount = 1e15;
    private const double LargestBound = 1e6;
    private const int LongestName = 64;

    /// <summary>Reads a table.</summary>
    /// <param name="reader">The table.</param>
    /// <param name="file">Its name, for messages.</param>
    /// <exception cref="TableFormatException">A line is not allowed; the message names the file, line and column.</exception>
    public static IReadOnlyList<MeasuredRange> Read(TextReader reader, string file)
    {
        ArgumentNullException.ThrowIfNull(reader);
        List<MeasuredRange> ranges = [];
        foreach ((long line, string[] fields) in FigureTable.Lines(reader, file, Heading))
        {
            MeasuredRange range = Range(fields, file, line);
            if (ranges.Exists(other => other.Program == range.Program && other.Figure == range.Figure))
            {
                throw new TableFormatException(
                    $"{file}, line {line}: found {range.Figure.Name} of {range.Program} again; once is allowed");
            }

            ranges.Add(range);
        }

        return ranges.Count > 0 ? ranges : throw new TableFormatException($"{file}: found no ranges; one or more are needed");
    }

    private static MeasuredRange Range(string[] fields, string file, long line)
    {
        // the name is a file's, too
        if (fields[0].Length is 0 or > LongestName || !fields[0].All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-'))
        {
            throw TableFormatException.At(file, line, "program", fields[0], $"1 to {LongestName} of a-z, A-Z, 0-9 and -");
        }

        RangeFigure figure = RangeFigure.All.Find(fields[1])
            ?? throw TableFormatException.At(file, line, "figure", fields[1], string.Join(", ", RangeFigure.All.Names));
        double least = FigureTable.Number(fields[2], LargestCount, file, line, "least");
        double most = FigureTable.Number(fields[3], LargestCount, file, line, "most");
        return most >= least
            ? new MeasuredRange(fields[0], figure, least, most, FigureTable.Number(fields[4], LargestBound, file, line, "bound"), fields[5])
            : throw TableFormatException.At(file, line, "most", fields[3], $"at least {fields[2]}, which is the least");
    }
}
