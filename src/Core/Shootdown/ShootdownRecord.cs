using VmSim.Core.Addresses;

namespace VmSim.Core.Shootdown;

/// <summary>What one shootdown was and cost.</summary>
public readonly record struct ShootdownRecord
{
    /// <summary>When its first message was sent, in cycles.</summary>
    public required Cycles BegunAt { get; init; }

    /// <summary>The address space.</summary>
    public required SpaceId Space { get; init; }

    /// <summary>Its number within the space, from 1.</summary>
    public required int Id { get; init; }

    /// <summary>The core whose operation caused it.</summary>
    public required CoreId Initiator { get; init; }

    /// <summary>Cores that were told.</summary>
    public int Targets { get; init; }

    /// <summary>Interrupts sent.</summary>
    public int Interrupts { get; init; }

    /// <summary>Interrupts whose target held nothing of what it was told to drop.</summary>
    public int SpuriousInterrupts { get; init; }

    /// <summary>Translations that died; a large page counts once.</summary>
    public required long DeadPages { get; init; }

    /// <summary>The pages that cover the dead translations.</summary>
    public required DeadRange Dead { get; init; }

    /// <summary>
    /// From the first message to the last acknowledgement that the operation waited for, in cycles; -1 if nobody was told, or it still
    /// waited at the end.
    /// </summary>
    public Cycles Wait { get; init; }

    /// <summary>
    /// How long what died could still be used: from the first message to when the last of the cores that may hold it had invalidated it,
    /// or, if one had not, to the end of the run; in cycles. 0 if no other core may hold it.
    /// </summary>
    public Cycles Staleness { get; init; }

    /// <summary>Cycles that the targets' handlers took, entry and exit included.</summary>
    public Cycles HandlerCycles { get; init; }

    /// <summary>Number of the fault or call that led to it, within the space.</summary>
    public required long Operation { get; init; }

    /// <summary>Number of its cause within the space; -1 if it is not known.</summary>
    public int Cause { get; init; }

    /// <summary>Page walks that brought back live translations which cores, the initiator's included, had lost to it.</summary>
    public int RefillMisses { get; init; }
}
