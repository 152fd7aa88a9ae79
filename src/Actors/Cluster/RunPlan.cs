using System.Security.Cryptography;
using VmSim.Actors.Configuration;
using VmSim.Actors.Running;
using VmSim.Core.Engine;
using VmSim.Core.Kernel;
using VmSim.Core.Scenarios;
using VmSim.Core.Settings;

namespace VmSim.Actors.Cluster;

/// <summary>A file that a run reads.</summary>
/// <param name="Path">Where it is on the machine where the run was started, as the scenario calls it.</param>
/// <param name="Digest">SHA-256 of its bytes, as lower-case hex digits.</param>
public sealed record RunInput(string Path, string Digest)
{
    /// <summary>Characters of a digest.</summary>
    public const int DigestLength = 2 * SHA256.HashSizeInBytes;

    /// <summary>Reads a file's digest.</summary>
    public static RunInput Of(string path)
    {
        using FileStream stream = File.OpenRead(path);
        return new RunInput(path, Convert.ToHexStringLower(SHA256.HashData(stream)));
    }
}

/// <summary>A checkpoint that a run goes on from; a node has it in folders of its own.</summary>
/// <param name="File">The file.</param>
/// <param name="Start">Where in the file it begins, in bytes.</param>
public sealed record PlanCheckpoint(RunInput File, long Start);

/// <summary>A run as every node of a cluster gets it: each builds the world and works the placement out for itself.</summary>
public sealed record RunPlan
{
    /// <summary>Most nodes of a run.</summary>
    public const int NodesMax = 256;

    /// <summary>The scenario, every setting written out.</summary>
    public required string Scenario { get; init; }

    /// <summary>Plug-ins and traces that the scenario names; a node has them in folders of its own.</summary>
    public IReadOnlyList<RunInput> Inputs { get; init; } = [];

    /// <summary>Nodes of the run.</summary>
    public required int Nodes { get; init; }

    /// <summary>Most cores that a domain may have to live on one node; 0 splits every domain.</summary>
    public required int CoresPerNode { get; init; }

    /// <summary>Length of a window in cycles, 1 to the bound.</summary>
    public required long Window { get; init; }

    /// <summary>Virtual time at which the run stops, in cycles; 0 for when all processes have ended.</summary>
    public long Until { get; init; }

    /// <summary>Host threads that simulate on each node; 0 for as many as the node has.</summary>
    public int Threads { get; init; }

    /// <summary>What the report has one by one.</summary>
    public RunLists Lists { get; init; } = RunLists.None;

    /// <summary>
    /// Whether the translation checker watches. It judges a space by all cores that may hold its translations, so that each domain lives on
    /// one node then, however large.
    /// </summary>
    public bool Check { get; init; }

    /// <summary>What the run goes on from; null for a run from the beginning.</summary>
    public PlanCheckpoint? Checkpoint { get; init; }

    /// <summary>Most cores of a domain that lives on one node, in a run that the checker watches or does not.</summary>
    internal static int CoresOfWholeDomain(bool check, int asked) => check ? int.MaxValue : asked;

    /// <summary>Makes the plan of a run.</summary>
    /// <param name="scenario">What is simulated.</param>
    /// <param name="cluster">How it is spread.</param>
    /// <param name="nodes">Over how many nodes.</param>
    /// <param name="window">Length of a window in cycles.</param>
    /// <param name="options">How it is carried out.</param>
    public static RunPlan Of(ScenarioSpec scenario, ClusterSettings cluster, int nodes, long window, RunOptions options)
    {
        ArgumentNullException.ThrowIfNull(scenario);
        ArgumentNullException.ThrowIfNull(cluster);
        ArgumentNullException.ThrowIfNull(options);
        using StringWriter text = new();
        EffectiveConfiguration.Write(scenario, text);
        IEnumerable<RunInput> plugIns = scenario.PlugIns.Select(plugIn => new RunInput(plugIn.Path, plugIn.Digest));
        return new RunPlan
        {
            Scenario = text.ToString(),
            Inputs = [.. plugIns, .. TracesOf(scenario).Select(RunInput.Of)],
            Nodes = nodes,
            CoresPerNode = CoresOfWholeDomain(options.Check || scenario.IsChecked, cluster.CoresOfWholeDomain),
            Window = window,
            Until = scenario.Until,
            Threads = options.Threads,
            Lists = options.Lists,
            Check = options.Check || scenario.IsChecked,
            Checkpoint = options.Checkpoints?.From is FileStream from ? new PlanCheckpoint(RunInput.Of(from.Name), from.Position) : null,
        };
    }

    /// <summary>Files that a scenario was read from.</summary>
    public static IEnumerable<string> FilesOf(ScenarioSpec scenario)
    {
        ArgumentNullException.ThrowIfNull(scenario);
        return scenario.PlugIns.Select(plugIn => plugIn.Path).Concat(TracesOf(scenario));
    }

    private static IEnumerable<string> TracesOf(ScenarioSpec scenario) =>
        scenario.Processes.SelectMany(process => process.Files).Distinct(StringComparer.Ordinal);

    /// <summary>Loads the scenario on this node.</summary>
    /// <param name="folders">Folders from which the node may load files.</param>
    /// <exception cref="ScenarioException">A file is missing here, or is another one.</exception>
    public ScenarioSpec Load(NodeFolders folders) => ScenarioLoader.Parse(Scenario, "scenario", new PlanFiles(Inputs, folders), []);

    /// <summary>Puts the world of a node to where the run begins.</summary>
    /// <param name="world">The world, at time 0.</param>
    /// <param name="node">The node's number.</param>
    /// <param name="folders">Folders from which the node may load files.</param>
    /// <exception cref="ScenarioException">The checkpoint is missing here, damaged, of another build, or behind the run's end.</exception>
    internal void Restore(World world, int node, NodeFolders folders)
    {
        if (Checkpoint is not { } from)
        {
            return;
        }

        using FileStream stream = System.IO.File.OpenRead(PlanFiles.PathOf(from.File, folders));
        stream.Position = Math.Min(from.Start, stream.Length);
        RunPieces.Restore(world, stream, from.File.Path);
        world.Settle(keepsSums: node == 0);
    }
}
