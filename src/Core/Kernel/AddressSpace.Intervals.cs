using VmSim.Core.Statistics;

namespace VmSim.Core.Kernel;

/// <content>What the space counts in each interval of virtual time.</content>
public sealed partial class AddressSpace
{
    private readonly IntervalCounts _intervals = new(SpaceIntervals.All.Count);

    /// <summary>By how much each of <see cref="SpaceIntervals.All"/> grew in each interval; levels may grow by less than 0.</summary>
    internal IntervalSeries Intervals => _intervals.Series;

    /// <summary>The run ends: what was counted since the last interval ended is its own.</summary>
    internal void FinishIntervals() => EndInterval(_now);

    /// <summary>Adds what it has counted so far, also in the interval that is not over.</summary>
    internal void AddIntervals(IntervalSeries sum)
    {
        Span<long> values = stackalloc long[SpaceIntervals.All.Count];
        ReadIntervals(values);
        _intervals.AddTo(sum, values);
    }

    /// <summary>An interval is over when the first message behind it comes: nothing changes a space between its messages.</summary>
    private void EndInterval(long now)
    {
        Span<long> values = stackalloc long[SpaceIntervals.All.Count];
        ReadIntervals(values);
        _intervals.Finish(now, values);
    }

    private void ReadIntervals(Span<long> values)
    {
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = SpaceIntervals.All[i].Read(this);
        }
    }
}
