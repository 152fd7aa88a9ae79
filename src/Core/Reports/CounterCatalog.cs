using VmSim.Core.Engine;
using VmSim.Core.Kernel;
using VmSim.Core.Memory;
using VmSim.Core.Shootdown;
using VmSim.Core.Statistics;

namespace VmSim.Core.Reports;

/// <summary>A counter of the report: its name, its unit and one sentence.</summary>
/// <param name="Name">Name in <c>report.json</c>.</param>
/// <param name="Unit">What is counted.</param>
/// <param name="Summary">One sentence.</param>
public record CounterInfo(string Name, string Unit, string Summary);

/// <summary>A counter kept for each core.</summary>
/// <inheritdoc cref="CounterInfo"/>
/// <param name="Name">Name in <c>report.json</c>.</param>
/// <param name="Unit">What is counted.</param>
/// <param name="Summary">One sentence.</param>
/// <param name="Read">Reads its value from a core.</param>
public sealed record CoreCounterInfo(string Name, string Unit, string Summary, Func<CoreModel, long> Read) : CounterInfo(Name, Unit, Summary);

/// <summary>A counter kept for each address space.</summary>
/// <param name="Name">Name in <c>report.json</c>.</param>
/// <param name="Unit">What is counted.</param>
/// <param name="Summary">One sentence.</param>
/// <param name="Read">Reads its value from a space.</param>
public sealed record SpaceCounterInfo(string Name, string Unit, string Summary, Func<AddressSpace, long> Read) : CounterInfo(Name, Unit, Summary);

/// <summary>A counter kept for each group of spaces that share memory.</summary>
/// <param name="Name">Name in <c>report.json</c>.</param>
/// <param name="Unit">What is counted.</param>
/// <param name="Summary">One sentence.</param>
/// <param name="Read">Reads its value from a group.</param>
public sealed record GroupCounterInfo(string Name, string Unit, string Summary, Func<SpaceGroup, long> Read) : CounterInfo(Name, Unit, Summary);

/// <summary>A latency distribution of the report: recorded by cores or by address spaces.</summary>
/// <param name="Name">Name in <c>report.json</c>.</param>
/// <param name="OfCore">Reads it from a core; null where it has none, or if spaces record it.</param>
/// <param name="OfSpace">Reads it from a space; null if cores record it.</param>
public sealed record HistogramInfo(string Name, Func<CoreModel, LatencyHistogram?>? OfCore, Func<AddressSpace, LatencyHistogram?>? OfSpace);

/// <summary>A figure of each shootdown, whose distribution is reported.</summary>
/// <param name="Name">Name in <c>report.json</c>.</param>
/// <param name="Unit">What is counted.</param>
/// <param name="Summary">One sentence.</param>
/// <param name="Read">Reads its value from a record; below 0 where there is none.</param>
public sealed record ShootdownFigure(string Name, string Unit, string Summary, Func<ShootdownRecord, long> Read) : CounterInfo(Name, Unit, Summary);

/// <summary>All counters of a report, each registered once, in the order in which reports show them.</summary>
public static class CounterCatalog
{
    /// <summary>Name of the run's length among the totals.</summary>
    public const string Cycles = "cycles";

    /// <summary>The run's length.</summary>
    public static CounterInfo RunCycles { get; } = new(Cycles, "cycles", "Virtual time from the start of counting to the end of the run.");

