using VmSim.Core.Statistics;

namespace VmSim.Core.Engine;

/// <content>What the core counts in each interval of virtual time: user mode stops where one ends, as at the end of a window.</content>
public sealed partial class CoreModel
{
    private readonly IntervalCounts _intervals = new(CoreIntervals.All.Count);

    /// <summary>What it counted in each interval, by <see cref="CoreIntervals.All"/>.</summary>
    internal IntervalSeries Intervals => _intervals.Series;

    /// <summary>Cycles of a trap turn out to have been waiting for other cores, when they were.</summary>
    private void RebookAsWait(CoreCycles.Counter booked, long cycles) => _intervals.Rebook(
        CoreIntervals.IndexOf(booked), CoreIntervals.IndexOf(CoreCycles.ShootdownWait), cycles, Cycles[booked]);

    /// <summary>Adds what it has counted so far, also in the interval that is not over, while it stands between two windows.</summary>
    internal void AddIntervals(IntervalSeries sum)
    {
        Span<long> values = stackalloc long[CoreIntervals.All.Count];
        ReadIntervals(values);
        _intervals.AddTo(sum, values);
    }

    private void EndInterval()
    {
        Span<long> values = stackalloc long[CoreIntervals.All.Count];
        ReadIntervals(values);
        _intervals.Finish(_clock, values);
    }

    private void ReadIntervals(Span<long> values)
    {
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = CoreIntervals.All[i].Read(Counters, Cycles);
        }
    }
}
