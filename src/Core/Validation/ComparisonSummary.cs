namespace VmSim.Core.Validation;

/// <summary>How far the figures of one family and unit lie off.</summary>
public sealed record ComparisonSummary
{
    /// <summary>An error that counts as near, in percent.</summary>
    public const double NearPercent = 20;

    /// <summary>The programs, or <see cref="ErrorBound.Every"/> for all.</summary>
    public required string Family { get; init; }

    /// <summary>The figures' unit.</summary>
    public required FigureUnit Unit { get; init; }

    /// <summary>How many figures there are; at least one.</summary>
    public required int Figures { get; init; }

    /// <summary>The median of the errors without their signs, in percent.</summary>
    public required double MedianPercent { get; init; }

    /// <summary>Figures with an error of at most 20 %, in percent of all.</summary>
    public required double NearShare { get; init; }

    /// <summary>Figures that are exact, in percent of all.</summary>
    public required double ExactShare { get; init; }

    /// <summary>Figures that are more or less than nothing as the measured one is, in percent of all.</summary>
    public required double SignShare { get; init; }

    /// <summary>The figure with the largest error.</summary>
    public required ComparedFigure Worst { get; init; }

    /// <summary>Summaries of all figures of each unit, then of each family and unit, in the order of first figures.</summary>
    public static IReadOnlyList<ComparisonSummary> Of(IReadOnlyList<ComparedFigure> figures)
    {
        ArgumentNullException.ThrowIfNull(figures);
        return
        [
            .. figures.GroupBy(figure => figure.Figure.Unit).Select(group => Of(ErrorBound.Every, group.Key, [.. group])),
            .. figures.GroupBy(figure => (FamilyOf(figure), figure.Figure.Unit))
                .Select(group => Of(group.Key.Item1, group.Key.Unit, [.. group])),
        ];
    }

    /// <summary>The family of a figure.</summary>
    public static string FamilyOf(ComparedFigure figure)
    {
        ArgumentNullException.ThrowIfNull(figure);
        return MeasuredPrograms.All.Find(figure.Figure.Case.Program)?.Family ?? figure.Figure.Case.Program;
    }

    private static ComparisonSummary Of(string family, FigureUnit unit, ComparedFigure[] figures)
    {
        double[] errors = [.. figures.Select(figure => Math.Abs(figure.ErrorPercent)).Order()];
        return new ComparisonSummary
        {
            Family = family,
            Unit = unit,
            Figures = figures.Length,
            MedianPercent = (errors[(errors.Length - 1) / 2] + errors[errors.Length / 2]) / 2,
            NearShare = 100.0 * errors.Count(error => error <= NearPercent) / errors.Length,
            ExactShare = 100.0 * figures.Count(figure => figure.IsExact) / figures.Length,
            SignShare = 100.0 * figures.Count(figure => figure.HasSign) / figures.Length,
            Worst = figures.MaxBy(figure => Math.Abs(figure.ErrorPercent))!,
        };
    }
}
