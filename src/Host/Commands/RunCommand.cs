using System.CommandLine;
using VmSim.Actors.Cluster;
using VmSim.Actors.Configuration;
using VmSim.Actors.Running;
using VmSim.Actors.Simulation;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Shootdown;
using VmSim.Host.Hosting;
using VmSim.Host.Reporting;
using VmSim.Host.Terminal;

namespace VmSim.Host.Commands;

/// <summary><c>vmsim run</c> and <c>vmsim check</c>: simulate a scenario or a trace and show the report.</summary>
internal static class RunCommand
{
    /// <summary>No scenario's bound comes near; the scenario's own bound is checked when it is known.</summary>
    private const long WindowMax = 1_000_000_000_000;

    /// <summary>Makes <c>vmsim run</c>.</summary>
    public static Command Create(TextWriter output, TextWriter error)
    {
        Option<bool> check = new("--check") { Description = "Watch every translation with the checker; a violation ends the run with exit code 1." };
        Option<int> nodes = NumberOption.Create(
            "--nodes", "Spread the run over so many nodes, each a process of `vmsim node --join`. Never changes results.", 1, ClusterRun.NodesMax, fallback: 0);
        Option<int> local = NumberOption.Create("--local-nodes", "As --nodes, with so many nodes as child processes on this machine.", 1, ClusterRun.NodesMax, fallback: 0);
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

    /// <summary>Makes <c>--threads</c>.</summary>
    internal static Option<int> Threads() => NumberOption.Create(
        "--threads", "Host threads that simulate; 0, the default, is one per processor. Never changes results.", 0, Lanes.Max, fallback: 0, "0 for one per processor");

    /// <summary>What a run uses besides threads.</summary>
    private readonly record struct Means(bool Check, int Nodes, int LocalNodes);

    private static Command Build(string name, string description, TextWriter output, TextWriter error, Func<ParseResult, Means> read)
    {
        Argument<string> scenario = new("scenario") { Description = "Scenario file, or trace to run with the default profiles." };
        Option<string[]> set = new("--set") { Description = "Change a setting: --set machine.cores=16. May be repeated.", HelpName = "key=value" };
        Option<ulong> seed = NumberOption.Create("--seed", "Seed of everything drawn at random, in place of the scenario's.", 0UL, ulong.MaxValue, fallback: 0UL);
        Option<int> threads = Threads();
        Option<long> window = NumberOption.Create(
            "--window", "Window in cycles, at most the bound; 0, the default, is the bound. Never changes results.", 0L, WindowMax, fallback: 0L, "0 for the scenario's bound");
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

            if (means is { Nodes: not 0, LocalNodes: not 0 })
            {
                throw new UsageException("--nodes and --local-nodes: one of them is needed, not both");
            }

            ILookup<bool, string> given = (parsed.GetValue(set) ?? []).ToLookup(item => item.StartsWith(ClusterSettings.Prefix, StringComparison.Ordinal));
            ClusterSettings cluster = ClusterHost.Settings([.. given[true]]);
            List<string> sets = [.. given[false]];
            if (parsed.GetResult(seed) is { Implicit: false })
            {
                sets.Add($"seed={parsed.GetValue(seed)}");
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
            RunFolder.Prepare(directory);
        }

        foreach (string warning in spec.Processes.SelectMany(process => process.Warnings))
        {
            await error.WriteLineAsync($"vmsim: {warning}");
        }

        RunReport report = cluster.IsWanted
            ? await cluster.RunAsync(spec, options, error, cancellation)
            : await RunHereAsync(spec, options, error, cancellation);
        ReportView.Show(report, Consoles.For(output));
        if (spec.Warmup > 0 && report.Total(CounterCatalog.Cycles) == 0)
        {
            await error.WriteLineAsync($"vmsim: warmup: the run ended within its warm-up of {spec.Warmup:N0} cycles; the report has 0 cycles, and counts from the warm-up; shorten warmup");
        }

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
}
