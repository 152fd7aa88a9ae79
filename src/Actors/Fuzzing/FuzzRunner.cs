using VmSim.Actors.Running;
using VmSim.Core.Checkpoints;
using VmSim.Core.Engine;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Settings;

namespace VmSim.Actors.Fuzzing;

/// <summary>What was wrong with a seed.</summary>
/// <param name="Seed">The seed.</param>
/// <param name="Scenario">The smallest scenario found that fails.</param>
/// <param name="Lines">What went wrong.</param>
public sealed record FuzzFailure(ulong Seed, FuzzScenario Scenario, IReadOnlyList<string> Lines);

/// <summary>
/// Runs random scenarios with the checker on, on two windows and two numbers of host threads, and on the plain sequential loop with the
/// checker and without it (cores take shorter ways then), and some split over shards, and from a checkpoint in the middle: nothing may be
/// violated, and all fingerprints must agree.
/// </summary>
/// <param name="runner">Runs scenarios on at least two lanes.</param>
/// <param name="split">Runs scenarios split over shards, on one lane each.</param>
public sealed class FuzzRunner(ISimulationRunner runner, ISimulationRunner split)
{
    private const int ShrinkRunsMax = 200;

    /// <summary>Runs one seed.</summary>
    /// <param name="seed">The seed.</param>
    /// <param name="cancellation">Stops at a window's end; a failure that was found by then is returned as small as it has become.</param>
    /// <returns>Null if all was well.</returns>
    /// <exception cref="OperationCanceledException">The seed was stopped before it was judged.</exception>
    public async Task<FuzzFailure?> RunAsync(ulong seed, CancellationToken cancellation = default)
    {
        FuzzScenario scenario = FuzzScenario.Draw(seed);
        IReadOnlyList<string> lines = await JudgeAsync(scenario, cancellation);
        return lines.Count == 0 ? null : await ShrinkAsync(new FuzzFailure(seed, scenario, lines), cancellation);
    }

    private async Task<IReadOnlyList<string>> JudgeAsync(FuzzScenario drawn, CancellationToken cancellation)
    {
        try
        {
            ScenarioSpec scenario = drawn.Load();
            if (IsRefused(scenario))
            {
                return [];
            }

            (RunReport plain, long windows) = RunPlainly(scenario, check: true, cancellation);
            if (plain.Outcome is RunOutcomes.Violation or RunOutcomes.Deadlock)
            {
                return [plain.Outcome, .. plain.Findings.Take(20)];
            }

            long bound = WorldParts.DelaysOf(scenario).WindowBound.Value;
            List<string> lines = [];
            string unwatched = RunPlainly(scenario with { Check = "off" }, check: false, cancellation).Report.Fingerprint;
            if (unwatched != plain.Fingerprint)
            {
                lines.Add($"fingerprint {unwatched[..16]} without the checker, {plain.Fingerprint[..16]} with it");
            }

            foreach ((int threads, long window) in ((int, long)[])[(1, bound), (2, Math.Max(1, bound / 3))])
            {
                RunReport report = await runner.RunAsync(
                    scenario, new RunOptions { Threads = threads, Window = window, Check = true }, null, cancellation);
                cancellation.ThrowIfCancellationRequested();
                if (report.Fingerprint != plain.Fingerprint)
                {
                    lines.Add(
                        $"fingerprint {report.Fingerprint[..16]} with {threads} threads and a window of {window} cycles, "
                        + $"{plain.Fingerprint[..16]} plainly");
                }
            }

            if (drawn.Split)
            {
                string restored = RunFromCheckpoint(scenario, windows / 2, cancellation).Fingerprint;
                if (restored != plain.Fingerprint)
                {
                    lines.Add(
                        $"fingerprint {restored[..16]} from a checkpoint after {windows / 2} windows, {plain.Fingerprint[..16]} plainly");
                }

                RunReport report = await split.RunAsync(scenario, new RunOptions { Threads = 1 }, null, cancellation);
                cancellation.ThrowIfCancellationRequested();
                if (report.Fingerprint != plain.Fingerprint)
                {
                    lines.Add($"fingerprint {report.Fingerprint[..16]} split over shards, {plain.Fingerprint[..16]} plainly");
                }
            }

            return lines;
        }
        catch (Exception reason) when (reason is not OperationCanceledException)
        {
            return [$"{reason.GetType().Name}: {reason.Message}", .. (reason.StackTrace ?? "").Split('\n').Take(8)];
        }
    }

    /// <summary>Whether the world cannot be built, as when a program maps more from the start than there is memory.</summary>
    private static bool IsRefused(ScenarioSpec scenario)
    {
        try
        {
            new World(scenario).Dispose();
            return false;
        }
        catch (ScenarioException)
        {
            return true;
        }
    }

    private static (RunReport Report, long Windows) RunPlainly(ScenarioSpec scenario, bool check, CancellationToken cancellation)
    {
        using World world = new(scenario, check);
        SequentialEngine engine = new(world);
        return (RunToTheEnd(world, engine, cancellation), engine.Windows);
    }

    /// <summary>Runs for some windows, and to the end in another world that a checkpoint has put there.</summary>
    private static RunReport RunFromCheckpoint(ScenarioSpec scenario, long windows, CancellationToken cancellation)
    {
        using World first = new(scenario, check: true);
        new SequentialEngine(first).Run(windows, cancellation);
        using MemoryStream stream = new();
        Checkpoint.Save(first, stream);
        stream.Position = 0;
        using World second = new(scenario, check: true);
        Checkpoint.Restore(second, stream);
        return RunToTheEnd(second, new SequentialEngine(second), cancellation);
    }

    private static RunReport RunToTheEnd(World world, SequentialEngine engine, CancellationToken cancellation)
    {
        bool finished = engine.Run(cancellation: cancellation);

        // A run that was stopped says nothing of the scenario: it has a fingerprint of its own.
        cancellation.ThrowIfCancellationRequested();
        return ReportBuilder.Build(world, finished);
    }

    /// <summary>Leaves out what the failure does not need and halves numbers, one thing at a time, until it is cancelled.</summary>
    private async Task<FuzzFailure> ShrinkAsync(FuzzFailure failure, CancellationToken cancellation)
    {
        int runs = 0;
        bool shrunk = true;
        while (shrunk && runs < ShrinkRunsMax)
        {
            shrunk = false;
            foreach (FuzzScenario smaller in FuzzShrinking.Smaller(failure.Scenario))
            {
                if (runs++ >= ShrinkRunsMax)
                {
                    break;
                }

                IReadOnlyList<string> lines;
                try
                {
                    lines = await JudgeAsync(smaller, cancellation);
                }
                catch (OperationCanceledException)
                {
                    return failure;
                }

                if (lines.Count > 0 && lines[0].Split(' ')[0] == failure.Lines[0].Split(' ')[0])
                {
                    failure = failure with { Scenario = smaller, Lines = lines };
                    shrunk = true;
                    break;
                }
            }
        }

        return failure;
    }
}
