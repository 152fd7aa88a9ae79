using System.Numerics;
using VmSim.Core.Addresses;

namespace VmSim.Core.Engine;

/// <summary>
/// When a domain has something to do next: its two earliest cores and its earliest group. Two cores are enough to plan a window, and the
/// horizons that several nodes see of one domain merge into the one that a single node would see.
/// </summary>
/// <param name="First">Time of the earliest core; <see cref="Cycles.Never"/> if no core has anything to do.</param>
/// <param name="FirstIndex">Its index in the domain, the lower one if two cores tie; -1 for none.</param>
/// <param name="Second">Time of the earliest of the other cores.</param>
/// <param name="SecondIndex">Its index in the domain; -1 for none.</param>
/// <param name="Group">Time of the earliest event of a group.</param>
public readonly record struct DomainHorizon(Cycles First, int FirstIndex, Cycles Second, int SecondIndex, Cycles Group)
{
    /// <summary>Nobody has anything to do.</summary>
    public static DomainHorizon Empty { get; } = new(Cycles.Never, -1, Cycles.Never, -1, Cycles.Never);

    /// <summary>The horizon of a domain.</summary>
    /// <param name="coreNext">Earliest event of each core, in cycles.</param>
    /// <param name="groupNext">Earliest event of each group, in cycles.</param>
    public static DomainHorizon Of(ReadOnlySpan<long> coreNext, ReadOnlySpan<long> groupNext)
    {
        long first = Earliest(coreNext);
        int firstCore = IndexOf(coreNext, first);
        long second = Math.Min(Earliest(coreNext[..Math.Max(0, firstCore)]), Earliest(coreNext[(firstCore + 1)..]));
        int secondCore = IndexOf(coreNext, second);
        if (secondCore == firstCore && firstCore >= 0)
        {
            int behind = IndexOf(coreNext[(firstCore + 1)..], second);
            secondCore = behind < 0 ? -1 : firstCore + 1 + behind;
        }

        return new DomainHorizon(first, firstCore, second, secondCore, Earliest(groupNext));
    }

    private static long Earliest(ReadOnlySpan<long> times)
    {
        Vector<long> least = Vector<long>.AllBitsSet >>> 1;
        int i = 0;
        for (; i <= times.Length - Vector<long>.Count; i += Vector<long>.Count)
        {
            least = Vector.Min(least, new Vector<long>(times[i..]));
        }

        long earliest = long.MaxValue;
        for (int lane = 0; lane < Vector<long>.Count; lane++)
        {
            earliest = Math.Min(earliest, least[lane]);
        }

        for (; i < times.Length; i++)
        {
            earliest = Math.Min(earliest, times[i]);
        }

        return earliest;
    }

    /// <summary>The first place of a time; -1 for none, and for <see cref="long.MaxValue"/>, which is none.</summary>
    private static int IndexOf(ReadOnlySpan<long> times, long time) => time == long.MaxValue ? -1 : times.IndexOf(time);

    /// <summary>The horizon of both: each core at the earlier of its times.</summary>
    public DomainHorizon Merge(in DomainHorizon other) =>
        (this with { Group = Cycles.Min(Group, other.Group) }).With(other.First, other.FirstIndex).With(other.Second, other.SecondIndex);

    private DomainHorizon With(Cycles time, int core)
    {
        if (core < 0)
        {
            return this;
        }

        if (core == FirstIndex)
        {
            return this with { First = Cycles.Min(First, time) };
        }

        if (FirstIndex < 0 || IsBefore(time, core, First, FirstIndex))
        {
            return this with { First = time, FirstIndex = core, Second = First, SecondIndex = FirstIndex };
        }

        return SecondIndex < 0 || core == SecondIndex || IsBefore(time, core, Second, SecondIndex)
            ? this with { Second = core == SecondIndex ? Cycles.Min(Second, time) : time, SecondIndex = core }
            : this;
    }

    private static bool IsBefore(Cycles time, int core, Cycles otherTime, int otherCore) =>
        time != otherTime ? time < otherTime : core < otherCore;
}
