namespace VmSim.Core.Memory;

/// <summary>A set of pages, kept as sorted ranges that neither overlap nor meet.</summary>
internal sealed class PageRanges
{
    private readonly List<(ulong First, ulong Last)> _ranges = [];

    /// <summary>Whether it has no page.</summary>
    public bool IsEmpty => _ranges.Count == 0;

    /// <summary>Whether a page is in it.</summary>
    public bool Contains(ulong page)
    {
        int index = IndexReaching(page);
        return index < _ranges.Count && _ranges[index].First <= page;
    }

    /// <summary>Whether any page of a range is in it.</summary>
    /// <param name="first">The first page.</param>
    /// <param name="count">How many, 1 or more.</param>
    public bool Overlaps(ulong first, ulong count)
    {
        int index = IndexReaching(first);
        return index < _ranges.Count && _ranges[index].First <= first + (count - 1);
    }

    /// <summary>Adds the pages of a range.</summary>
    /// <param name="first">The first page.</param>
    /// <param name="count">How many, 1 or more.</param>
    public void Add(ulong first, ulong count)
    {
        ulong last = first + (count - 1);
        int index = IndexReaching(first == 0 ? 0 : first - 1);
        int end = index;
        while (end < _ranges.Count && (last == ulong.MaxValue || _ranges[end].First <= last + 1))
        {
            first = Math.Min(first, _ranges[end].First);
            last = Math.Max(last, _ranges[end].Last);
            end++;
        }

        _ranges.RemoveRange(index, end - index);
        _ranges.Insert(index, (first, last));
    }

    /// <summary>Removes the pages of a range.</summary>
    /// <param name="first">The first page.</param>
    /// <param name="count">How many, 1 or more.</param>
    public void Remove(ulong first, ulong count)
    {
        ulong last = first + (count - 1);
        int index = IndexReaching(first);
        while (index < _ranges.Count && _ranges[index].First <= last)
        {
            (ulong rangeFirst, ulong rangeLast) = _ranges[index];
            _ranges.RemoveAt(index);
            if (rangeLast > last)
            {
                _ranges.Insert(index, (last + 1, rangeLast));
            }

            if (rangeFirst < first)
            {
                _ranges.Insert(index++, (rangeFirst, first - 1));
            }
        }
    }

    /// <summary>Takes the pages of a range out and puts them in at another place.</summary>
    /// <param name="first">The first page.</param>
    /// <param name="to">Where the first page goes; the two places do not overlap.</param>
    /// <param name="count">How many, 1 or more.</param>
    public void Move(ulong first, ulong to, ulong count)
    {
        List<(ulong First, ulong Last)> moved = [.. In(first, count)];
        Remove(first, count);
        foreach ((ulong movedFirst, ulong movedLast) in moved)
        {
            Add(movedFirst - first + to, movedLast - movedFirst + 1);
        }
    }

    /// <summary>The parts of its ranges that lie in a range, by rising page.</summary>
    /// <param name="first">The first page.</param>
    /// <param name="count">How many, 1 or more.</param>
    public IEnumerable<(ulong First, ulong Last)> In(ulong first, ulong count)
    {
        ulong last = first + (count - 1);
        for (int index = IndexReaching(first); index < _ranges.Count && _ranges[index].First <= last; index++)
        {
            yield return (Math.Max(_ranges[index].First, first), Math.Min(_ranges[index].Last, last));
        }
    }

    /// <summary>Becomes what another set is.</summary>
    public void CopyFrom(PageRanges other)
    {
        _ranges.Clear();
        _ranges.AddRange(other._ranges);
    }

    /// <summary>Removes every page.</summary>
    public void Clear() => _ranges.Clear();

    /// <summary>The index of the first range that ends at a page or after it.</summary>
    private int IndexReaching(ulong page)
    {
        int low = 0;
        int high = _ranges.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            (low, high) = _ranges[middle].Last < page ? (middle + 1, high) : (low, middle);
        }

        return low;
    }
}
