using System.Diagnostics;
using System.Globalization;
using Akka.Actor;
using Akka.Configuration;
using VmSim.Actors.Configuration;
using VmSim.Actors.Running;
using VmSim.Actors.Simulation;
using VmSim.Core.Engine;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;

namespace VmSim.Benchmarks;

/// <summary>
/// Whole runs: the plain sequential loop against actors on 1, 2 and 4 lanes, by turns, best of several rounds. Arguments: scenario, rounds,
/// then settings (key=value).
/// </summary>
internal static class EngineBenchmark
{
    private static readonly int[] LaneCounts = [1, 2, 4];

    public static int Run(string[] args)
    {
        string file = args.Length > 0 ? args[0] : "config/scenarios/throughput-64.conf";
        int rounds = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 3;
        ScenarioSpec scenario = ScenarioLoader.Load(file, args.Length > 2 ? args[2..] : ["until=10ms"]);
        Config config = Lanes.Configuration(LaneCounts[^1])
            .WithFallback(ConfigurationFactory.ParseString("akka.loglevel = OFF\nakka.stdout-loglevel = OFF"));
        using ActorSystem system = ActorSystem.Create("benchmark", config);
        SimulationRunner runner = new(system);
        double[] best = new double[LaneCounts.Length + 1];
        RunReport? report = null;
        for (int round = 0; round < rounds; round++)
        {
            Keep(ref best[0], Sequential(scenario));
            for (int i = 0; i < LaneCounts.Length; i++)
            {
                RunOptions options = new() { Threads = LaneCounts[i] };
                report = runner.RunAsync(scenario, options, null, CancellationToken.None).GetAwaiter().GetResult();
                Keep(ref best[i + 1], report.Host!.WallSeconds);
            }
        }

        Print(report!, best);
        return 0;
    }

    private static void Keep(ref double best, double seconds) => best = best == 0 ? seconds : Math.Min(best, seconds);

    private static double Sequential(ScenarioSpec scenario)
    {
        using World world = new(scenario);
        long started = Stopwatch.GetTimestamp();
        new SequentialEngine(world).Run();
        return Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    private static void Print(RunReport report, double[] best)
    {
        long accesses = report.Total("accesses");
        double million = accesses / 1e6;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{report.Scenario}: {million:F1} M accesses, {(report.Total("minorFaults") + report.Total("majorFaults")) / million:F0} "
                + $"faults and {report.Total("ipisSent") / million:F0} IPIs per million, "
            + $"{report.Host!.Windows} windows, {(double)accesses / report.Host.Windows / report.Cores.Count:F1} accesses per core "
                + $"and window"));
        Console.WriteLine("| loop | M accesses/s | against the sequential loop |\n|---|---:|---:|");
        for (int i = 0; i < best.Length; i++)
        {
            string name = i == 0 ? "sequential" : $"actors, {LaneCounts[i - 1]} threads";
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {name} | {million / best[i]:F1} | {best[0] / best[i]:F2} |"));
        }
    }
}
