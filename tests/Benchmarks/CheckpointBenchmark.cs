using System.Diagnostics;
using System.Globalization;
using VmSim.Actors.Configuration;
using VmSim.Core.Checkpoints;
using VmSim.Core.Engine;
using VmSim.Core.Scenarios;

namespace VmSim.Benchmarks;

/// <summary>
/// Checkpoints of a scenario at its end: size, and the times to write and to restore one, best of several. Arguments: scenario, rounds,
/// then settings (key=value).
/// </summary>
internal static class CheckpointBenchmark
{
    public static int Run(string[] args)
    {
        string file = args.Length > 0 ? args[0] : "config/scenarios/throughput-64.conf";
        int rounds = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 3;
        ScenarioSpec scenario = ScenarioLoader.Load(file, args.Length > 2 ? args[2..] : ["until=5ms"]);
        using World world = new(scenario);
        new SequentialEngine(world).Run();
        using MemoryStream stream = new();
        double save = double.MaxValue;
        double restore = double.MaxValue;
        for (int round = 0; round < rounds; round++)
        {
            stream.SetLength(0);
            save = Math.Min(save, Time(() => Checkpoint.Save(world, stream)));
            stream.Position = 0;
            using World other = new(scenario);
            restore = Math.Min(restore, Time(() => Checkpoint.Restore(other, stream)));
        }

        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{scenario.Name}: {world.Cores.Count} cores, {world.SpaceCount} address spaces: {stream.Length / 1048576.0:F1} MiB, "
                + $"written in {save * 1000:F0} ms, restored in {restore * 1000:F0} ms"));
        return 0;
    }

    private static double Time(Action action)
    {
        long started = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(started).TotalSeconds;
    }
}
