using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using VmSim.Core.Statistics;

namespace VmSim.Core.Reports;

/// <summary>A digest of a report that equals another's exactly when the two runs found the same.</summary>
public static class ReportFingerprint
{
    /// <summary>
    /// SHA-256, as 64 lower-case hex digits, of everything in the report but <see cref="RunReport.Checker"/>, <see cref="RunReport.Host"/>,
    /// the list of shootdowns and the fingerprint itself.
    /// </summary>
    public static string Of(RunReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        StringBuilder line = new();
        Add(report.SchemaVersion, report.Scenario, report.Seed, report.Outcome, report.Protocol, report.Ghz, report.WindowBound);
        foreach (string finding in report.Findings)
        {
            Add("finding", finding);
        }

        AddCounters("total", report.Totals);
        AddDistributions("latency", report.LatencyCycles);
        AddDistributions("total", report.Shootdowns);
        Add("left out", report.ShootdownsLeftOut);
        foreach (CoreReport core in report.Cores)
        {
            Add(["core", core.Id, core.Socket, .. core.Cycles.Select(cycles => (object)cycles.Value)]);
            AddCounters("core", core.Counters);
        }

        foreach (AddressSpaceReport space in report.AddressSpaces)
        {
            Add("space", space.Id, space.Name);
            AddCounters("space", space.Counters);
            AddDistributions("space", space.Shootdowns);
        }

        foreach (ThreadReport thread in report.Threads)
        {
            Add(
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

        return Convert.ToHexStringLower(hash.GetHashAndReset());

        void AddCounters(string of, IReadOnlyList<KeyValuePair<string, long>> counters)
        {
            foreach ((string name, long value) in counters)
            {
                Add(of, name, value);
            }
        }

        void AddDistributions(string of, IReadOnlyList<KeyValuePair<string, Distribution>> distributions)
        {
            foreach ((string name, Distribution d) in distributions)
            {
                Add([of, name, d.Count, .. d.Sum is { } sum ? [sum] : Array.Empty<object>(), d.P50, d.P90, d.P99, d.Max]);
            }
        }

        void Add(params ReadOnlySpan<object> fields)
        {
            line.Clear();
            foreach (object field in fields)
            {
                // Length first, so that no text can pass for two fields.
                string text = Convert.ToString(field, CultureInfo.InvariantCulture)!;
                line.Append(text.Length).Append(':').Append(text);
            }

            line.Append('\n');
            hash.AppendData(Encoding.UTF8.GetBytes(line.ToString()));
        }
    }
}
