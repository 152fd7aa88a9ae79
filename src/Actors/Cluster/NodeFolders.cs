using System.Security.Cryptography;
using VmSim.Core.Settings;

namespace VmSim.Actors.Cluster;

/// <summary>
/// Folders from which a node may load the files of runs that are started elsewhere; its owner names them. A file is asked for by its name
/// and the SHA-256 of its bytes. Of files outside the folders nothing is said, whether they are there or not.
/// </summary>
public sealed class NodeFolders
{
    /// <summary>Links that are followed on the way to a file, as Linux follows at most (path_resolution(7)).</summary>
    private const int LinksMax = 40;

    private readonly string[] _folders;

    /// <summary>Makes the folders of a node.</summary>
    /// <param name="folders">Their paths.</param>
    /// <exception cref="ScenarioException">One is no folder.</exception>
    public NodeFolders(IEnumerable<string> folders)
    {
        ArgumentNullException.ThrowIfNull(folders);
        _folders = [.. folders.Select(folder => Directory.Exists(folder) && Canonical(folder) is { } path
            ? path
            : throw new ScenarioException($"cluster.folders: {folder}: there is no such folder"))];
    }

    /// <summary>No folders: a node that loads no files.</summary>
    public static NodeFolders None { get; } = new([]);

    /// <summary>Whether there are none.</summary>
    public bool IsEmpty => _folders.Length == 0;

    /// <summary>Makes the folders of a node from a setting.</summary>
    /// <param name="setting">Paths with commas between them; empty for none.</param>
    /// <exception cref="ScenarioException">One is no folder.</exception>
    public static NodeFolders Parse(string setting)
    {
        ArgumentNullException.ThrowIfNull(setting);
        return new NodeFolders(setting.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
    }

    /// <summary>
    /// Finds a file: one whose path below a folder is an end of the name, the longest end first, and whose bytes are those that are asked
    /// for.
    /// </summary>
    /// <param name="name">What it is called elsewhere: a path, or the end of one.</param>
    /// <param name="digest">SHA-256 of its bytes, as lower-case hex digits.</param>
    /// <returns>Its path here, without links; null if no folder has it.</returns>
    public string? Find(string name, string digest)
    {
        ArgumentNullException.ThrowIfNull(name);
        string[] parts = name.Split('/', '\\');
        for (int first = 0; first < parts.Length; first++)
        {
            if (Array.Exists(parts[first..], part => part is "" or "." or ".."))
            {
                continue;
            }

            string end = Path.Combine(parts[first..]);
            foreach (string folder in _folders)
            {
                if (Within(folder, end) is { } path && DigestOf(path) == digest)
                {
                    return path;
                }
            }
        }

        return null;
    }

    /// <summary>SHA-256 of a file's bytes, as lower-case hex digits; empty if it cannot be read.</summary>
    private static string DigestOf(string path)
    {
        try
        {
            using FileStream stream = File.OpenRead(path);
            return Convert.ToHexStringLower(SHA256.HashData(stream));
        }
        catch (Exception reason) when (reason is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    private static string? Within(string folder, string end)
    {
        string path = Path.Combine(folder, end);
        if (!path.StartsWith(folder + Path.DirectorySeparatorChar, StringComparison.Ordinal) || !File.Exists(path))
        {
            return null;
        }

        string? canonical = Canonical(path);
        return canonical is not null && canonical.StartsWith(folder + Path.DirectorySeparatorChar, StringComparison.Ordinal)
            ? canonical
            : null;
    }

    /// <summary>A path with every link on it followed; null if they lead nowhere.</summary>
    private static string? Canonical(string path)
    {
        string full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        string root = Path.GetPathRoot(full)!;
        Stack<string> ahead = new(PartsOf(full[root.Length..]).Reverse());
        string done = root;
        int links = 0;
        while (ahead.TryPop(out string? part))
        {
            string next = Path.GetFullPath(Path.Combine(done, part));
            if (new FileInfo(next).LinkTarget is not { } target)
            {
                done = next;
                continue;
            }

            if (++links > LinksMax)
            {
                return null;
            }

            string there = Path.GetFullPath(Path.Combine(done, target));
            done = Path.GetPathRoot(there)!;
            foreach (string step in PartsOf(there[done.Length..]).Reverse())
            {
                ahead.Push(step);
            }
        }

        return done;
    }

    private static IEnumerable<string> PartsOf(string path) =>
        path.Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries);
}
