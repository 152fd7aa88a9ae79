using VmSim.Core.Statistics;

namespace VmSim.Core.Kernel;

/// <content>What the space counts in each interval of virtual time.</content>
public sealed partial class AddressSpace
{
    private readonly IntervalSeries _intervals = new(SpaceIntervals.All.Count);
    private readonly long[] _countedBefore = new long[SpaceIntervals.All.Count];
    private long _intervalEnd = 1L << IntervalSeries.FirstShift;

    /// <summary>By how much each of <see cref="SpaceIntervals.All"/> grew in each interval; levels may grow by less than 0.</summary>
    internal IntervalSeries Intervals => _intervals;

    /// <summary>The run ends: what was counted since the last interval ended is its own.</summary>
    internal void FinishIntervals() => EndInterval(_now);

    /// <summary>An interval is over when the first message behind it comes: nothing changes a space between its messages.</summary>
    private void EndInterval(long now)
    {
        Span<long> grown = stackalloc long[SpaceIntervals.All.Count];
        for (int i = 0; i < grown.Length; i++)
        {
            long value = SpaceIntervals.All[i].Read(this);
            grown[i] = value - _countedBefore[i];
            _countedBefore[i] = value;
        }

        _intervals.Add(_intervalEnd - 1, grown);
        _intervalEnd = _intervals.EndOf(now);
    }

    /// <summary>Counting begins: counts are 0 from now on, and levels stand where they stood.</summary>
    private void ResetIntervals()
    {
        _intervals.Reset();
        Array.Clear(_countedBefore);
    }
}
