using VmSim.Core.Statistics;

namespace VmSim.Core.Engine;

/// <content>What the core counts in each interval of virtual time: user mode stops where one ends, as at the end of a window.</content>
public sealed partial class CoreModel
{
    private readonly IntervalCounts _intervals = new(CoreIntervals.All.Count);

    /// <summary>What it counted in each interval, by <see cref="CoreIntervals.All"/>.</summary>
    internal IntervalSeries Intervals => _intervals.Series;

    private void EndInterval()
    {
        Span<long> values = stackalloc long[CoreIntervals.All.Count];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = CoreIntervals.All[i].Read(Counters, Cycles);
        }

        _intervals.Finish(_clock, values);
    }
}
