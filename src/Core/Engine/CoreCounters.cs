using VmSim.Core.Statistics;

namespace VmSim.Core.Engine;

// The sentence of a counter stands in its declaration; reports show it.
#pragma warning disable CS1591

/// <summary>What one core counts. The hot loop adds to it once a stretch, not once an access.</summary>
public sealed class CoreCounters : CounterSet<CoreCounters>
{
    public static readonly Counter Accesses = Declare(
        "accesses", "accesses", "Memory accesses, instruction fetches and the kernel's accesses to user pages included.");
    public static readonly Counter KernelAccesses = Declare(
        "kernelAccesses", "accesses", "Accesses of the kernel to user pages on a thread's behalf.");
    public static readonly Counter FirstLevelHits = Declare("tlbL1Hits", "accesses", "Accesses that hit the first-level TLB.");
    public static readonly Counter SecondLevelHits = Declare(
        "tlbL2Hits", "accesses", "Accesses that missed the first-level TLB and hit the second.");
    public static readonly Counter Walks = Declare("walks", "walks", "Page walks, those that ended in a fault included.");
    public static readonly Counter WalkReferences = Declare("walkReferences", "references", "Page-table entries that walks read.");
    public static readonly Counter AccessedDirtyHandlers = Declare(
        "accessedDirtyHandlers", "exceptions", "Exceptions whose short handler set accessed or dirty bits, and which are no page faults.");
    public static readonly Counter MinorFaults = Declare(
        "minorFaults", "faults", "Page faults resolved without a device, those that calls take to populate memory included (ru_minflt).");
    public static readonly Counter MajorFaults = Declare("majorFaults", "faults", "Page faults that read from a device.");
    public static readonly Counter SpuriousFaults = Declare("spuriousFaults", "faults", "Page faults that found the translation in place.");
    public static readonly Counter SegmentationFaults = Declare(
        "segmentationFaults", "faults", "Accesses to addresses that may not be used so; they are skipped and listed.");
    public static readonly Counter SystemCalls = Declare("systemCalls", "calls", "System calls.");
    public static readonly Counter FailedCalls = Declare("failedCalls", "calls", "System calls that failed.");
    public static readonly Counter InvalidationsHandled = Declare("invalidationsHandled", "interrupts", "Invalidation interrupts handled.");
    public static readonly Counter LocalInvalidations = Declare(
        "localInvalidations", "invalidations", "Invalidations done for the core's own operations, without interrupt.");
    public static readonly Counter InvalidationsSwept = Declare(
        "invalidationsSwept", "invalidations", "Invalidations done at ticks and switches, for shootdowns that did not wait for them.");
    public static readonly Counter FullFlushes = Declare(
        "fullFlushes", "flushes", "Times the translations of a whole address space were dropped.");
    public static readonly Counter EntriesInvalidated = Declare("entriesInvalidated", "entries", "TLB entries dropped by invalidations.");
    public static readonly Counter RefillMisses = Declare(
        "refillMisses", "walks", "Walks that brought back live translations which the core had lost to shootdowns.");
    public static readonly Counter RescheduleInterrupts = Declare(
        "rescheduleInterrupts", "interrupts", "Interrupts of an idle core for a thread that had slept for the address space's lock.");
    public static readonly Counter ContextSwitches = Declare("contextSwitches", "switches", "Switches from one thread to another.");
    public static readonly Counter SpaceLoads = Declare("spaceLoads", "loads", "Address spaces loaded.");
}
