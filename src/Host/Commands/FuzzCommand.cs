using System.CommandLine;
using System.Globalization;
using VmSim.Actors.Cluster;
using VmSim.Actors.Fuzzing;
using VmSim.Host.Hosting;
using VmSim.Host.Terminal;

namespace VmSim.Host.Commands;

/// <summary><c>vmsim fuzz</c>: random scenarios against the checker.</summary>
internal static class FuzzCommand
{
    public static Command Create(TextWriter output, TextWriter error)
    {
        Option<string> seeds = new("--seeds") { Description = "Seeds to run: 1..100, or one seed.", Required = true, HelpName = "A..B" };
        const string Summary = "Runs random scenarios with the checker, plainly and in parallel, and compares what they find.";
        Command command = new("fuzz", Summary) { seeds };
        command.SetAction(async (parsed, cancellation) => await RunAsync(parsed.GetValue(seeds)!, output, error, cancellation));
        return command;
    }

    private static async Task<int> RunAsync(string seeds, TextWriter output, TextWriter error, CancellationToken cancellation)
    {
        (ulong first, ulong last) = Range(seeds);
        await using SimulationHost host = await SimulationHost.StartAsync(lanes: 2);
        FuzzRunner fuzz = new(host.Runner, new ShardRunner(host.System, 2));
        using StatusLine status = new(error);
        ulong run = 0;
        for (ulong seed = first; seed <= last && !cancellation.IsCancellationRequested; seed++)
        {
            status.Show($"seed {seed}, {last - seed} to go");
            FuzzFailure? failure;
            try
            {
                failure = await fuzz.RunAsync(seed, cancellation);
            }
            catch (OperationCanceledException)
            {
                break;
            }

            if (failure is not null)
            {
                await output.WriteLineAsync($"seed {failure.Seed} fails; again: vmsim fuzz --seeds {failure.Seed}\n");
                await output.WriteLineAsync(string.Join('\n', failure.Lines));
                await output.WriteLineAsync($"\nthe smallest scenario that fails so:\n\n{failure.Scenario.Text()}");
                return ExitCodes.Broken;
            }

            run++;
        }

        string stopped = run <= last - first ? $"stopped at seed {(first + run).ToString(CultureInfo.InvariantCulture)}; " : "";
        await output.WriteLineAsync($"{stopped}{run.ToString(CultureInfo.InvariantCulture)} seeds, no violation, all fingerprints equal");
        return ExitCodes.Ok;
    }

    private static (ulong First, ulong Last) Range(string seeds)
    {
        string[] ends = seeds.Split("..");
        if (ends.Length <= 2 && ulong.TryParse(ends[0], NumberStyles.None, CultureInfo.InvariantCulture, out ulong first)
            && ulong.TryParse(ends[^1], NumberStyles.None, CultureInfo.InvariantCulture, out ulong last)
            && last >= first && last < ulong.MaxValue)
        {
            return (first, last);
        }

        throw new UsageException($"--seeds: {seeds} found; A..B with A at most B, or one seed, is allowed");
    }
}
