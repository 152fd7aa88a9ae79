using System.Globalization;
using System.Text;
using VmSim.Core.Reports;
using VmSim.Core.Shootdown;
using VmSim.Core.Statistics;
using VmSim.Host.Files;
using VmSim.Host.Terminal;

namespace VmSim.Host.Reporting;

/// <summary>The folder a run writes: <c>effective.conf</c>, <c>report.json</c> and <c>stats.txt</c>.</summary>
public static class RunFolder
{
    /// <summary>Name of the report in the folder.</summary>
    public const string ReportName = "report.json";

    /// <summary>Name of the settings in the folder.</summary>
    public const string EffectiveName = "effective.conf";

    /// <summary>Name of the counters in the folder.</summary>
    public const string StatisticsName = "stats.txt";

    /// <summary>Files of a run, in the order in which they appear: who finds the report finds a whole run.</summary>
    private static readonly string[] Names = [EffectiveName, StatisticsName, .. ListFile.All.Select(list => list.FileName), ReportName];

    /// <summary>Creates the folder if it is not there, and finds out whether files can be written into it.</summary>
    /// <param name="directory">The folder.</param>
    /// <param name="inputs">Files that the run reads.</param>
    /// <returns>The folders that were made for it, the innermost first: <see cref="Abandon"/> removes them.</returns>
    /// <exception cref="UsageException">Its name is empty.</exception>
    /// <exception cref="IOException">It is a file, or cannot be made or written.</exception>
    public static IReadOnlyList<string> Prepare(string directory, params IReadOnlyList<string> inputs)
    {
        if (string.IsNullOrWhiteSpace(directory))
        {
            throw new UsageException("--out: an empty name found; a folder is needed");
        }

        if (File.Exists(directory))
        {
            throw new IOException($"--out {directory}: this is a file; a folder is needed");
        }

        List<string> made = [];
        for (string? folder = Path.GetFullPath(directory); folder is not null && !Directory.Exists(folder);)
        {
            made.Add(folder);
            folder = Path.GetDirectoryName(folder);
        }

        try
        {
            Directory.CreateDirectory(directory);
            foreach (string name in Names)
            {
                if (OutputFile.Require(Path.Combine(directory, name), "--out", inputs) == FileKind.Stream)
                {
                    throw new IOException($"--out {Path.Combine(directory, name)}: a pipe or a device; a file is needed");
                }
            }

            using OutputFile probe = new(Path.Combine(directory, ReportName), "--out");
            return made;
        }
        catch (Exception reason) when (reason is IOException or UnauthorizedAccessException)
        {
            Abandon(made);
            throw new IOException(
                reason.Message.StartsWith("--out", StringComparison.Ordinal)
                    ? reason.Message
                    : $"--out {directory}: files cannot be written there: {reason.Message}",
                reason);
        }
    }

    /// <summary>Removes folders that were made for a run that came to nothing, if nobody has put anything into them.</summary>
    public static void Abandon(IReadOnlyList<string> made)
    {
        foreach (string folder in made)
        {
            try
            {
                Directory.Delete(folder);
            }
            catch (Exception reason) when (reason is IOException or UnauthorizedAccessException)
            {
                return;
            }
        }
    }

    /// <summary>Writes a run's files.</summary>
    /// <param name="directory">The folder; made if it is not there.</param>
    /// <param name="report">The report.</param>
    /// <param name="effective">Text of <c>effective.conf</c>.</param>
    /// <param name="lists">The lists that are wanted, which the run has kept; null for none.</param>
    /// <exception cref="IOException">The folder cannot be written.</exception>
    public static void Write(string directory, RunReport report, string effective, IReadOnlyList<ListFile>? lists = null)
    {
        ArgumentNullException.ThrowIfNull(report);
        Replace(
            directory,
            [
                (EffectiveName, stream => stream.Write(Encoding.UTF8.GetBytes(effective))),
                (StatisticsName, stream => stream.Write(Encoding.UTF8.GetBytes(Statistics(report)))),
                .. (lists ?? []).Select(list => (list.FileName, (Action<Stream>)(stream => list.Write(report, stream)))),
                (ReportName, stream => ReportJson.Write(report, stream)),
            ]);
    }

    /// <summary>
    /// Writes files of a run, the report as the last. Each stands aside and on the disk before the first appears under its name, so that a
    /// full disk leaves the old run as it was. Then all take their places, which nothing but the process's sudden death can interrupt;
    /// lists of an old run go if the new one has none.
    /// </summary>
    /// <param name="directory">The folder; made if it is not there.</param>
    /// <param name="contents">Names of the files, and what writes each.</param>
    /// <exception cref="IOException">The folder cannot be written.</exception>
    internal static void Replace(string directory, IReadOnlyList<(string Name, Action<Stream> Write)> contents)
    {
        Directory.CreateDirectory(directory);
        List<OutputFile> files = [];
        try
        {
            foreach ((string name, Action<Stream> write) in contents)
            {
                Add(name, write);
            }

            Leftovers.Whole(() =>
            {
                foreach (string name in Names.Except(contents.Select(file => file.Name), StringComparer.Ordinal))
                {
                    File.Delete(Path.Combine(directory, name));
                }

                files.ForEach(file => file.Complete());
            });
        }
        finally
        {
            files.ForEach(file => file.Dispose());
        }

        void Add(string name, Action<Stream> write)
        {
            OutputFile file = new(Path.Combine(directory, name), "--out");
            files.Add(file);
            try
            {
                write(file.Stream);
                file.Prepare();
            }
            catch (IOException reason)
            {
                throw new IOException($"--out {Path.Combine(directory, name)}: {reason.Message}", reason);
            }
        }
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
}
