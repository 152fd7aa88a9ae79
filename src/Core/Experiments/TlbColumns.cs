using System.Globalization;
using VmSim.Core.Mmu;
using VmSim.Core.Workloads.Patterns;

namespace VmSim.Core.Experiments;

/// <summary>A column of a table of configurations.</summary>
/// <param name="Name">Its heading.</param>
/// <param name="Allowed">What its fields may be, for messages.</param>
/// <param name="Write">The field of a configuration.</param>
/// <param name="Read">The configuration with a field's value; null if the field is not allowed.</param>
internal sealed record TlbColumn(string Name, string Allowed, Func<TlbConfig, string> Write, Func<TlbConfig, string, TlbConfig?> Read);

/// <summary>The columns of tables of TLB experiments, in the order in which results have them.</summary>
internal static class TlbColumns
{
    /// <summary>Heading of the column that names a trace.</summary>
    public const string Trace = "trace";

    /// <summary>Heading of the column that says what entries map; results have it if one maps more than a page.</summary>
    public const string Reach = "reach";

    private const long MostEntries = 65_536;
    private const long MostWays = 4_096;
    private const long MostCores = 4_096;
    private const long MostCycles = 1_000_000_000;
    private const long MostAccesses = 1_000_000_000_000_000;

    /// <summary>The columns that describe a configuration.</summary>
    public static IReadOnlyList<TlbColumn> Configuration { get; } =
    [
        new("name", "any text", config => config.Name, (config, field) => config with { Name = field }),
        Choice("stream", AddressStreams.All.Names, c => c.Stream, (c, v) => c with { Stream = v }),
        Number("n", 0, MostAccesses, c => c.Accesses, (c, v) => c with { Accesses = v }),
        Seed("seed", c => c.Seed, (c, v) => c with { Seed = v }),
        Number("pages", 1, 1L << 28, c => c.Pages, (c, v) => c with { Pages = v }),
        Number("cores", 1, MostCores, c => c.Cores, (c, v) => c with { Cores = (int)v }),
        Number("l1_4k_entries", 0, MostEntries, c => c.Entries4K, (c, v) => c with { Entries4K = (int)v }),
        Number("l1_4k_ways", 0, MostWays, c => c.Ways4K, (c, v) => c with { Ways4K = (int)v }),
        Number("l1_2m_entries", 0, MostEntries, c => c.Entries2M, (c, v) => c with { Entries2M = (int)v }),
        Number("l1_2m_ways", 0, MostWays, c => c.Ways2M, (c, v) => c with { Ways2M = (int)v }),
        Choice("l1_policy", ReplacementPolicies.All.Names, c => c.FirstPolicy, (c, v) => c with { FirstPolicy = v }),
        Number("l2_entries", 0, MostEntries, c => c.SecondEntries, (c, v) => c with { SecondEntries = (int)v }),
        Number("l2_ways", 0, MostWays, c => c.SecondWays, (c, v) => c with { SecondWays = (int)v }),
        Choice("l2_policy", ReplacementPolicies.All.Names, c => c.SecondPolicy, (c, v) => c with { SecondPolicy = v }),
        Choice(Reach, TlbReaches.Choices.Split('|'), c => c.Reach, (c, v) => c with { Reach = v }),
        Number("psc_pde", 0, MostWays, c => c.PdeEntries, (c, v) => c with { PdeEntries = (int)v }),
        Number("psc_pdpte", 0, MostWays, c => c.PdpteEntries, (c, v) => c with { PdpteEntries = (int)v }),
        Number("psc_pml4e", 0, MostWays, c => c.Pml4eEntries, (c, v) => c with { Pml4eEntries = (int)v }),
        Number("huge_pct", 0, 100, c => c.HugePercent, (c, v) => c with { HugePercent = (int)v }),
        Seed("huge_seed", c => c.HugeSeed, (c, v) => c with { HugeSeed = v }),
        Number("invlpg_every", 0, MostAccesses, c => c.InvalidateEvery, (c, v) => c with { InvalidateEvery = v }),
        Number("flush_every", 0, MostAccesses, c => c.FlushEvery, (c, v) => c with { FlushEvery = v }),
        Number("lat_l1", 0, MostCycles, c => c.FirstCycles, (c, v) => c with { FirstCycles = v }),
        Number("lat_l2", 0, MostCycles, c => c.SecondCycles, (c, v) => c with { SecondCycles = v }),
        Number("lat_psc", 0, MostCycles, c => c.PscCycles, (c, v) => c with { PscCycles = v }),
        Number("lat_mem", 0, MostCycles, c => c.ReferenceCycles, (c, v) => c with { ReferenceCycles = v }),
        Number("lat_fault", 0, MostCycles, c => c.FaultCycles, (c, v) => c with { FaultCycles = v }),
        new(Trace, "the path of a .vmt or .vmt.gz file", config => config.Trace, (config, field) => config with { Trace = field }),
    ];

    /// <summary>The columns that results add.</summary>
    public static IReadOnlyList<(string Name, Func<TlbResult, string> Write)> Results { get; } =
    [
        ("va_checksum", result => Hexadecimal(result.AddressChecksum)),
        ("l1_4k_hits", result => Text(result.FirstHits4K)),
        ("l1_2m_hits", result => Text(result.FirstHits2M)),
        ("l2_4k_hits", result => Text(result.SecondHits4K)),
        ("l2_2m_hits", result => Text(result.SecondHits2M)),
        ("walks", result => Text(result.Walks)),
        ("psc_pde_hits", result => Text(result.PdeHits)),
        ("psc_pdpte_hits", result => Text(result.PdpteHits)),
        ("psc_pml4e_hits", result => Text(result.Pml4eHits)),
        ("psc_none", result => Text(result.NoPscHits)),
        ("walk_mem_refs", result => Text(result.References)),
        ("faults", result => Text(result.Faults)),
        ("pt_pml4", result => Text(result.TablePages[0])),
        ("pt_pdpt", result => Text(result.TablePages[1])),
        ("pt_pd", result => Text(result.TablePages[2])),
        ("pt_pt", result => Text(result.TablePages[3])),
        ("inv_entries_dropped", result => Text(result.EntriesDropped)),
        ("cycles", result => Text(result.Cycles)),
        ("outcome_hash", result => Hexadecimal(result.OutcomeHash)),
    ];

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Hexadecimal(ulong value) => "0x" + value.ToString("x16", CultureInfo.InvariantCulture);

    private static TlbColumn Number(string name, long least, long most, Func<TlbConfig, long> get, Func<TlbConfig, long, TlbConfig> set) =>
        new(
        name,
        $"a whole number from {least} to {most}",
        config => Text(get(config)),
        (config, field) =>
            long.TryParse(field, NumberStyles.None, CultureInfo.InvariantCulture, out long value) && value >= least && value <= most
            ? set(config, value)
            : null);

    private static TlbColumn Seed(string name, Func<TlbConfig, ulong> get, Func<TlbConfig, ulong, TlbConfig> set) => new(
        name,
        $"a whole number from 0 to {ulong.MaxValue}",
        config => get(config).ToString(CultureInfo.InvariantCulture),
        (config, field) =>
            ulong.TryParse(field, NumberStyles.None, CultureInfo.InvariantCulture, out ulong value) ? set(config, value) : null);

    private static TlbColumn Choice(
        string name, IReadOnlyList<string> choices, Func<TlbConfig, string> get, Func<TlbConfig, string, TlbConfig> set) =>
        new(
        name,
        string.Join(", ", choices),
        get,
        (config, field) => choices.Contains(field, StringComparer.Ordinal) ? set(config, field) : null);
}
