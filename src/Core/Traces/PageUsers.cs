namespace VmSim.Core.Traces;

/// <summary>Per page, the last use by each thread since the page's mapping last changed. Pages are grouped by 512 so that a change
/// of a huge, mostly unused range costs little.</summary>
internal sealed class PageUsers
{
    private const int GroupShift = 9;
    private const int GroupLength = 1 << GroupShift;
    private readonly Dictionary<ulong, List<TraceOrder.Point>?[]> _groups = [];

    /// <summary>Notes that a thread uses a page at a place of its stream.</summary>
    /// <returns>Whether it is the thread's first since the page's mapping last changed.</returns>
    public bool Touch(ulong page, int thread, long place)
    {
        if (!_groups.TryGetValue(page >> GroupShift, out List<TraceOrder.Point>?[]? group))
        {
            group = new List<TraceOrder.Point>?[GroupLength];
            _groups.Add(page >> GroupShift, group);
        }

        List<TraceOrder.Point> users = group[page & (GroupLength - 1)] ??= [];
        for (int i = 0; i < users.Count; i++)
        {
            if (users[i].Thread == thread)
            {
                users[i] = new TraceOrder.Point(thread, place);
                return false;
            }
        }

        users.Add(new TraceOrder.Point(thread, place));
        return true;
    }

    /// <summary>Forgets the uses of a range of pages and gives each to <paramref name="visit"/>, in no particular order.</summary>
    public void TakeRange(ulong firstPage, ulong endPage, Action<TraceOrder.Point> visit)
    {
        ulong firstGroup = firstPage >> GroupShift;
        ulong lastGroup = (endPage - 1) >> GroupShift;
        if (lastGroup - firstGroup < (ulong)_groups.Count)
        {
            for (ulong group = firstGroup; group <= lastGroup; group++)
            {
                TakeFromGroup(group, firstPage, endPage, visit);
            }
        }
        else
        {
            foreach (ulong group in _groups.Keys)
            {
                if (group >= firstGroup && group <= lastGroup)
                {
                    TakeFromGroup(group, firstPage, endPage, visit);
                }
            }
        }
    }

    private void TakeFromGroup(ulong number, ulong firstPage, ulong endPage, Action<TraceOrder.Point> visit)
    {
        if (!_groups.TryGetValue(number, out List<TraceOrder.Point>?[]? group))
        {
            return;
        }

        ulong basePage = number << GroupShift;
        int first = (int)(Math.Max(firstPage, basePage) - basePage);
        int end = (int)Math.Min(endPage - basePage, GroupLength);
        for (int i = first; i < end; i++)
        {
            if (group[i] is { } users)
            {
                users.ForEach(visit);
                users.Clear();
            }
        }
    }
}
