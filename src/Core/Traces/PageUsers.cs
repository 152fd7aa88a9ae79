namespace VmSim.Core.Traces;

/// <summary>
/// Per page, its uses since its mapping last changed. Pages are grouped by 512 so that a change of a huge, mostly unused range costs
/// little.
/// </summary>
internal sealed class PageUsers
{
    private const int GroupShift = 9;
    private const int GroupLength = 1 << GroupShift;
    private readonly Dictionary<ulong, PageUse?[]> _groups = [];

    /// <summary>The uses of a page.</summary>
    public PageUse Of(ulong page)
    {
        if (!_groups.TryGetValue(page >> GroupShift, out PageUse?[]? group))
        {
            group = new PageUse?[GroupLength];
            _groups.Add(page >> GroupShift, group);
        }

        return group[page & (GroupLength - 1)] ??= new PageUse();
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
        if (!_groups.TryGetValue(number, out PageUse?[]? group))
        {
            return;
        }

        ulong basePage = number << GroupShift;
        int first = (int)(Math.Max(firstPage, basePage) - basePage);
        int end = (int)Math.Min(endPage - basePage, GroupLength);
        for (int i = first; i < end; i++)
        {
            group[i]?.Take(visit);
        }
    }
}
