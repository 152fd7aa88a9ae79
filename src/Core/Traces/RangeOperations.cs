namespace VmSim.Core.Traces;

/// <summary>Which operation last changed each page's mapping, as sorted disjoint ranges of pages.</summary>
public sealed class RangeOperations
{
    private readonly List<(ulong First, ulong End, TraceOrder.Point Operation)> _ranges = [];

    /// <summary>The operation that last changed a page; <see cref="TraceOrder.Point.None"/> when none did.</summary>
    public TraceOrder.Point Find(ulong page)
    {
        int index = IndexAfter(page);
        return index < _ranges.Count && _ranges[index].First <= page ? _ranges[index].Operation : TraceOrder.Point.None;
    }

    /// <summary>
    /// Makes <paramref name="operation"/> the last one of a range and gives those it replaces to <paramref name="visit"/>.
    /// </summary>
    public void Replace(ulong first, ulong end, TraceOrder.Point operation, Action<TraceOrder.Point> visit)
    {
        int index = IndexAfter(first);
        int stop = index;
        for (; stop < _ranges.Count && _ranges[stop].First < end; stop++)
        {
            visit(_ranges[stop].Operation);
        }

        List<(ulong, ulong, TraceOrder.Point)> pieces = new List<(ulong, ulong, TraceOrder.Point)>(3);
        if (stop > index && _ranges[index].First < first)
        {
            pieces.Add((_ranges[index].First, first, _ranges[index].Operation));
        }

        pieces.Add((first, end, operation));
        if (stop > index && _ranges[stop - 1].End > end)
        {
            pieces.Add((end, _ranges[stop - 1].End, _ranges[stop - 1].Operation));
        }

        _ranges.RemoveRange(index, stop - index);
        _ranges.InsertRange(index, pieces);
    }

    /// <summary>The pieces of a range, with what last changed each; <see cref="TraceOrder.Point.None"/> where nothing did.</summary>
    public IReadOnlyList<(ulong First, ulong End, TraceOrder.Point Operation)> In(ulong first, ulong end)
    {
        List<(ulong, ulong, TraceOrder.Point)> pieces = [];
        ulong from = first;
        for (int index = IndexAfter(first); index < _ranges.Count && _ranges[index].First < end; index++)
        {
            (ulong start, ulong stop, TraceOrder.Point operation) = _ranges[index];
            if (start > from)
            {
                pieces.Add((from, start, TraceOrder.Point.None));
            }

            pieces.Add((Math.Max(start, from), Math.Min(stop, end), operation));
            from = stop;
        }

        if (from < end)
        {
            pieces.Add((from, end, TraceOrder.Point.None));
        }

        return pieces;
    }

    /// <summary>A copy.</summary>
    public RangeOperations Copy()
    {
        RangeOperations copy = new RangeOperations();
        copy._ranges.AddRange(_ranges);
        return copy;
    }

    /// <summary>The index of the first range that ends after <paramref name="page"/>.</summary>
    private int IndexAfter(ulong page)
    {
        int low = 0;
        int high = _ranges.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            (low, high) = _ranges[middle].End <= page ? (middle + 1, high) : (low, middle);
        }

        return low;
    }
}
