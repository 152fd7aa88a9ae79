using VmSim.Core.Addresses;
using VmSim.Core.Engine;
using VmSim.Core.Statistics;

namespace VmSim.Core.Reports;

/// <summary>What a run counted in each interval of virtual time, from 0 on.</summary>
/// <param name="Length">Length of an interval in cycles.</param>
/// <param name="Series">Values by interval, for each of <see cref="CoreIntervals.All"/> in its order, by name.</param>
public sealed record RunIntervals(Cycles Length, IReadOnlyList<KeyValuePair<string, IReadOnlyList<long>>> Series)
{
    internal static RunIntervals Of(IntervalSeries intervals) => new(
        1L << intervals.Shift,
        [
            .. CoreIntervals.All.Select((figure, number) => new KeyValuePair<string, IReadOnlyList<long>>(
                figure.Name, [.. Enumerable.Range(0, intervals.Count).Select(interval => intervals[interval, number])])),
        ]);
}
