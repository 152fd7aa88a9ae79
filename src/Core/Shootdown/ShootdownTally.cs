using VmSim.Core.Statistics;

namespace VmSim.Core.Shootdown;

/// <summary>What is known of the shootdowns of one address space: records, and counts of those whose records were given up.</summary>
/// <param name="First">Number of the first.</param>
/// <param name="Count">How many there are; their numbers follow each other.</param>
/// <param name="Records">The records that are still there, by number; refill misses are not in them.</param>
/// <param name="Folded">Counts of the others, by figure as in <see cref="ShootdownFigure.All"/>; empty if there are no others.</param>
public sealed record ShootdownTally(
    int First, int Count, IReadOnlyList<ShootdownRecord> Records, IReadOnlyList<LatencyHistogram> Folded)
{
    /// <summary>Whether every shootdown has its record.</summary>
    public bool IsWhole => Records.Count == Count;

    /// <summary>Adds a figure of every shootdown to a histogram.</summary>
    /// <param name="figure">Which of <see cref="ShootdownFigure.All"/>.</param>
    /// <param name="misses">Refill misses by number; shootdowns without any may be left out. Null for none.</param>
    /// <param name="histogram">The histogram.</param>
    internal void AddTo(LatencyHistogram histogram, int figure, Dictionary<int, int>? misses)
    {
        if (ReferenceEquals(ShootdownFigure.All[figure], ShootdownFigure.RefillMisses))
        {
            AddMisses(histogram, misses ?? []);
            return;
        }

        if (Folded.Count > 0)
        {
            histogram.Add(Folded[figure]);
        }

        foreach (ShootdownRecord record in Records)
        {
            if (ShootdownFigure.All[figure].Read(record) is >= 0 and long value)
            {
                histogram.Record(value);
            }
        }
    }

    /// <summary>Misses come long after their shootdown is over: they are counted beside the records.</summary>
    private void AddMisses(LatencyHistogram histogram, Dictionary<int, int> misses)
    {
        int without = Count;
        foreach ((int id, int count) in misses)
        {
            if (id >= First && id - First < Count && count > 0)
            {
                histogram.Record(count);
                without--;
            }
        }

        histogram.Record(0, without);
    }
}
