namespace VmSim.Core.Statistics;

/// <summary>By how much figures grow in each interval of virtual time, for one that counts them from the start.</summary>
/// <param name="figures">How many there are; 1 or more.</param>
public sealed class IntervalCounts(int figures)
{
    private readonly long[] _before = new long[figures];

    /// <summary>The growths so far, without those of the interval that is not over.</summary>
    public IntervalSeries Series { get; } = new(figures);

    /// <summary>When the interval ends that is counted.</summary>
    public long End { get; private set; } = 1L << IntervalSeries.FirstShift;

    /// <summary>The interval is over: what figures have grown by since the last one ended is its own.</summary>
    /// <param name="now">A time in the next interval that is counted, in cycles.</param>
    /// <param name="values">The figures as they stand. They become what they have grown by.</param>
    public void Finish(long now, Span<long> values)
    {
        for (int i = 0; i < values.Length; i++)
        {
            long value = values[i];
            values[i] -= _before[i];
            _before[i] = value;
        }

        Series.Add(End - 1, values);
        End = Series.EndOf(now);
    }

    /// <summary>Adds the growths so far to a sum, with those of the interval that is not over; here nothing changes.</summary>
    /// <param name="sum">The sum, of as many figures.</param>
    /// <param name="values">The figures as they stand. They become what they have grown by in this interval.</param>
    public void AddTo(IntervalSeries sum, Span<long> values)
    {
        ArgumentNullException.ThrowIfNull(sum);
        for (int i = 0; i < values.Length; i++)
        {
            values[i] -= _before[i];
        }

        sum.Add(Series);
        sum.Add(End - 1, values);
    }

    /// <summary>
    /// What was counted for one figure belongs to another: it is moved from what the first has grown by in this interval, and if that is
    /// not as much, in those before, the latest first.
    /// </summary>
    /// <param name="from">The figure that it was counted for.</param>
    /// <param name="to">The one that it belongs to.</param>
    /// <param name="amount">How much; 0 or more, and no more than the first has grown by since counting began.</param>
    /// <param name="value">The first figure as it stands, with the amount.</param>
    public void Rebook(int from, int to, long amount, long value)
    {
        long earlier = amount - (value - _before[from]);
        if (earlier > 0)
        {
            Series.Rebook(from, to, earlier);
            _before[from] -= earlier;
            _before[to] += earlier;
        }
    }

    /// <summary>Counting begins: figures that are counted are 0 from now on, and others have grown to what they are.</summary>
    public void Reset()
    {
        Series.Reset();
        Array.Clear(_before);
    }
}
