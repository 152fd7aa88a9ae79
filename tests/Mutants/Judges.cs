using System.Reflection;
using VmSim.Actors.Configuration;
using VmSim.Actors.Exploring;
using VmSim.Actors.Fuzzing;
using VmSim.Core.Engine;
using VmSim.Core.Exploring;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Settings;
using VmSim.Core.Shootdown;
using VmSim.Testing;

namespace VmSim.Mutants;

/// <summary>Who finds a mutant, from the quickest to the slowest.</summary>
internal static class Judges
{
    /// <summary>Random scenarios of the checker.</summary>
    private const int FuzzSeeds = 12;

    /// <summary>Random scenarios, without the checker, whose figures a mutant must change if nothing else.</summary>
    private const int FigureSeeds = 80;

    /// <summary>Scenarios that ship, short, whose figures a mutant must change if nothing else.</summary>
    private static readonly (string File, string[] Settings)[] Figures =
    [
        ("scenarios/tlb-flush2.conf", ["until=400us"]),
        ("scenarios/web-server.conf", ["until=400us"]),
        ("scenarios/munmap-latr.conf", ["until=1500us"]),
        ("scenarios/many-processes.conf", ["until=100us"]),
        ("scenarios/bgsave.conf", ["until=300us"]),
        ("traces/mt.vmt.gz", ["until=1ms", "machine.cores=8", "threads.placement=spread"]),
    ];

    /// <summary>
    /// Ranges around what kernels take for large (33 pages, 512, 4,096), and as many spaces as x86-64 has tags for: no scenario that ships
    /// has the numbers themselves.
    /// </summary>
    private static readonly (string Name, string Text)[] Limits =
    [
        ("pages", Script(600, [32, 33, 34, 511, 512, 513])),
        ("many pages", Script(4_200, [4_095, 4_096, 4_097])),
        ("spaces", "until = 300us\nmachine.cores = 2\nmachine.sockets = 1\nprocesses = [{ name = p, program = script, count = 4095, "
            + "pages = 1, script = \"load 0, dontneed 0, load 0\" }]\n"),
    ];

    private static readonly Dictionary<(string Protocol, string Figure), string> Originals = [];

    /// <summary>Judges a protocol.</summary>
    /// <param name="protocol">The changed one.</param>
    /// <param name="original">The one that it was.</param>
    /// <returns>Who found it and by what; null for nobody.</returns>
    public static string? FindingOf(IShootdownProtocol protocol, IShootdownProtocol original) =>
        ByContract(protocol) ?? ByChecker(protocol) ?? ByExplore(protocol) ?? ByFigures(protocol, original);

    private static string? ByContract(IShootdownProtocol protocol)
    {
        MutantContract contract = new(protocol);
        foreach (MethodInfo test in typeof(ShootdownProtocolContract).GetMethods()
            .Where(method => method.GetCustomAttribute<SubjectsAttribute>() is not null)
            .OrderBy(method => method.Name, StringComparer.Ordinal))
        {
            try
            {
                test.Invoke(contract, [protocol.Name]);
            }
            catch (TargetInvocationException)
            {
                return $"contract\t{test.Name}";
            }
        }

        return null;
    }

    private static string? ByChecker(IShootdownProtocol protocol)
    {
        for (ulong seed = 1; seed <= FuzzSeeds; seed++)
        {
            if (Broken(Fuzz(seed, protocol), protocol) is { } rule)
            {
                return $"checker\t{rule}";
            }
        }

        return null;
    }

    private static string? Broken(ScenarioSpec scenario, IShootdownProtocol protocol)
    {
        try
        {
            using World world = new(scenario, check: true, protocol);
            RunReport report = ReportBuilder.Build(world, new SequentialEngine(world).Run());
            return report.Outcome is RunOutcomes.Violation or RunOutcomes.Deadlock ? report.Findings[0].Split(' ')[0] : null;
        }
        catch (Exception error)
        {
            return error.GetType().Name;
        }
    }

