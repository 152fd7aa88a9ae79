namespace VmSim.Core.Statistics;

/// <summary>A distribution of a figure.</summary>
/// <param name="Count">Samples.</param>
/// <param name="Sum">Their sum; null where reports leave it out, as of latencies.</param>
/// <param name="P50">Median.</param>
/// <param name="P90">90th percentile.</param>
/// <param name="P99">99th percentile.</param>
/// <param name="Max">Greatest sample.</param>
public sealed record Distribution(long Count, long? Sum, long P50, long P90, long P99, long Max);
