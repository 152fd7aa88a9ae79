using VmSim.Core.Mmu;

namespace VmSim.Core.Experiments;

/// <summary>One configuration of a TLB experiment: a stream of accesses, the TLBs of each core, and what misses cost.</summary>
public sealed record TlbConfig
{
    /// <summary>Name of the row.</summary>
    public string Name { get; init; } = "";

    /// <summary>Name of an address stream; empty with a trace.</summary>
    public string Stream { get; init; } = "";

    /// <summary>Path of a .vmt trace to run instead of a stream; empty for none.</summary>
    public string Trace { get; init; } = "";

    /// <summary>Accesses; for a trace the most, and 0 for all it has.</summary>
    public long Accesses { get; init; }

    /// <summary>Seed of the stream, and of random replacement.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>4 KiB pages that the stream goes over.</summary>
    public long Pages { get; init; } = 1 << 20;

    /// <summary>Cores. Access i of a stream runs on core i modulo cores, the t-th thread of a trace on core t modulo cores.</summary>
    public int Cores { get; init; } = 1;

    /// <summary>Entries of the first-level TLB for 4 KiB pages; 0 leaves it out.</summary>
    public int Entries4K { get; init; } = 64;

    /// <summary>Its ways; 0 leaves it out.</summary>
    public int Ways4K { get; init; } = 4;

    /// <summary>Entries of the first-level TLB for 2 MiB pages; 0 leaves it out.</summary>
    public int Entries2M { get; init; } = 32;

    /// <summary>Its ways; 0 leaves it out.</summary>
    public int Ways2M { get; init; } = 4;

    /// <summary>Replacement policy of the first level.</summary>
    public string FirstPolicy { get; init; } = ReplacementPolicies.Lru;

    /// <summary>Entries of the second-level TLB; 0 leaves it out.</summary>
    public int SecondEntries { get; init; } = 1536;

    /// <summary>Its ways; 0 leaves it out.</summary>
    public int SecondWays { get; init; } = 12;

    /// <summary>Replacement policy of the second level.</summary>
    public string SecondPolicy { get; init; } = ReplacementPolicies.Lru;

    /// <summary>What an entry of 4 KiB pages maps in both levels: a name of <see cref="TlbReaches"/>.</summary>
    public string Reach { get; init; } = TlbReaches.Page;

    /// <summary>Entries of the PDE cache.</summary>
    public int PdeEntries { get; init; } = 32;

    /// <summary>Entries of the PDPTE cache.</summary>
    public int PdpteEntries { get; init; } = 4;

    /// <summary>Entries of the PML4E cache.</summary>
    public int Pml4eEntries { get; init; } = 4;

    /// <summary>Share of 2 MiB regions that are one large page, in percent.</summary>
    public int HugePercent { get; init; }

    /// <summary>Seed of which regions are large.</summary>
    public ulong HugeSeed { get; init; }

    /// <summary>Accesses after which the page just accessed is invalidated on all cores, again and again; 0 for never.</summary>
    public long InvalidateEvery { get; init; }

    /// <summary>Accesses after which the accessing core's TLBs are emptied, again and again; 0 for never.</summary>
    public long FlushEvery { get; init; }

    /// <summary>Cycles of every access.</summary>
    public long FirstCycles { get; init; } = 1;

    /// <summary>Cycles of every access that misses the first level, whether or not there is a second.</summary>
    public long SecondCycles { get; init; } = 7;

    /// <summary>Cycles of every walk, for the look-up of the paging-structure caches.</summary>
    public long PscCycles { get; init; } = 1;

    /// <summary>Cycles of every page-table reference.</summary>
    public long ReferenceCycles { get; init; } = 30;

    /// <summary>Cycles of every page fault.</summary>
    public long FaultCycles { get; init; } = 1000;

    /// <summary>The MMU of each core. Instruction TLBs, which only traces use, are as large as data TLBs.</summary>
    public MmuSpec ToMmuSpec() => new()
    {
        Instruction4K = Spec(Entries4K, Ways4K, FirstPolicy) with { Reach = Reach },
        InstructionLarge = Spec(Entries2M, Ways2M, FirstPolicy),
        Data4K = Spec(Entries4K, Ways4K, FirstPolicy) with { Reach = Reach },
        DataLarge = Spec(Entries2M, Ways2M, FirstPolicy),
        Second = Spec(SecondEntries, SecondWays, SecondPolicy) with { Reach = Reach },
        PdeEntries = PdeEntries,
        PdpteEntries = PdpteEntries,
        Pml4eEntries = Pml4eEntries,
    };

    private static TlbSpec Spec(int entries, int ways, string policy) =>
        entries == 0 || ways == 0 ? new TlbSpec { Entries = 0, Ways = 1 } : new TlbSpec { Entries = entries, Ways = ways, Policy = policy };
}