    /// <summary>Counters kept for each core.</summary>
    public static IReadOnlyList<CoreCounterInfo> Core { get; } =
    [
        new("accesses", "accesses", "Memory accesses, instruction fetches and the kernel's accesses to user pages included.", c => c.Counters.Accesses),
        new("kernelAccesses", "accesses", "Accesses of the kernel to user pages on a thread's behalf.", c => c.Counters.KernelAccesses),
        new("tlbL1Hits", "accesses", "Accesses that hit the first-level TLB.", c => c.Counters.Accesses - c.Counters.AccessesMissed),
        new("tlbL2Hits", "accesses", "Accesses that missed the first-level TLB and hit the second.", c => c.Counters.SecondLevelHits),
        new("walks", "walks", "Page walks, those that ended in a fault included.", c => c.Counters.Walks),
        new("walkReferences", "references", "Page-table entries that walks read.", c => c.Counters.WalkReferences),
        new("minorFaults", "faults", "Page faults resolved without a device.", c => c.Counters.MinorFaults),
        new("majorFaults", "faults", "Page faults that read from a device.", c => c.Counters.MajorFaults),
        new("spuriousFaults", "faults", "Page faults that found the translation in place.", c => c.Counters.SpuriousFaults),
        new("segmentationFaults", "faults", "Accesses to addresses that may not be used so; they are skipped and listed.", c => c.Counters.SegmentationFaults),
        new("systemCalls", "calls", "System calls.", c => c.Counters.SystemCalls),
        new("failedCalls", "calls", "System calls that failed.", c => c.Counters.FailedCalls),
        new("invalidationsHandled", "interrupts", "Invalidation interrupts handled.", c => c.Counters.InvalidationsHandled),
        new("localInvalidations", "invalidations", "Invalidations done for the core's own operations, without interrupt.", c => c.Counters.LocalInvalidations),
        new("invalidationsSwept", "invalidations", "Invalidations done at ticks and switches, for shootdowns that did not wait for them.", c => c.Counters.InvalidationsSwept),
        new("fullFlushes", "flushes", "Times the translations of a whole address space were dropped.", c => c.Counters.FullFlushes),
        new("entriesInvalidated", "entries", "TLB entries dropped by invalidations.", c => c.Counters.EntriesInvalidated),
        new("refillMisses", "walks", "Walks that brought back live translations which the core had lost to shootdowns.", c => c.Counters.RefillMisses),
        new("contextSwitches", "switches", "Switches from one thread to another.", c => c.Counters.ContextSwitches),
        new("spaceLoads", "loads", "Address spaces loaded.", c => c.Counters.SpaceLoads),
    ];

    /// <summary>Counters kept for each address space.</summary>
    public static IReadOnlyList<SpaceCounterInfo> Space { get; } =
    [
        new("mapOperations", "calls", "mmap calls that succeeded.", s => s.Counters.MapOperations),
        new("unmapOperations", "calls", "munmap calls that succeeded.", s => s.Counters.UnmapOperations),
        new("protectOperations", "calls", "mprotect calls that succeeded.", s => s.Counters.ProtectOperations),
        new("otherOperations", "calls", "brk, mremap, madvise and msync calls that succeeded.", s => s.Counters.OtherOperations),
        new("failedOperations", "calls", "Memory-management calls that failed.", s => s.Counters.FailedOperations),
        new("forks", "calls", "Forks.", s => s.Counters.Forks),
        new("shootdowns", "shootdowns", "Operations after which translations died or lost rights.", s => s.Counters.Shootdowns),
        new("remoteShootdowns", "shootdowns", "Shootdowns for which other cores were told.", s => s.Counters.RemoteShootdowns),
        new("deferredShootdowns", "shootdowns", "Shootdowns whose operation returned before every core had invalidated.", s => s.Counters.DeferredShootdowns),
        new("ipisSent", "interrupts", "Interrupts sent to other cores to invalidate.", s => s.Counters.IpisSent),
        new("spuriousIpis", "interrupts", "Interrupts whose target held no dead translation.", s => s.Counters.SpuriousIpis),
        new("pagesShotDown", "translations", "Translations that died or lost rights.", s => s.Counters.PagesShotDown),
        new("zeroPageFaults", "faults", "First reads of anonymous pages: the zero page is mapped.", s => s.Counters.Faults[(int)FaultKind.ZeroPage]),
        new("anonymousFaults", "faults", "First writes to anonymous pages: a frame is mapped.", s => s.Counters.Faults[(int)FaultKind.Anonymous]),
        new("copyFaults", "faults", "Writes that copied a shared page.", s => s.Counters.Faults[(int)FaultKind.CopyOnWrite] + s.Counters.Faults[(int)FaultKind.FilePrivateCopy]),
        new("reuseFaults", "faults", "Writes to pages whose sharing had ended.", s => s.Counters.Faults[(int)FaultKind.ReuseWrite]),
        new("fileFaults", "faults", "Faults on file pages in the page cache.", s => s.Counters.Faults[(int)FaultKind.File] + s.Counters.Faults[(int)FaultKind.FileShared]),
        new("hugeFaults", "faults", "Faults that mapped a large page.", s => s.Counters.Faults[(int)FaultKind.Huge]),
        new("lockWaits", "operations", "Operations that waited for the address space's lock.", s => s.Counters.LockWaits),
        new("lockWaitCycles", "cycles", "Cycles that operations waited for the address space's lock.", s => s.Counters.LockWaitCycles),
        .. LockCatalog.Counters,
    ];

