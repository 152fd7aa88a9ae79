using VmSim.Actors.Configuration;
using VmSim.Core.Settings;

namespace VmSim.Actors.Cluster;

/// <summary>The files of a run that was started elsewhere: those that its plan lists, where the node's folders have them.</summary>
public sealed class PlanFiles : IScenarioFiles
{
    private readonly Dictionary<string, string> _paths = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _digests = new(StringComparer.Ordinal);

    /// <summary>Finds the files.</summary>
    /// <param name="inputs">Those that the plan lists.</param>
    /// <param name="folders">Folders from which the node may load files.</param>
    /// <exception cref="ScenarioException">The folders lack one.</exception>
    public PlanFiles(IReadOnlyList<RunInput> inputs, NodeFolders folders)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(folders);
        foreach (RunInput input in inputs)
        {
            _paths[input.Path] = PathOf(input, folders);
            _digests[input.Path] = input.Digest;
        }
    }

    /// <summary>Where a node has a file.</summary>
    /// <exception cref="ScenarioException">The folders lack it.</exception>
    internal static string PathOf(RunInput input, NodeFolders folders) =>
        folders.Find(input.Path, input.Digest) ?? throw new ScenarioException(folders.IsEmpty
            ? $"{input.Path}: this node has no folders to load files from; it is started with --set cluster.folders=FOLDER"
            : $"{input.Path}: the folders of this node do not have this file with SHA-256 {input.Digest}; copy it into one");

    /// <inheritdoc/>
    public FoundTrace FindTrace(string name)
    {
        string directory = Path.GetDirectoryName(name) ?? "";
        return new FoundTrace(PathOf(name), name, other => _paths.GetValueOrDefault(Path.Combine(directory, Path.GetFileName(other))));
    }

    /// <inheritdoc/>
    public PlugIn LoadPlugIn(string name, string key, IReadOnlyList<PlugIn> before) =>
        PlugInFile.LoadByDigest(PathOf(name), key, before, _digests[name]);

    private string PathOf(string name) =>
        _paths.TryGetValue(name, out string? path)
            ? path
            : throw new ScenarioException($"{name}: the plan of the run does not list this file");
}
