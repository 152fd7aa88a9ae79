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

    /// <summary>The machine profile whose MMU the arrays are those of, where no column says otherwise; empty for none.</summary>
    public string Machine { get; init; } = "";

    /// <summary>The MMU of that machine, for what no column says; null for none.</summary>
    public MmuSpec? MachineMmu { get; init; }

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

    /// <summary>Entries of the first-level TLB of fetches for 4 KiB pages; null for as many as that of data.</summary>
    public int? FetchEntries4K { get; init; }

    /// <summary>Its ways; null for as many as that of data.</summary>
    public int? FetchWays4K { get; init; }

    /// <summary>Entries of the first-level TLB of fetches for 2 MiB pages; null for as many as that of data.</summary>
    public int? FetchEntries2M { get; init; }

    /// <summary>Its ways; null for as many as that of data.</summary>
    public int? FetchWays2M { get; init; }

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

    /// <summary>Sets of the first-level TLB of data for 4 KiB pages; 0 if there is none.</summary>
    public int DataSets => SetsOf(Entries4K, Ways4K);

    /// <summary>Sets of the first-level TLB of fetches for 4 KiB pages; 0 if there is none.</summary>
    public int FetchSets => SetsOf(FetchEntries4K ?? Entries4K, FetchWays4K ?? Ways4K);

    /// <summary>Sets of the second-level TLB; 0 if there is none.</summary>
    public int SecondSets => SetsOf(SecondEntries, SecondWays);

    /// <summary>The configuration with the arrays and costs of a machine.</summary>
    /// <param name="name">Name of its profile.</param>
    /// <param name="mmu">Its MMU.</param>
    public TlbConfig On(string name, MmuSpec mmu)
    {
        ArgumentNullException.ThrowIfNull(mmu);
        return this with
        {
            Machine = name,
            MachineMmu = mmu,
            Entries4K = mmu.Data4K.Entries,
            Ways4K = mmu.Data4K.Ways,
            Entries2M = mmu.DataLarge.Entries,
            Ways2M = mmu.DataLarge.Ways,
            FetchEntries4K = mmu.Instruction4K.Entries,
            FetchWays4K = mmu.Instruction4K.Ways,
            FetchEntries2M = mmu.InstructionLarge.Entries,
            FetchWays2M = mmu.InstructionLarge.Ways,
            FirstPolicy = mmu.Data4K.Policy,
            SecondEntries = mmu.Second.Entries,
            SecondWays = mmu.Second.Ways,
            SecondPolicy = mmu.Second.Policy,
            Reach = mmu.Data4K.Reach,
            PdeEntries = mmu.PdeEntries,
            PdpteEntries = mmu.PdpteEntries,
            Pml4eEntries = mmu.Pml4eEntries,
            SecondCycles = mmu.SecondCycles,
            PscCycles = mmu.PscCycles,
            ReferenceCycles = mmu.ReferenceCycles,
        };
    }

    /// <summary>The MMU of each core.</summary>
    public MmuSpec ToMmuSpec()
    {
        MmuSpec mmu = MachineMmu ?? new MmuSpec();
        return mmu with
        {
            Instruction4K = First(mmu.Instruction4K, FetchEntries4K ?? Entries4K, FetchWays4K ?? Ways4K, hasReach: true),
            InstructionLarge = First(mmu.InstructionLarge, FetchEntries2M ?? Entries2M, FetchWays2M ?? Ways2M, hasReach: false),
            Data4K = First(mmu.Data4K, Entries4K, Ways4K, hasReach: true),
            DataLarge = First(mmu.DataLarge, Entries2M, Ways2M, hasReach: false),
            Second = Sized(mmu.Second, SecondEntries, SecondWays) with
            {
                Policy = SecondPolicy,
                Reach = Reach == MachineMmu?.Data4K.Reach ? mmu.Second.Reach : Reach,
            },
            PdeEntries = PdeEntries,
            PdpteEntries = PdpteEntries,
            Pml4eEntries = Pml4eEntries,
        };
    }

    private static int SetsOf(int entries, int ways) => entries == 0 || ways == 0 ? 0 : entries / ways;

    private static TlbSpec Sized(TlbSpec array, int entries, int ways) =>
        entries == 0 || ways == 0 ? array with { Entries = 0, Ways = 1 } : array with { Entries = entries, Ways = ways };

    /// <summary>An array of the first level: what no column changes is the machine's own.</summary>
    private TlbSpec First(TlbSpec array, int entries, int ways, bool hasReach) => Sized(array, entries, ways) with
    {
        Policy = FirstPolicy == MachineMmu?.Data4K.Policy ? array.Policy : FirstPolicy,
        Reach = !hasReach || Reach == MachineMmu?.Data4K.Reach ? array.Reach : Reach,
    };
}
