using VmSim.Core.Machine;

namespace VmSim.Core.Validation;

/// <summary>One figure of a measured program, with its weight in what a rule looks at.</summary>
/// <param name="Case">Which run of which program.</param>
/// <param name="Figure">The figure.</param>
/// <param name="Weight">Its weight.</param>
internal readonly record struct RuleTerm(MeasuredCase Case, string Figure, double Weight);

/// <summary>
/// How a cost of the kernel follows from measured times. The times are linear in the cost: the simulator says what they are with the cost
/// as it is, and the difference to the measured ones, divided by how often the cost is in them, is what the cost lacks.
/// </summary>
/// <param name="key">The setting's key.</param>
/// <param name="get">Reads the cost, in cycles.</param>
/// <param name="set">Gives the profile another cost.</param>
/// <param name="times">How often the cost is in the weighted sum of the figures.</param>
/// <param name="terms">The figures.</param>
internal sealed class KernelRule(
    string key,
    Func<KernelProfile, long> get,
    Func<KernelProfile, long, KernelProfile> set,
    double times,
    params IReadOnlyList<RuleTerm> terms)
{
    /// <summary>The setting's key.</summary>
    public string Key => "kernel." + key;

    /// <summary>How often the cost is in the sum of the figures.</summary>
    public double Times => times;

    /// <summary>The figures.</summary>
    public IReadOnlyList<RuleTerm> Terms => terms;

    /// <summary>Least cycles that the setting may have.</summary>
    public long Least { get; init; }

    /// <summary>The cost of a profile, in cycles.</summary>
    public long Of(KernelProfile kernel) => get(kernel);

    /// <summary>A profile with another cost.</summary>
    public KernelProfile With(KernelProfile kernel, long cycles) => set(kernel, cycles);

    /// <summary>The figures in words.</summary>
    public string Describe() => string.Join(' ', terms.Select((term, index) =>
    {
        string sign = term.Weight < 0 ? "- " : index > 0 ? "+ " : "";
        return $"{sign}{term.Case.Program} {term.Case.Beside} {term.Case.Size} {term.Figure}";
    })) + (times == 1 ? "" : string.Create(System.Globalization.CultureInfo.InvariantCulture, $", by {times:0}"));
}
