using System.Text;
using VmSim.Core.Reports;

namespace VmSim.Host.Reporting;

/// <summary>The folder a run writes: <c>effective.conf</c>, <c>report.json</c> and <c>stats.txt</c>.</summary>
public static class RunFolder
{
    /// <summary>Name of the report in the folder.</summary>
    public const string ReportName = "report.json";

    /// <summary>Writes all files; each is written aside first, so that a full disk leaves no half file under its name.</summary>
    /// <param name="directory">The folder; made if it is not there.</param>
    /// <param name="report">The report.</param>
    /// <param name="effective">Text of <c>effective.conf</c>.</param>
    /// <exception cref="IOException">The folder cannot be written.</exception>
    public static void Write(string directory, RunReport report, string effective)
    {
        Directory.CreateDirectory(directory);
        WriteFile(directory, "effective.conf", stream => stream.Write(Encoding.UTF8.GetBytes(effective)));
        WriteFile(directory, ReportName, stream => ReportJson.Write(report, stream));
        WriteFile(directory, "stats.txt", stream => stream.Write(Encoding.UTF8.GetBytes(Statistics(report))));
    }

    /// <summary>Every counter with its value, unit and one sentence, one line each.</summary>
    public static string Statistics(RunReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        StringBuilder text = new();
        CounterInfo[] catalog = [CounterCatalog.RunCycles, .. CounterCatalog.Core, .. CounterCatalog.Space, .. CounterCatalog.Group];
        foreach ((string name, long value) in report.Totals)
        {
            CounterInfo info = catalog.First(counter => counter.Name == name);
            text.Append(name.PadRight(24)).Append(value.ToString(System.Globalization.CultureInfo.InvariantCulture).PadLeft(20)).Append(' ')
                .Append(info.Unit.PadRight(14)).Append(info.Summary).Append('\n');
        }

        foreach ((string name, LatencySummary l) in report.LatencyCycles)
        {
            text.Append(System.Globalization.CultureInfo.InvariantCulture, $"latency.{name,-16} count {l.Count} p50 {l.P50} p90 {l.P90} p99 {l.P99} max {l.Max} cycles\n");
        }

        return text.ToString();
    }

    private static void WriteFile(string directory, string name, Action<Stream> write)
    {
        string path = Path.Combine(directory, name);
        string aside = path + ".tmp";
        try
        {
            using (FileStream stream = File.Create(aside))
            {
                write(stream);
            }

            File.Move(aside, path, overwrite: true);
        }
        catch
        {
            File.Delete(aside);
            throw;
        }
    }
}
