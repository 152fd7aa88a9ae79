using VmSim.Core.Addresses;

namespace VmSim.Core.Kernel;

/// <summary>
/// What a run keeps one by one, beside what it counts. Nothing here changes what happens; what is not asked for costs nothing.
/// </summary>
public sealed record RunLists
{
    /// <summary>A run that keeps nothing one by one.</summary>
    public static RunLists None { get; } = new();

    /// <summary>Whether every shootdown is kept.</summary>
    public bool Shootdowns { get; init; }

    /// <summary>Whether every fault is kept.</summary>
    public bool Faults { get; init; }

    /// <summary>Whether every call is kept, forks and ends of processes among them.</summary>
    public bool Calls { get; init; }

    /// <summary>Whether it is kept what each core did when, and all that its timeline shows besides.</summary>
    public bool Timeline { get; init; }

    /// <summary>When the timeline begins; 0 or more.</summary>
    public Cycles TimelineFrom { get; init; }

    /// <summary>When the timeline ends, later than it begins; <see cref="Cycles.Never"/> for the end of the run.</summary>
    public Cycles TimelineEnd { get; init; } = Cycles.Never;

    /// <summary>Cores whose timeline is kept, with the faults and calls that threads make on them; null for all.</summary>
    public CoreList? TimelineCores { get; init; }

    /// <summary>Whether records of shootdowns are kept.</summary>
    public bool KeepsShootdowns => Shootdowns || Timeline;

    /// <summary>Whether records of faults or calls are kept.</summary>
    public bool KeepsOperations => Faults || Calls || Timeline;

    /// <summary>Whether a part of a span lies in the timeline.</summary>
    public bool Shows(Cycles begin, Cycles end) => Timeline && begin < TimelineEnd && end >= TimelineFrom;

    /// <summary>Whether the timeline has a core.</summary>
    public bool Shows(CoreId core) => Timeline && TimelineCores?.Contains(core) != false;
}
