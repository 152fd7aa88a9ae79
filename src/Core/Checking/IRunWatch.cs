using VmSim.Core.Addresses;

namespace VmSim.Core.Checking;

/// <summary>
/// Hears what happens in a run that a checker watches: for those who compare or draw the order of events. Times are virtual.
/// </summary>
internal interface IRunWatch
{
    /// <summary>A core has used a translation.</summary>
    /// <param name="time">When the access began.</param>
    /// <param name="core">The core.</param>
    /// <param name="space">The address space.</param>
    /// <param name="kind">What the access does.</param>
    /// <param name="page">The page.</param>
    /// <param name="frame">The frame that it led to.</param>
    /// <param name="filledAt">When the core put the translation into its TLB; -1 if that is not known.</param>
    void Accessed(Cycles time, CoreId core, SpaceId space, AccessKind kind, ulong page, ulong frame, Cycles filledAt);

    /// <summary>An operation of a space has changed its page table.</summary>
    /// <param name="space">The space.</param>
    /// <param name="operation">The operation's number within the space.</param>
    /// <param name="core">The core that asked for it.</param>
    /// <param name="time">When.</param>
    /// <param name="visibleAt">When every walk sees what it stored.</param>
    /// <param name="what">The operation in words, made when they are asked for.</param>
    void Began(SpaceId space, long operation, CoreId core, Cycles time, Cycles visibleAt, object what);

    /// <summary>An operation answers its thread.</summary>
    /// <param name="space">The space.</param>
    /// <param name="operation">The operation's number within the space.</param>
    /// <param name="time">When the answer is there.</param>
    void Returned(SpaceId space, long operation, Cycles time);
}
