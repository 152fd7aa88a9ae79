using System.Diagnostics;

namespace VmSim.Core.Statistics;

/// <summary>
/// Figures over equal intervals of virtual time from 0 on. There are at most <see cref="IntervalsMax"/>: when a time lies beyond them,
/// pairs of intervals become one, so that lengths are powers of two and memory does not grow with time.
/// </summary>
public sealed class IntervalSeries
{
    /// <summary>Intervals at most: a curve of so many points is as fine as a chart of a page shows.</summary>
    public const int IntervalsMax = 128;

    /// <summary>Binary logarithm of the first length: 16,384 cycles, some microseconds, are about the time of a shootdown.</summary>
    public const int FirstShift = 14;

    /// <summary>Binary logarithm of the greatest length, with which intervals hold every time there is.</summary>
    public const int LastShift = 56;

    /// <summary>Gives figures of another series.</summary>
    /// <param name="from">An interval's figures.</param>
    /// <param name="to">The other's, all 0.</param>
    public delegate void Selection(ReadOnlySpan<long> from, Span<long> to);

    private readonly int _figures;
    private int _shift = FirstShift;
    private int _count;
    private long[] _values = [];

    /// <summary>Makes a series of nothing.</summary>
    /// <param name="figures">How many figures an interval has; 1 or more.</param>
    public IntervalSeries(int figures)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(figures, 1);
        _figures = figures;
    }

    /// <summary>Binary logarithm of an interval's length in cycles.</summary>
    public int Shift => _shift;

    /// <summary>Intervals up to the last one that has something.</summary>
    public int Count => _count;

    /// <summary>A figure of an interval.</summary>
    public long this[int interval, int figure] => _values[(interval * _figures) + figure];

    /// <summary>Adds to the figures of the interval that a time lies in.</summary>
    /// <param name="time">The time in cycles; 0 or more.</param>
    /// <param name="values">A value for each figure.</param>
    public void Add(long time, ReadOnlySpan<long> values)
    {
        Debug.Assert(time >= 0 && values.Length == _figures, "a time before the run, or another number of figures");
        if (values.IndexOfAnyExcept(0L) < 0)
        {
            return;
        }

        while (time >> _shift >= IntervalsMax)
        {
            Coarsen();
        }

        int interval = (int)(time >> _shift);
        Reach(interval + 1);
        for (int i = 0; i < _figures; i++)
        {
            _values[(interval * _figures) + i] += values[i];
        }
    }

    /// <summary>Adds another series with as many figures.</summary>
    public void Add(IntervalSeries other)
    {
        ArgumentNullException.ThrowIfNull(other);
        for (int i = 0; i < other._count; i++)
        {
            Add((long)i << other._shift, other._values.AsSpan(i * _figures, _figures));
        }

        while (_shift < other._shift)
        {
            Coarsen();
        }
    }

    /// <summary>Moves an amount from a figure to another, of the last intervals that have it.</summary>
    /// <param name="from">The figure that has it; no less than the amount in all.</param>
    /// <param name="to">The figure that gets it.</param>
    /// <param name="amount">How much; 0 or more.</param>
    public void Rebook(int from, int to, long amount)
    {
        for (int i = _count - 1; i >= 0 && amount > 0; i--)
        {
            long part = Math.Min(amount, this[i, from]);
            _values[(i * _figures) + from] -= part;
            _values[(i * _figures) + to] += part;
            amount -= part;
        }

        Debug.Assert(amount == 0, "the figure had less");
    }

    /// <summary>A series of the same intervals, with other figures.</summary>
    /// <param name="figures">How many figures an interval of it has; 1 or more.</param>
    /// <param name="select">Gives an interval's figures, which are 0 before, from those of this one.</param>
    public IntervalSeries Select(int figures, Selection select)
    {
        ArgumentNullException.ThrowIfNull(select);
        IntervalSeries selected = new(figures) { _shift = _shift, _count = _count, _values = new long[_count * figures] };
        for (int i = 0; i < _count; i++)
        {
            select(_values.AsSpan(i * _figures, _figures), selected._values.AsSpan(i * figures, figures));
        }

        return selected;
    }

    /// <summary>When the interval ends that a time lies in.</summary>
    public long EndOf(long time) => ((time >> _shift) + 1) << _shift;

    /// <summary>Everything in it, as numbers.</summary>
    public long[] Export() => [_shift, .. _values.AsSpan(0, _count * _figures)];

    /// <summary>Takes what <see cref="Export"/> gave.</summary>
    /// <exception cref="InvalidDataException">The numbers are no series.</exception>
    public void Import(ReadOnlySpan<long> numbers)
    {
        if (numbers.Length == 0 || numbers[0] is < FirstShift or > LastShift || (numbers.Length - 1) % _figures != 0
            || (numbers.Length - 1) / _figures > IntervalsMax)
        {
            throw new InvalidDataException("intervals: they are none");
        }

        _shift = (int)numbers[0];
        _values = numbers[1..].ToArray();
        _count = _values.Length / _figures;
    }

    /// <summary>Everything is 0 from now on.</summary>
    public void Reset()
    {
        Array.Clear(_values);
        _count = 0;
    }

    private void Reach(int count)
    {
        if (_values.Length < count * _figures)
        {
            Array.Resize(ref _values, Math.Min(IntervalsMax, Math.Max(count, 2 * _count)) * _figures);
        }

        _count = Math.Max(_count, count);
    }

    private void Coarsen()
    {
        _shift++;
        int count = (_count + 1) / 2;
        for (int i = 0; i < count * _figures; i++)
        {
            (int interval, int figure) = (i / _figures, i % _figures);
            long second = (2 * interval) + 1 < _count ? this[(2 * interval) + 1, figure] : 0;
            _values[i] = this[2 * interval, figure] + second;
        }

        Array.Clear(_values, count * _figures, (_count - count) * _figures);
        _count = count;
    }
}
