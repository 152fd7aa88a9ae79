using System.Globalization;
using VmSim.Core.Experiments;

namespace VmSim.Core.Validation;

/// <summary>What the measuring program of a calibration has written: figures of measured programs, single values, and curves.</summary>
public sealed class CalibrationResults
{
    private const string Source = "calibration";
    private const int MostShown = 80;
    private readonly List<MeasuredFigure> _figures = [];
    private readonly Dictionary<(MeasuredCase Case, string Figure), MeasuredSpread> _spreads = [];
    private readonly Dictionary<string, MeasuredSpread> _values = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<(long X, MeasuredSpread Spread)>> _curves = new(StringComparer.Ordinal);
    private readonly List<string> _missing = [];

    /// <summary>Figures of measured programs, in the order in which they were measured.</summary>
    public IReadOnlyList<MeasuredFigure> Figures => _figures;

    /// <summary>What could not be measured, and why, one sentence each.</summary>
    public IReadOnlyList<string> Missing => _missing;

    /// <summary>Reads what the measuring program has written, a result a line.</summary>
    /// <param name="reader">The lines.</param>
    /// <exception cref="TableFormatException">A line is none that it writes.</exception>
    public static CalibrationResults Read(TextReader reader)
    {
        ArgumentNullException.ThrowIfNull(reader);
        CalibrationResults results = new();
        int number = 0;
        while (reader.ReadLine() is { } line)
        {
            number++;
            results.Take(line, number);
        }

        return results;
    }

    /// <summary>The spread of a program's figure; null if it was not measured.</summary>
    /// <param name="program">Which run of which program.</param>
    /// <param name="figure">The figure's name.</param>
    public MeasuredSpread? Of(MeasuredCase program, string figure) =>
        _spreads.TryGetValue((program, figure), out MeasuredSpread spread) ? spread : null;

    /// <summary>A single value, such as the clock's rate; null if it was not measured.</summary>
    public MeasuredSpread? Value(string name) => _values.TryGetValue(name, out MeasuredSpread spread) ? spread : null;

    /// <summary>The points of a curve by rising place; empty if it was not measured.</summary>
    public IReadOnlyList<(long X, MeasuredSpread Spread)> Curve(string name) => _curves.GetValueOrDefault(name) ?? [];

    private void Take(string line, int number)
    {
        string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        switch (words)
        {
            case ["missing", ..]:
                _missing.Add(line["missing ".Length..]);
                break;
            case ["value", string name, ..] when words.Length == 4:
                _values[name] = SpreadOf(words, line, number);
                break;
            case ["point", string curve, string place, ..]
                when words.Length == 5 && long.TryParse(place, NumberStyles.None, CultureInfo.InvariantCulture, out long x):
                if (!_curves.TryGetValue(curve, out List<(long, MeasuredSpread)>? points))
                {
                    _curves.Add(curve, points = []);
                }

                points.Add((x, SpreadOf(words, line, number)));
                break;
            case ["figure", string figure, ..] when words.Length == 4:
                AddFigure(figure, SpreadOf(words, line, number));
                break;
            default:
                throw Bad(line, number);
        }
    }

    private void AddFigure(string text, MeasuredSpread spread)
    {
        bool isCount = text.EndsWith(",count", StringComparison.Ordinal);
        string measured = (isCount ? spread.Median : spread.Best).ToString("0.####", CultureInfo.InvariantCulture);
        using StringReader line = new($"{FigureTable.Heading}\n{text},{measured},{Source}\n");
        MeasuredFigure figure = FigureTable.Read(line, "the measuring program's results")[0];
        if (_spreads.TryAdd((figure.Case, figure.Figure), spread))
        {
            _figures.Add(figure);
        }
    }

    private static MeasuredSpread SpreadOf(string[] words, string line, int number)
    {
        bool isNumber = double.TryParse(words[^2], NumberStyles.Float, CultureInfo.InvariantCulture, out double best)
            & double.TryParse(words[^1], NumberStyles.Float, CultureInfo.InvariantCulture, out double median);
        return isNumber && double.IsFinite(best) && double.IsFinite(median) ? new MeasuredSpread(best, median) : throw Bad(line, number);
    }

    private static TableFormatException Bad(string line, int number) =>
        new($"the measuring program's results, line {number}: found '{line[..Math.Min(line.Length, MostShown)]}'; "
            + "a figure, value or point with two numbers, or a missing one with its reason, is needed");
}
