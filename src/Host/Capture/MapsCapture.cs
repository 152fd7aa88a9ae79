using VmSim.Host.Terminal;

namespace VmSim.Host.Capture;

/// <summary>Runs a program as it is and has the kernel say, at its end and at points that one asks for, what its areas are.</summary>
internal static class MapsCapture
{
    private const string Source = "vmtmaps.c";

    /// <summary>Calls before which a snapshot can be taken, as the source has them.</summary>
    private static readonly string[] Calls =
    [
        "brk", "mmap", "munmap", "mprotect", "mremap", "madvise", "mlock", "munlock", "mlockall", "munlockall", "msync", "shmat", "shmdt",
        "remap_file_pages", "pkey_mprotect", "clone", "fork", "vfork", "clone3",
    ];

    /// <summary>The line that runs a program so that the kernel is asked.</summary>
    /// <param name="target">The file of snapshots to write.</param>
    /// <param name="calls">Calls before which to take a snapshot, separated by commas; empty for none.</param>
    /// <param name="program">The program's path.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <returns>A program and its arguments.</returns>
    /// <exception cref="UsageException">There is no compiler, or a call is none that snapshots can be taken at.</exception>
    public static (string Program, string[] Arguments) Around(
        string target, string calls, string program, IEnumerable<string> arguments)
    {
        foreach (string call in calls.Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            if (!Calls.Contains(call))
            {
                throw new UsageException($"--maps-at: '{call}' found; allowed are {string.Join(", ", Calls)}");
            }
        }

        if (CaptureTools.Find(CaptureTools.Compiler) is null)
        {
            throw new UsageException($"--maps: {CaptureTools.Compiler} is needed: apt-get install gcc libc6-dev");
        }

        return (CompiledSource.Build(Source, ""), [target, calls.Length == 0 ? "-" : calls, program, .. arguments]);
    }

    /// <summary>Runs the program, which may be a tracer with the program that it traces.</summary>
    /// <param name="program">Its path.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="written">The file of snapshots to write, in a folder of one's own.</param>
    /// <param name="calls">Calls before which to take a snapshot, separated by commas; empty for none.</param>
    /// <param name="way">How it is run.</param>
    /// <returns>The program's exit code.</returns>
    /// <exception cref="UsageException">The program cannot be started, or a call is none that snapshots can be taken at.</exception>
    public static int Run(string program, IReadOnlyList<string> arguments, string written, string calls, TracedWay way)
    {
        (string tool, string[] line) = Around(written, calls, program, arguments);
        return CaptureTools.RunTraced(tool, line, way);
    }

    /// <summary>Hands over what the tool has written.</summary>
    /// <param name="written">The file that it was told to write.</param>
    /// <param name="target">Takes the snapshots.</param>
    /// <param name="exitCode">The tool's exit code.</param>
    /// <exception cref="UsageException">It has written nothing.</exception>
    public static void Copy(string written, Stream target, int exitCode)
    {
        if (!File.Exists(written))
        {
            throw new UsageException($"--maps: it was not written (exit code {exitCode})");
        }

        using FileStream snapshots = File.OpenRead(written);
        snapshots.CopyTo(target);
    }
}
