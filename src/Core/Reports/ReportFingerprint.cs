using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using VmSim.Core.Shootdown;
using VmSim.Core.Statistics;

namespace VmSim.Core.Reports;

/// <summary>A digest of a report that equals another's exactly when the two runs found the same.</summary>
public static class ReportFingerprint
{
    /// <summary>
    /// SHA-256, as 64 lower-case hex digits, of everything in the report but <see cref="RunReport.Checker"/>, <see cref="RunReport.Host"/>,
    /// the list of shootdowns and their staleness, which came when digests were kept, the causes and the fingerprint itself. A counter of 0
    /// is left out, so that a counter which is new changes the digests of runs that count it alone.
    /// </summary>
    public static string Of(RunReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        using Lines lines = new();
        lines.Add(report.SchemaVersion, report.Scenario, report.Seed, report.Outcome, report.Protocol, report.Ghz, report.WindowBound);
        foreach (string finding in report.Findings)
        {
            lines.Add("finding", finding);
        }

        lines.AddCounters("total", report.Totals);
        lines.AddDistributions("latency", report.LatencyCycles);
        lines.AddDistributions("total", Digested(report.Shootdowns));
        lines.Add("left out", report.ShootdownsLeftOut);
        foreach (CoreReport core in report.Cores)
        {
            lines.Add("core", core.Id, core.Socket);
            lines.AddCounters("core", core.Cycles);
            lines.AddCounters("core", core.Counters);
        }

        foreach (AddressSpaceReport space in report.AddressSpaces)
        {
            lines.Add("space", space.Id, space.Name);
            lines.AddCounters("space", space.Counters);
            lines.AddDistributions("space", Digested(space.Shootdowns));
        }

        foreach (ThreadReport thread in report.Threads)
        {
            lines.Add(
                "thread",
                thread.Id,
                thread.Name,
                thread.AddressSpace,
                thread.Core,
                thread.Started,
                thread.Ended,
                thread.Accesses,
                thread.Faults);
        }

        return lines.Digest();
    }

    private static IEnumerable<KeyValuePair<string, Distribution>> Digested(IReadOnlyList<KeyValuePair<string, Distribution>> figures) =>
        figures.Where(figure => figure.Key != ShootdownFigure.Staleness.Info.Name);

    /// <summary>Lines of fields, hashed as they come.</summary>
    private sealed class Lines : IDisposable
    {
        private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        private readonly StringBuilder _line = new();

        public void AddCounters(string of, IReadOnlyList<KeyValuePair<string, long>> counters)
        {
            foreach ((string name, long value) in counters)
            {
                if (value != 0)
                {
                    Add(of, name, value);
                }
            }
        }

        public void AddDistributions(string of, IEnumerable<KeyValuePair<string, Distribution>> distributions)
        {
            foreach ((string name, Distribution d) in distributions)
            {
                if (d.Count == 0)
                {
                    continue;
                }

                Add([of, name, d.Count, .. d.Sum is { } sum ? [sum] : Array.Empty<object>(), d.P50, d.P90, d.P99, d.Max]);
            }
        }

        public void Add(params ReadOnlySpan<object> fields)
        {
            _line.Clear();
            foreach (object field in fields)
            {
                // Length first, so that no text can pass for two fields.
                string text = Convert.ToString(field, CultureInfo.InvariantCulture)!;
                _line.Append(text.Length).Append(':').Append(text);
            }

            _line.Append('\n');
            _hash.AppendData(Encoding.UTF8.GetBytes(_line.ToString()));
        }

        public string Digest() => Convert.ToHexStringLower(_hash.GetHashAndReset());

        public void Dispose() => _hash.Dispose();
    }
}
