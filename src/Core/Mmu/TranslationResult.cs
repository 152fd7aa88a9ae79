using VmSim.Core.Addresses;
using VmSim.Core.Paging;

namespace VmSim.Core.Mmu;

/// <summary>How a translation went.</summary>
public enum TranslationOutcome : byte
{
    /// <summary>The first-level TLB had it.</summary>
    L1Hit,

    /// <summary>The second-level TLB had it.</summary>
    StlbHit,

    /// <summary>A page walk found it.</summary>
    Walked,

    /// <summary>A page walk found nothing: a page fault.</summary>
    NotPresentFault,

    /// <summary>The access is not allowed: a page fault.</summary>
    ProtectionFault,
}

/// <summary>What a translation found and cost.</summary>
public readonly struct TranslationResult
{
    /// <summary>How it went.</summary>
    public required TranslationOutcome Outcome { get; init; }

    /// <summary>Cycles on top of a first-level hit.</summary>
    public int Cycles { get; init; }

    /// <summary>Page-table entries that were read.</summary>
    public int References { get; init; }

    /// <summary>Accessed and dirty bits that the walk set; the caller logs them.</summary>
    public PageFlags BitsSet { get; init; }

    /// <summary>Size of the page.</summary>
    public PageSize Size { get; init; }

    /// <summary>Number of the 4 KiB frame where the page's memory begins.</summary>
    public ulong Frame { get; init; }

    /// <summary>Paging-structure cache that shortened the walk: 0 PDE, 1 PDPTE, 2 PML4E; 3 or more for none.</summary>
    public int WalkStart { get; init; }
}
