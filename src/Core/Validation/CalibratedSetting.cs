namespace VmSim.Core.Validation;

/// <summary>A setting of a profile that a calibration has looked at.</summary>
public sealed record CalibratedSetting
{
    /// <summary>Its key in a scenario, such as <c>kernel.map-cycles</c>.</summary>
    public required string Key { get; init; }

    /// <summary>What it is now, as settings are written; null if it stays as the base profile has it.</summary>
    public string? Value { get; init; }

    /// <summary>What the base profile has; empty for nothing.</summary>
    public string Before { get; init; } = "";

    /// <summary>How far the repetitions lie apart, in the setting's unit; 0 for none known.</summary>
    public double Spread { get; init; }

    /// <summary>What it was derived from, or why it stays.</summary>
    public required string Reason { get; init; }
}
