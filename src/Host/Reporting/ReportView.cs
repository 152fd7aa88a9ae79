using Spectre.Console;
using Spectre.Console.Rendering;
using VmSim.Core.Reports;
using VmSim.Core.Statistics;
using VmSim.Host.Terminal;

namespace VmSim.Host.Reporting;

/// <summary>Shows a report on a terminal: what a person wants to know first, then latencies, then where each core's cycles went, then the run's own speed.</summary>
public static class ReportView
{
    /// <summary>Cores that are shown one by one; more are summed up by socket.</summary>
    private const int CoresShown = 16;

    private const int FindingsShown = 10;

    /// <summary>Writes a report.</summary>
    public static void Show(RunReport report, IAnsiConsole console)
    {
        ArgumentNullException.ThrowIfNull(report);
        ArgumentNullException.ThrowIfNull(console);
        console.Write(new Rule($"[bold]{Markup.Escape(report.Scenario)}[/]").LeftJustified());
        console.Write(Headline(report));
        console.WriteLine();
        console.Write(Latencies(report));
        if (report.Shootdowns.Count > 0)
        {
            console.WriteLine();
            console.Write(Shootdowns(report));
        }

        console.WriteLine();
        console.Write(Cores(report));
        LockTable.Show(report, console);
        Findings(report, console);
        if (report.Checker is { } checker)
        {
            console.MarkupLine(
                $"late use of dead translations: [bold]{Quantities.Exact(checker.LongestStaleness)}[/] cycles at most, {Quantities.Exact(checker.AllowedStaleness)} allowed");
        }

        if (report.Host is { } host)
        {
            Speed(report, host, console);
        }

        console.MarkupLine($"[grey]fingerprint {report.Fingerprint[..Math.Min(16, report.Fingerprint.Length)]}, seed {report.Seed}[/]");
    }

    private static Grid Headline(RunReport report)
    {
        long cycles = report.Total("cycles");
        long accesses = report.Total("accesses");
        long first = report.Total("tlbL1Hits");
        long second = report.Total("tlbL2Hits");
        Grid grid = new Grid().AddColumn(new GridColumn().NoWrap()).AddColumn(new GridColumn().NoWrap().PadRight(4)).AddColumn(new GridColumn().NoWrap()).AddColumn();
        Row("simulated time", Quantities.Time(cycles, report.Ghz), "protocol", report.Protocol);
        Row("cycles", Quantities.Exact(cycles), "outcome", report.Outcome);
        Row("accesses", Quantities.Exact(accesses), "cores", Quantities.Exact(report.Cores.Count));
        Row("TLB hits, level 1", Quantities.Percent(first, accesses), "threads", Quantities.Exact(report.Threads.Count));
        Row("TLB hits, level 2", Quantities.Percent(second, accesses), "address spaces", Quantities.Exact(report.AddressSpaces.Count));
        Row("page walks", Quantities.Exact(report.Total("walks")), "minor faults", Quantities.Exact(report.Total("minorFaults")));
        Row("map operations", Quantities.Exact(report.Total("mapOperations")), "major faults", Quantities.Exact(report.Total("majorFaults")));
        Row("unmap operations", Quantities.Exact(report.Total("unmapOperations")), "shootdowns", Quantities.Exact(report.Total("shootdowns")));
        Row("protect operations", Quantities.Exact(report.Total("protectOperations")), "IPIs sent", Quantities.Exact(report.Total("ipisSent")));
        Row("frames allocated", Quantities.Exact(report.Total("framesAllocated")), "full flushes", Quantities.Exact(report.Total("fullFlushes")));
        return grid;

        void Row(string left, string leftValue, string right, string rightValue) => grid.AddRow(
            new Markup($"[grey]{left}[/]"), new Markup($"[bold]{Markup.Escape(leftValue)}[/]"), new Markup($"[grey]{right}[/]"), new Markup($"[bold]{Markup.Escape(rightValue)}[/]"));
    }

