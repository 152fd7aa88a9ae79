using System.Diagnostics;
using Xunit.Abstractions;

namespace VmSim.Hostile.Tests.Deaths;

/// <summary>
/// A thousand jobs of 1 to 20 s, a third of which two or three nodes have together, while a node is killed every minute, the service three
/// times, a node is frozen, the disk of one is full for a while, and the clock of another jumps forth and back: every job is done once,
/// with the bytes of a run that nobody disturbed.
/// </summary>
/// <remarks>
/// A small tmpfs needs root and <c>mount</c>, and the clock <c>libfaketime</c> (<c>apt-get install faketime</c>); the log says what is left
/// out where they are not.
/// </remarks>
public sealed class ServiceExerciseTests(ITestOutputHelper log) : ServiceDeaths
{
    private const int Full = 2;
    private const int Jumping = 3;
    private const int Megabytes = 16;
    private const string FakeTime = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";

    /// <summary>Longer than the silence after which a node counts as lost.</summary>
    private static readonly TimeSpan Frozen = TimeSpan.FromSeconds(30);

    /// <summary>Less than clocks of certificates may be apart.</summary>
    private static readonly string[] Clocks = ["+1800s", "-1800s", "+0s", "+7s"];

    private string Clock => At("clock");

    private string Ballast => Path.Combine(WorkOf(Full), "ballast");

    [Fact]
    [Trait("Category", "Long")]
    public async Task Jobs_WhileAllGoesWrong_AreEachDoneOnce()
    {
        int seed = Number("VMSIM_HOSTILE_SEED", 1);
        int jobs = Number("VMSIM_HOSTILE_RUNS", 1_000);
        Random random = new(seed);
        (string Sweep, int Nodes)[] sweeps = [.. Lengths(random, jobs)];
        bool hasClock = File.Exists(FakeTime);
        await File.WriteAllTextAsync(Clock, Clocks[2]);
        bool hasDisk = await MountAsync();
        try
        {
            await BeginAsync(node => hasClock && node == Jumping ? JumpingClock() : []);
            long begun = Stopwatch.GetTimestamp();
            List<(string, string)> submitted = [];
            foreach ((string sweep, int nodes) in sweeps)
            {
                submitted.Add((sweep, await SubmitAsync(sweep, nodes)));
            }

            await DieAsync(random, jobs, hasDisk, hasClock);
            double seconds = Stopwatch.GetElapsedTime(begun).TotalSeconds;
            await ThawedAsync();
            await AssertAllDoneAsync(submitted, jobs);
            log.WriteLine($"{jobs} jobs in {seconds:0} s, seed {seed}: {Deaths}");
            log.WriteLine($"{(hasDisk ? "" : "no disk was full, since no tmpfs could be mounted. ")}"
                + $"{(hasClock ? "" : $"no clock jumped, since there is no {FakeTime}: apt-get install faketime")}");
        }
        finally
        {
            EndAll();
            if (hasDisk)
            {
                await SystemAsync("umount", "--lazy", WorkOf(Full));
            }
        }
    }

    /// <summary>
    /// The clock of the day alone jumps, as it does; libfaketime looks once a second where to. Without the last of these it has waits by
    /// the other clock return at once, again and again.
    /// </summary>
    private string[] JumpingClock() =>
    [
        $"LD_PRELOAD={FakeTime}", $"FAKETIME_TIMESTAMP_FILE={Clock}", "FAKETIME_CACHE_DURATION=1", "FAKETIME_DONT_FAKE_MONOTONIC=1",
        "FAKETIME_FORCE_MONOTONIC_FIX=0",
    ];

    /// <summary>Sweeps of jobs that differ in length: short ones are many. A third of each length is split.</summary>
    private IEnumerable<(string Sweep, int Nodes)> Lengths(Random random, int jobs)
    {
        // Rounds of the program, each once, since the same run is made once; with their share of the jobs: 1 to 20 s of one process on the
        // processors that this was tried on.
        (int Whole, int Split, double Share)[] lengths = [(500, 20, 0.6), (3_000, 60, 0.3), (15_000, 200, 0.08), (55_000, 490, 0.02)];
        int left = jobs;
        for (int i = 0; i < lengths.Length; i++)
        {
            (int whole, int split, double share) = lengths[i];
            int some = i == lengths.Length - 1 ? left : Math.Min(left, (int)Math.Round(jobs * share));
            left -= some;
            (int Count, int Rounds, int Nodes)[] parts =
                [(some - (some / 3), whole, 1), ((some / 3) - (some / 6), split, 2), (some / 6, split + 1, 3)];
            random.Shuffle(parts);
            foreach ((int count, int rounds, int nodes) in parts.Where(part => part.Count > 0))
            {
                yield return (Sweep($"sweep-{i}-{nodes}", rounds, count), nodes);
            }
        }
    }

    /// <summary>Kills a node every minute, and does everything else once a certain part of the jobs is over, until all are.</summary>
    private async Task DieAsync(Random random, int jobs, bool hasDisk, bool hasClock)
    {
        TimeSpan minute = TimeSpan.FromSeconds(Number("VMSIM_HOSTILE_SECONDS", 60));
        Queue<(int Done, Func<Task> Event)> events = new(new (double Part, Func<Task> Event)[]
        {
            (0.15, KillServiceAsync),
            (0.3, () => FreezeAsync(random.Next(Nodes), Frozen)),
            (0.4, () => hasDisk ? FillAsync() : Task.CompletedTask),
            (0.5, KillServiceAsync),
            (0.6, () => hasDisk ? EmptyAsync() : Task.CompletedTask),
            (0.85, KillServiceAsync),
        }.Select(next => ((int)(next.Part * jobs), next.Event)));
        long killed = Stopwatch.GetTimestamp();
        int said = 0;
        while (await CountAsync("queued") + await CountAsync("running") > 0)
        {
            await Task.Delay(TimeSpan.FromSeconds(1));
            int done = await CountAsync("done");
            if (done >= said + (jobs / 20))
            {
                said = done;
                log.WriteLine($"{DateTime.UtcNow:HH:mm:ss} {done} jobs are done; {Deaths}");
            }

            while (events.TryPeek(out (int Done, Func<Task> Event) next) && next.Done <= done)
            {
                await events.Dequeue().Event();
            }

            if (Stopwatch.GetElapsedTime(killed) >= minute)
            {
                killed = Stopwatch.GetTimestamp();
                await KillAsync(random.Next(Nodes));
                if (hasClock)
                {
                    Count("jumps of a node's clock");
                    await File.WriteAllTextAsync(Clock, Clocks[random.Next(Clocks.Length)]);
                }
            }
        }

        while (events.TryDequeue(out (int Done, Func<Task> Event) late))
        {
            await late.Event();
        }
    }

    /// <summary>Has one node's work on a disk of its own that is small.</summary>
    private async Task<bool> MountAsync()
    {
        Directory.CreateDirectory(WorkOf(Full));
        return await SystemAsync("mount", "-t", "tmpfs", "-o", $"size={Megabytes}m", "vmsim-full", WorkOf(Full));
    }

    private async Task FillAsync()
    {
        Count("full disks");
        await SystemAsync("dd", "if=/dev/zero", $"of={Ballast}", "bs=64k");
    }

    private Task EmptyAsync()
    {
        File.Delete(Ballast);
        return Task.CompletedTask;
    }

    private static async Task<bool> SystemAsync(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            UseShellExecute = false,
            RedirectStandardError = true,
        })!;
        await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return process.ExitCode == 0;
    }
}
