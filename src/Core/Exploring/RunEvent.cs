using System.Numerics;
using VmSim.Core.Addresses;
using VmSim.Core.Programs;

namespace VmSim.Core.Exploring;

/// <summary>What an event is, as far as it matters whether it comes before or behind another one.</summary>
internal enum EventClass : byte
{
    /// <summary>Its order with others at its receiver changes nothing.</summary>
    Neutral,

    /// <summary>At a space: a fault or call comes, or comes to its next step.</summary>
    Step,

    /// <summary>At a space: a core has invalidated.</summary>
    Acknowledgement,

    /// <summary>At a space: a core takes it up, idles or leaves, or the protocol's own message or timer.</summary>
    Membership,

    /// <summary>At a space: a walk set bits.</summary>
    Bits,

    /// <summary>At a core: an invalidation.</summary>
    Invalidation,

    /// <summary>At a core: a space is loaded, or the protocol's own message.</summary>
    Loading,

    /// <summary>At a core: an access.</summary>
    Access,

    /// <summary>For a core: what an operation stored can be seen, or its call returns, whichever core made it.</summary>
    Milestone,
}

/// <summary>An event at a core or space, with what decides whether it commutes with others.</summary>
/// <param name="Time">When, in cycles.</param>
/// <param name="Class">What it is.</param>
/// <param name="Pages">The pages it concerns, as bits: those of pages whose numbers are equal modulo 64 are one.</param>
/// <param name="Id">What it is, as a number.</param>
/// <param name="Tie">Order among events of one time.</param>
/// <param name="Operation">The operation of the space that it is a part of; 0 for none.</param>
/// <param name="Mover">What to delay so that the event comes later; none if its <see cref="OrderDelay.Extra"/> is 0.</param>
internal readonly record struct RunEvent(
    long Time, EventClass Class, ulong Pages, ulong Id, (int Rank, int Sender, long Sequence) Tie, long Operation, OrderDelay Mover)
{
    /// <summary>Every page.</summary>
    public const ulong AllPages = ulong.MaxValue;

    /// <summary>Whether this comes before another event of one actor.</summary>
    public int Order(in RunEvent other) => Time != other.Time ? Time.CompareTo(other.Time) : Tie.CompareTo(other.Tie);

    /// <summary>Whether the order of two events of one actor can matter.</summary>
    public bool ConflictsWith(in RunEvent other)
    {
        (EventClass low, EventClass high) = Class <= other.Class ? (Class, other.Class) : (other.Class, Class);
        return low switch
        {
            EventClass.Step => high == EventClass.Membership
                || (high is EventClass.Step or EventClass.Acknowledgement or EventClass.Bits && (Pages & other.Pages) != 0
                    && (Operation == 0 || Operation != other.Operation)),
            EventClass.Acknowledgement => high == EventClass.Acknowledgement && (Pages & other.Pages) != 0,
            EventClass.Membership => high == EventClass.Membership,
            EventClass.Invalidation => high is EventClass.Invalidation or EventClass.Loading
                || (high == EventClass.Access && (Pages & other.Pages) != 0),
            EventClass.Loading => high is EventClass.Loading or EventClass.Access,
            EventClass.Access => high == EventClass.Milestone && (Pages & other.Pages) != 0,
            _ => false,
        };
    }

    /// <summary>Pages as bits.</summary>
    public static ulong BitsOf(ulong first, ulong count) =>
        count >= 64 ? AllPages : BitOperations.RotateLeft((1UL << (int)count) - 1, (int)(first & 63));

    /// <summary>The pages of a call as bits.</summary>
    public static ulong BitsOf(SystemCall call)
    {
        ulong bits = BitsOf(call.Start.PageNumber, (call.Length + PageSizes.BaseBytes - 1) >> PageSizes.BaseShift);
        return call.Kind switch
        {
            SystemCallKind.Map or SystemCallKind.Unmap or SystemCallKind.Protect => bits,
            SystemCallKind.Advise when call.MoreRanges.Count == 0 => bits,
            SystemCallKind.Remap =>
                bits | BitsOf(call.NewStart.PageNumber, (call.NewLength + PageSizes.BaseBytes - 1) >> PageSizes.BaseShift),
            _ => AllPages,
        };
    }
}
