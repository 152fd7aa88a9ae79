using System.Globalization;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Validation;

namespace VmSim.Host.Reporting;

/// <summary>What a comparison with one measured machine found.</summary>
/// <param name="Name">The machine's name.</param>
/// <param name="Facts">The simulated machine and kernel, and their costs.</param>
/// <param name="Figures">All figures, in the table's order.</param>
/// <param name="Summaries">Their summaries.</param>
/// <param name="Bounds">What is promised.</param>
/// <param name="Ranges">What recorded programs counted, in the table's order.</param>
internal sealed record MachineComparison(
    string Name,
    MachineFacts Facts,
    IReadOnlyList<ComparedFigure> Figures,
    IReadOnlyList<ComparisonSummary> Summaries,
    IReadOnlyList<ErrorBound> Bounds,
    IReadOnlyList<ComparedRange> Ranges)
{
    /// <summary>What breaks bounds, a sentence each.</summary>
    public IEnumerable<string> Broken =>
        Bounds.Select(bound => bound.BrokenBy(Summaries)).OfType<string>()
            .Concat(Ranges.Where(range => !range.Holds).Select(Sentence)).Select(text => $"{Name}: {text}");

    /// <summary>Sums figures up.</summary>
    public static MachineComparison Of(
        string name,
        ScenarioSpec machine,
        IReadOnlyList<ComparedFigure> figures,
        IReadOnlyList<ErrorBound> bounds,
        IReadOnlyList<ComparedRange> ranges)
    {
        ArgumentNullException.ThrowIfNull(machine);
        MachineFacts facts = MachineFacts.Of(machine.Machine, machine.Kernel);
        return new MachineComparison(name, facts, figures, ComparisonSummary.Of(figures), bounds, ranges);
    }

    private static string Sentence(ComparedRange range) => string.Create(
        CultureInfo.InvariantCulture,
        $"{range.Measured.Program}, {range.Measured.Figure.Name}: {range.Simulated:0} simulated, {range.Measured.Least:0} to "
            + $"{range.Measured.Most:0} measured; at most {range.Measured.Bound:0.##} % outside is promised");
}
