using System.Reflection;
using VmSim.Actors.Configuration;
using VmSim.Actors.Exploring;
using VmSim.Actors.Fuzzing;
using VmSim.Core.Engine;
using VmSim.Core.Exploring;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Shootdown;
using VmSim.Testing;

namespace VmSim.Mutants;

/// <summary>Who finds a mutant, from the quickest to the slowest.</summary>
internal static class Judges
{
    /// <summary>Random scenarios of the checker.</summary>
    private const int FuzzSeeds = 12;

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

    private static readonly Dictionary<(string Protocol, int Figure), string> Originals = [];

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
            ScenarioSpec scenario = ScenarioLoader.Parse(drawn.Text(), "fuzz", Directory.GetCurrentDirectory(), []);
            if (Broken(scenario, protocol) is { } rule)
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

    /// <summary>
    /// Runs the figures of an original, before any mutant is judged: what goes wrong with them is the harness's, and no finding.
    /// </summary>
    public static void Prepare(IShootdownProtocol original)
    {
        for (int i = 0; i < Figures.Length; i++)
        {
            Originals[(original.Name, i)] = FingerprintOf(i, original);
        }
    }

    private static string? ByFigures(IShootdownProtocol protocol, IShootdownProtocol original)
    {
        for (int i = 0; i < Figures.Length; i++)
        {
            if (FingerprintOf(i, protocol) != Originals[(original.Name, i)])
            {
                return $"figures\t{Figures[i].File}";
            }
        }

        return null;
    }

    private static string FingerprintOf(int figure, IShootdownProtocol protocol)
    {
        (string file, string[] settings) = Figures[figure];
        ScenarioSpec scenario = ScenarioLoader.Load(
            ConfigFiles.Find(file), [.. settings, $"shootdown.protocol={protocol.Name}", "shootdown.hypothetical=on"]);
        using World world = new(scenario, check: false, protocol);
        return ReportBuilder.Build(world, new SequentialEngine(world).Run()).Fingerprint;
    }

    /// <summary>The contract of every protocol, for one that is changed.</summary>
    private sealed class MutantContract(IShootdownProtocol protocol) : ShootdownProtocolContract
    {
        protected override IEnumerable<IShootdownProtocol> Subjects => [protocol];
    }
}
