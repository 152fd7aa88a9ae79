using VmSim.Actors.Configuration;
using VmSim.Core.Settings;

namespace VmSim.Host.Service;

/// <summary>The files of a submitted run: the traces that came with it, in the store, and nothing else.</summary>
/// <param name="inputs">Those that came with it.</param>
/// <param name="store">The store.</param>
internal sealed class StoredFiles(IReadOnlyList<InputName> inputs, StoreFolder store) : IScenarioFiles
{
    private readonly Dictionary<string, string> _paths = inputs.DistinctBy(input => input.Path).ToDictionary(
        input => input.Path, input => store.InputOf(input.Digest, EndingOf(input.Path)), StringComparer.Ordinal);

    /// <summary>How a trace's name ends; binary traces and text have one each, so that the reader knows them.</summary>
    /// <exception cref="ScenarioException">No trace ends so.</exception>
    public static string EndingOf(string path) =>
        TraceFiles.Endings.OrderByDescending(ending => ending.Length).FirstOrDefault(
            ending => path.EndsWith(ending, StringComparison.Ordinal))
        ?? throw new ScenarioException($"{path}: a trace ends with {string.Join(", ", TraceFiles.Endings)}");

    /// <inheritdoc/>
    public FoundTrace FindTrace(string name)
    {
        string directory = Path.GetDirectoryName(name) ?? "";
        return new FoundTrace(PathOf(name), name, other => _paths.GetValueOrDefault(Path.Combine(directory, Path.GetFileName(other))));
    }

    /// <inheritdoc/>
    public PlugIn LoadPlugIn(string name, string key, IReadOnlyList<PlugIn> before) =>
        throw new ScenarioException($"{key}: {name}: a plug-in is code, and this service takes none; run it with vmsim run");

    private string PathOf(string name) => _paths.TryGetValue(name, out string? path)
        ? path
        : throw new ScenarioException($"{name}: this trace did not come with the job; vmsim submit sends the traces along");
}
