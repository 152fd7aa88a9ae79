using System.Diagnostics;
using Xunit.Abstractions;

namespace VmSim.Hostile.Tests.Deaths;

/// <summary>
/// Somebody is killed, frozen or stopped every few seconds while jobs are made, a third of which two or three nodes have together. In the
/// end every job is done, each result has the bytes of a run that nobody disturbed, and nothing else is left.
/// </summary>
public sealed class ServiceDeathTests(ITestOutputHelper log) : ServiceDeaths
{
    private static readonly TimeSpan LeastPause = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan MostPause = TimeSpan.FromSeconds(12);

    /// <summary>Longer than the silence after which a node counts as lost.</summary>
    private static readonly TimeSpan Frozen = TimeSpan.FromSeconds(20);

    [Fact]
    [Trait("Category", "Long")]
    public async Task Jobs_WhoseNodesAndServicesDie_AreEachDoneOnce()
    {
        int seed = Number("VMSIM_HOSTILE_SEED", 1);
        int jobs = Number("VMSIM_HOSTILE_RUNS", 60);
        string whole = Sweep("whole", 1500, jobs - (jobs / 3));
        string two = Sweep("two", 60, (jobs / 3) - (jobs / 6));
        string three = Sweep("three", 61, jobs / 6);
        try
        {
            await BeginAsync(_ => []);
            long begun = Stopwatch.GetTimestamp();
            (string, string)[] submitted =
                [(two, await SubmitAsync(two, 2)), (whole, await SubmitAsync(whole, 1)), (three, await SubmitAsync(three, 3))];
            using CancellationTokenSource over = new();
            Task deaths = DieAsync(new Random(seed), over.Token);
            while (await CountAsync("queued") + await CountAsync("running") > 0)
            {
                await Task.Delay(TimeSpan.FromSeconds(1));
            }

            double seconds = Stopwatch.GetElapsedTime(begun).TotalSeconds;
            await over.CancelAsync();
            await deaths;
            await AssertAllDoneAsync(submitted, jobs);
            log.WriteLine($"{jobs} jobs in {seconds:0} s, seed {seed}: {Deaths}");
        }
        finally
        {
            EndAll();
        }
    }

    /// <summary>Has somebody suffer something, again and again.</summary>
    private async Task DieAsync(Random random, CancellationToken over)
    {
        while (true)
        {
            TimeSpan pause = LeastPause + ((MostPause - LeastPause) * random.NextDouble());
            string before = Reached();
            do
            {
                await Task.Delay(pause, over).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            while (!over.IsCancellationRequested && Reached() == before);
            if (over.IsCancellationRequested)
            {
                await ThawedAsync();
                return;
            }

            int node = random.Next(Nodes);
            await (random.Next(10) switch
            {
                0 => KillServiceAsync(),
                <= 6 => KillAsync(node),
                7 => StopAsync(node),
                _ => FreezeAsync(node, Frozen),
            });
        }
    }
}
