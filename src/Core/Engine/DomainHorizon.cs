using System.Numerics;

namespace VmSim.Core.Engine;

/// <summary>
/// When a domain has something to do next: its two earliest cores and its earliest group. Two cores are enough to plan a window, and the
/// horizons that several nodes see of one domain merge into the one that a single node would see.
/// </summary>
/// <param name="First">Time of the earliest core, in cycles; <see cref="long.MaxValue"/> if no core has anything to do.</param>
/// <param name="FirstCore">Its index in the domain, the lower one if two cores tie; -1 for none.</param>
/// <param name="Second">Time of the earliest of the other cores, in cycles.</param>
/// <param name="SecondCore">Its index in the domain; -1 for none.</param>
/// <param name="Group">Time of the earliest event of a group, in cycles.</param>
public readonly record struct DomainHorizon(long First, int FirstCore, long Second, int SecondCore, long Group)
{
    /// <summary>Nobody has anything to do.</summary>
    public static DomainHorizon Empty { get; } = new(long.MaxValue, -1, long.MaxValue, -1, long.MaxValue);

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
        (this with { Group = Math.Min(Group, other.Group) }).With(other.First, other.FirstCore).With(other.Second, other.SecondCore);

    private DomainHorizon With(long time, int core)
    {
        if (core < 0)
        {
            return this;
        }

        if (core == FirstCore)
        {
            return this with { First = Math.Min(First, time) };
        }

        if (FirstCore < 0 || IsBefore(time, core, First, FirstCore))
        {
            return this with { First = time, FirstCore = core, Second = First, SecondCore = FirstCore };
        }

        return SecondCore < 0 || core == SecondCore || IsBefore(time, core, Second, SecondCore)
            ? this with { Second = core == SecondCore ? Math.Min(Second, time) : time, SecondCore = core }
            : this;
    }

    private static bool IsBefore(long time, int core, long otherTime, int otherCore) =>
        time != otherTime ? time < otherTime : core < otherCore;
}
