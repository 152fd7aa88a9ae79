using VmSim.Core.Statistics;

namespace VmSim.Core.Engine;

/// <content>What the core counts in each interval of virtual time.</content>
public sealed partial class CoreModel
{
    private readonly IntervalSeries _intervals = new(CoreIntervals.All.Count);
    private readonly long[] _countedBefore = new long[CoreIntervals.All.Count];

    /// <summary>When the interval ends that is counted: user mode stops there, as at the end of a window, and goes on.</summary>
    private long _intervalEnd = 1L << IntervalSeries.FirstShift;

    /// <summary>What it counted in each interval, by <see cref="CoreIntervals.All"/>.</summary>
    internal IntervalSeries Intervals => _intervals;

    /// <summary>An interval is over: what was counted since the last one ended is its own.</summary>
    private void EndInterval()
    {
        Span<long> counted = stackalloc long[CoreIntervals.All.Count];
        for (int i = 0; i < counted.Length; i++)
        {
            long value = CoreIntervals.All[i].Read(Counters, Cycles);
            counted[i] = value - _countedBefore[i];
            _countedBefore[i] = value;
        }

        _intervals.Add(_intervalEnd - 1, counted);
        _intervalEnd = _intervals.EndOf(_clock);
    }

    private void ResetIntervals()
    {
        _intervals.Reset();
        Array.Clear(_countedBefore);
    }
}
