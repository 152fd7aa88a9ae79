namespace VmSim.Core.Engine;

/// <summary>The next window of a domain.</summary>
/// <param name="Start">Where it begins; <see cref="long.MaxValue"/> when nothing is left to do.</param>
/// <param name="CoreLimit">Where the core phase ends.</param>
/// <param name="Alone">Index of the only core that can do anything before <paramref name="CoreLimit"/>; -1 when there are several.</param>
public readonly record struct WindowPlan(long Start, long CoreLimit, int Alone)
{
    /// <summary>Whether nothing is left to do before the end of the run.</summary>
    public bool Finished => Start == long.MaxValue;

    /// <summary>
    /// Plans from the earliest event of each core and group: the window begins at the earliest core event, or as much before the earliest group
    /// event as no core could have caused it, and ends a window later. A core that is alone until then runs on until someone else could
    /// reach it.
    /// </summary>
    /// <param name="coreNext">Earliest event of each core, in cycles.</param>
    /// <param name="groupNext">Earliest event of each group, in cycles.</param>
    /// <param name="delays">The run's least delays.</param>
    /// <param name="window">Length of a window, 1 to the bound.</param>
    /// <param name="until">End of the run, in cycles; <see cref="long.MaxValue"/> for none.</param>
    public static WindowPlan Next(ReadOnlySpan<long> coreNext, ReadOnlySpan<long> groupNext, Delays delays, long window, long until)
    {
        ArgumentNullException.ThrowIfNull(delays);
        long first = long.MaxValue;
        long second = long.MaxValue;
        int firstCore = -1;
        for (int i = 0; i < coreNext.Length; i++)
        {
            long next = coreNext[i];
            if (next < first)
            {
                second = first;
                first = next;
                firstCore = i;
            }
            else if (next < second)
            {
                second = next;
            }
        }

        long group = long.MaxValue;
        foreach (long next in groupNext)
        {
            group = Math.Min(group, next);
        }

        long groupStart = group == long.MaxValue ? long.MaxValue : group - delays.CoreToSpace;
        long start = Math.Min(first, groupStart);
        if (start >= until || start == long.MaxValue)
        {
            return new WindowPlan(long.MaxValue, until, -1);
        }

        long limit = Math.Min(until, start + window);
        if (second <= limit || first == long.MaxValue)
        {
            return new WindowPlan(start, limit, -1);
        }

        long reach = groupStart == long.MaxValue ? long.MaxValue : groupStart + delays.WindowBound;
        long alone = Math.Min(until, Math.Min(second, reach));
        return alone > limit ? new WindowPlan(start, alone, firstCore) : new WindowPlan(start, limit, -1);
    }
}
