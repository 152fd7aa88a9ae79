using VmSim.Core.Settings;

namespace VmSim.Actors.Configuration;

/// <summary>Finds files of the config folder: in the working directory, next to the program, or above either.</summary>
public static class ConfigFiles
{
    /// <summary>Name of the folder.</summary>
    public const string FolderName = "config";

    /// <summary>The path of a file.</summary>
    /// <param name="name">Its path in the config folder, with forward slashes.</param>
    /// <exception cref="ScenarioException">No config folder has it.</exception>
    public static string Find(string name) => TryFind(name)
        ?? throw new ScenarioException($"{FolderName}/{name}: not found in the working directory, next to the program, or above either");

    /// <summary>The path of a file, or null.</summary>
    public static string? TryFind(string name) => Folders().Select(folder => Path.Combine(folder, name)).FirstOrDefault(File.Exists);

    /// <summary>
    /// Where a file lies that somebody names: at its path or, if there is none and the path begins with "config/", in a config folder. So
    /// what ships is found under one path in a clone of the repository, by a program that uses the package, and by the installed tool.
    /// </summary>
    public static string Locate(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        const string Prefix = FolderName + "/";
        return !File.Exists(path) && path.StartsWith(Prefix, StringComparison.Ordinal) && TryFind(path[Prefix.Length..]) is { } shipped
            ? shipped
            : path;
    }

    /// <summary>Names of the .conf files in a folder of the config folder, without the ending, in alphabetical order.</summary>
    public static IReadOnlyList<string> NamesIn(string folder) =>
        [.. Folders().Select(config => Path.Combine(config, folder)).Where(Directory.Exists)
            .SelectMany(path => Directory.GetFiles(path, "*.conf"))
            .Select(path => Path.GetFileNameWithoutExtension(path)!).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];

    private static IEnumerable<string> Folders()
    {
        foreach (string start in (string[])[Directory.GetCurrentDirectory(), AppContext.BaseDirectory])
        {
            for (DirectoryInfo? directory = new(start); directory is not null; directory = directory.Parent)
            {
                string config = Path.Combine(directory.FullName, FolderName);
                if (Directory.Exists(config))
                {
                    yield return config;
                }
            }
        }
    }
}
