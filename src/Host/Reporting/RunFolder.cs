using System.Globalization;
using System.Text;
using VmSim.Core.Reports;
using VmSim.Core.Shootdown;
using VmSim.Core.Statistics;
using VmSim.Host.Terminal;

namespace VmSim.Host.Reporting;

/// <summary>The folder a run writes: <c>effective.conf</c>, <c>report.json</c> and <c>stats.txt</c>.</summary>
public static class RunFolder
{
    /// <summary>Name of the report in the folder.</summary>
    public const string ReportName = "report.json";

    /// <summary>Name of the list of shootdowns in the folder.</summary>
    public const string ShootdownsName = "shootdowns.csv";

    /// <summary>Creates the folder if it is not there, and finds out whether files can be written into it.</summary>
    /// <param name="directory">The folder.</param>
    /// <exception cref="UsageException">Its name is empty.</exception>
    /// <exception cref="IOException">It is a file, or cannot be made or written.</exception>
    public static void Prepare(string directory)
    {
        if (string.IsNullOrWhiteSpace(directory))
        {
            throw new UsageException("--out: an empty name found; a folder is needed");
        }

        if (File.Exists(directory))
        {
            throw new IOException($"--out {directory}: this is a file; a folder is needed");
        }

        string probe = Path.Combine(directory, ".vmsim-probe");
        try
        {
            Directory.CreateDirectory(directory);
            File.Create(probe).Dispose();
            File.Delete(probe);
        }
        catch (Exception reason) when (reason is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"--out {directory}: files cannot be written there: {reason.Message}", reason);
        }
    }

    /// <summary>Writes the list of shootdowns into the folder.</summary>
    /// <param name="directory">The folder; made if it is not there.</param>
    /// <param name="records">The shootdowns.</param>
    /// <exception cref="IOException">The folder cannot be written.</exception>
    public static void WriteShootdowns(string directory, IReadOnlyList<ShootdownRecord> records)
    {
        Directory.CreateDirectory(directory);
        WriteFile(directory, ShootdownsName, stream => ShootdownCsv.Write(records, stream));
    }

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
        foreach ((string name, long value) in report.Totals)
        {
            CounterInfo info = report.Catalog.Totals.First(counter => counter.Name == name);
            text.Append(name.PadRight(24)).Append(value.ToString(CultureInfo.InvariantCulture).PadLeft(20)).Append(' ')
                .Append(info.Unit.PadRight(14)).Append(info.Summary).Append('\n');
        }

        foreach ((string name, Distribution l) in report.LatencyCycles)
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"latency.{name,-16} count {l.Count} p50 {l.P50} p90 {l.P90} p99 {l.P99} max {l.Max} cycles\n");
        }

        foreach ((string name, Distribution d) in report.Shootdowns)
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"shootdown.{name,-20} count {d.Count} sum {d.Sum} p50 {d.P50} p90 {d.P90} p99 {d.P99} max {d.Max} ");
            text.Append(ShootdownFigure.All.First(figure => figure.Info.Name == name).Info.Unit).Append('\n');
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
