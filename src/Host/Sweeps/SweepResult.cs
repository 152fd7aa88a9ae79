using VmSim.Core.Reports;
using VmSim.Host.Reporting;

namespace VmSim.Host.Sweeps;

/// <summary>What became of a run.</summary>
/// <param name="Point">The run.</param>
/// <param name="Digest">Its digest, which is the name of its folder; empty if it could not be made.</param>
/// <param name="WasThere">Whether it was there before.</param>
/// <param name="Error">Why it failed; empty if it did not.</param>
/// <param name="Found">What it found; null if it failed.</param>
internal sealed record SweepResult(SweepPoint Point, string Digest, bool WasThere, string Error, RunFigures? Found)
{
    /// <summary>Shootdowns, faults and calls that are not in its lists, since there were too many.</summary>
    public long LeftOut { get; init; }

    /// <summary>Whether its figures count: it came to the end that its scenario has.</summary>
    public bool Counts => Found is { Outcome: RunOutcomes.Completed or RunOutcomes.Until };
}

/// <summary>The figures of a run, without the lists of its report.</summary>
/// <param name="Outcome">Why it ended.</param>
/// <param name="Findings">How many findings it has.</param>
/// <param name="Seed">Its seed.</param>
/// <param name="Fingerprint">Its fingerprint.</param>
/// <param name="Substance">The fingerprint that it would have with another seed, if it found the same.</param>
/// <param name="Values">Every figure by name, in the order of the report.</param>
internal sealed record RunFigures(
    string Outcome, int Findings, ulong Seed, string Fingerprint, string Substance, IReadOnlyList<KeyValuePair<string, double>> Values)
{
    private readonly Dictionary<string, double> _byName = new(Values, StringComparer.Ordinal);

    /// <summary>A figure; null if there is none of this name.</summary>
    public double? this[string name] => _byName.TryGetValue(name, out double value) ? value : null;

    /// <summary>Reads the report of a run's folder.</summary>
    public static RunFigures Load(string folder)
    {
        string file = Path.Combine(folder, RunFolder.ReportName);
        using FileStream stream = File.OpenRead(file);
        return Of(ReportJson.Read(stream, file));
    }

    /// <summary>The figures of a report.</summary>
    public static RunFigures Of(RunReport report) => new(
        report.Outcome,
        report.Findings.Count,
        report.Seed,
        report.Fingerprint,
        ReportFingerprint.Of(report with { Seed = 0 }),
        [.. ReportMetrics.Read(report)]);
}
