using VmSim.Core.Addresses;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Engine;

/// <summary>The next window of a domain.</summary>
/// <param name="Start">Where it begins; <see cref="Cycles.Never"/> when nothing is left to do.</param>
/// <param name="CoreLimit">Where the core phase ends.</param>
/// <param name="Alone">Index of the only core that can do anything before <paramref name="CoreLimit"/>; -1 when there are several.</param>
public readonly record struct WindowPlan(Cycles Start, Cycles CoreLimit, int Alone)
{
    /// <summary>Whether nothing is left to do before the end of the run.</summary>
    public bool Finished => Start == Cycles.Never;

    /// <summary>
    /// Plans from the earliest events of cores and groups: the window begins at the earliest core event, or as much before the earliest
    /// group event as no core could have caused it, and ends a window later. A core that is alone until then runs on until someone else
    /// could reach it.
    /// </summary>
    /// <param name="horizon">When the domain's cores and groups have something to do.</param>
    /// <param name="delays">The run's least delays.</param>
    /// <param name="window">Length of a window, 1 to the bound.</param>
    /// <param name="until">End of the run; <see cref="Cycles.Never"/> for none.</param>
    public static WindowPlan Next(in DomainHorizon horizon, Delays delays, Cycles window, Cycles until)
    {
        ArgumentNullException.ThrowIfNull(delays);
        long first = horizon.First.Value;
        long second = horizon.Second.Value;
        long group = horizon.Group.Value;
        long end = until.Value;

        // The memory phase reaches a least delay from core to space beyond the core phase. A window that began at the group's event would
        // let cores run that much farther than the group's answer allows.
        long groupStart = group == long.MaxValue ? long.MaxValue : group - delays.CoreToSpace.Value;
        long start = Math.Min(first, groupStart);
        if (start >= end || start == long.MaxValue)
        {
            return new WindowPlan(long.MaxValue, until, -1);
        }

        long limit = Math.Min(end, start + window.Value);
        if (second <= limit || first == long.MaxValue)
        {
            return new WindowPlan(start, limit, -1);
        }

        // Every window costs a message to each core that takes part and back. While one core is alone that buys nothing: it may run until
        // the second core's first event, or until what a group says could reach it, a bound behind where the group's own window would
        // begin.
        long reach = groupStart == long.MaxValue ? long.MaxValue : groupStart + delays.WindowBound.Value;
        long alone = Math.Min(end, Math.Min(second, reach));
        return alone > limit ? new WindowPlan(start, alone, horizon.FirstIndex) : new WindowPlan(start, limit, -1);
    }
}
