namespace VmSim.Host.Sweeps;

/// <summary>What a sweep found.</summary>
/// <param name="View">Its axes.</param>
/// <param name="Means">Means over seeds.</param>
/// <param name="Results">All runs.</param>
/// <param name="Crossings">Where curves cross.</param>
internal sealed record SweepFindings(
    SweepView View, SweepMeans Means, IReadOnlyList<SweepResult> Results, IReadOnlyList<Crossing> Crossings);
