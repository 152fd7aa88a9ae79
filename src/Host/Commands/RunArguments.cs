using System.CommandLine;
using VmSim.Actors.Cluster;
using VmSim.Actors.Configuration;
using VmSim.Actors.Running;
using VmSim.Actors.Simulation;
using VmSim.Core.Kernel;
using VmSim.Core.Scenarios;
using VmSim.Host.Hosting;
using VmSim.Host.Reporting;
using VmSim.Host.Terminal;

namespace VmSim.Host.Commands;

/// <summary>
/// What the commands that run a scenario have in common on the command line: which one, with what settings, how, and where its files go.
/// </summary>
internal sealed class RunArguments
{
    /// <summary>No scenario's bound comes near; the scenario's own bound is checked when it is known.</summary>
    private const long WindowMax = 1_000_000_000_000;

    private readonly Argument<string> _scenario = new("scenario")
    {
        Description = "Scenario file, or trace to run with the default profiles.",
    };
    private readonly Option<string[]> _set = new("--set")
    {
        Description = "Change a setting: --set machine.cores=16. May be repeated.",
        HelpName = "key=value",
    };
    private readonly Option<ulong> _seed = NumberOption.Create(
        "--seed", "Seed of everything drawn at random, in place of the scenario's.", 0UL, ScenarioSpec.MaxSeed, fallback: 0UL);
    private readonly Option<int> _threads = Threads();
    private readonly Option<long> _window = NumberOption.Create(
        "--window",
        "Window in cycles, at most the bound; 0, the default, is the bound. Never changes results.",
        0L,
        WindowMax,
        fallback: 0L,
        "0 for the scenario's bound");

    private readonly Option<string?> _folder = new("--out")
    {
        Description = "Folder for effective.conf, report.json and stats.txt.",
        HelpName = "DIR",
    };
    private readonly Option<bool> _shootdowns = new("--shootdowns")
    {
        Description = "Also write shootdowns.csv into the folder of --out, one line a shootdown.",
    };

    private readonly RunFiles _files = new();
    private readonly CheckpointArguments _checkpoints = new();

    private readonly Option<string[]> _failOn = new("--fail-on")
    {
        Description = "End with 1 if there are findings (findings) or a figure is beyond a bound ('minorFaults > 1610'). May be repeated.",
        HelpName = "CONDITION",
    };

    private readonly Option<bool> _quiet = new("--quiet", "-q") { Description = "Show neither progress nor report; messages stay." };
    private readonly Option<bool> _verbose = new("--verbose", "-v")
    {
        Description = "Also say what is read, how it is simulated, how long that took, and what is written.",
    };
    private readonly Option<bool> _force = new("--force") { Description = "Run also if there is less memory than the run needs." };
    private readonly Option<bool> _json = new("--json") { Description = "Write report.json to standard output in place of the report." };

    /// <summary><c>--threads</c>, which a node has too.</summary>
    public static Option<int> Threads() => NumberOption.Create(
        "--threads",
        "Host threads that simulate; 0, the default, is one per processor, or one if more gain nothing. Never changes results.",
        0,
        Lanes.Max,
        fallback: 0,
        "0 for one per processor");

    /// <summary>Gives the arguments to a command.</summary>
    public void AddTo(Command command)
    {
        Suggestions.Offer(_scenario, Suggestions.Scenarios);
        _set.CompletionSources.Add(Suggestions.Settings);
        command.Arguments.Add(_scenario);
        foreach (Option option in (Option[])
            [_set, _seed, _threads, _window, _folder, _shootdowns, _failOn, _quiet, _verbose, _json, _force])
        {
            command.Options.Add(option);
        }

        _files.AddTo(command);
        _checkpoints.AddTo(command);
    }

    /// <summary>Reads the command line, and the scenario that it names.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="check">Whether the checker watches.</param>
    /// <param name="nodes">Nodes that will join; 0 for none.</param>
    /// <param name="localNodes">Nodes to start as child processes; 0 for none.</param>
    /// <exception cref="UsageException">Options do not go together.</exception>
    public ScenarioRun Read(ParseResult parsed, bool check, int nodes = 0, int localNodes = 0)
    {
        string? folder = parsed.GetValue(_folder);
        bool shootdowns = parsed.GetValue(_shootdowns);
        if (shootdowns && folder is null)
        {
            throw new UsageException("--shootdowns: there is no --out; the list is written into the run's folder, so name one: --out DIR");
        }

        if (parsed.GetValue(_quiet) && parsed.GetValue(_verbose))
        {
            throw new UsageException("--quiet and --verbose: one of them is needed, not both");
        }

        ILookup<bool, string> sets = (parsed.GetValue(_set) ?? [])
            .ToLookup(set => set.StartsWith(ClusterSettings.Prefix, StringComparison.Ordinal));
        ClusterSettings cluster = ClusterHost.Settings([.. sets[true]]);
        List<string> settings = [.. sets[false]];
        if (parsed.GetResult(_seed) is { Implicit: false })
        {
            settings.Add($"seed={parsed.GetValue(_seed)}");
        }

        string path = parsed.GetValue(_scenario)!;
        ScenarioSpec scenario = ScenarioLoader.Load(path, settings);
        RunOptions options = new()
        {
            Threads = parsed.GetValue(_threads),
            Window = parsed.GetValue(_window),
            Check = check,
            Lists = _files.Read(parsed, scenario.Machine, new RunLists { Shootdowns = shootdowns }),
        };
        string[] inputs = [path, .. scenario.Includes, .. RunPlan.FilesOf(scenario)];
        IReadOnlyList<Threshold> thresholds = Threshold.ParseAll(parsed.GetValue(_failOn), allowsChanges: false);
        return new ScenarioRun(scenario, options, new ClusterRun(cluster, nodes, localNodes), folder, inputs, thresholds)
        {
            ListsShootdowns = shootdowns,
            WriteFilesAsync = _files.Prepare(parsed, inputs),
            IsQuiet = parsed.GetValue(_quiet),
            IsVerbose = parsed.GetValue(_verbose),
            WritesJson = parsed.GetValue(_json),
            IsForced = parsed.GetValue(_force),
            Command = CommandText.Of(parsed),
            Checkpoints = _checkpoints.Read(parsed, folder, scenario.Machine.Ghz),
        };
    }
}
