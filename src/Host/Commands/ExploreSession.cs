using System.Globalization;
using System.Text;
using VmSim.Actors.Configuration;
using VmSim.Actors.Exploring;
using VmSim.Core.Exploring;
using VmSim.Core.Scenarios;
using VmSim.Core.Settings;
using VmSim.Core.VirtualTime;
using VmSim.Core.Workloads.Synthetic;
using VmSim.Host.Drawing;
using VmSim.Host.Files;
using VmSim.Host.Reporting;
using VmSim.Host.Terminal;

namespace VmSim.Host.Commands;

/// <summary>What <c>vmsim explore</c> does once its command line is read.</summary>
/// <param name="limits">How far the orders of each world are tried.</param>
/// <param name="threads">Threads that work.</param>
/// <param name="stateFile">The file of <c>--state</c>; null for none.</param>
/// <param name="folder">Where a counterexample goes; null for the current folder.</param>
/// <param name="sets">Settings that come last, each key=value.</param>
/// <param name="output">Where results go.</param>
/// <param name="error">Where progress goes.</param>
internal sealed class ExploreSession(
    ExploreLimits limits, int threads, string? stateFile, string? folder, IReadOnlyList<string> sets, TextWriter output, TextWriter error)
{
    private const long StatePeriodMilliseconds = 5_000;

    /// <summary>Explores every world up to a size, under each of several protocols; ends with the first that breaks a rule.</summary>
    public async Task<int> ExploreAsync(IReadOnlyList<ExploreScenario> scenarios, CancellationToken cancellation)
    {
        if (stateFile is not null && scenarios.Count > 1)
        {
            throw new UsageException("--state: several protocols found; one protocol is allowed with it");
        }

        foreach (ExploreScenario scenario in scenarios)
        {
            int code = await ExploreAsync(scenario, cancellation);
            if (code != ExitCodes.Ok || cancellation.IsCancellationRequested)
            {
                return code;
            }
        }

        return ExitCodes.Ok;
    }

    /// <summary>Explores one scenario.</summary>
    public async Task<int> ExploreAsync(string path, CancellationToken cancellation)
    {
        ScenarioSpec scenario = ScenarioLoader.Load(path, sets);
        if (scenario.Schedule.Length > 0)
        {
            throw new ScenarioException($"{path}: schedule: \"{scenario.Schedule}\" found; a scenario is explored without one");
        }

        SmallWorld world = ExploreScenario.WorldOf(scenario);
        long started = Environment.TickCount64;
        OrderResult result;
        try
        {
            using OrderExplorer explorer = new(null, limits);
            result = await Task.Run(() => explorer.Explore(world, cancellation), cancellation);
        }
        catch (ScenarioException reason)
        {
            throw new ScenarioException($"{path}: {reason.Message}", reason);
        }
        catch (OperationCanceledException)
        {
            await output.WriteLineAsync($"{path}: stopped; no rule broken so far ({Seconds(started)})");
            return ExitCodes.Ok;
        }

        if (result.Failure is { } failure)
        {
            OrderFailure smallest = await Task.Run(
                () => world.IsScript ? new Shrinker(null, limits).Shrink(failure, cancellation) : failure, CancellationToken.None);
            return await ReportAsync(smallest, scenario.Shootdown.Protocol, FileOf(path, smallest));
        }

        await output.WriteLineAsync(
            $"{path}: {Quantities.Of(result.Schedules, "schedule")}, {Quantities.Of(result.States, "state")}, every order up to "
                + $"{Quantities.Of(limits.Delays, "delay")}: no rule broken ({Seconds(started)})");
        await output.WriteLineAsync(Bounds(world.IsScript ? "messages and steps" : "messages"));
        return ExitCodes.Ok;
    }

    private async Task<int> ExploreAsync(ExploreScenario scenario, CancellationToken cancellation)
    {
        SmallWorld world = scenario.Load(sets);
        string key = KeyOf(scenario);
        ExploreState from = ReadState(key);
        WorldGenerator generator = new(scenario.Size);
        using StatusLine status = new(error);
        status.Show($"{scenario.Protocol}: counting worlds");
        long worlds = await Task.Run(
            () => generator.All().TakeWhile(_ => !cancellation.IsCancellationRequested).LongCount(), CancellationToken.None);
        long started = Environment.TickCount64;
        Watch watch = new(this, status, scenario.Protocol, worlds, from.Schedules);
        ExploreResult result = await new ExploreRunner(world, null, limits).RunAsync(generator.All(), from, threads, watch, cancellation);
        WriteState(result.State);
        status.Dispose();
        if (result.Failure is { } failure)
        {
            return await ReportAsync(
                failure,
                scenario.Protocol,
                scenario.Text(failure.Schedule.Apply(failure.World.Threads), failure.Schedule.Messages.ToText(scenario.Size.Cores))
                    + SetLines());
        }

        ExploreState state = result.State;
        string made = $"{Quantities.Of(state.Schedules, "schedule")}, {Quantities.Of(state.States, "state")}";
        string size = $"{Quantities.Of(scenario.Size.Cores, "core")} x {Quantities.Of(scenario.Size.Operations, "operation")} x "
            + $"{Quantities.Of(scenario.Size.Pages, "page")}";
        await output.WriteLineAsync(result.IsWhole
            ? $"{scenario.Protocol}, {size}: {Quantities.Of(state.Worlds, "world")}, {made}, every order up to "
                + $"{Quantities.Of(limits.Delays, "delay")}: no rule broken ({Seconds(started)})"
            : $"{scenario.Protocol}, {size}: stopped after {Quantities.Exact(state.Worlds)} of {Quantities.Of(worlds, "world")}, {made}, "
                + $"every order of these up to {Quantities.Of(limits.Delays, "delay")}: no rule broken ({Seconds(started)})");
        await output.WriteLineAsync(Bounds("messages and steps"));
        return ExitCodes.Ok;
    }

    private string Bounds(string what) =>
        $"left out: more than {Quantities.Of(limits.Delays, "delay")} in a run, delays of {what} beyond "
            + $"{Quantities.Exact(limits.Longest.Value)} cycles, and events that this world does not have (docs/explore.md)";

    /// <summary>What is explored, in words: a state file is good for the same alone.</summary>
    private string KeyOf(ExploreScenario scenario) => string.Create(
        CultureInfo.InvariantCulture,
        $"{scenario.Protocol} cores {scenario.Size.Cores} operations {scenario.Size.Operations} pages {scenario.Size.Pages} spaces "
            + $"{scenario.Spaces} {OthersOf(scenario)}memory {scenario.Memory} "
            + $"alphabet {string.Join(' ', scenario.Size.Alphabet)} delays {limits.Delays} "
            + $"longest {limits.Longest.Value} {string.Join(' ', sets)}").TrimEnd();

    private static string OthersOf(ExploreScenario scenario) =>
        scenario.Others.Count == 0 ? "" : $"others {ScriptStep.Format(scenario.Others)} ";

    private ExploreState ReadState(string key)
    {
        if (stateFile is null || !File.Exists(stateFile))
        {
            return new ExploreState(key, 0, 0, 0);
        }

        return ExploreState.Read(File.ReadAllText(stateFile), key, out string problem)
            ?? throw new ScenarioException($"{stateFile}: {problem}");
    }

    private void WriteState(ExploreState state)
    {
        if (stateFile is not null)
        {
            Write(stateFile, "--state", state.Text);
        }
    }

    private static void Write(string path, string what, string text)
    {
        using OutputFile file = new(path, what);
        file.Stream.Write(Encoding.UTF8.GetBytes(text));
        file.Complete();
    }

    /// <summary>The scenario file of a counterexample whose scenario was read from a file: the file, and what is different.</summary>
    private string FileOf(string path, OrderFailure failure)
    {
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"include {SettingValues.InQuotes(Path.GetFullPath(path))}\n");
        text.Append(SetLines()).Append("check = on\n");
        if (failure.World.IsScript)
        {
            text.Append("processes = [\n");
            ExploreScenario.WriteProcess(
                text, failure.World.Base.Processes[0].Name, failure.World.Program, failure.Schedule.Apply(failure.World.Threads));
            text.Append("]\n");
        }

        MessageSchedule messages = failure.Schedule.Messages;
        if (messages.Delays.Count > 0)
        {
            string schedule = messages.ToText(failure.World.Base.Machine.Cores);
            text.Append(CultureInfo.InvariantCulture, $"schedule = {SettingValues.InQuotes(schedule)}\n");
        }

        return text.ToString();
    }

    /// <summary>The settings of the command line, for a scenario file: the last one of a key holds.</summary>
    private string SetLines() => string.Concat(sets.Select(set => set.Replace("=", " = ", StringComparison.Ordinal) + "\n"));

    private async Task<int> ReportAsync(OrderFailure failure, string protocol, string scenario)
    {
        using OrderExplorer explorer = new(null, limits);
        RunStory story = explorer.Tell(failure.World, failure.Schedule);
        string path = Path.Combine(folder ?? "", $"explore-{protocol}");
        if (folder is not null)
        {
            Directory.CreateDirectory(folder);
        }

        StringWriter picture = new(CultureInfo.InvariantCulture);
        SequenceDiagram diagram = CounterexampleView.Diagram(failure, story, protocol);
        diagram.Write(picture);
        Write($"{path}.svg", "--out", picture.ToString());
        Write($"{path}.conf", "--out", scenario);
        await output.WriteLineAsync($"{protocol} breaks {failure.Rule}; again: vmsim check {path}.conf; picture: {path}.svg\n");
        foreach (string line in CounterexampleView.Lines(failure, story))
        {
            await output.WriteLineAsync(line);
        }

        return ExitCodes.Broken;
    }

    private static string Seconds(long started) => Quantities.Seconds(Math.Max(1, Environment.TickCount64 - started) / 1000.0);

    /// <summary>Shows how far it has come, and keeps the state file.</summary>
    private sealed class Watch(ExploreSession session, StatusLine status, string protocol, long worlds, long before)
        : IProgress<ExploreState>
    {
        private readonly Lock _gate = new();
        private readonly long _started = Environment.TickCount64;
        private long _saved = Environment.TickCount64;

        public void Report(ExploreState value)
        {
            lock (_gate)
            {
                double seconds = Math.Max(0.001, (Environment.TickCount64 - _started) / 1000.0);
                status.Show(
                    $"{protocol}: {Quantities.Exact(value.Worlds)} of {Quantities.Of(worlds, "world")}, "
                        + $"{Quantities.Count(value.Schedules)} schedules, {Quantities.Count((value.Schedules - before) / seconds)}/s");
                if (Environment.TickCount64 - _saved >= StatePeriodMilliseconds)
                {
                    session.WriteState(value);
                    _saved = Environment.TickCount64;
                }
            }
        }
    }
}
