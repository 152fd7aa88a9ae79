using System.Globalization;
using Spectre.Console;
using Spectre.Console.Rendering;
using VmSim.Core.Engine;
using VmSim.Core.Kernel;
using VmSim.Core.Reports;
using VmSim.Core.Shootdown;
using VmSim.Core.Statistics;
using VmSim.Host.Terminal;

namespace VmSim.Host.Reporting;

/// <summary>
/// Shows a report on a terminal: what a person wants to know first, then latencies, then where each core's cycles went, then the run's own
/// speed.
/// </summary>
public static class ReportView
{
    /// <summary>Cores that are shown one by one; more are summed up by socket.</summary>
    private const int CoresShown = 16;

    internal const int FindingsShown = 10;

    /// <summary>Writes a report.</summary>
    public static void Show(RunReport report, IAnsiConsole console)
    {
        ArgumentNullException.ThrowIfNull(report);
        ArgumentNullException.ThrowIfNull(console);
        console.Write(new Rule($"[bold]{Markup.Escape(PlainWriter.Line(report.Scenario))}[/]").LeftJustified());
        SamplingView.Show(report, console);
        console.Write(Headline(report));
        foreach ((string name, string cost) in Costs(report))
        {
            console.MarkupLine($"[grey]{name} costs[/] {Markup.Escape(cost)}");
        }

        Findings(report, console);
        console.WriteLine();
        console.Write(Latencies(report));
        if (report.Shootdowns.Count > 0)
        {
            console.WriteLine();
            console.Write(Shootdowns(report));
        }

        CauseView.ShowDearest(report, console);
        console.WriteLine();
        console.Write(Cores(report));
        OrderOfTraces(report, console);
        LockTable.Show(report, console);
        VmStat(report, console);
        Guests(report, console);
        if (report.Checker is { } checker)
        {
            console.MarkupLine(
                $"late use of dead translations: [bold]{Quantities.Exact(checker.LongestStaleness.Value)}[/] cycles at most, "
                + $"{Quantities.Exact(checker.AllowedStaleness.Value)} allowed");
        }

        if (report.Host is { } host)
        {
            Speed(report, host, console);
        }

        string fingerprint = report.Fingerprint.Length == 0
            ? "no fingerprint, since the run was stopped"
            : $"fingerprint {report.Fingerprint[..Math.Min(16, report.Fingerprint.Length)]}";
        console.MarkupLine($"[grey]{Markup.Escape(fingerprint)}, seed {report.Seed}[/]");
    }

    /// <summary>What interrupts and flushes cost on the run's machine, in words; nothing for a report that does not say.</summary>
    internal static IEnumerable<(string Name, string Cost)> Costs(RunReport report)
    {
        MachineFacts facts = report.Facts;
        if (facts.Costs.Count == 0)
        {
            yield break;
        }

        string way = Of("ipi-cycles") == Of("ipi-remote-cycles") ? Of("ipi-cycles") : $"{Of("ipi-cycles")} to {Of("ipi-remote-cycles")}";
        yield return ("an interrupt", $"send {Of("ipi-send-cycles")}, way {way}, handler {Of("handler-cycles")} cycles");
        yield return (
            "a flush",
            $"range {Of("invalidate-range-cycles")}, page {Of("invalidate-page-cycles")}, all {Of("invalidate-all-cycles")} cycles");

        string Of(string name) => Quantities.Exact(facts.Cost(name));
    }

    private static Grid Headline(RunReport report)
    {
        long cycles = report.Total("cycles");
        long accesses = report.Total("accesses");
        long first = report.Total("tlbL1Hits");
        long second = report.Total("tlbL2Hits");
        Grid grid = new();
        grid.AddColumn(new GridColumn().NoWrap()).AddColumn(new GridColumn().NoWrap().PadRight(4));
        grid.AddColumn(new GridColumn().NoWrap()).AddColumn();
        if (report.Facts.Machine.Length > 0)
        {
            Row("machine", report.Facts.Machine, "kernel", report.Facts.Kernel);
        }

        Row("simulated time", Quantities.Time(cycles, report.Ghz), "protocol", report.Protocol);
        Row("cycles", Quantities.Exact(cycles), "outcome", report.Outcome);
        Row("accesses", Quantities.Exact(accesses), "cores", Quantities.Exact(report.Cores.Count));
        Row("TLB hits, level 1", Quantities.Percent(first, accesses), "threads", Quantities.Exact(report.Threads.Count));
        Row("TLB hits, level 2", Quantities.Percent(second, accesses), "address spaces", Quantities.Exact(report.AddressSpaces.Count));
        Row("page walks", Total("walks"), "minor faults", Total("minorFaults"));
        Row("map operations", Total("mapOperations"), "major faults", Total("majorFaults"));
        Row("unmap operations", Total("unmapOperations"), "shootdowns", Total("shootdowns"));
        Row("protect operations", Total("protectOperations"), "IPIs sent", Total("ipisSent"));
        Row("frames allocated", Total("framesAllocated"), "full flushes", Total("fullFlushes"));
        return grid;

        string Total(string counter) => Quantities.Exact(report.Total(counter));

        void Row(string left, string leftValue, string right, string rightValue) => grid.AddRow(
            new Markup($"[grey]{left}[/]"),
            new Markup($"[bold]{Markup.Escape(leftValue)}[/]"),
            new Markup($"[grey]{right}[/]"),
            new Markup($"[bold]{Markup.Escape(rightValue)}[/]"));
    }

