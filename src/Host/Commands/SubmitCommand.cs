using System.CommandLine;
using VmSim.Actors.Cluster;
using VmSim.Actors.Configuration;
using VmSim.Core.Scenarios;
using VmSim.Host.Hosting;
using VmSim.Host.Service;
using VmSim.Host.Sweeps;
using VmSim.Host.Terminal;

namespace VmSim.Host.Commands;

/// <summary><c>vmsim submit</c>: gives a scenario, a trace or a sweep to a service.</summary>
internal static class SubmitCommand
{
    public static Command Create(TextWriter output, TextWriter error)
    {
        ServiceArguments service = new();
        Argument<string> scenario = new("scenario") { Description = "Scenario file, trace, or sweep file." };
        Option<string[]> set = new("--set")
        {
            Description = "Change a setting of all runs: --set machine.cores=16. May be repeated.",
            HelpName = "key=value",
        };
        Option<int> priority = NumberOption.Create(
            "--priority", "Greater ones go first.", 0, JobLimits.PriorityMax, fallback: JobLimits.PriorityUsual);
        Option<string?> name = new("--name") { Description = "What to call it; the scenario's or sweep's name by default." };
        Option<int> nodes = NumberOption.Create(
            "--nodes", "Spread each run over so many nodes of the service. Never changes results.", 1, RunPlan.NodesMax, fallback: 1);
        Option<int> cores = NumberOption.Create(
            "--cores",
            "Host threads that are to simulate each run; over several nodes if none gives so many. Never changes results.",
            1,
            JobLimits.CoresMax,
            fallback: 0);
        BoundsOptions bounds = new("each run");
        Command command = new("submit", "Submits a scenario, a trace or a sweep to a service, and prints the job's number.")
        {
            scenario, set, priority, name, nodes, cores,
        };
        Suggestions.Offer(scenario, Suggestions.Scenarios);
        set.CompletionSources.Add(Suggestions.Settings);
        bounds.AddTo(command);
        service.AddTo(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            SweepPlan plan = SweepFile.Load(parsed.GetValue(scenario)!);
            ILookup<bool, string> sets = (parsed.GetValue(set) ?? [])
                .ToLookup(item => item.StartsWith(ClusterSettings.Prefix, StringComparison.Ordinal));
            JobSpread spread = SpreadOf(parsed.GetValue(nodes), parsed.GetValue(cores), [.. sets[true]]);
            plan = plan with { Sets = [.. plan.Sets, .. sets[false]] };
            (JobRequest request, IReadOnlyList<RunInput> files, RunMemory memory) =
                RequestOf(plan, parsed.GetValue(name) ?? plan.Name, parsed.GetValue(priority));
            using ServiceClient client = service.Connect(parsed);
            foreach (RunInput file in files)
            {
                await client.SendInputAsync(file.Path, file.Digest, cancellation);
            }

            JobReceipt receipt = await client.SubmitAsync(request with { Bounds = bounds.Read(parsed), Spread = spread }, cancellation);
            await output.WriteLineAsync($"{receipt.Id}");
            string jobs = receipt.Count == 1 ? $"job {receipt.Id}" : $"jobs {receipt.Id} to {receipt.Id + receipt.Count - 1}";
            await error.WriteLineAsync(
                $"vmsim: {jobs} submitted, {(receipt.Count == 1 ? "which needs" : "each of which needs at most")} {memory} "
                + $"of memory{(receipt.Done > 0 ? $"; the service has {Quantities.Of(receipt.Done, "result")} already" : "")}");
            if (receipt.Hint.Length > 0)
            {
                await error.WriteLineAsync($"vmsim: {jobs} may fail for a limit: {receipt.Hint}");
            }

            return ExitCodes.Ok;
        });
        return command;
    }

    private static JobSpread SpreadOf(int nodes, int cores, string[] sets)
    {
        if (Array.Find(sets, set => !JobRules.IsPlacement(set)) is { } other)
        {
            throw new UsageException(
                $"--set {other}: of a job's cluster, cluster.placement and cluster.cores-per-node are allowed; the rest is each "
                + "node's own");
        }

        // What is wrong with them is said here, and not by the job's process later.
        ClusterHost.Settings(sets);
        return new JobSpread(nodes, Cores: cores, Sets: sets);
    }

    private static (JobRequest Request, IReadOnlyList<RunInput> Files, RunMemory Memory) RequestOf(
        SweepPlan plan, string name, int priority)
    {
        Dictionary<string, RunInput> files = new(StringComparer.Ordinal);
        List<RunRequest> runs = [];
        long most = 0;
        double until = 0;
        IReadOnlyList<SweepPoint> points = plan.Points();
        if (points.Count > JobLimits.RunsMax)
        {
            throw new UsageException($"{plan.Name}: {points.Count} runs found; a service takes {JobLimits.RunsMax} at once");
        }

        foreach (SweepPoint point in points)
        {
            ScenarioSpec spec = SweepScenario.Load(plan.Scenario, point.Sets(plan), plan.FitsSockets);
            if (spec.PlugIns.Count > 0)
            {
                throw new UsageException("plug-ins: a plug-in is code, and a service takes none; run it with vmsim run");
            }

            RunDraft draft = RunDraft.Of(spec);
            most = Math.Max(most, draft.Memory.Bytes);
            until = Math.Max(until, draft.UntilSeconds);
            List<InputName> inputs = [];
            foreach (string path in RunPlan.FilesOf(spec))
            {
                RunInput file = files.TryGetValue(path, out RunInput? known) ? known : (files[path] = RunInput.Of(path));
                inputs.Add(new InputName(path, file.Digest));
            }

            runs.Add(new RunRequest(point.Text(plan.Axes), draft.Text, inputs, draft.Memory.Bytes, draft.SharedBytes));
        }

        JobBounds needs = RunDraft.Needs(new RunMemory(most).InAll, until);
        return (new JobRequest(name, runs, priority, Needs: needs), [.. files.Values], new RunMemory(most));
    }
}