    private static string? ByExplore(IShootdownProtocol protocol)
    {
        foreach ((WorldSize size, int spaces) in ((WorldSize, int)[])[(new WorldSize(2, 2, 1), 1), (new WorldSize(2, 1, 1), 2)])
        {
            SmallWorld world = new ExploreScenario(protocol.Name, size, spaces, "anonymous").Load([]);
            using OrderExplorer explorer = new(protocol, new ExploreLimits(1));
            foreach (IReadOnlyList<IReadOnlyList<Core.Workloads.Synthetic.ScriptStep>> threads in new WorldGenerator(size).All())
            {
                if (explorer.Explore(world with { Threads = threads }).Failure is { } failure)
                {
                    return $"explore\t{failure.Rule}";
                }
            }
        }

        return null;
    }

    private static string? ByFigures(IShootdownProtocol protocol, IShootdownProtocol original)
    {
        foreach ((string name, Func<ScenarioSpec> scenario) in FiguresFor(protocol))
        {
            // What goes wrong with the original is the harness's, and no finding.
            if (!Originals.TryGetValue((original.Name, name), out string? expected))
            {
                Originals[(original.Name, name)] = expected = FingerprintOf(scenario(), original);
            }

            if (Differs(scenario(), protocol, expected))
            {
                return $"figures\t{name}";
            }
        }

        return null;
    }

    private static IEnumerable<(string Name, Func<ScenarioSpec> Scenario)> FiguresFor(IShootdownProtocol protocol)
    {
        string[] own = [$"shootdown.protocol={protocol.Name}", "shootdown.hypothetical=on"];
        foreach ((string file, string[] settings) in Figures)
        {
            yield return (file, () => ScenarioLoader.Load(ConfigFiles.Find(file), [.. settings, .. own]));
        }

        for (ulong seed = FuzzSeeds + 1; seed <= FuzzSeeds + FigureSeeds; seed++)
        {
            ulong drawn = seed;
            yield return ($"random scenario {seed}", () => Fuzz(drawn, protocol));
        }

        foreach ((string name, string text) in Limits)
        {
            yield return (name, () => ScenarioLoader.Parse(text, name, Directory.GetCurrentDirectory(), own));
        }
    }

    private static bool Differs(ScenarioSpec scenario, IShootdownProtocol protocol, string expected)
    {
        try
        {
            return FingerprintOf(scenario, protocol) != expected;
        }
        catch (Exception error) when (error is not ScenarioException)
        {
            return true;
        }
    }

    private static string FingerprintOf(ScenarioSpec scenario, IShootdownProtocol protocol)
    {
        using World world = new(scenario, check: false, protocol);
        return ReportBuilder.Build(world, new SequentialEngine(world).Run()).Fingerprint;
    }

    private static ScenarioSpec Fuzz(ulong seed, IShootdownProtocol protocol)
    {
        FuzzScenario drawn = FuzzScenario.Draw(seed);
        drawn = drawn with
        {
            Settings =
            [
                .. drawn.Settings.Where(setting => !setting.StartsWith("shootdown.", StringComparison.Ordinal)),
                $"shootdown.protocol = {protocol.Name}",
                "shootdown.hypothetical = on",
            ],
        };
        return ScenarioLoader.Parse(drawn.Text(), "fuzz", Directory.GetCurrentDirectory(), []);
    }

    /// <summary>One thread gives back ranges of so many pages, and another one uses the space meanwhile.</summary>
    private static string Script(int pages, int[] ranges)
    {
        string steps = string.Join(", ", ranges.Select(range => $"store 0-{range - 1}, dontneed 0-{range - 1}"));
        return "machine.cores = 2\nmachine.sockets = 1\nprocesses = [{ name = p, program = script, memory = anonymous, touched = off, "
            + $"pages = {pages}, script = \"{steps} | load 0, pause 200000000\" }}]\n";
    }

    /// <summary>The contract of every protocol, for one that is changed.</summary>
    private sealed class MutantContract(IShootdownProtocol protocol) : ShootdownProtocolContract
    {
        protected override IEnumerable<IShootdownProtocol> Subjects => [protocol];
    }
}
