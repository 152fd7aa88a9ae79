using VmSim.Core.Addresses;

namespace VmSim.Core.Memory;

/// <summary>What a page fault did.</summary>
public readonly record struct FaultResult
{
    /// <summary>What it turned out to be.</summary>
    public FaultKind Kind { get; init; }

    /// <summary>Translations that became present or writable, the faulting one included.</summary>
    public long PagesMapped { get; init; }

    /// <summary>Table pages that were allocated for them.</summary>
    public int TablesAllocated { get; init; }

    /// <summary>The translation that a copy replaced; null when nothing was present.</summary>
    public DeadTranslations? Dead { get; init; }

    /// <summary>What can be freed once no core can reach it through <see cref="Dead"/>; null for nothing.</summary>
    public ReleaseBatch? Release { get; init; }

    /// <summary>Pages that a <see cref="FaultKind.Major"/> fault reads from the device, the faulting one included.</summary>
    public long ReadAheadPages { get; init; }

    /// <summary>Which of its pages cost other than plain ones.</summary>
    public PageWork Work { get; init; }

    /// <summary>Where the area that the address lies in begins; null when no area allows the access.</summary>
    public VirtAddr? AreaStart { get; init; }

    /// <summary>The limit that an access has met that cannot go on; none if it met none.</summary>
    public MemoryLimit Limit { get; init; }

    /// <summary>Whether the access can go on.</summary>
    public bool Succeeded => !Kind.IsFailure();
}
