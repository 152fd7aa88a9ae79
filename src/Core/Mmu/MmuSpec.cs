using VmSim.Core.Settings;

namespace VmSim.Core.Mmu;

/// <summary>Which entry of a full set makes room.</summary>
public static class ReplacementPolicies
{
    /// <summary>Least recently used, exact.</summary>
    public const string Lru = "lru";

    /// <summary>Tree-shaped pseudo-LRU; ways are a power of two.</summary>
    public const string TreePlru = "plru";

    /// <summary>First in, first out.</summary>
    public const string Fifo = "fifo";

    /// <summary>Drawn at random from the run's seed.</summary>
    public const string Random = "random";

    /// <summary>All names, as a setting's choices.</summary>
    public const string Choices = "lru|plru|fifo|random";
}

/// <summary>Size of one TLB array.</summary>
public sealed record TlbSpec
{
    /// <summary>Entries; 0 leaves the array out.</summary>
    [Setting("Entries; 0 leaves the array out.", Min = 0, Max = 65_536)]
    public int Entries { get; init; }

    /// <summary>Ways; entries are a multiple of them. The sets need not be a power of two.</summary>
    [Setting("Ways of a set; entries are a multiple of them.", Min = 1, Max = 4_096)]
    public int Ways { get; init; } = 1;

    /// <summary>Replacement policy.</summary>
    [Setting("Replacement policy.", Choices = ReplacementPolicies.Choices)]
    public string Policy { get; init; } = ReplacementPolicies.Lru;
}

/// <summary>One core's MMU: TLBs, paging-structure caches, and what misses cost.</summary>
public sealed record MmuSpec
{
    /// <summary>First-level instruction TLB, 4 KiB pages.</summary>
    public TlbSpec Instruction4K { get; init; } = new() { Entries = 128, Ways = 8 };

    /// <summary>First-level instruction TLB, larger pages.</summary>
    public TlbSpec InstructionLarge { get; init; } = new() { Entries = 8, Ways = 8 };

    /// <summary>First-level data TLB, 4 KiB pages.</summary>
    public TlbSpec Data4K { get; init; } = new() { Entries = 64, Ways = 4 };

    /// <summary>First-level data TLB, larger pages.</summary>
    public TlbSpec DataLarge { get; init; } = new() { Entries = 32, Ways = 4 };

    /// <summary>Unified second-level TLB.</summary>
    public TlbSpec Second { get; init; } = new() { Entries = 1536, Ways = 12 };

    /// <summary>Entries of the cache of level-1 table pointers (PDE cache).</summary>
    [Setting("Entries of the paging-structure cache of PDEs (key: address bits from 21).", Min = 0, Max = 1024)]
    public int PdeEntries { get; init; } = 32;

    /// <summary>Entries of the cache of level-2 table pointers (PDPTE cache).</summary>
    [Setting("Entries of the paging-structure cache of PDPTEs (key: address bits from 30).", Min = 0, Max = 1024)]
    public int PdpteEntries { get; init; } = 4;

    /// <summary>Entries of the cache of level-3 table pointers (PML4E cache).</summary>
    [Setting("Entries of the paging-structure cache of PML4Es (key: address bits from 39).", Min = 0, Max = 1024)]
    public int Pml4eEntries { get; init; } = 4;

    /// <summary>Cycles of a second-level look-up, on top of a first-level hit.</summary>
    [Setting("Second-level look-up, on top of a first-level hit.", Unit = SettingUnit.Cycles, Min = 0, Max = 1_000_000)]
    public int SecondCycles { get; init; } = 7;

    /// <summary>Cycles of the paging-structure caches' look-up at a walk.</summary>
    [Setting("Look-up of the paging-structure caches at a walk.", Unit = SettingUnit.Cycles, Min = 0, Max = 1_000_000)]
    public int PscCycles { get; init; } = 1;

    /// <summary>Cycles of one page-table reference.</summary>
    [Setting("One memory reference of a page walk.", Unit = SettingUnit.Cycles, Min = 0, Max = 1_000_000)]
    public int ReferenceCycles { get; init; } = 30;
}
