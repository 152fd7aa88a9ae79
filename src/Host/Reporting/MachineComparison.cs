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
internal sealed record MachineComparison(
    string Name,
    MachineFacts Facts,
    IReadOnlyList<ComparedFigure> Figures,
    IReadOnlyList<ComparisonSummary> Summaries,
    IReadOnlyList<ErrorBound> Bounds)
{
    /// <summary>What breaks bounds, a sentence each.</summary>
    public IEnumerable<string> Broken =>
        Bounds.Select(bound => bound.BrokenBy(Summaries)).OfType<string>().Select(text => $"{Name}: {text}");

    /// <summary>Sums figures up.</summary>
    public static MachineComparison Of(
        string name, ScenarioSpec machine, IReadOnlyList<ComparedFigure> figures, IReadOnlyList<ErrorBound> bounds)
    {
        ArgumentNullException.ThrowIfNull(machine);
        MachineFacts facts = MachineFacts.Of(machine.Machine, machine.Kernel);
        return new MachineComparison(name, facts, figures, ComparisonSummary.Of(figures), bounds);
    }
}
