using System.CommandLine;
using VmSim.Actors.Cluster;
using VmSim.Actors.Configuration;
using VmSim.Actors.Running;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Shootdown;
using VmSim.Host.Cluster;
using VmSim.Host.Reporting;

namespace VmSim.Host.Commands;

/// <summary><c>vmsim run</c> and <c>vmsim check</c>: simulate a scenario or a trace and show the report.</summary>
internal static class RunCommand
{
    /// <summary>Makes <c>vmsim run</c>.</summary>
    public static Command Create(TextWriter output, TextWriter error)
    {
        Option<bool> check = new("--check") { Description = "Watch every translation with the checker; a violation ends the run with exit code 1." };
        Option<int> nodes = new("--nodes") { Description = "Spread the run over so many nodes, each a process of `vmsim node --join`. Never changes results." };
        Option<int> local = new("--local-nodes") { Description = "As --nodes, with so many nodes as child processes on this machine." };
        Command command = Build(
            "run",
            "Simulates a scenario (.conf) or a trace (.vmt, .vmt.gz) and prints a report.",
            output,
            error,
            parsed => new Means(parsed.GetValue(check), parsed.GetValue(nodes), parsed.GetValue(local)));
        command.Options.Add(check);
        command.Options.Add(nodes);
        command.Options.Add(local);
        return command;
    }

    /// <summary>Makes <c>vmsim check</c>.</summary>
    public static Command CreateCheck(TextWriter output, TextWriter error) =>
        Build("check", "Runs with the translation checker; exit code 1 if a rule is broken.", output, error, _ => new Means(Check: true, 0, 0));

    /// <summary>What a run uses besides threads.</summary>
    private readonly record struct Means(bool Check, int Nodes, int LocalNodes);

    private static Command Build(string name, string description, TextWriter output, TextWriter error, Func<ParseResult, Means> read)
    {
        Argument<string> scenario = new("scenario") { Description = "Scenario file, or trace to run with the default profiles." };
        Option<string[]> set = new("--set") { Description = "Change a setting: --set machine.cores=16. May be repeated.", HelpName = "key=value" };
        Option<ulong?> seed = new("--seed") { Description = "Seed of everything drawn at random." };
        Option<int> threads = new("--threads") { Description = "Host threads that simulate; the default is one per processor. Never changes results." };
        Option<long> window = new("--window") { Description = "Window in cycles, at most the bound, the default. Never changes results." };
        Option<string?> directory = new("--out") { Description = "Folder for effective.conf, report.json and stats.txt.", HelpName = "DIR" };
        Option<bool> shootdowns = new("--shootdowns") { Description = "Also write shootdowns.csv into the folder of --out, one line a shootdown." };
        Command command = new(name, description) { scenario, set, seed, threads, window, directory, shootdowns };
        command.SetAction(async (parsed, cancellation) =>
        {
            Means means = read(parsed);
            RunOptions options = new()
            {
                Threads = parsed.GetValue(threads),
                Window = parsed.GetValue(window),
                Check = means.Check,
                Shootdowns = parsed.GetValue(shootdowns),
            };
            if (options.Shootdowns && parsed.GetValue(directory) is null)
            {
                throw new UsageException("--shootdowns: there is no --out; the list is written into the run's folder, so name one: --out DIR");
            }

            if (options.Threads is < 0 or > Actors.Simulation.Lanes.Max)
            {
                throw new UsageException($"--threads: {options.Threads} found; 1 to {Actors.Simulation.Lanes.Max}, or 0 for one per processor, are allowed");
            }

            RequireNodes(means);
            ILookup<bool, string> given = (parsed.GetValue(set) ?? []).ToLookup(item => item.StartsWith(ClusterSettings.Prefix, StringComparison.Ordinal));
            ClusterSettings cluster = ClusterHost.Settings([.. given[true]]);
            List<string> sets = [.. given[false]];
            if (parsed.GetValue(seed) is { } value)
            {
                sets.Add($"seed={value}");
            }

            ScenarioSpec spec = ScenarioLoader.Load(parsed.GetValue(scenario)!, sets);
            return await RunAsync(spec, options, new ClusterRun(cluster, means.Nodes, means.LocalNodes), parsed.GetValue(directory), output, error, cancellation);
        });
        return command;
    }

    private static async Task<int> RunAsync(
        ScenarioSpec spec, RunOptions options, ClusterRun cluster, string? directory, TextWriter output, TextWriter error, CancellationToken cancellation)
    {
        if (directory is not null)
        {
            // A folder that cannot be written is found out before the run, not after it.
            Directory.CreateDirectory(directory);
        }

        foreach (string warning in spec.Processes.SelectMany(process => process.Warnings))
        {
            await error.WriteLineAsync($"vmsim: {warning}");
        }

        RunReport report = cluster.IsWanted
            ? await cluster.RunAsync(spec, options, error, cancellation)
            : await RunHereAsync(spec, options, error, cancellation);
        ReportView.Show(report, Terminal.For(output));
        if (report.ShootdownsLeftOut > 0)
        {
            await error.WriteLineAsync(
                $"vmsim: {report.ShootdownsLeftOut} shootdowns were counted but not recorded: an address space keeps the first {ShootdownLog.RecordsMax - 1}");
        }

        if (directory is not null)
        {
            using StringWriter effective = new();
            EffectiveConfiguration.Write(spec, effective);
            RunFolder.Write(directory, report, effective.ToString());
            if (options.Shootdowns)
            {
                RunFolder.WriteShootdowns(directory, report.ShootdownRecords);
            }
        }

        return report.Outcome is RunOutcomes.Violation or RunOutcomes.Deadlock ? ExitCodes.Broken : ExitCodes.Ok;
    }

    private static async Task<RunReport> RunHereAsync(ScenarioSpec spec, RunOptions options, TextWriter error, CancellationToken cancellation)
    {
        await using SimulationHost host = await SimulationHost.StartAsync(options.EffectiveThreads);
        using ProgressLine progress = new(error, spec.Machine.Ghz);
        return await host.Runner.RunAsync(spec, options, progress, cancellation);
    }

    private static void RequireNodes(Means means)
    {
        if (means is { Nodes: not 0, LocalNodes: not 0 })
        {
            throw new UsageException("--nodes and --local-nodes: one of them is needed, not both");
        }

        foreach ((string name, int count) in (ReadOnlySpan<(string, int)>)[("--nodes", means.Nodes), ("--local-nodes", means.LocalNodes)])
        {
            if (count is < 0 or > ClusterRun.NodesMax)
            {
                throw new UsageException($"{name}: {count} found; 1 to {ClusterRun.NodesMax} are allowed");
            }
        }
    }
}