    /// <summary>Figures of each shootdown.</summary>
    public static IReadOnlyList<ShootdownFigure> Shootdown { get; } =
    [
        new("targets", "cores", "Cores that were told.", s => s.Targets),
        new("interrupts", "interrupts", "Interrupts sent.", s => s.Interrupts),
        new("spuriousInterrupts", "interrupts", "Interrupts whose target held nothing of what it was told to drop.", s => s.SpuriousInterrupts),
        new("deadPages", "translations", "Translations that died or lost rights.", s => s.DeadPages),
        new("spanPages", "pages", "Pages in the range that covers the dead translations.", s => (long)s.SpanPages),
        new("wait", "cycles", "From the first message to the last acknowledgement, of shootdowns with targets.", s => s.Wait),
        new("handlerCycles", "cycles", "Cycles of the targets' handlers.", s => s.HandlerCycles),
        new("refillMisses", "walks", "Walks that brought back live translations which cores had lost to it.", s => s.RefillMisses),
    ];

    /// <summary>Counters kept for each group of spaces that share memory.</summary>
    public static IReadOnlyList<GroupCounterInfo> Group { get; } =
    [
        new("framesAllocated", "frames", "4 KiB frames allocated.", g => g.Frames.TotalAllocations - g.FramesAllocatedBefore),
        new("framesFreed", "frames", "4 KiB frames freed.", g => g.Frames.TotalFrees - g.FramesFreedBefore),
    ];

    /// <summary>Where a core's cycles go, idle ones apart, in the order of <see cref="CycleBreakdown"/>.</summary>
    internal static IReadOnlyList<Func<CoreModel, long>> CoreCycles { get; } =
    [
        c => c.Counters.UserCycles,
        c => c.Counters.WalkCycles,
        c => c.Counters.FaultCycles,
        c => c.Counters.SyscallCycles,
        c => c.Counters.ShootdownWaitCycles,
        c => c.Counters.InterruptCycles,
        c => c.Counters.SwitchCycles,
    ];

    /// <summary>Latency distributions of the run.</summary>
    public static IReadOnlyList<HistogramInfo> Histograms { get; } =
    [
        new("minorFault", c => c.Counters.Latency(LatencyKind.MinorFault), null),
        new("majorFault", c => c.Counters.Latency(LatencyKind.MajorFault), null),
        new("shootdown", null, s => s.Counters.ShootdownLatency),
        new("map", c => c.Counters.Latency(LatencyKind.Map), null),
        new("unmap", c => c.Counters.Latency(LatencyKind.Unmap), null),
        new("protect", c => c.Counters.Latency(LatencyKind.Protect), null),
        new("otherCall", c => c.Counters.Latency(LatencyKind.OtherCall), null),
    ];
}
