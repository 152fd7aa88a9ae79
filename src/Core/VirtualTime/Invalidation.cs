using System.Runtime.InteropServices;
using VmSim.Core.Addresses;

namespace VmSim.Core.VirtualTime;

/// <summary>How a core is told to invalidate.</summary>
public enum InvalidationWay : byte
{
    /// <summary>By an interrupt.</summary>
    Interrupt,

    /// <summary>By a message that interrupts nothing.</summary>
    Message,

    /// <summary>As the initiator's own core, which acknowledges nothing.</summary>
    Local,
}

/// <summary>Which translations of a space a core drops: those of a range, or all of them because of what died in the range.</summary>
/// <param name="Range">What is dropped, or why: the pages that cover what died.</param>
/// <param name="IsWholeSpace">Whether every translation of the space is dropped.</param>
/// <remarks>Without padding, so that protocols can send it in messages of their own (<see cref="ProtocolPayload.Of"/>).</remarks>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public readonly record struct InvalidationScope(DeadRange Range, bool IsWholeSpace)
{
    /// <summary>Entries that are dropped one by one; 0 when all are dropped at once.</summary>
    public ulong Entries => IsWholeSpace ? 0 : Range.Pages;
}

/// <summary>A core is told to invalidate.</summary>
public readonly record struct Invalidation
{
    /// <summary>The address space.</summary>
    public required SpaceId Space { get; init; }

    /// <summary>The shootdown's number within the space.</summary>
    public required long Shootdown { get; init; }

    /// <summary>What is dropped.</summary>
    public required InvalidationScope Scope { get; init; }

    /// <summary>The generation that the space reached with the shootdown, for protocols that count them.</summary>
    public long Generation { get; init; }

    /// <summary>How the core is told.</summary>
    public InvalidationWay Way { get; init; }

    /// <summary>Whether nobody waits for the ack, which is only a report.</summary>
    public bool IsReport { get; init; }

    /// <summary>Whether table pages are freed, so that paging-structure caches must be emptied.</summary>
    public bool TablesFreed { get; init; }

    /// <summary>Whether it is for an operation of the core itself.</summary>
    public bool IsLocal => Way == InvalidationWay.Local;
}

/// <summary>A core has invalidated.</summary>
/// <param name="Shootdown">The shootdown's number within the space.</param>
/// <param name="Dropped">Entries that the core dropped.</param>
/// <param name="Handler">How long the handler took, entry and exit included.</param>
/// <param name="Way">How the core was told.</param>
/// <param name="IsReport">Whether nobody waits for it.</param>
public readonly record struct InvalidationAck(
    long Shootdown, int Dropped = 0, Cycles Handler = default, InvalidationWay Way = InvalidationWay.Interrupt, bool IsReport = false);
