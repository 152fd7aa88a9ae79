using VmSim.Core.Settings;

namespace VmSim.Core.Validation;

/// <summary>What a measured figure counts.</summary>
public sealed class FigureUnit : INamed
{
    private FigureUnit(string name, bool isCount, string summary)
    {
        Name = name;
        Summary = summary;
        IsCount = isCount;
    }

    /// <summary>A time for one operation, in nanoseconds.</summary>
    public static FigureUnit Nanoseconds { get; } = new("ns", isCount: false, "nanoseconds of one operation");

    /// <summary>Events for one operation: interrupts, faults.</summary>
    public static FigureUnit Count { get; } = new("count", isCount: true, "events of one operation");

    /// <summary>Operations in a second of all threads or processes together.</summary>
    public static FigureUnit PerSecond { get; } = new("1/s", isCount: false, "operations in a second");

    /// <summary>A time in cycles of the machine's clock.</summary>
    public static FigureUnit ClockCycles { get; } = new("cycles", isCount: false, "cycles of the machine's clock");

    /// <summary>How far something lies from something else, in percent; errors are in points, by which the two shares differ.</summary>
    public static FigureUnit Percent { get; } = new("%", isCount: false, "a change in percent; its error is in points");

    /// <summary>All units.</summary>
    public static Registry<FigureUnit> All { get; } = new("unit", [Nanoseconds, Count, PerSecond, ClockCycles, Percent]);

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public string Summary { get; }

    /// <summary>Whether figures are counts, which are exact or wrong, and not times, which are near or far.</summary>
    public bool IsCount { get; }
}

/// <summary>One run of a measured program: all its figures come from it.</summary>
/// <param name="Program">What ran, a name of <see cref="MeasuredPrograms.All"/>.</param>
/// <param name="Beside">What ran beside it on the other processor.</param>
/// <param name="Size">Pages that one operation is about; for rates how many threads or processes.</param>
public readonly record struct MeasuredCase(string Program, string Beside, long Size);

/// <summary>One figure that was measured on a real machine.</summary>
public sealed record MeasuredFigure
{
    /// <summary>The run.</summary>
    public required MeasuredCase Case { get; init; }

    /// <summary>Which of the run's figures: a phase's name, <c>whole</c>, <c>interrupts</c>, <c>faults</c> or <c>rate</c>.</summary>
    public required string Figure { get; init; }

    /// <summary>What it counts.</summary>
    public required FigureUnit Unit { get; init; }

    /// <summary>What was measured, at least 0; of percents at least -100.</summary>
    public required double Measured { get; init; }

    /// <summary>Where it was measured, as the table's head explains.</summary>
    public string Source { get; init; } = "";
}

/// <summary>A measured figure beside the simulated one.</summary>
/// <param name="Figure">The measured one.</param>
/// <param name="Simulated">What the simulator says.</param>
public sealed record ComparedFigure(MeasuredFigure Figure, double Simulated)
{
    /// <summary>
    /// How far a count may lie off to be exact: a measured count is an average over operations, and now and then something else happens
    /// beside them.
    /// </summary>
    private const double CountSlack = 0.02;

    /// <summary>
    /// The simulated figure less the measured one, in percent of the measured one; of a count of 0 in hundredths, of percents in points.
    /// </summary>
    public double ErrorPercent => Figure.Unit == FigureUnit.Percent
        ? Simulated - Figure.Measured
        : 100 * (Simulated - Figure.Measured) / (Figure.Measured == 0 ? 1 : Figure.Measured);

    /// <summary>Whether a change goes the way that was measured: more or less.</summary>
    public bool HasSign => Math.Sign(Simulated) == Math.Sign(Figure.Measured);

    /// <summary>Whether a count is the measured one, but for 2 %, or 0.02 of counts below 1.</summary>
    public bool IsExact => Math.Abs(Simulated - Figure.Measured) <= CountSlack * Math.Max(1, Figure.Measured);
}
