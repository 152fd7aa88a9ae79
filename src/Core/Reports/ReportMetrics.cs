using VmSim.Core.Engine;
using VmSim.Core.Kernel;
using VmSim.Core.Scenarios;
using VmSim.Core.Settings;
using VmSim.Core.Shootdown;
using VmSim.Core.Statistics;

namespace VmSim.Core.Reports;

/// <summary>
/// The figures of a report under one name each, for tables, thresholds and pictures: the totals under their own names, and what stands
/// deeper under two or three words, such as <c>coreCycles.idle</c>, <c>latency.unmap.p99</c>, <c>shootdown.wait.sum</c>.
/// </summary>
public static class ReportMetrics
{
    private const string OfCores = "coreCycles.";
    private const string OfLatencies = "latency.";
    private const string OfShootdowns = "shootdown.";
    private const string OfHost = "host.";
    private static readonly string[] Parts = ["count", "p50", "p90", "p99", "max"];

    /// <summary>What a run without plug-ins has.</summary>
    public static IReadOnlyList<CounterInfo> BuiltIn { get; } = Of(CounterCatalog.BuiltIn);

    /// <summary>What the figures are, in the order of <see cref="Read"/>.</summary>
    /// <param name="catalog">The counters of the run.</param>
    public static IReadOnlyList<CounterInfo> Of(CounterCatalog catalog)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        return
        [
            .. catalog.Totals,
            .. CoreCycles.All.Append(CoreCycles.Idle).Select(cycles => cycles with { Name = OfCores + cycles.Name }),
            .. LatencyKind.All.SelectMany(kind => PartsOf(OfLatencies, kind.Info)),
            .. ShootdownFigure.All.SelectMany(figure => PartsOf(OfShootdowns, figure.Info)
                .Append(figure.Info with { Name = $"{OfShootdowns}{figure.Info.Name}.sum" })),
            new(OfHost + "wallSeconds", "seconds", "Wall time of the simulation."),
            new(OfHost + "accessesPerSecond", "accesses", "Simulated accesses over wall time."),
            new(OfHost + "peakMemoryBytes", "bytes", "Peak resident memory of the process."),
        ];
    }

    /// <summary>The unit of a figure; empty for one of a plug-in.</summary>
    public static string UnitOf(string name) => BuiltIn.FirstOrDefault(known => known.Name == name)?.Unit ?? "";

    /// <summary>The figures that a report has.</summary>
    public static IEnumerable<KeyValuePair<string, double>> Read(RunReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        IEnumerable<KeyValuePair<string, double>> cycles = report.Cores.SelectMany(core => core.Cycles).GroupBy(item => item.Key)
            .Select(group => new KeyValuePair<string, double>(OfCores + group.Key, group.Sum(item => (double)item.Value)));
        return report.Totals.Select(total => new KeyValuePair<string, double>(total.Key, total.Value))
            .Concat(cycles)
            .Concat(report.LatencyCycles.SelectMany(item => Figures(OfLatencies, item)))
            .Concat(report.Shootdowns.SelectMany(item => Figures(OfShootdowns, item)))
            .Concat(Host(report));
    }

    /// <summary>One figure of a report; null if it has none of this name.</summary>
    public static double? Find(RunReport report, string name)
    {
        foreach ((string known, double value) in Read(report))
        {
            if (known == name)
            {
                return value;
            }
        }

        return null;
    }

    /// <summary>What a report does not have as its scenario expects it, a sentence each.</summary>
    /// <exception cref="ScenarioException">A figure that is expected is not there.</exception>
    public static IEnumerable<string> Broken(RunReport report, IReadOnlyList<Expectation> expectations)
    {
        ArgumentNullException.ThrowIfNull(report);
        ArgumentNullException.ThrowIfNull(expectations);
        Dictionary<string, double> values = new(Read(report), StringComparer.Ordinal);
        foreach (Expectation expected in expectations)
        {
            double value = values.TryGetValue(expected.Metric, out double found)
                ? found
                : throw Unknown($"expect.{expected.Metric}", expected.Metric, values.Keys);
            if (!expected.Holds(value))
            {
                yield return FormattableString.Invariant($"expect.{expected.Metric}: {value:#,0.###} found, {expected.Bounds} expected");
            }
        }
    }

    /// <summary>The exception for a figure that does not exist.</summary>
    /// <param name="where">Who named it.</param>
    /// <param name="name">The name.</param>
    /// <param name="names">The names that there are.</param>
    public static ScenarioException Unknown(string where, string name, IEnumerable<string> names)
    {
        string hint = NearestName.Of(name, names) is { } nearest ? $"did you mean {nearest}?" : "`vmsim list metrics` has them";
        return new ScenarioException($"{where}: there is no figure \"{name}\" in a report; {hint}");
    }

    private static IEnumerable<CounterInfo> PartsOf(string prefix, CounterInfo info) => Parts.Select(part => info with
    {
        Name = $"{prefix}{info.Name}.{part}",
        Unit = part == "count" ? "samples" : info.Unit,
    });

    private static IEnumerable<KeyValuePair<string, double>> Figures(string prefix, KeyValuePair<string, Distribution> item)
    {
        Distribution d = item.Value;
        double[] values = [d.Count, d.P50, d.P90, d.P99, d.Max];
        for (int i = 0; i < Parts.Length; i++)
        {
            yield return new($"{prefix}{item.Key}.{Parts[i]}", values[i]);
        }

        if (d.Sum is { } sum)
        {
            yield return new($"{prefix}{item.Key}.sum", sum);
        }
    }

    private static IEnumerable<KeyValuePair<string, double>> Host(RunReport report) => report.Host is not { } host
        ? []
        :
        [
            new(OfHost + "wallSeconds", host.WallSeconds),
            new(OfHost + "accessesPerSecond", host.AccessesPerSecond),
            new(OfHost + "peakMemoryBytes", host.PeakMemoryBytes),
        ];
}
