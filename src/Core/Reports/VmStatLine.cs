using VmSim.Core.Engine;
using VmSim.Core.Kernel;
using VmSim.Core.Shootdown;
using VmSim.Core.Statistics;

namespace VmSim.Core.Reports;

/// <summary>
/// A line of Linux's <c>/proc/vmstat</c>, beside which a run can be laid. The lines of TLB flushes are there in kernels built with
/// CONFIG_DEBUG_TLBFLUSH (include/linux/vm_event_item.h).
/// </summary>
/// <param name="Name">The kernel's name.</param>
/// <param name="Counters">The counters whose sum it is.</param>
public sealed record VmStatLine(string Name, IReadOnlyList<CounterInfo> Counters)
{
    /// <summary>All lines, in the kernel's order.</summary>
    public static IReadOnlyList<VmStatLine> All { get; } =
    [
        new("pgfault", [CoreCounters.MinorFaults.Info, CoreCounters.MajorFaults.Info, CoreCounters.SpuriousFaults.Info]),
        new("pgmajfault", [CoreCounters.MajorFaults.Info]),
        new("thp_fault_alloc", [SpaceCounters.HugeFaults.Info]),
        new("nr_tlb_remote_flush", [LinuxSpaceCounters.RemoteFlushes.Info]),
        new("nr_tlb_remote_flush_received", [CoreCounters.InvalidationsHandled.Info]),
        new("nr_tlb_local_flush_all", [LinuxCoreCounters.LocalFlushesOfAll.Info]),
        new("nr_tlb_local_flush_one", [LinuxCoreCounters.LocalFlushesOfOne.Info]),
    ];

    /// <summary>The lines of a run, but for those whose counters its protocol does not have.</summary>
    public static IReadOnlyList<KeyValuePair<string, long>> Of(RunReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        HashSet<string> known = [.. report.Totals.Select(total => total.Key)];
        return
        [
            .. All.Where(line => line.Counters.All(counter => known.Contains(counter.Name))).Select(line => KeyValuePair.Create(
                line.Name, line.Counters.Aggregate(0L, (sum, counter) => Saturating.Add(sum, report.Total(counter.Name))))),
        ];
    }
}
