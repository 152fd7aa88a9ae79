using VmSim.Core.Scenarios;

namespace VmSim.Core.Validation;

/// <summary>A choice of machine, kernel or protocol under which a program was measured.</summary>
/// <param name="Name">What tables call it.</param>
/// <param name="Apply">Makes the choice.</param>
internal sealed record Variant(string Name, Func<ScenarioSpec, ScenarioSpec> Apply);

/// <summary>
/// A program that was measured under two choices, such as two protocols. In the column of what runs beside it stands the choice, or the one
/// against the other, of which the figure is the change of a figure in percent.
/// </summary>
internal sealed class VariantProgram : MeasuredProgram
{
    private readonly MeasuredProgram _program;
    private readonly string _beside;
    private readonly string _compared;
    private readonly Variant _before;
    private readonly Variant _after;

    /// <summary>Makes one of two choices.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="program">What runs.</param>
    /// <param name="beside">What runs beside it, always.</param>
    /// <param name="compared">The figure whose change is a figure.</param>
    /// <param name="before">The one choice.</param>
    /// <param name="after">The other one.</param>
    public VariantProgram(string name, MeasuredProgram program, string beside, string compared, Variant before, Variant after)
        : base(name, name, [before.Name, after.Name, Against(before, after)])
    {
        _program = program;
        _beside = beside;
        _compared = compared;
        _before = before;
        _after = after;
    }

    /// <inheritdoc/>
    public override long MostSize => _program.MostSize;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Figures => [.. _program.Figures, Change];

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, double> Run(ScenarioSpec machine, MeasuredCase measured)
    {
        ArgumentNullException.ThrowIfNull(machine);
        if (measured.Beside == Against(_before, _after))
        {
            double before = Figures(_before)[_compared];
            return new Dictionary<string, double>(StringComparer.Ordinal) { [Change] = 100 * ((Figures(_after)[_compared] / before) - 1) };
        }

        return Figures(measured.Beside == _before.Name ? _before : _after);

        IReadOnlyDictionary<string, double> Figures(Variant variant) =>
            _program.Run(variant.Apply(machine), new MeasuredCase(_program.Name, _beside, measured.Size));
    }

    /// <summary>Whether a figure is one of a choice, or of one against the other.</summary>
    public override bool Has(string beside, string figure) => beside == Against(_before, _after) == (figure == Change);

    private static string Against(Variant before, Variant after) => $"{after.Name}-against-{before.Name}";
}
