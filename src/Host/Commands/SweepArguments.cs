using System.CommandLine;
using VmSim.Actors.Simulation;
using VmSim.Host.Reporting;
using VmSim.Host.Sweeps;
using VmSim.Host.Terminal;

namespace VmSim.Host.Commands;

/// <summary>What <c>vmsim sweep</c> has on its command line: what varies, how it is run, and where it goes.</summary>
internal sealed class SweepArguments
{
    private const int JobsMax = 1024;

    private readonly Argument<string> _scenario = new("scenario")
    {
        Description = "Sweep file, which names a scenario (scenario = ...); or a scenario or trace, with what varies as options.",
    };

    private readonly Option<string[]> _set = Many("--set", "key=value", "Change a setting of all runs.");

    private readonly Option<string[]> _vary = Many(
        "--vary", "key=VALUES", "Vary a setting: --vary machine.cores=1,2,4 or =1..64*2 or =4..20+4. Several make a grid.");

    private readonly Option<string[]> _zip = Many(
        "--zip", "key=VALUES", "As --vary, but all settings given so go together, first values with first values.");

    private readonly Option<string?> _cores = new("--cores")
    {
        Description = "Vary machine.cores, and take fewer sockets where there are fewer cores: --cores 1..512*2.",
        HelpName = "VALUES",
    };

    private readonly Option<string?> _protocols = new("--protocols")
    {
        Description = "Vary shootdown.protocol: --protocols linux,latr.",
        HelpName = "NAMES",
    };

    private readonly Option<int> _repeat = NumberOption.Create(
        "--repeat", "Runs of each point, with seeds from the scenario's own on.", 1, SweepSeeds.Max, fallback: 1);

    private readonly Option<string[]> _metric = Many("--metric", "NAME", "Figure to sum up and draw: a name of `vmsim list metrics`.");

    private readonly Option<string[]> _baseline = Many("--baseline", "key=value", "Compare with the points that have this value.");

    private readonly Option<string[]> _failOn = Many(
        "--fail-on", "CONDITION", "End with 1 if a run has findings (findings) or a figure beyond a bound ('minorFaults > 1610').");

    private readonly Option<string?> _out = new("--out")
    {
        Description = "Folder of the sweep, sweeps/NAME by default. What is there already is not run again.",
        HelpName = "DIR",
    };

    private readonly Option<int> _jobs = NumberOption.Create(
        "--jobs", "Runs at a time; 0, the default, is as many as there are processors for.", 0, JobsMax, fallback: 0);

    private readonly Option<int> _threads = NumberOption.Create(
        "--threads", "Host threads that simulate in each run. Never changes results.", 1, Lanes.Max, fallback: 1);

    private readonly Option<string?> _lists = new("--lists")
    {
        Description = $"Also write lists into the folder of each run, as CSV: some of {string.Join(",", ListFile.All.Names)}.",
        HelpName = "NAMES",
    };

    private readonly Option<bool> _dryRun = new("--dry-run") { Description = "List the runs, and which of them are there; run none." };

    private readonly Option<bool> _onGrid = new("--no-bisect") { Description = "Look for crossings on the grid alone." };

    /// <summary>Whether the runs are listed and not made.</summary>
    public bool IsDryRun(ParseResult parsed) => parsed.GetValue(_dryRun);

    /// <summary>Gives the arguments to a command.</summary>
    public void AddTo(Command command)
    {
        Suggestions.Offer(_scenario, Suggestions.Scenarios);
        foreach (Option<string[]> settings in (Option<string[]>[])[_set, _vary, _zip, _baseline])
        {
            settings.CompletionSources.Add(Suggestions.Settings);
        }

        _protocols.CompletionSources.Add(Suggestions.Protocols);
        _metric.CompletionSources.Add(Suggestions.Metrics);
        command.Arguments.Add(_scenario);
        Option[] options =
        [
            _set, _vary, _zip, _cores, _protocols, _repeat, _metric, _baseline, _failOn, _out, _lists, _jobs, _threads,
            _dryRun, _onGrid,
        ];
        foreach (Option option in options)
        {
            command.Options.Add(option);
        }
    }

    /// <summary>Reads the command line, and the files that it names.</summary>
    /// <exception cref="UsageException">Options do not go together.</exception>
    public SweepSession Read(ParseResult parsed)
    {
        IReadOnlyList<Threshold> thresholds = Threshold.ParseAll(parsed.GetValue(_failOn), allowsChanges: false);
        SweepPlan plan = SweepCheck.Complete(PlanOf(parsed));
        int threads = parsed.GetValue(_threads);
        int jobs = parsed.GetValue(_jobs) is > 0 and int given ? given : Math.Max(1, Environment.ProcessorCount / threads);
        return new SweepSession(plan, parsed.GetValue(_out) ?? Path.Combine("sweeps", plan.Name), jobs, threads, thresholds);
    }

    private static Option<string[]> Many(string name, string help, string description) =>
        new(name) { HelpName = help, Description = $"{description} May be repeated." };

    private SweepPlan PlanOf(ParseResult parsed)
    {
        SweepPlan plan = SweepFile.Load(parsed.GetValue(_scenario)!);
        List<SweepAxis> axes = [.. plan.Axes];
        foreach ((string key, string values) in Pairs(parsed, _vary))
        {
            axes.Add(SweepAxis.Of(key, ValueList.Parse(values, $"--vary {key}")));
        }

        (string Key, IReadOnlyList<string> Values)[] zipped =
            [.. Pairs(parsed, _zip).Select(pair => (pair.Key, ValueList.Parse(pair.Value, $"--zip {pair.Key}")))];
        if (zipped.Length > 0)
        {
            axes.Add(ZippedAxis.Of(zipped, "--zip"));
        }

        if (parsed.GetValue(_cores) is { } cores)
        {
            axes.Add(SweepAxis.Of("machine.cores", ValueList.Parse(cores, "--cores")));
            plan = plan with { FitsSockets = true };
        }

        if (parsed.GetValue(_protocols) is { } protocols)
        {
            axes.Add(SweepAxis.Of("shootdown.protocol", ValueList.Parse(protocols, "--protocols")));
        }

        plan = plan with
        {
            Axes = axes,
            Sets = [.. plan.Sets, .. parsed.GetValue(_set) ?? []],
            Metrics = parsed.GetValue(_metric) is { Length: > 0 } metrics ? metrics : plan.Metrics,
            Baseline = Pairs(parsed, _baseline) is { Count: > 0 } baseline ? baseline : plan.Baseline,
            Bisects = plan.Bisects && !parsed.GetValue(_onGrid),
            Lists = parsed.GetValue(_lists) is { } lists ? SweepFolder.ListsOf(ValueList.Parse(lists, "--lists"), "--lists") : plan.Lists,
        };
        return parsed.GetResult(_repeat) is { Implicit: false }
            ? plan with { Seeds = SweepSeeds.Repeat(parsed.GetValue(_repeat), plan) }
            : plan;
    }

    private static List<KeyValuePair<string, string>> Pairs(ParseResult parsed, Option<string[]> option)
    {
        List<KeyValuePair<string, string>> pairs = [];
        foreach (string text in parsed.GetValue(option) ?? [])
        {
            int equals = text.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0)
            {
                throw new UsageException($"{option.Name} {text}: {option.HelpName} is needed, such as machine.cores=16");
            }

            pairs.Add(new(text[..equals].Trim(), text[(equals + 1)..].Trim()));
        }

        return pairs;
    }
}
