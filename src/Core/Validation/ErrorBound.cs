using System.Globalization;
using VmSim.Core.Experiments;
using VmSim.Core.Settings;

namespace VmSim.Core.Validation;

/// <summary>A statistic of errors that can be bounded.</summary>
public sealed class ErrorStatistic : INamed
{
    private readonly Func<ComparisonSummary, double> _of;

    private ErrorStatistic(string name, bool isLeast, string summary, Func<ComparisonSummary, double> of)
    {
        Name = name;
        IsLeast = isLeast;
        Summary = summary;
        _of = of;
    }

    /// <summary>All statistics.</summary>
    public static Registry<ErrorStatistic> All { get; } = new(
        "statistic",
        [
            new("median", isLeast: false, "median of the errors without their signs, in percent", summary => summary.MedianPercent),
            new("worst", isLeast: false, "largest error without its sign, in percent", summary => Math.Abs(summary.Worst.ErrorPercent)),
            new("near", isLeast: true, "percent of figures with an error of at most 20 %", summary => summary.NearShare),
            new("exact", isLeast: true, "percent of counts that are exact", summary => summary.ExactShare),
            new("sign", isLeast: true, "percent of changes that go the way that was measured", summary => summary.SignShare),
        ]);

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public string Summary { get; }

    /// <summary>Whether a bound is the least that is allowed, and not the most.</summary>
    public bool IsLeast { get; }

    /// <summary>Its value.</summary>
    public double Of(ComparisonSummary summary)
    {
        ArgumentNullException.ThrowIfNull(summary);
        return _of(summary);
    }
}

/// <summary>What is promised of a family's errors.</summary>
/// <param name="Family">A family of measured programs, or <see cref="Every"/>.</param>
/// <param name="Unit">The figures' unit.</param>
/// <param name="Statistic">What is bounded.</param>
/// <param name="Limit">The bound, in percent.</param>
public sealed record ErrorBound(string Family, FigureUnit Unit, ErrorStatistic Statistic, double Limit)
{
    /// <summary>Stands for all families.</summary>
    public const string Every = "*";

    private const string Columns = "family,unit,statistic,limit";
    private const double LargestLimit = 1e6;

    /// <summary>Reads bounds from CSV, one a line; the first line names the columns, and lines that begin with # are passed over.</summary>
    /// <param name="reader">The table.</param>
    /// <param name="file">Its name, for messages.</param>
    /// <exception cref="TableFormatException">A line is not allowed.</exception>
    public static IReadOnlyList<ErrorBound> Read(TextReader reader, string file)
    {
        ArgumentNullException.ThrowIfNull(reader);
        string[] families = [Every, .. MeasuredPrograms.All.Select(program => program.Family).Distinct()];
        return
        [
            .. FigureTable.Lines(reader, file, Columns).Select(line => new ErrorBound(
                families.Contains(line.Fields[0])
                    ? line.Fields[0]
                    : throw TableFormatException.At(file, line.Line, "family", line.Fields[0], string.Join(", ", families)),
                FigureUnit.All.Find(line.Fields[1])
                    ?? throw TableFormatException.At(file, line.Line, "unit", line.Fields[1], string.Join(", ", FigureUnit.All.Names)),
                ErrorStatistic.All.Find(line.Fields[2])
                    ?? throw TableFormatException.At(
                        file, line.Line, "statistic", line.Fields[2], string.Join(", ", ErrorStatistic.All.Names)),
                FigureTable.Number(line.Fields[3], LargestLimit, file, line.Line, "limit"))),
        ];
    }

    /// <summary>What breaks the bound, in a sentence; null if nothing does, or if there are no such figures.</summary>
    /// <param name="summaries">Summaries of all that was compared.</param>
    public string? BrokenBy(IReadOnlyList<ComparisonSummary> summaries)
    {
        ArgumentNullException.ThrowIfNull(summaries);
        if (summaries.FirstOrDefault(each => each.Family == Family && each.Unit == Unit) is not { } summary)
        {
            return null;
        }

        double value = Statistic.Of(summary);
        bool holds = Statistic.IsLeast ? value >= Limit : value <= Limit;
        return holds
            ? null
            : string.Create(
                CultureInfo.InvariantCulture,
                $"{(Family == Every ? "all families" : Family)}, {Unit.Name}: {Statistic.Name} is {value:0.##} %; at "
                    + $"{(Statistic.IsLeast ? "least" : "most")} {Limit:0.##} % is promised");
    }
}
