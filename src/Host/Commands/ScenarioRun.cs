using System.Globalization;
using System.Text;
using VmSim.Actors.Configuration;
using VmSim.Actors.Running;
using VmSim.Core.Engine;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Shootdown;
using VmSim.Host.Files;
using VmSim.Host.Hosting;
using VmSim.Host.Reporting;
using VmSim.Host.Terminal;

namespace VmSim.Host.Commands;

/// <summary>One run of a scenario: here or on a cluster, with its report on the terminal and in files.</summary>
/// <param name="Scenario">What is simulated.</param>
/// <param name="Options">How.</param>
/// <param name="Cluster">The nodes that it is spread over, if any.</param>
/// <param name="Folder">The folder that its files go into; null for none.</param>
/// <param name="Inputs">Files that it is read from.</param>
/// <param name="Thresholds">Conditions on which it fails, beside what the scenario expects.</param>
internal sealed record ScenarioRun(
    ScenarioSpec Scenario,
    RunOptions Options,
    ClusterRun Cluster,
    string? Folder,
    IReadOnlyList<string> Inputs,
    IReadOnlyList<Threshold> Thresholds)
{
    /// <summary>Whether the run's folder gets a list of shootdowns.</summary>
    public bool ListsShootdowns { get; init; }

    /// <summary>Writes the files that have names of their own, and says which.</summary>
    public required Func<RunReport, Task<IReadOnlyList<string>>> WriteFilesAsync { get; init; }

    /// <summary>Whether neither progress nor the report is shown.</summary>
    public bool IsQuiet { get; init; }

    /// <summary>Whether the report goes to standard output as <c>report.json</c> has it.</summary>
    public bool WritesJson { get; init; }

    /// <summary>Whether it is said on stderr what is read, how it is simulated, and what is written.</summary>
    public bool IsVerbose { get; init; }

    /// <summary>Whether it runs also if there is less memory than it needs.</summary>
    public bool IsForced { get; init; }

    /// <summary>The command line.</summary>
    public string Command { get; init; } = "";

    /// <summary>When it is written down, and what it goes on from.</summary>
    public CheckpointPlan Checkpoints { get; init; } = new(TimeSpan.Zero, 0, null, null);

    /// <summary>Carries the run out.</summary>
    /// <param name="output">Where the report goes.</param>
    /// <param name="error">Where progress and messages go.</param>
    /// <param name="cancellation">Stops the run at the end of a window; the report is shown then too.</param>
    /// <returns>An exit code of <see cref="ExitCodes"/>.</returns>
    public async Task<int> CarryOutAsync(TextWriter output, TextWriter error, CancellationToken cancellation)
    {
        // A folder that cannot be written is found out before the run, not after it.
        IReadOnlyList<string> made = Folder is null ? [] : RunFolder.Prepare(Folder, Inputs);
        void AbandonFolder() => RunFolder.Abandon(made);
        Leftovers.Add(AbandonFolder);
        try
        {
            return await RunAsync(output, error, cancellation);
        }
        finally
        {
            Leftovers.Forget(AbandonFolder);
            AbandonFolder();
        }
    }

    private async Task<int> RunAsync(TextWriter output, TextWriter error, CancellationToken cancellation)
    {
        await WarnAsync(error);
        RunWords words = new(IsVerbose ? error : TextWriter.Null);
        words.Begin(Scenario, Options, Inputs);
        RunMemory memory = RunMemory.Of(Scenario, Options.Check, Cluster.ProcessesHere);
        if (!IsQuiet)
        {
            await error.WriteLineAsync($"vmsim: the run needs {memory} of memory");
        }

        if (!IsForced)
        {
            memory.Require("run it all the same: --force");
        }

        string started = TimeProvider.System.GetUtcNow().ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);

        // A run ends at the end of a window by itself; only waiting for nodes is ended by the signal.
        using IDisposable work = Cluster.IsWanted ? Interruption.Patiently() : Interruption.Work();
        RunCheckpoints? checkpoints = Checkpoints.IsWanted ? Checkpoints.Open(Scenario, Options, Inputs, error) : null;
        using Stream? from = checkpoints?.From;
        RunOptions options = Options with { Checkpoints = checkpoints };
        RunReport report = Cluster.IsWanted
            ? await Cluster.RunAsync(Scenario, options, error, cancellation)
            : await RunHereAsync(options, IsQuiet ? TextWriter.Null : error, cancellation);
        words.Simulated(report);
        if (Folder is not null || WritesJson)
        {
            report = report with
            {
                Provenance = RunDigest.Provenance(Scenario, RunDigest.FromHere),
                Host = (report.Host ?? new HostReport()) with { Command = Command, Started = started },
            };
        }

        await ShowAsync(report, output);
        bool isShown = !IsQuiet && !WritesJson && report.Outcome is (RunOutcomes.Completed or RunOutcomes.Until);
        if (isShown && (Options.Check || Scenario.IsChecked))
        {
            await output.WriteLineAsync(Watched(report));
        }

        await SayWhatIsMissingAsync(report, error);
        if (Folder is not null)
        {
            using StringWriter effective = new();
            EffectiveConfiguration.Write(Scenario, effective);
            RunFolder.Write(Folder, report, effective.ToString(), ListsShootdowns ? [ListFile.Shootdowns] : []);
            words.Wrote(Folder);
        }

        (await WriteFilesAsync(report)).ToList().ForEach(words.Wrote);
        return await JudgeAsync(report, error);
    }

    /// <summary>Says what of the scenario has no effect or is not as one may think.</summary>
    private async Task WarnAsync(TextWriter error)
    {
        foreach (string warning in Scenario.Processes.SelectMany(process => process.Warnings))
        {
            await error.WriteLineAsync($"vmsim: {warning}");
        }

        foreach (string pattern in Scenario.UnusedFolios())
        {
            await error.WriteLineAsync($"vmsim: memory.folios: no file of the run is left for \"{pattern}\"");
        }

        foreach (string key in Scenario.UnusedGuestSettings())
        {
            await error.WriteLineAsync(
                $"vmsim: {key}: no process runs in a virtual machine; machine.virtual = on, or virtual = on of a process, gives them one");
        }

        foreach (string key in Scenario.UnusedIsolationSettings())
        {
            await error.WriteLineAsync($"vmsim: {key}: kernel.page-table-isolation is off, and nothing else asks for it");
        }
    }

    /// <summary>Says what the report has not, though one may look for it.</summary>
    private async Task SayWhatIsMissingAsync(RunReport report, TextWriter error)
    {
        if (Scenario.Warmup > 0 && report.Total(CoreCycles.OfRun.Name) == 0)
        {
            await error.WriteLineAsync(
                $"vmsim: warmup: the run ended within its warm-up of {Scenario.Warmup:N0} cycles; "
                + "the report has 0 cycles, and counts from the warm-up; shorten warmup");
        }

        if (report.ShootdownsLeftOut > 0)
        {
            await error.WriteLineAsync(
                $"vmsim: {report.ShootdownsLeftOut} shootdowns were counted but not recorded: "
                + $"an address space keeps the first {ShootdownLog.RecordsMax - 1}");
        }

        long slicesLeftOut = report.Timeline?.LeftOut ?? 0;
        if (report.OperationsLeftOut + slicesLeftOut > 0)
        {
            await error.WriteLineAsync(
                $"vmsim: {report.OperationsLeftOut} faults and calls and {slicesLeftOut} slices of cores were not recorded, "
                + "because there were too many; choose a shorter time by --timeline-from and --timeline-for, or by until");
        }
    }

    /// <summary>What the checker watched of a run in which no rule was broken.</summary>
    private string Watched(RunReport report)
    {
        string walks = Quantities.Of(report.Total("walks"), "page walk");
        string shootdowns = Quantities.Of(report.Total("shootdowns"), "shootdown");
        return $"checked: {report.Total("accesses"):N0} accesses of {Quantities.Of(report.Cores.Count, "core")}, {walks} and {shootdowns}"
            + $"{(Scenario.ChecksValues ? ", and what each page holds" : "")}; no rule was broken";
    }

    /// <summary>
    /// Says what of a report is not as it should be. A run that was stopped is not judged by what it had counted until then.
    /// </summary>
    private async Task<int> JudgeAsync(RunReport report, TextWriter error)
    {
        if (report.Outcome == RunOutcomes.Stopped)
        {
            return ExitCodes.Ok;
        }

        Dictionary<string, double> values = new(ReportMetrics.Read(report), StringComparer.Ordinal);
        IEnumerable<string?> conditions = Thresholds.Select(threshold => threshold.Broken(
            report.Findings.Count,
            values.TryGetValue(threshold.Metric, out double value) ? value : null,
            null,
            values.Keys));
        string[] broken = [.. ReportMetrics.Broken(report, Scenario.Expect).Concat(conditions).OfType<string>()];
        foreach (string sentence in broken)
        {
            await error.WriteLineAsync($"vmsim: {sentence}");
        }

        bool isBroken = broken.Length > 0 || report.Outcome is RunOutcomes.Violation or RunOutcomes.Deadlock or RunOutcomes.OutOfMemory;
        return isBroken ? ExitCodes.Broken : ExitCodes.Ok;
    }

    private async Task ShowAsync(RunReport report, TextWriter output)
    {
        if (WritesJson)
        {
            using MemoryStream json = new();
            ReportJson.Write(report, json);
            await output.WriteLineAsync(Encoding.UTF8.GetString(json.GetBuffer(), 0, (int)json.Length));
        }
        else if (!IsQuiet)
        {
            ReportView.Show(report, Consoles.For(output));
        }
    }

    private async Task<RunReport> RunHereAsync(RunOptions options, TextWriter error, CancellationToken cancellation)
    {
        await using SimulationHost host = await SimulationHost.StartAsync(Options.EffectiveThreads);
        using ProgressLine progress = new(error, Scenario.Machine.Ghz, Scenario.Until);
        return await host.Runner.RunAsync(Scenario, options, progress, cancellation);
    }
}
