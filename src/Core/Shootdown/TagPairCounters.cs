using VmSim.Core.Statistics;

namespace VmSim.Core.Shootdown;

// The sentence of a counter stands in its declaration; reports show it.
#pragma warning disable CS1591

/// <summary>What a core counts under page-table isolation (<see cref="TagPairs"/>).</summary>
public sealed class TagPairCounters : CounterSet<TagPairCounters>
{
    public static readonly Counter Switches = Declare(
        "tableSwitches", "switches", "Switches between the tables of user and kernel, at entries to the kernel and returns.");
    public static readonly Counter PagesByTag = Declare(
        "userPagesByTag", "pages", "Pages that INVPCID has invalidated under the user's tag.");
    public static readonly Counter FlushesAtReturn = Declare(
        "userFlushesAtReturn", "flushes", "Returns to user mode at which all went that was held under the user's tag.");
    public static readonly Counter RangesAtReturn = Declare(
        "userRangesAtReturn", "ranges", "Returns to user mode at which a range went that was held under the user's tag.");
}
