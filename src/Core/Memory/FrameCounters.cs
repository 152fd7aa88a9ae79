using VmSim.Core.Statistics;

namespace VmSim.Core.Memory;

// The sentence of a counter stands in its declaration; reports show it.
#pragma warning disable CS1591

/// <summary>What one frame pool counts.</summary>
public sealed class FrameCounters : CounterSet<FrameCounters>
{
    public static readonly Counter Allocated = Declare("framesAllocated", "frames", "4 KiB frames allocated.");
    public static readonly Counter Freed = Declare("framesFreed", "frames", "4 KiB frames freed.");
}