    private static Table Latencies(RunReport report)
    {
        Table table = NewTable();
        table.AddColumn("latency");
        foreach (string column in (string[])["count", "p50", "p90", "p99", "max"])
        {
            table.AddColumn(new TableColumn(column).RightAligned());
        }

        foreach ((string name, Distribution summary) in report.LatencyCycles)
        {
            if (summary.Count > 0)
            {
                table.AddRow(
                    HeadingOf(LatencyKind.All.Select(kind => kind.Info), name),
                    Quantities.Exact(summary.Count),
                    Quantities.Time(summary.P50, report.Ghz),
                    Quantities.Time(summary.P90, report.Ghz),
                    Quantities.Time(summary.P99, report.Ghz),
                    Quantities.Time(summary.Max, report.Ghz));
            }
        }

        if (table.Rows.Count == 0)
        {
            table.AddRow("none", "", "", "", "", "");
        }

        return table;
    }

    private static Table Shootdowns(RunReport report)
    {
        Table table = NewTable();
        table.AddColumn("each shootdown");
        foreach (string column in (string[])["sum", "mean", "p50", "p90", "p99", "max"])
        {
            table.AddColumn(new TableColumn(column).RightAligned());
        }

        foreach ((string name, Distribution figure) in report.Shootdowns)
        {
            if (figure.Sum is > 0 and long sum)
            {
                double[] values = [sum, (double)sum / figure.Count, figure.P50, figure.P90, figure.P99, figure.Max];
                table.AddRow([HeadingOf(ShootdownFigure.All.Select(known => known.Info), name), .. values.Select(Short)]);
            }
        }

        return table;
    }

    private static string Short(double value) =>
        value is > 0 and < 10 && value != Math.Floor(value)
            ? value.ToString("0.00", CultureInfo.InvariantCulture)
            : Quantities.Count(value);

    private static Table Cores(RunReport report)
    {
        Table table = NewTable();
        table.AddColumn(new TableColumn("cycles of").NoWrap().PadRight(0));
        bool hasOrder = OrderWait(report) > 0;
        CounterInfo[] classes = [.. CoreCycles.All.Where(info => hasOrder || info != CoreCycles.OrderWait.Info), CoreCycles.Idle];
        foreach (CounterInfo cycles in classes)
        {
            // Nine columns of percents stay within 80 columns.
            table.AddColumn(new TableColumn(cycles.Heading).RightAligned().PadLeft(1).PadRight(0).NoWrap());
        }

        if (report.Cores.Count <= CoresShown)
        {
            foreach (CoreReport core in report.Cores)
            {
                AddRow($"core {core.Id}", [core]);
            }
        }
        else
        {
            foreach (IGrouping<int, CoreReport> socket in report.Cores.GroupBy(core => core.Socket))
            {
                AddRow($"socket {socket.Key} ({socket.Count()})", [.. socket]);
            }

            CoreReport busiest = report.Cores.MinBy(core => core.CyclesOf(CoreCycles.Idle))!;
            CoreReport idlest = report.Cores.MaxBy(core => core.CyclesOf(CoreCycles.Idle))!;
            AddRow($"busiest ({busiest.Id})", [busiest]);
            AddRow($"idlest ({idlest.Id})", [idlest]);
        }

        if (report.Cores.Count > 1)
        {
            AddRow("all cores", report.Cores);
        }

        // What idle cores would drown.
        if (report.Cores.Any(core => core.CyclesOf(CoreCycles.Idle) > 0))
        {
            AddRow("busy time", report.Cores, isOfBusy: true);
        }

        return table;

        void AddRow(string name, IReadOnlyList<CoreReport> cores, bool isOfBusy = false)
        {
            // A report is a file that anybody may have written: what its figures come to need not be a whole number of 64 bits.
            double[] parts =
            [
                .. classes.Select(cycles => isOfBusy && cycles == CoreCycles.Idle ? 0 : cores.Sum(core => (double)core.CyclesOf(cycles))),
            ];
            double whole = parts.Sum();
            table.AddRow([new Text(name), .. parts.Select(part => Share(part, whole))]);
        }
    }

