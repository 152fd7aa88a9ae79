using VmSim.Core.Settings;

namespace VmSim.Core.Scenarios;

/// <summary>
/// How much of a long program's accesses is simulated one by one: of each period a sample behind a warm-up, after SMARTS (Wunderlich,
/// Wenisch, Falsafi and Hoe, ISCA 2003). Calls and faults are simulated all the same.
/// </summary>
public sealed record SamplingSpec
{
    /// <summary>Whether accesses are sampled.</summary>
    [Setting("Whether only samples of each thread's accesses are simulated in detail; calls and faults are exact all the same, and the "
        + "report says how far its figures can be off.")]
    public bool Enabled { get; init; }

    /// <summary>Accesses of a sample.</summary>
    [Setting("Accesses of a thread that are simulated in detail and counted, in each period.", Min = 100, Max = 1e9)]
    public long Unit { get; init; } = 4_000;

    /// <summary>Accesses before a sample that fill the TLBs.</summary>
    [Setting("Accesses before each sample that are simulated in detail to fill the TLBs, and not counted; at least as many as of a sample.",
        Min = 100, Max = 1e12)]
    public long WarmUp { get; init; } = 16_000;

    /// <summary>Accesses from one sample to the next.</summary>
    [Setting("Accesses of a thread of which one sample is taken, at a place that is drawn from the seed; more than warm-up and unit "
        + "together.", Min = 300, Max = 1e15)]
    public long Period { get; init; } = 2_000_000;

    /// <summary>What is wrong between the settings, after the key of the one that is; null if nothing is.</summary>
    public string? Fault =>
        !Enabled ? null
        : WarmUp < Unit ? $"warm-up: {WarmUp} found; at least sampling.unit, {Unit}, is allowed"
        : Period <= WarmUp + Unit
            ? $"period: {Period} found; more than sampling.warm-up and sampling.unit together, {WarmUp + Unit}, is allowed"
        : null;
}
