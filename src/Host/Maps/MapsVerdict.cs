namespace VmSim.Host.Maps;

/// <summary>One comparison of a process with a snapshot.</summary>
/// <param name="Process">The process's number in the kernel; 0 when the file does not say.</param>
/// <param name="Program">The program's path; empty when the file does not say.</param>
/// <param name="Moment">When, in words.</param>
/// <param name="Areas">Areas that the kernel has, those it makes for itself included.</param>
/// <param name="Differences">Ranges that differ.</param>
/// <param name="Parting">The first call after which the differing ranges were what they are; empty when nothing differs.</param>
internal sealed record MapsCheck(
    ulong Process, string Program, string Moment, int Areas, IReadOnlyList<MapsDifference> Differences, string Parting)
{
    /// <summary>Areas that were compared: all but those that the kernel makes for itself.</summary>
    public int Compared { get; init; }

    /// <summary>Threads that ran on while the kernel's snapshot was taken, and may have mapped and unmapped meanwhile.</summary>
    public long OtherThreads { get; init; }

    /// <summary>Resident pages of the kernel and of the replay, where the trace has accesses; null where it has none.</summary>
    public ResidentCheck? Resident { get; init; }
}

/// <summary>Resident pages of 4 KiB: the kernel's and the replay's.</summary>
/// <param name="KernelAnonymous">The kernel's pages of no file.</param>
/// <param name="KernelOther">The kernel's pages of files and shared memory.</param>
/// <param name="ReplayAnonymous">The replay's pages of no file.</param>
/// <param name="ReplayOther">The replay's pages of files and shared memory.</param>
/// <param name="KernelFaults">Minor faults that the kernel counted; -1 when the file does not say.</param>
/// <param name="ReplayFaults">Faults that the replay took and that needed no device.</param>
internal sealed record ResidentCheck(
    ulong KernelAnonymous, ulong KernelOther, ulong ReplayAnonymous, ulong ReplayOther, long KernelFaults, long ReplayFaults);

/// <summary>What came of comparing a trace with the kernel's word.</summary>
internal sealed class MapsVerdict
{
    /// <summary>The comparisons in their order.</summary>
    public List<MapsCheck> Checks { get; } = [];

    /// <summary>What could not be compared, and calls that fail in the replay; one sentence each.</summary>
    public List<string> Notes { get; } = [];

    /// <summary>Snapshots before calls that the trace does not have: calls that failed, or that another thread made meanwhile.</summary>
    public int SkippedPoints { get; set; }

    /// <summary>Calls that fail in the replay.</summary>
    public long FailedCalls { get; set; }

    /// <summary>Accesses that fail in the replay.</summary>
    public long FailedAccesses { get; set; }

    /// <summary>Whether the end of at least one process was compared and nothing differs.</summary>
    public bool IsEqual => FailedCalls == 0 && Checks.Count > 0 && Checks.TrueForAll(check => check.Differences.Count == 0);
}
