using VmSim.Core.Scenarios;
using VmSim.Core.Workloads.Traces;

namespace VmSim.Actors.Configuration;

/// <summary>Opens traces of programs.</summary>
public static class TraceFiles
{
    private static readonly string[] Endings = [".vmt", ".vmt.gz", ".vmtb"];

    /// <summary>Whether a file's name says that it is a trace.</summary>
    public static bool IsTrace(string path) => Array.Exists(Endings, ending => path.EndsWith(ending, StringComparison.Ordinal));

    /// <summary>The program's name in a trace's file name.</summary>
    public static string ProgramOf(string path)
    {
        string name = Path.GetFileName(path);
        string? ending = Array.Find(Endings, candidate => name.EndsWith(candidate, StringComparison.Ordinal));
        return ending is null ? name : name[..^ending.Length];
    }

    /// <summary>Reads a trace to its end.</summary>
    /// <exception cref="ScenarioException">There is no such file.</exception>
    /// <exception cref="TraceFormatException">The trace is cut off or damaged.</exception>
    public static LoadedTrace Load(string path)
    {
        if (!File.Exists(path))
        {
            throw new ScenarioException($"{path}: there is no such trace");
        }

        string directory = Path.GetDirectoryName(Path.GetFullPath(path))!;
        using FileStream stream = File.OpenRead(path);
        return VmtReader.Load(stream, path, new TraceLoadOptions
        {
            Name = ProgramOf(path),
            OpenFile = name => OpenBeside(directory, name),
        });
    }

    private static FileStream? OpenBeside(string directory, string name)
    {
        string path = Path.Combine(directory, Path.GetFileName(name));
        return File.Exists(path) ? File.OpenRead(path) : null;
    }
}
