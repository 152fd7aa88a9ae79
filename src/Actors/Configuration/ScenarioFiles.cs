using VmSim.Core.Settings;

namespace VmSim.Actors.Configuration;

/// <summary>A trace that was found.</summary>
/// <param name="Path">Where it is.</param>
/// <param name="Name">What it is called: the program, its threads and the traces of its children have their names from that.</param>
/// <param name="Beside">Where a trace of the same family is that stands beside it, by its name; null if there is none.</param>
public readonly record struct FoundTrace(string Path, string Name, Func<string, string?> Beside);

/// <summary>The files that a scenario names: traces and plug-ins.</summary>
public interface IScenarioFiles
{
    /// <summary>Finds a trace.</summary>
    /// <param name="name">What the scenario calls it.</param>
    FoundTrace FindTrace(string name);

    /// <summary>Loads a plug-in, so that what is in it can be named.</summary>
    /// <param name="name">What the scenario calls it.</param>
    /// <param name="key">The setting that names it, for messages.</param>
    /// <param name="before">Those that were loaded before it; it may need them.</param>
    /// <exception cref="ScenarioException">It cannot be loaded.</exception>
    PlugIn LoadPlugIn(string name, string key, IReadOnlyList<PlugIn> before);
}

/// <summary>Files wherever a scenario says that they are: it is a file of the person who runs it.</summary>
/// <param name="directory">Where its relative paths begin.</param>
public sealed class OwnFiles(string directory) : IScenarioFiles
{
    /// <inheritdoc/>
    public FoundTrace FindTrace(string name)
    {
        string path = Locate(name);
        return new FoundTrace(path, path, other => Beside(path, other));
    }

    /// <inheritdoc/>
    public PlugIn LoadPlugIn(string name, string key, IReadOnlyList<PlugIn> before)
    {
        string beside = Path.GetFullPath(Path.Combine(directory, name));
        return PlugInFile.Load(!File.Exists(beside) && File.Exists(name) ? Path.GetFullPath(name) : beside, key, before);
    }

    /// <summary>Where a file is that stands beside another; null if there is none.</summary>
    internal static string? Beside(string path, string name)
    {
        string beside = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path))!, Path.GetFileName(name));
        return File.Exists(beside) ? beside : null;
    }

    /// <summary>
    /// A trace's path: relative to the scenario, to the working directory, or to the folder that holds the config folder.
    /// </summary>
    private string Locate(string file)
    {
        string beside = Path.GetFullPath(Path.Combine(directory, file));
        if (File.Exists(beside))
        {
            return beside;
        }

        string located = ConfigFiles.Locate(file);
        return File.Exists(located) ? Path.GetFullPath(located) : file;
    }
}