    private static double OrderWait(RunReport report) => report.Cores.Sum(core => (double)core.CyclesOf(CoreCycles.OrderWait));

    /// <summary>How much of what cores did was waiting that no program did.</summary>
    private static void OrderOfTraces(RunReport report, IAnsiConsole console)
    {
        double waited = OrderWait(report);
        double idle = report.Cores.Sum(core => (double)core.CyclesOf(CoreCycles.Idle));
        double busy = report.Cores.Sum(core => core.Cycles.Sum(cycles => (double)cycles.Value)) - idle;
        if (waited > 0)
        {
            console.MarkupLine(
                $"{Quantities.Percent(waited, busy)} of the busy time is waiting for a trace's order: docs/model.md, Traces");
        }
    }

    /// <summary>What the kernel would count under its own names.</summary>
    private static void VmStat(RunReport report, IAnsiConsole console)
    {
        IEnumerable<string> lines = VmStatLine.Of(report).Where(line => line.Value > 0)
            .Select(line => $"{line.Key} {Quantities.Exact(line.Value)}");
        string text = string.Join(", ", lines);
        if (text.Length > 0)
        {
            console.MarkupLine($"[grey]as in /proc/vmstat: {text}[/]");
        }
    }

    /// <summary>What running in virtual machines came to.</summary>
    private static void Guests(RunReport report, IAnsiConsole console)
    {
        long ofWalks = report.Total(GuestCoreCounters.HostFaults.Info.Name);
        long ofKernel = report.Total(GuestSpaceCounters.KernelHostFaults.Info.Name);
        if (ofWalks + ofKernel > 0)
        {
            console.MarkupLine(
                $"in virtual machines: {Quantities.Exact(ofWalks)} host faults of walks and {Quantities.Exact(ofKernel)} of the guests' "
                    + $"kernels; hosts took {Quantities.Of(report.Total(GuestSpaceCounters.HostPagesTaken.Info.Name), "page")} back, in "
                    + $"{Quantities.Of(report.Total(GuestSpaceCounters.HostFlushes.Info.Name), "flush", "flushes")} of all cores");
        }
    }

    private static IRenderable Share(double part, double whole)
    {
        double percent = whole == 0 ? 0 : 100 * part / whole;
        string text = part == 0 ? "-"
            : percent < 0.05 ? "<0.1%"
            : percent >= 99.95 ? "100%"
            : string.Create(CultureInfo.InvariantCulture, $"{percent:0.0}%");
        return new Markup(part == 0 ? $"[grey]{text}[/]" : text);
    }

    private static void Findings(RunReport report, IAnsiConsole console)
    {
        if (report.Findings.Count == 0)
        {
            return;
        }

        console.WriteLine();
        console.MarkupLine($"[yellow]{Quantities.Of(report.Findings.Count, "finding")}[/]");
        foreach (string finding in report.Findings.Take(FindingsShown))
        {
            // A line of a violation's trace stays one line, however wide the console is.
            console.Profile.Out.Writer.WriteLine($"  {PlainWriter.Line(finding)}");
        }

        if (report.Findings.Count > FindingsShown)
        {
            console.WriteLine($"  and {report.Findings.Count - FindingsShown} more in report.json");
        }
    }

    private static void Speed(RunReport report, HostReport host, IAnsiConsole console)
    {
        console.WriteLine();
        console.MarkupLine(
            $"simulated in [bold]{Quantities.Seconds(host.WallSeconds)}[/] on {Quantities.Of(host.Threads, "thread")}: "
            + $"[bold]{Quantities.Count(host.AccessesPerSecond)} accesses/s[/], {Quantities.Bytes(host.PeakMemoryBytes)} peak");
        console.MarkupLine(
            $"[grey]{Quantities.Of(host.Windows, "window")} of at most {Quantities.Exact(host.WindowCycles.Value)} cycles "
            + $"(bound {Quantities.Exact(report.WindowBound.Value)})[/]");
        Nodes(host, console);
    }

    private static void Nodes(HostReport host, IAnsiConsole console)
    {
        foreach (NodeReport node in host.Nodes)
        {
            console.MarkupLine(
                $"[grey]node {Markup.Escape(node.Address)}: {Quantities.Of(node.Cores, "core")}, "
                + $"{Quantities.Of(node.Spaces, "address space")}, "
                + $"{Quantities.Of(node.Envelopes, "envelope")} of {Quantities.Bytes(node.Bytes)} sent[/]");
        }
    }

    private static Table NewTable() => new Table().Border(TableBorder.Simple).BorderColor(Color.Grey);

    /// <summary>The heading of a figure; its name, if this program does not know it.</summary>
    private static string HeadingOf(IEnumerable<CounterInfo> known, string name) =>
        Markup.Escape(known.FirstOrDefault(info => info.Name == name)?.Heading ?? name);
}
