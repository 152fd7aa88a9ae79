namespace VmSim.Core.Experiments;

/// <summary>What a TLB experiment counted, over all cores.</summary>
public sealed record TlbResult
{
    /// <summary>Accesses of all cores, hits included.</summary>
    public required long Accesses { get; init; }

    /// <summary>Checksum of all addresses in order: FNV-1a over 64-bit words.</summary>
    public required ulong AddressChecksum { get; init; }

    /// <summary>First-level hits of 4 KiB pages.</summary>
    public required long FirstHits4K { get; init; }

    /// <summary>First-level hits of 2 MiB pages.</summary>
    public required long FirstHits2M { get; init; }

    /// <summary>Second-level hits of 4 KiB pages.</summary>
    public required long SecondHits4K { get; init; }

    /// <summary>Second-level hits of 2 MiB pages.</summary>
    public required long SecondHits2M { get; init; }

    /// <summary>Accesses that are fetches of instructions, each of one.</summary>
    public long Fetches { get; init; }

    /// <summary>Fetches that the first level did not answer.</summary>
    public long FetchFirstMisses { get; init; }

    /// <summary>Walks of fetches.</summary>
    public long FetchWalks { get; init; }

    /// <summary>Page walks, by whatever cache they were shortened.</summary>
    public long Walks => PdeHits + PdpteHits + Pml4eHits + NoPscHits;

    /// <summary>Walks that began behind the PDE cache.</summary>
    public required long PdeHits { get; init; }

    /// <summary>Walks that began behind the PDPTE cache.</summary>
    public required long PdpteHits { get; init; }

    /// <summary>Walks that began behind the PML4E cache.</summary>
    public required long Pml4eHits { get; init; }

    /// <summary>Walks from the root.</summary>
    public required long NoPscHits { get; init; }

    /// <summary>Page-table entries that walks read.</summary>
    public required long References { get; init; }

    /// <summary>First walks to a page: page faults.</summary>
    public required long Faults { get; init; }

    /// <summary>Table pages at the end, from the root's level down to the page tables.</summary>
    public required IReadOnlyList<int> TablePages { get; init; }

    /// <summary>TLB entries that invalidations and flushes dropped.</summary>
    public required long EntriesDropped { get; init; }

    /// <summary>Sum of the latencies, in cycles.</summary>
    public required long Cycles { get; init; }

    /// <summary>Checksum of the outcomes of all accesses in order; any other outcome changes it.</summary>
    public required ulong OutcomeHash { get; init; }
}
