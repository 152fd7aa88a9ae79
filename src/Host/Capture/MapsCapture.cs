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

    /// <summary>Runs the program, which may be a tracer with the program that it traces.</summary>
    /// <param name="program">Its path.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="target">The file of snapshots to write.</param>
    /// <param name="calls">Calls before which to take a snapshot, separated by commas; empty for none.</param>
    /// <param name="randomizes">Whether addresses are randomized.</param>
    /// <returns>The program's exit code.</returns>
    /// <exception cref="UsageException">The program cannot be started, or a call is none that snapshots can be taken at.</exception>
    public static int Run(string program, IReadOnlyList<string> arguments, string target, string calls, bool randomizes)
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

        string tool = CompiledSource.Build(Source, "");
        File.Delete(target);
        int exitCode = CaptureTools.RunTraced(tool, [target, calls.Length == 0 ? "-" : calls, program, .. arguments], randomizes);
        return File.Exists(target) ? exitCode : throw new UsageException($"--maps {target}: it was not written (exit code {exitCode})");
    }
}