    private static Table Latencies(RunReport report)
    {
        Table table = NewTable();
        table.AddColumn("latency");
        foreach (string column in (string[])["count", "p50", "p90", "p99", "max"])
        {
            table.AddColumn(new TableColumn(column).RightAligned());
        }

        foreach ((string name, LatencySummary summary) in report.LatencyCycles)
        {
            if (summary.Count > 0)
            {
                table.AddRow(
                    NameOf(name),
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
            if (figure.Sum > 0)
            {
                table.AddRow([FigureOf(name), .. new[] { figure.Sum, (double)figure.Sum / figure.Count, figure.P50, figure.P90, figure.P99, figure.Max }.Select(Short)]);
            }
        }

        return table;
    }

    private static string Short(double value) =>
        value is > 0 and < 10 && value != Math.Floor(value) ? value.ToString("0.00", System.Globalization.CultureInfo.InvariantCulture) : Quantities.Count(value);

    private static string FigureOf(string name) => name switch
    {
        "spuriousInterrupts" => "spurious IPIs",
        "interrupts" => "IPIs",
        "deadPages" => "dead pages",
        "spanPages" => "pages in range",
        "wait" => "wait, cycles",
        "handlerCycles" => "handlers, cycles",
        "refillMisses" => "refill misses",
        _ => name,
    };

    private static Table Cores(RunReport report)
    {
        Table table = NewTable();
        table.AddColumn(new TableColumn("cycles of").NoWrap());
        foreach (string column in (string[])["user", "walk", "fault", "call", "wait", "irq", "switch", "idle"])
        {
            table.AddColumn(new TableColumn(column).RightAligned());
        }

        if (report.Cores.Count <= CoresShown)
        {
            foreach (CoreReport core in report.Cores)
            {
                AddRow(table, $"core {core.Id}", [core.Cycles]);
            }
        }
        else
        {
            foreach (IGrouping<int, CoreReport> socket in report.Cores.GroupBy(core => core.Socket))
            {
                AddRow(table, $"socket {socket.Key} ({socket.Count()})", [.. socket.Select(core => core.Cycles)]);
            }

            CoreReport busiest = report.Cores.MinBy(core => core.Cycles.Idle)!;
            CoreReport idlest = report.Cores.MaxBy(core => core.Cycles.Idle)!;
            AddRow(table, $"busiest ({busiest.Id})", [busiest.Cycles]);
            AddRow(table, $"idlest ({idlest.Id})", [idlest.Cycles]);
        }

        if (report.Cores.Count > 1)
        {
            AddRow(table, "all cores", [.. report.Cores.Select(core => core.Cycles)]);
        }

        return table;
    }

    private static void AddRow(Table table, string name, IReadOnlyList<CycleBreakdown> cores)
    {
        Func<CycleBreakdown, long>[] parts = [c => c.User, c => c.Walk, c => c.Fault, c => c.Syscall, c => c.ShootdownWait, c => c.Interrupt, c => c.Switch, c => c.Idle];
        double whole = parts.Sum(part => (double)cores.Sum(part));
        table.AddRow([new Text(name), .. parts.Select(part => Share(cores.Sum(part), whole))]);
    }

    private static IRenderable Share(double part, double whole)
    {
        double percent = whole == 0 ? 0 : 100 * part / whole;
        string text = part == 0 ? "-" : percent < 0.05 ? "<0.1%" : string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{percent:0.0}%");
        return new Markup(part == 0 ? $"[grey]{text}[/]" : text);
    }

    private static void Findings(RunReport report, IAnsiConsole console)
    {
        if (report.Findings.Count == 0)
        {
            return;
        }

        console.WriteLine();
        console.MarkupLine($"[yellow]{report.Findings.Count} finding{(report.Findings.Count == 1 ? "" : "s")}[/]");
        foreach (string finding in report.Findings.Take(FindingsShown))
        {
            // A line of a violation's trace stays one line, however wide the console is.
            console.Profile.Out.Writer.WriteLine($"  {finding}");
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
            $"simulated in [bold]{Quantities.Seconds(host.WallSeconds)}[/] on {host.Threads} thread{(host.Threads == 1 ? "" : "s")}: "
            + $"[bold]{Quantities.Count(host.AccessesPerSecond)} accesses/s[/], {Quantities.Bytes(host.PeakMemoryBytes)} peak");
        console.MarkupLine(
            $"[grey]{Quantities.Exact(host.Windows)} windows of at most {Quantities.Exact(host.WindowCycles)} cycles (bound {Quantities.Exact(report.WindowBound)})[/]");
        Nodes(host, console);
    }

    private static void Nodes(HostReport host, IAnsiConsole console)
    {
        foreach (NodeReport node in host.Nodes)
        {
            console.MarkupLine(
                $"[grey]node {node.Address}: {node.Cores} cores, {node.Spaces} address spaces, "
                + $"{Quantities.Exact(node.Envelopes)} envelopes of {Quantities.Bytes(node.Bytes)} sent[/]");
        }
    }

    private static Table NewTable() => new Table().Border(TableBorder.Simple).BorderColor(Color.Grey);

    private static string NameOf(string latency) => latency switch
    {
        "minorFault" => "minor fault",
        "majorFault" => "major fault",
        "map" => "mmap",
        "unmap" => "munmap",
        "protect" => "mprotect",
        "otherCall" => "other calls",
        _ => latency,
    };
}
