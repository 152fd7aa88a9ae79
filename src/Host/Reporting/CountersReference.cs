using VmSim.Core.Engine;
using VmSim.Core.Kernel;
using VmSim.Core.Reports;
using VmSim.Core.Shootdown;
using VmSim.Core.Statistics;

namespace VmSim.Host.Reporting;

/// <summary>Writes the list of all figures of a report as Markdown; <c>docs/counters.md</c> is this text.</summary>
public static class CountersReference
{
    /// <summary>Writes the list.</summary>
    public static void Write(TextWriter output)
    {
        ArgumentNullException.ThrowIfNull(output);
        output.Write("""
            # Counters

            What a run counts, in the order of `report.json` and `stats.txt`.
            Counting begins when `warmup` has passed.
            The totals have the run's length first, and of each counter the sum over all cores, address spaces or groups.
            A shootdown protocol, a mapping backend and virtual machines bring counters of their own, which stand behind these.
            [protocols.md](protocols.md#counters) and [backends.md](backends.md#counters) say how.

            """);
        WriteTable("Run", "The first of the totals.", [CoreCycles.OfRun], output);
        WriteTable("Cores", "", CounterCatalog.BuiltIn.Core, output);
        WriteTable("Cycles of a core", "They add up to the run's length.", [.. CoreCycles.All, CoreCycles.Idle], output);
        WriteTable("Address spaces", "", CounterCatalog.BuiltIn.Space, output);
        WriteTable("Memory pools", "A process and its forks share one.", CounterCatalog.BuiltIn.Group, output);
        WriteTable("Cores of virtual machines", "With `machine.virtual = on`.", GuestCoreCounters.All, output);
        WriteTable("Address spaces in virtual machines", "With `machine.virtual = on`.", GuestSpaceCounters.All, output);
        WriteTable("Cores under page-table isolation", "With `kernel.page-table-isolation = on`.", TagPairCounters.All, output);
        WriteTable("Latencies", "Percentiles and the greatest, over the run.", [.. LatencyKind.All.Select(kind => kind.Info)], output);
        WriteTable(
            "Each shootdown",
            "Sum, percentiles and the greatest, over the run and for each address space; [model.md](model.md) says more.",
            [.. ShootdownFigure.All.Select(figure => figure.Info)],
            output);
        WriteKernelNames(output);
    }

    private static void WriteKernelNames(TextWriter output)
    {
        output.Write("""

            ## The kernel's names

            Terminal and `report.json` (`vmstat`) have these sums under the names of Linux's `/proc/vmstat`, to lay them beside each other.
            Lines of TLB flushes are there in kernels built with CONFIG_DEBUG_TLBFLUSH.
            Those of local and remote flushes need protocol `linux`.
            Large pages of MAP_HUGETLB are among `thp_fault_alloc` here; the kernel counts them elsewhere.

            | name | sum of |
            |---|---|

            """);
        foreach (VmStatLine line in VmStatLine.All)
        {
            output.Write($"| `{line.Name}` | {string.Join(", ", line.Counters.Select(counter => $"`{counter.Name}`"))} |\n");
        }
    }

    private static void WriteTable(string title, string remark, IReadOnlyList<CounterInfo> figures, TextWriter output)
    {
        output.Write($"\n## {title}\n\n{(remark.Length == 0 ? "" : $"{remark}\n\n")}| name | unit | meaning |\n|---|---|---|\n");
        foreach (CounterInfo figure in figures)
        {
            output.Write($"| `{figure.Name}` | {figure.Unit} | {figure.Summary} |\n");
        }
    }
}
