using System.Diagnostics;
using VmSim.Host.Tests.CommandLine;
using VmSim.Testing;
using Xunit.Abstractions;

namespace VmSim.Hostile.Tests.Deaths;

/// <summary>
/// Nodes of a run on this machine, and the run itself, are killed or frozen at named points and at drawn moments. Each run ends with its
/// cause and exit code within 30 s, and leaves no process and no file behind. The orders of what can happen are gone through without
/// processes in JobOrderTests.
/// </summary>
public sealed class LocalNodeDeathTests(ITestOutputHelper log) : Scratch
{
    private static readonly TimeSpan Most = TimeSpan.FromSeconds(30);
    private static readonly string Endless = CommandRunner.At("config/scenarios/throughput-64.conf");

    /// <summary>Where a run may be when it happens; at "any" a moment within five seconds is drawn.</summary>
    private static readonly string[] Points = ["start", "join", "simulation", "stop", "any", "any"];

    [Fact]
    public Task Nodes_KilledAndFrozenAtTheirStart_AreNamed() => TakeAsync(0, 2, 2, TimeSpan.MaxValue);

    [Fact]
    [Trait("Category", "Long")]
    public Task Nodes_KilledAndFrozenAtAnyTime_AreNamed() =>
        TakeAsync(Number("VMSIM_HOSTILE_SEED", 2), Number("VMSIM_HOSTILE_RUNS", 500), Number("VMSIM_HOSTILE_AT_A_TIME", 3), Most);

    private async Task TakeAsync(int first, int count, int atATime, TimeSpan most)
    {
        List<Death> deaths = [];
        await Parallel.ForEachAsync(
            Enumerable.Range(first, count),
            new ParallelOptions { MaxDegreeOfParallelism = atATime },
            async (seed, _) =>
            {
                Death death = await DieAsync(seed, most);
                lock (deaths)
                {
                    deaths.Add(death);
                }
            });
        foreach (IGrouping<string, Death> kind in deaths.GroupBy(death => death.Kind).OrderBy(kind => kind.Key, StringComparer.Ordinal))
        {
            log.WriteLine(
                $"{kind.Key}: {kind.Count()} runs, over after {kind.Average(death => death.Seconds):0.0} s, at most "
                + $"{kind.Max(death => death.Seconds):0.0} s");
        }

        Assert.Equal("", string.Join('\n', deaths.Where(death => death.Fault.Length > 0).Select(death => $"{death.Kind}: {death.Fault}")));
    }

    /// <summary>Has one run suffer what a seed says. Seeds 0 and 1 are a kill and a freeze at the start.</summary>
    private async Task<Death> DieAsync(int seed, TimeSpan most)
    {
        Random random = new(seed);
        string point = seed < 2 ? "start" : Points[random.Next(Points.Length)];
        bool freezes = seed < 2 ? seed == 1 : random.Next(4) == 0;
        int victim = seed < 2 ? 0 : random.Next(freezes && point != "simulation" ? 2 : 3);
        TimeSpan moment = TimeSpan.FromMilliseconds(random.Next(5_000));
        string folder = At($"run-{seed}");
        string kind = $"{(freezes ? "freeze" : "kill")} of {(victim == 2 ? "the run" : "a node")} at {point}";
        using CommandProcess run = CommandProcess.Start(
            "run", Endless, "--local-nodes", "2", "--threads", "1", "--set", "until=1000s", "--set", "cluster.placement=split",
            "--out", folder);
        List<Process> nodes = await ReachAsync(run, point, moment);
        long begun = Stopwatch.GetTimestamp();
        await (victim == 2
            ? run.SignalAsync(freezes ? "STOP" : "KILL")
            : CommandProcess.SignalAsync(nodes[victim].Id, freezes ? "STOP" : "KILL"));
        bool isRunFrozen = victim == 2 && freezes;
        if (!isRunFrozen)
        {
            await run.ExitAsync();
        }

        // The nodes of a run that is frozen miss it, and end.
        foreach (Process node in nodes)
        {
            await CommandProcess.EndAsync(node);
        }

        double seconds = Stopwatch.GetElapsedTime(begun).TotalSeconds;
        if (isRunFrozen)
        {
            await run.SignalAsync("CONT");
        }

        (int code, string output, string error) = await run.EndAsync();
        string fault = FaultOf(code, victim == 2 && !freezes, point, error);
        fault += seconds > most.TotalSeconds ? $" {seconds:0.0} s" : "";
        fault += (victim != 2 || freezes) && Directory.Exists(folder) && point != "stop" ? " the folder is still there" : "";
        return new Death(kind, seconds, fault.Length == 0 ? "" : $"seed {seed}: exit code {code},{fault}: {error} {output}");
    }

    private static async Task<List<Process>> ReachAsync(CommandProcess run, string point, TimeSpan moment)
    {
        switch (point)
        {
            case "join":
                await run.SaysAsync("nodes have joined");
                break;
            case "simulation" or "stop":
                await run.SaysAsync(CommandProcess.Simulates);
                break;
        }

        List<Process> nodes = [];
        HangGuard.Until(() => (nodes = run.Children()).Count == 2 || run.HasExited);
        if (point == "any")
        {
            await Task.Delay(moment);
        }
        else if (point == "stop")
        {
            await run.SignalAsync("TERM");
        }

        return nodes;
    }

    private static string FaultOf(int code, bool isRunKilled, string point, string error)
    {
        if (isRunKilled)
        {
            return code == 137 ? "" : " not killed";
        }

        // A run that is being stopped may be over before the node is missed.
        bool isStopped = point == "stop" && code == 143;
        string[] words = ["node ", " of 2 (", " was lost", "the run has stopped"];
        bool isNamed = code == 1 && Array.TrueForAll(words, word => error.Contains(word, StringComparison.Ordinal));
        return isStopped || isNamed ? "" : " the node is not named";
    }

    /// <summary>How a run ended.</summary>
    private sealed record Death(string Kind, double Seconds, string Fault);
}
