namespace VmSim.Core.Traces;

/// <summary>How the files of one capture are named.</summary>
public static class TraceNames
{
    /// <summary>
    /// The name of a first mapping that no call made: memory that the program used and that exec must have mapped, as large as its use
    /// showed.
    /// </summary>
    public const string GuessedMapping = "[exec]";

    private static readonly string[] Endings = [".gz", ".vmt", ".vmtb"];

    /// <summary>A program's name from its trace's: without folders and the format's endings.</summary>
    public static string ProgramOf(string file)
    {
        string name = file[(file.LastIndexOfAny(['/', '\\']) + 1)..];
        foreach (string ending in Endings)
        {
            name = name.EndsWith(ending, StringComparison.Ordinal) && name.Length > ending.Length ? name[..^ending.Length] : name;
        }

        return name;
    }

    /// <summary>Where the trace of a forked child may stand, in order of preference, next to its parent's: NAME.child.PID.vmt,
    /// NAME.PID.vmt, each with the parent's endings, gzip or binary, and PARENTFILE.PID.</summary>
    public static IReadOnlyList<string> ChildrenOf(string parent, ulong processId)
    {
        int folder = parent.LastIndexOfAny(['/', '\\']) + 1;
        string stem = parent[..folder] + ProgramOf(parent);
        return
        [
            $"{stem}.child.{processId}.vmt.gz", $"{stem}.child.{processId}.vmt", $"{stem}.child.{processId}.vmtb",
            $"{stem}.{processId}.vmt.gz", $"{stem}.{processId}.vmt", $"{stem}.{processId}.vmtb", $"{parent}.{processId}",
        ];
    }

    /// <summary>The trace of a process that ran beside a program's: NAME-PID with the same endings.</summary>
    public static string BesideOf(string target, ulong processId)
    {
        int folder = target.LastIndexOfAny(['/', '\\']) + 1;
        string program = ProgramOf(target);
        return $"{target[..folder]}{program}-{processId}{target[(folder + program.Length)..]}";
    }

    /// <summary>Where a replay looks first for the trace of a forked child: NAME.child.PID with its parent's endings.</summary>
    public static string ChildOf(string parent, ulong processId)
    {
        int folder = parent.LastIndexOfAny(['/', '\\']) + 1;
        string program = ProgramOf(parent);
        return $"{parent[..folder]}{program}.child.{processId}{parent[(folder + program.Length)..]}";
    }
}
