using VmSim.Core.Statistics;

namespace VmSim.Core.Engine;

/// <summary>What a core measures the latency of.</summary>
public enum LatencyKind
{
    /// <summary>A minor fault, from the access to its retry.</summary>
    MinorFault,

    /// <summary>A major fault, from the access to its retry.</summary>
    MajorFault,

    /// <summary>mmap, from the call to its return.</summary>
    Map,

    /// <summary>munmap, from the call to its return.</summary>
    Unmap,

    /// <summary>mprotect, from the call to its return.</summary>
    Protect,

    /// <summary>brk, mremap, madvise and msync, from the call to its return.</summary>
    OtherCall,
}

/// <summary>What one core counts, and where its cycles go. Plain counters: the hot loop adds to them once a stretch, not once an access.</summary>
public sealed class CoreCounters
{
    private readonly LatencyHistogram?[] _latencies = new LatencyHistogram?[(int)LatencyKind.OtherCall + 1];

    /// <summary>Cycles of the program itself.</summary>
    public long UserCycles { get; set; }

    /// <summary>Cycles of second-level TLB hits and page walks.</summary>
    public long WalkCycles { get; set; }

    /// <summary>Cycles of page faults, shootdown waits apart.</summary>
    public long FaultCycles { get; set; }

    /// <summary>Cycles of system calls, shootdown waits apart.</summary>
    public long SyscallCycles { get; set; }

    /// <summary>Cycles spent waiting for other cores to invalidate.</summary>
    public long ShootdownWaitCycles { get; set; }

    /// <summary>Cycles of handling other cores' invalidations, and ticks.</summary>
    public long InterruptCycles { get; set; }

    /// <summary>Cycles of switching threads and address spaces.</summary>
    public long SwitchCycles { get; set; }

    /// <summary>Memory accesses, fetches and the kernel's accesses to user pages included.</summary>
    public long Accesses { get; set; }

    /// <summary>Accesses of the kernel to user pages on a thread's behalf.</summary>
    public long KernelAccesses { get; set; }

    /// <summary>Accesses that missed the first-level TLB.</summary>
    public long AccessesMissed { get; set; }

    /// <summary>Translations that missed the first-level TLB and hit the second.</summary>
    public long SecondLevelHits { get; set; }

    /// <summary>Page walks, those that ended in a fault included.</summary>
    public long Walks { get; set; }

    /// <summary>Page-table entries that walks read.</summary>
    public long WalkReferences { get; set; }

    /// <summary>Faults resolved without a device.</summary>
    public long MinorFaults { get; set; }

    /// <summary>Faults that read from a device.</summary>
    public long MajorFaults { get; set; }

    /// <summary>Faults that found the translation in place.</summary>
    public long SpuriousFaults { get; set; }

    /// <summary>Faults on addresses that may not be used so.</summary>
    public long SegmentationFaults { get; set; }

    /// <summary>System calls made.</summary>
    public long SystemCalls { get; set; }

    /// <summary>System calls that failed.</summary>
    public long FailedCalls { get; set; }

    /// <summary>Invalidation interrupts handled.</summary>
    public long InvalidationsHandled { get; set; }

    /// <summary>Invalidations done for the core's own operations.</summary>
    public long LocalInvalidations { get; set; }

    /// <summary>Invalidations done at ticks and switches, for shootdowns that did not wait for them.</summary>
    public long InvalidationsSwept { get; set; }

    /// <summary>Times the whole TLB of a space was flushed.</summary>
    public long FullFlushes { get; set; }

    /// <summary>TLB entries dropped by invalidations.</summary>
    public long EntriesInvalidated { get; set; }

    /// <summary>Walks that brought back a live translation that the core had lost to a shootdown.</summary>
    public long RefillMisses { get; set; }

    /// <summary>Switches from one thread to another.</summary>
    public long ContextSwitches { get; set; }

    /// <summary>Address spaces loaded.</summary>
    public long SpaceLoads { get; set; }

    /// <summary>Cycles that are not idle.</summary>
    public long BusyCycles =>
        UserCycles + WalkCycles + FaultCycles + SyscallCycles + ShootdownWaitCycles + InterruptCycles + SwitchCycles;

    /// <summary>Latencies of one kind; null when there was none.</summary>
    public LatencyHistogram? Latency(LatencyKind kind) => _latencies[(int)kind];

    /// <summary>Records a latency in cycles.</summary>
    public void Record(LatencyKind kind, long cycles) => (_latencies[(int)kind] ??= new LatencyHistogram()).Record(cycles);

    /// <summary>Sets everything to 0.</summary>
    public void Reset()
    {
        UserCycles = WalkCycles = FaultCycles = SyscallCycles = ShootdownWaitCycles = InterruptCycles = SwitchCycles = 0;
        Accesses = KernelAccesses = MinorFaults = MajorFaults = SpuriousFaults = SegmentationFaults = 0;
        SystemCalls = FailedCalls = InvalidationsHandled = LocalInvalidations = InvalidationsSwept = FullFlushes = EntriesInvalidated = 0;
        ContextSwitches = SpaceLoads = RefillMisses = 0;
        AccessesMissed = SecondLevelHits = Walks = WalkReferences = 0;
        Array.Clear(_latencies);
    }
}
