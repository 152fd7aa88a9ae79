using System.Globalization;
using VmSim.Actors.Configuration;
using VmSim.Core.Engine;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;

namespace VmSim.Benchmarks;

/// <summary>
/// Runs with sampled accesses against full ones, by turns, on the sequential loop: how much faster they are, and how often the full run's
/// figures lie in the intervals. Seconds are processor time, since the machine may have other work. Arguments: seeds, accesses of each
/// thread (0 leaves them as they are), then in any order programs (patterns, <c>throughput-mix</c>, scenarios, traces) and settings
/// (key=value). Without programs it takes the ten of docs/sampling.md.
/// </summary>
internal static class SamplingBenchmark
{
    private static readonly string[] Ten =
    [
        "sequential", "strided", "uniform", "zipf", "hot-cold", "pointer-chase", "phases", "sparse", "uniform-runs", "throughput-mix",
    ];

    public static int Run(string[] args)
    {
        int seeds = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 1;
        long accesses = args.Length > 1 ? long.Parse(args[1], CultureInfo.InvariantCulture) : 100_000_000;
        string[] settings = [.. args.Skip(2).Where(argument => argument.Contains('=', StringComparison.Ordinal))];
        string[] programs = [.. args.Skip(2).Except(settings)];
        Console.WriteLine("| program | full, s | sampled, s | ratio | samples | skipped |");
        Console.WriteLine("|---|---:|---:|---:|---:|---:|");
        List<string> intervals = [];
        foreach (string program in programs.Length > 0 ? programs : Ten)
        {
            intervals.AddRange(Measure(program, sets => Load(program, accesses, sets), seeds, settings));
        }

        Console.WriteLine("\n| program | figure | inside | mean half-width | mean error |\n|---|---|---:|---:|---:|");
        intervals.ForEach(Console.WriteLine);
        return 0;
    }

    private static ScenarioSpec Load(string program, long accesses, string[] sets)
    {
        string[] counted = accesses > 0 ? [.. sets, $"processes.0.accesses={accesses}"] : sets;
        string? text = program switch
        {
            "throughput-mix" => "program = throughput-mix, threads = 4",
            "uniform-runs" => "program = pattern, pattern = uniform, pages = 16384, run-length = 16",
            "sparse" => "program = pattern, pattern = sparse, pages = 4096",
            _ when program.Contains('.', StringComparison.Ordinal) => null,
            _ => $"program = pattern, pattern = {program}, pages = 16384",
        };
        return text is null
            ? ScenarioLoader.Load(program, counted)
            : ScenarioLoader.Parse($"name = {program}\nprocesses = [ {{ {text} }} ]", program, ".", counted);
    }

    private static IEnumerable<string> Measure(string name, Func<string[], ScenarioSpec> load, int seeds, string[] settings)
    {
        Dictionary<string, (int Inside, double Width, double Error)> figures = [];
        List<string> order = [];
        double full = 0;
        double sampled = 0;
        SamplingReport last = null!;
        for (int seed = 1; seed <= seeds; seed++)
        {
            RunReport exact = Run(load([.. settings, $"seed={seed}"]), ref full);
            last = Run(load([.. settings, $"seed={seed}", "sampling.enabled=on"]), ref sampled).Sampling!;
            foreach (SampledFigure figure in last.Intervals)
            {
                long value = ValueOf(exact, figure.Name);
                if (!figures.ContainsKey(figure.Name))
                {
                    order.Add(figure.Name);
                }

                (int inside, double width, double error) = figures.GetValueOrDefault(figure.Name);
                double scale = value == 0 ? 1 : value;
                figures[figure.Name] = (
                    inside + (figure.Holds(value) ? 1 : 0),
                    width + ((figure.HalfWidth ?? double.PositiveInfinity) / scale),
                    error + ((figure.Estimate - value) / scale));
            }
        }

        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"| {name} | {full / seeds:F2} | {sampled / seeds:F3} | {full / sampled:F1} | {last.Units} | "
                + $"{100.0 * last.Skipped / (last.Detailed + last.Skipped):F2} % |"));
        return order.Where(metric => figures[metric].Width + Math.Abs(figures[metric].Error) > 0).Select(metric => string.Create(
            CultureInfo.InvariantCulture,
            $"| {name} | {metric} | {figures[metric].Inside} of {seeds} | {100 * figures[metric].Width / seeds:F3} % | "
                + $"{100 * figures[metric].Error / seeds:F3} % |"));
    }

    private static long ValueOf(RunReport report, string name) =>
        report.Totals.Any(total => total.Key == name)
            ? report.Total(name)
            : report.Cores.Sum(core => core.Cycles.Where(cycles => $"{cycles.Key}Cycles" == name).Sum(cycles => cycles.Value));

    private static RunReport Run(ScenarioSpec scenario, ref double seconds)
    {
        using World world = new(scenario);
        TimeSpan started = Environment.CpuUsage.TotalTime;
        bool finished = new SequentialEngine(world).Run();
        seconds += (Environment.CpuUsage.TotalTime - started).TotalSeconds;
        return ReportBuilder.Build(world, finished);
    }
}
