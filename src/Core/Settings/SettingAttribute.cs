namespace VmSim.Core.Settings;

/// <summary>What a setting's number counts; also the units its HOCON value may carry.</summary>
public enum SettingUnit
{
    /// <summary>A bare number or text.</summary>
    None,

    /// <summary>Cycles of the simulated clock: 250, "250 cycles", "100 ns", "1 us" (times are converted with the machine's GHz).</summary>
    Cycles,

    /// <summary>Bytes: 4096, "4 KiB", "2 MiB", "1 GiB".</summary>
    Bytes,

    /// <summary>Pages of 4 KiB.</summary>
    Pages,

    /// <summary>Gigahertz: 2.3 or "2.3 GHz".</summary>
    Gigahertz,
}

/// <summary>
/// Declares a property of a specification record as a setting: HOCON binding, validation, <c>effective.conf</c> and the settings
/// reference are all derived from it. The key is the property's name in kebab-case, below the key of its record.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class SettingAttribute : Attribute
{
    /// <summary>One sentence that says what the setting means.</summary>
    /// <param name="summary">The sentence.</param>
    public SettingAttribute(string summary) => Summary = summary;

    /// <summary>One sentence that says what the setting means.</summary>
    public string Summary { get; }

    /// <summary>What the number counts.</summary>
    public SettingUnit Unit { get; init; }

    /// <summary>The least legal number.</summary>
    public double Min { get; init; } = double.NegativeInfinity;

    /// <summary>The greatest legal number.</summary>
    public double Max { get; init; } = double.PositiveInfinity;

    /// <summary>The legal texts, separated by '|'; empty when any text is legal or <see cref="ChoicesOf"/> lists them.</summary>
    public string Choices { get; init; } = "";

    /// <summary>A class whose static property <c>All</c> is a registry with the legal texts as names; null for none.</summary>
    public Type? ChoicesOf { get; init; }

    /// <summary>The legal texts; empty when any text is legal.</summary>
    public IReadOnlyList<string> LegalTexts =>
        ChoicesOf?.GetProperty("All")?.GetValue(null) is IEnumerable<INamed> all ? [.. all.Select(item => item.Name)]
        : Choices.Split('|', StringSplitOptions.RemoveEmptyEntries);
}
