using System.Globalization;
using VmSim.Actors.Configuration;
using VmSim.Actors.Running;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Settings;
using VmSim.Host.Files;
using VmSim.Host.Hosting;
using VmSim.Host.Reporting;
using VmSim.Host.Terminal;

namespace VmSim.Host.Sweeps;

/// <summary>One of the things that are compared: a run, or the runs of a sweep by their place.</summary>
/// <param name="Name">What the person called it.</param>
/// <param name="Settings">Settings by key; empty where they are not known.</param>
/// <param name="Places">Runs by place; a single run has the place "".</param>
/// <param name="Fingerprint">The fingerprint of a single run; empty for others.</param>
internal sealed record ComparedRuns(
    string Name,
    IReadOnlyDictionary<string, string> Settings,
    IReadOnlyDictionary<string, IReadOnlyList<ComparedRun>> Places,
    string Fingerprint)
{
    private const string ReportEnding = ".json";

    /// <summary>Finds out what a name stands for, and reads it; a scenario is run.</summary>
    /// <param name="path">A run's folder, a sweep's folder, a report.json, a scenario or a trace.</param>
    /// <param name="error">Where progress goes.</param>
    /// <param name="cancellation">Ends a run.</param>
    public static async Task<ComparedRuns> LoadAsync(string path, TextWriter error, CancellationToken cancellation)
    {
        if (Directory.Exists(path))
        {
            return SweepFolder.Is(path) ? OfSweep(path)
                : File.Exists(Path.Combine(path, RunFolder.ReportName)) ? OfRun(path, path)
                : throw new IOException($"{path}: neither a run's folder nor a complete sweep's; there is no {RunFolder.ReportName} in it");
        }

        if (path.EndsWith(ReportEnding, StringComparison.Ordinal))
        {
            string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
            return FileStatus.Of(path).Kind != FileKind.Regular ? throw new FileNotFoundException($"{path}: there is no such report")
                : Path.GetFileName(path) == RunFolder.ReportName ? OfRun(path, folder)
                : Single(path, new Dictionary<string, string>(StringComparer.Ordinal), Read(path));
        }

        ScenarioSpec spec = ScenarioLoader.Load(path, []);
        RunOptions options = new();
        await using SimulationHost host = await SimulationHost.StartAsync(options.EffectiveThreads);
        using ProgressLine progress = new(error, spec.Machine.Ghz, spec.Until);
        RunFigures found = RunFigures.Of(await host.Runner.RunAsync(spec, options, progress, cancellation));
        cancellation.ThrowIfCancellationRequested();
        return Single(path, SettingsOf(SettingEntries.Parse(RunDigest.Effective(spec), path)), found);
    }

    /// <summary>A run whose report is at hand.</summary>
    /// <param name="name">What it is called.</param>
    /// <param name="report">Its report.</param>
    /// <param name="effective">The text of its effective settings, which includes no file; null if it is not known.</param>
    /// <exception cref="ScenarioException">The text is none of settings.</exception>
    public static ComparedRuns Of(string name, RunReport report, string? effective) => Single(
        name, SettingsOf(effective is null ? [] : SettingEntries.Parse(effective, RunFolder.EffectiveName)), RunFigures.Of(report));

    private static ComparedRuns OfRun(string name, string folder) =>
        Single(name, SettingsOf(Path.Combine(folder, RunFolder.EffectiveName)), RunFigures.Load(folder));

    private static ComparedRuns Single(string name, IReadOnlyDictionary<string, string> settings, RunFigures found) => new(
        name,
        settings,
        new Dictionary<string, IReadOnlyList<ComparedRun>>(StringComparer.Ordinal)
        {
            [""] = [new ComparedRun(found.Findings, found.Values)],
        },
        found.Fingerprint);

    private static RunFigures Read(string file)
    {
        using FileStream stream = File.OpenRead(file);
        return RunFigures.Of(ReportJson.Read(stream, file));
    }

    private static Dictionary<string, string> SettingsOf(string effective) =>
        SettingsOf(File.Exists(effective) ? SettingEntries.Load(effective) : []);

    private static Dictionary<string, string> SettingsOf(IReadOnlyList<SettingEntry> entries) =>
        entries.ToDictionary(entry => entry.Key, entry => string.Join(", ", entry.Values), StringComparer.Ordinal);

    /// <summary>The runs that count, by the values of what the sweep varies; settings are those of its first run.</summary>
    private static ComparedRuns OfSweep(string folder)
    {
        string file = Path.Combine(folder, SweepFolder.TableName);
        CsvTable table = CsvTable.Read(file);
        int seed = table.Column("seed");
        int outcome = table.Column("outcome");
        int findings = table.Column("findings");
        int end = table.Column("scenario");
        int run = table.Column("run");
        Dictionary<string, List<ComparedRun>> places = new(StringComparer.Ordinal);
        string? first = null;
        foreach (string[] row in table.Rows.Where(row => row[outcome] is "completed" or "until"))
        {
            string place = string.Join(' ', table.Names.Take(seed).Zip(row, (name, value) => $"{name}={value}"));
            ComparedRun figures = new(
                int.Parse(row[findings], CultureInfo.InvariantCulture),
                [.. Enumerable.Range(findings + 1, end - findings - 1).Where(column => row[column].Length > 0)
                    .Select(column => new KeyValuePair<string, double>(
                        table.Names[column], double.Parse(row[column], CultureInfo.InvariantCulture)))]);
            (places.TryGetValue(place, out List<ComparedRun>? known) ? known : places[place] = []).Add(figures);
            first ??= Path.Combine(folder, row[run]);
        }

        return new ComparedRuns(
            folder,
            Without(first is null ? [] : SettingsOf(Path.Combine(first, RunFolder.EffectiveName)), table.Names.Take(seed)),
            places.ToDictionary(item => item.Key, item => (IReadOnlyList<ComparedRun>)item.Value, StringComparer.Ordinal),
            "");
    }

    /// <summary>Settings but for those that a sweep varies, and the seed.</summary>
    private static Dictionary<string, string> Without(Dictionary<string, string> settings, IEnumerable<string> varied)
    {
        foreach (string key in varied.Append("seed"))
        {
            settings.Remove(key);
        }

        return settings;
    }
}

/// <summary>The figures of one run.</summary>
/// <param name="Findings">How many findings it has.</param>
/// <param name="Values">Its figures, in the order of the report.</param>
internal sealed record ComparedRun(int Findings, IReadOnlyList<KeyValuePair<string, double>> Values);
