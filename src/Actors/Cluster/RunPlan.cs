using System.Security.Cryptography;
using VmSim.Actors.Configuration;
using VmSim.Core.Scenarios;
using VmSim.Core.Settings;

namespace VmSim.Actors.Cluster;

/// <summary>A file that a run reads.</summary>
/// <param name="Path">Where it is, on every node.</param>
/// <param name="Digest">SHA-256 of its bytes, as lower-case hex digits.</param>
public sealed record RunInput(string Path, string Digest)
{
    /// <summary>Reads a file's digest.</summary>
    public static RunInput Of(string path)
    {
        using FileStream stream = File.OpenRead(path);
        return new RunInput(path, Convert.ToHexStringLower(SHA256.HashData(stream)));
    }
}

/// <summary>A run as every node of a cluster gets it: each builds the world and works the placement out for itself.</summary>
public sealed record RunPlan
{
    /// <summary>The scenario, every setting written out.</summary>
    public required string Scenario { get; init; }

    /// <summary>Traces that the scenario names; they must be the same on every node.</summary>
    public IReadOnlyList<RunInput> Inputs { get; init; } = [];

    /// <summary>Nodes of the run.</summary>
    public required int Nodes { get; init; }

    /// <summary>Most cores that a domain may have to live on one node; 0 splits every domain.</summary>
    public required int CoresPerNode { get; init; }

    /// <summary>Length of a window in cycles, 1 to the bound.</summary>
    public required long Window { get; init; }

    /// <summary>Virtual time at which the run stops, in cycles; 0 for when all threads have ended.</summary>
    public long Until { get; init; }

    /// <summary>Host threads that simulate on each node; 0 for as many as the node has.</summary>
    public int Threads { get; init; }

    /// <summary>Makes the plan of a run.</summary>
    /// <param name="scenario">What is simulated.</param>
    /// <param name="cluster">How it is spread.</param>
    /// <param name="nodes">Over how many nodes.</param>
    /// <param name="window">Length of a window in cycles.</param>
    /// <param name="threads">Host threads on each node; 0 for as many as the node has.</param>
    public static RunPlan Of(ScenarioSpec scenario, ClusterSettings cluster, int nodes, long window, int threads)
    {
        ArgumentNullException.ThrowIfNull(scenario);
        ArgumentNullException.ThrowIfNull(cluster);
        using StringWriter text = new();
        EffectiveConfiguration.Write(scenario, text);
        IEnumerable<string> traces = scenario.Processes.SelectMany(process => process.Settings).Where(setting => setting.Key == "trace").Select(setting => setting.Value);
        return new RunPlan
        {
            Scenario = text.ToString(),
            Inputs = [.. traces.Distinct(StringComparer.Ordinal).Select(RunInput.Of)],
            Nodes = nodes,
            CoresPerNode = cluster.CoresOfWholeDomain,
            Window = window,
            Until = scenario.Until,
            Threads = threads,
        };
    }

    /// <summary>Loads the scenario on this node.</summary>
    /// <exception cref="ScenarioException">A trace is missing here, or is another one.</exception>
    public ScenarioSpec Load()
    {
        foreach (RunInput input in Inputs)
        {
            if (!File.Exists(input.Path))
            {
                throw new ScenarioException($"{input.Path}: there is no such file on this node; traces must be on every node, at the same path");
            }

            string found = RunInput.Of(input.Path).Digest;
            if (found != input.Digest)
            {
                throw new ScenarioException($"{input.Path}: another file than where the run was started (SHA-256 {found}, there {input.Digest})");
            }
        }

        return ScenarioLoader.Parse(Scenario, "scenario", Directory.GetCurrentDirectory(), []);
    }
}
