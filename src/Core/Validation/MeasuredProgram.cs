using VmSim.Core.Scenarios;
using VmSim.Core.Settings;

namespace VmSim.Core.Validation;

/// <summary>A small program that was measured on real machines, as the simulator runs it.</summary>
public abstract class MeasuredProgram : INamed
{
    /// <summary>The figure of the other processor's invalidation interrupts.</summary>
    public const string Interrupts = "interrupts";

    /// <summary>The figure of the measured thread's minor faults.</summary>
    public const string Faults = "faults";

    /// <summary>The figure of a whole operation.</summary>
    public const string Whole = "whole";

    /// <summary>The figure of operations in a second.</summary>
    public const string Rate = "rate";

    /// <summary>The figure of what one choice changes, against another.</summary>
    public const string Change = "change";

    /// <summary>The figure of what flushing takes of a call, in cycles.</summary>
    public const string Flush = "flush";

    /// <summary>A phase that has no figure.</summary>
    internal const string Unnamed = "-";

    private protected MeasuredProgram(string name, string family, IReadOnlyList<string> besides)
    {
        Name = name;
        Family = family;
        Besides = besides;
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public string Summary => $"{Family}: {string.Join(", ", Figures)}";

    /// <summary>The programs that it is judged together with.</summary>
    public string Family { get; }

    /// <summary>What can run beside it.</summary>
    public IReadOnlyList<string> Besides { get; }

    /// <summary>Most pages of an operation, or most threads.</summary>
    public abstract long MostSize { get; }

    /// <summary>Names of its figures.</summary>
    public abstract IReadOnlyList<string> Figures { get; }

    /// <summary>The unit of a figure; null if the program has none of that name.</summary>
    public FigureUnit? UnitOf(string figure) => !Figures.Contains(figure)
        ? null
        : figure switch
        {
            Interrupts or Faults => FigureUnit.Count,
            Rate => FigureUnit.PerSecond,
            Change => FigureUnit.Percent,
            Flush => FigureUnit.ClockCycles,
            _ => FigureUnit.Nanoseconds,
        };

    /// <summary>Whether a figure comes of a run with something beside it.</summary>
    /// <param name="beside">What runs beside it.</param>
    /// <param name="figure">A name of <see cref="Figures"/>.</param>
    public virtual bool Has(string beside, string figure) => true;

    /// <summary>Runs the program on a simulated machine.</summary>
    /// <param name="machine">Machine, kernel, protocol and memory; its processes do not count.</param>
    /// <param name="measured">Which run of the program.</param>
    /// <returns>Every figure of the run.</returns>
    public abstract IReadOnlyDictionary<string, double> Run(ScenarioSpec machine, MeasuredCase measured);
}
