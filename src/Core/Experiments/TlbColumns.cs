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

    /// <summary>Heading of the column that names a machine profile, whose arrays the other columns change.</summary>
    public const string Machine = "machine";

    /// <summary>How headings of the arrays of fetches begin; results have them if a row has other ones than for data.</summary>
    public const string Fetches = "l1i_";

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
        Size("l1i_4k_entries", MostEntries, c => c.FetchEntries4K, (c, v) => c with { FetchEntries4K = v }),
        Size("l1i_4k_ways", MostWays, c => c.FetchWays4K, (c, v) => c with { FetchWays4K = v }),
        Size("l1i_2m_entries", MostEntries, c => c.FetchEntries2M, (c, v) => c with { FetchEntries2M = v }),
        Size("l1i_2m_ways", MostWays, c => c.FetchWays2M, (c, v) => c with { FetchWays2M = v }),
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
        new(Machine, "a machine profile", config => config.Machine, (_, _) => null),
        new(Trace, "the path of a .vmt or .vmt.gz file", config => config.Trace, (config, field) => config with { Trace = field }),
    ];

    /// <summary>
    /// A configuration with the value of a column; an empty field leaves it as it is, except where it names stream or trace.
    /// </summary>
    /// <param name="column">The column.</param>
    /// <param name="config">The configuration.</param>
    /// <param name="field">The value.</param>
    /// <param name="machines">The MMU of a machine profile, which fails where there is none; null if there are no profiles.</param>
    /// <returns>Null if the value is not allowed.</returns>
    public static TlbConfig? Apply(TlbColumn column, TlbConfig config, string field, Func<string, MmuSpec>? machines) =>
        field.Length == 0 && column.Name is not ("stream" or Trace or "name") ? config
        : column.Name != Machine ? column.Read(config, field)
        : machines is null ? null
        : config.On(field, machines(field));

    /// <summary>The columns that results add where there are fetches.</summary>
    public static IReadOnlyList<(string Name, Func<TlbResult, string> Write)> FetchResults { get; } =
    [
        ("fetches", result => Text(result.Fetches)),
        ("l1_fetch_misses", result => Text(result.FetchFirstMisses)),
        ("fetch_walks", result => Text(result.FetchWalks)),
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

    /// <summary>A number that may be left to the array of data.</summary>
    private static TlbColumn Size(string name, long most, Func<TlbConfig, int?> get, Func<TlbConfig, int?, TlbConfig> set) => new(
        name,
        $"a whole number from 0 to {most}",
        config => get(config)?.ToString(CultureInfo.InvariantCulture) ?? "",
        (config, field) =>
            int.TryParse(field, NumberStyles.None, CultureInfo.InvariantCulture, out int value) && value <= most
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
