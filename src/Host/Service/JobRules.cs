using System.Security.Cryptography;
using VmSim.Actors.Cluster;
using VmSim.Actors.Configuration;
using VmSim.Host.Terminal;

namespace VmSim.Host.Service;

/// <summary>
/// What a submission must be like before anything is done with it. Its scenarios are read later, in processes of their own.
/// </summary>
internal static class JobRules
{
    private static readonly string[] Placements = ["placement", "cores-per-node"];

    /// <summary>What is wrong with a submission; null if nothing is.</summary>
    /// <param name="request">The submission.</param>
    /// <param name="hasInput">Whether the store has a file.</param>
    /// <param name="caps">What the service allows any job.</param>
    public static string? Problem(JobRequest request, Func<InputName, bool> hasInput, JobBounds caps)
    {
        if ((request.Bounds?.Problem(caps) ?? request.Needs?.NeedsProblem()) is { } beyond)
        {
            return beyond;
        }

        if (request.Spread is { } spread && SpreadProblem(spread) is { } strange)
        {
            return strange;
        }

        if (NameProblem("name", request.Name, isNeeded: true) is { } wrong)
        {
            return wrong;
        }

        if (request.Priority is < 0 or > JobLimits.PriorityMax)
        {
            return $"priority: {request.Priority} found; 0 to {JobLimits.PriorityMax} are allowed";
        }

        // A list may hold nulls, whatever its type says.
        if (request.Runs.Contains(null) || request.Runs.Any(run => run.Inputs.Contains(null)))
        {
            return "runs: null found where a run or an input is needed";
        }

        return request.Runs.Count is 0 or > JobLimits.RunsMax
            ? $"runs: {request.Runs.Count} found; 1 to {JobLimits.RunsMax} are allowed"
            : request.Runs.Select((run, i) => RunProblem(run, $"runs[{i}]", hasInput)).FirstOrDefault(found => found is not null);
    }

    /// <summary>Whether a setting says how the domains of a run are placed, which is all that a job may say of its cluster.</summary>
    public static bool IsPlacement(string set) => Array.Exists(
        Placements, key => set.StartsWith($"{ClusterSettings.Prefix}{key}=", StringComparison.Ordinal));

    private static string? SpreadProblem(JobSpread spread)
    {
        if (spread.Nodes is < 1 or > RunPlan.NodesMax || spread.Cores is < 0 or > JobLimits.CoresMax)
        {
            return $"spread: 1 to {RunPlan.NodesMax} nodes, and at most {JobLimits.CoresMax} host threads, are allowed";
        }

        // A list may hold nulls, whatever its type says.
        return spread.Sets is { } sets
            && (sets.Count > Placements.Length || sets.Any(set => set is null || set.Length > JobLimits.NameMax || !IsPlacement(set)))
            ? $"spread.sets: {string.Join(" and ", Placements.Select(key => $"{ClusterSettings.Prefix}{key}=VALUE"))} are allowed"
            : null;
    }

    private static string? RunProblem(RunRequest run, string where, Func<InputName, bool> hasInput)
    {
        if (NameProblem($"{where}.label", run.Label, isNeeded: false) is { } wrong)
        {
            return wrong;
        }

        if (run.Scenario.Length is 0 or > ScenarioLoader.TextMax)
        {
            return $"{where}.scenario: {run.Scenario.Length:N0} characters found; 1 to {ScenarioLoader.TextMax:N0} are allowed";
        }

        if (run.Scenario.Contains('\0', StringComparison.Ordinal))
        {
            return $"{where}.scenario: the character 0 found; it is allowed in no text";
        }

        if (run.MemoryBytes < 0 || run.SharedBytes < 0 || run.SharedBytes > run.MemoryBytes)
        {
            return $"{where}.memoryBytes, sharedBytes: none below 0, and no more shared than there are in all, are allowed";
        }

        return run.Inputs.Count > JobLimits.InputsMax
            ? $"{where}.inputs: {run.Inputs.Count} found; at most {JobLimits.InputsMax} are allowed"
            : run.Inputs.Select((input, i) => InputProblem(input, $"{where}.inputs[{i}]", hasInput))
                .FirstOrDefault(found => found is not null);
    }

    private static string? InputProblem(InputName input, string where, Func<InputName, bool> hasInput) =>
        NameProblem($"{where}.path", input.Path, isNeeded: true)
        ?? (!TraceFiles.IsTrace(input.Path) ? $"{where}.path: a trace ends with {string.Join(", ", TraceFiles.Endings)}"
            : !StoreFolder.IsHex(input.Digest, 2 * SHA256.HashSizeInBytes) ? $"{where}.digest: a SHA-256 in lower-case hex digits is needed"
            : !hasInput(input) ? $"{where}: the store has no file with SHA-256 {input.Digest}; send it first"
            : null);

    private static string? NameProblem(string where, string name, bool isNeeded) =>
        name.Length > JobLimits.NameMax || (isNeeded && name.Length == 0)
            ? $"{where}: {name.Length} characters found; {(isNeeded ? 1 : 0)} to {JobLimits.NameMax} are allowed"
            : PlainWriter.Line(name) != name || name.Contains('\t', StringComparison.Ordinal)
                ? $"{where}: a control character found; none is allowed"
                : null;
}
