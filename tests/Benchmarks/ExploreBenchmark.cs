using System.Diagnostics;
using System.Globalization;
using VmSim.Core.Exploring;
using VmSim.Core.Scenarios;
using VmSim.Core.Shootdown;
using VmSim.Core.Workloads.Synthetic;

namespace VmSim.Benchmarks;

/// <summary>
/// Schedules and states a second of explore, by turns with the search that makes every run from time 0: arguments are protocol, cores,
/// operations, pages, delays, every how many worlds one is explored, and rounds.
/// </summary>
internal static class ExploreBenchmark
{
    public static int Run(string[] args)
    {
        string protocol = args.Length > 0 ? args[0] : "linux";
        int[] numbers = [.. args.Skip(1).Select(arg => int.Parse(arg, CultureInfo.InvariantCulture))];
        WorldSize size = new(Number(0, 2), Number(1, 2), Number(2, 1));
        int delays = Number(3, 2);
        int step = Number(4, 10);
        IShootdownProtocol under = ShootdownProtocols.All.Find(protocol)!;
        ScriptProgram program = new() { Pages = size.Pages };
        ScenarioSpec scenario = new()
        {
            Name = "explore",
            Machine = new() { Cores = size.Cores },
            Processes = [new ProcessSpec { Name = "p", Program = _ => program.Build("p", [[]]) }],
        };
        SmallWorld world = new(scenario, program, []);
        IReadOnlyList<IReadOnlyList<ScriptStep>>[] worlds = [.. new WorldGenerator(size).All().Where((_, number) => number % step == 0)];
        (string Name, ExploreLimits Limits)[] ways =
        [
            ("every run from time 0", new ExploreLimits(delays) { Rewinds = false }),
            ("from where scripts begin", new ExploreLimits(delays)),
        ];
        for (int round = Number(5, 2); round > 0; round--)
        {
            foreach ((string name, ExploreLimits limits) in ways.Skip(Number(6, 0)))
            {
                using OrderExplorer explorer = new(under, limits);
                long schedules = 0;
                long states = 0;
                TimeSpan before = Process.GetCurrentProcess().TotalProcessorTime;
                for (int i = 0; i < worlds.Length; i++)
                {
                    OrderResult result = explorer.Explore(world with { Threads = worlds[i] });
                    schedules += result.Schedules;
                    states += result.States;
                }

                double seconds = (Process.GetCurrentProcess().TotalProcessorTime - before).TotalSeconds;
                Console.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{protocol}, {worlds.Length} worlds, {name}: {schedules} schedules, {states} states, {seconds:F2} s of a processor, "
                        + $"{schedules / seconds:F0} schedules/s, {states / seconds:F0} states/s"));
            }
        }

        return 0;

        int Number(int at, int otherwise) => at < numbers.Length ? numbers[at] : otherwise;
    }
}
