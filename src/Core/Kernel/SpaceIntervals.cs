namespace VmSim.Core.Kernel;

/// <summary>What address spaces tell of each interval of virtual time.</summary>
/// <param name="Name">Its name in a report.</param>
/// <param name="ShortTitle">What it is, in a word or two for a chart.</param>
/// <param name="IsLevel">Whether its value is that at the interval's end, and not what came to pass in it.</param>
/// <param name="Read">Its value now.</param>
public sealed record SpaceIntervals(string Name, string ShortTitle, bool IsLevel, Func<AddressSpace, long> Read)
{
    /// <summary>All, in the order of outputs.</summary>
    public static IReadOnlyList<SpaceIntervals> All { get; } =
    [
        new("shootdowns", "shootdowns", IsLevel: false, space => space.Counters[SpaceCounters.Shootdowns]),
        new("lockWaitCycles", "lock waits", IsLevel: false, space => space.Counters[SpaceCounters.LockWaitCycles]),
        new("residentPages", "resident", IsLevel: true, space => space.Memory?.Resident.ResidentSet ?? 0),
    ];
}
