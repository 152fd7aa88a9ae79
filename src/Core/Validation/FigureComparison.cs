using VmSim.Core.Scenarios;

namespace VmSim.Core.Validation;

/// <summary>Runs measured programs on a simulated machine and compares their figures.</summary>
public static class FigureComparison
{
    /// <summary>The runs that figures belong to, in the order of their first figures.</summary>
    public static IReadOnlyList<IReadOnlyList<MeasuredFigure>> Cases(IReadOnlyList<MeasuredFigure> figures)
    {
        ArgumentNullException.ThrowIfNull(figures);
        return [.. figures.GroupBy(figure => figure.Case).Select(group => group.ToArray())];
    }

    /// <summary>Runs one program and compares its figures; nothing is shared with other runs.</summary>
    /// <param name="machine">Machine, kernel, protocol and memory; its processes do not count.</param>
    /// <param name="figures">Measured figures of one run.</param>
    public static IReadOnlyList<ComparedFigure> Run(ScenarioSpec machine, IReadOnlyList<MeasuredFigure> figures)
    {
        ArgumentNullException.ThrowIfNull(figures);
        ArgumentOutOfRangeException.ThrowIfZero(figures.Count, nameof(figures));
        MeasuredCase measured = figures[0].Case;
        MeasuredProgram program = MeasuredPrograms.All.Find(measured.Program)
            ?? throw new ArgumentException($"there is no measured program {measured.Program}", nameof(figures));
        IReadOnlyDictionary<string, double> simulated = program.Run(machine, measured);
        return [.. figures.Select(figure => new ComparedFigure(figure, simulated[figure.Figure]))];
    }
}
