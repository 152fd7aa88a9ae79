using System.Globalization;
using Spectre.Console;
using VmSim.Core.Engine;
using VmSim.Core.Kernel.Causes;
using VmSim.Core.Reports;
using VmSim.Host.Terminal;

namespace VmSim.Host.Reporting;

/// <summary>
/// Shows whose calls and faults cost what: the dearest in every report, and all by request, ranked by what they have in common.
/// </summary>
internal static class CauseView
{
    /// <summary>Causes that every report shows.</summary>
    private const int Dearest = 5;

    /// <summary>Columns that figures take beside a name; a longer name loses its middle.</summary>
    private const int FiguresWidth = 44;

    /// <summary>Columns from which on there is room for refill walks, and what they take.</summary>
    private const int RoomForRefills = 100;

    private const int RefillsWidth = 9;

    /// <summary>Writes the dearest causes of a report, and a sentence on the one with most interrupts.</summary>
    public static void ShowDearest(RunReport report, IAnsiConsole console)
    {
        IReadOnlyList<CauseGroup> groups = CauseGroup.Of(report, CauseGrouping.Site);
        if (groups.Count == 0)
        {
            return;
        }

        console.WriteLine();
        console.Write(TableOf("what cost most", groups, Dearest, console.Profile.Width));
        if (Sentence(groups) is { } sentence)
        {
            console.WriteLine(PlainWriter.Line(sentence));
        }
    }

    /// <summary>Writes the causes of a report by what they have in common.</summary>
    public static void Show(RunReport report, CauseGrouping grouping, int top, IAnsiConsole console)
    {
        IReadOnlyList<CauseGroup> groups = CauseGroup.Of(report, grouping);
        console.Write(TableOf(grouping.ToString().ToLowerInvariant(), groups, top, console.Profile.Width));
        console.MarkupLine("[grey]caller: cycles from trap to answer, waits included[/]");
        console.MarkupLine("[grey]others: cycles of the handlers of the cores that it interrupted[/]");
        console.MarkupLine("[grey]share: of both together[/]");
        if (groups.Count > top)
        {
            console.WriteLine($"and {Quantities.Exact(groups.Count - top)} more; --top shows them");
        }
    }

    /// <summary>Writes what each core had to do for others' and its own memory management.</summary>
    public static void ShowCores(RunReport report, int top, IAnsiConsole console)
    {
        Table table = NewTable("core", ["calls", "faults", "irq cycles", "wait cycles", "irqs taken", "refills"]);
        IEnumerable<(CoreReport Core, double Lost)> ranked = report.Cores
            .Select(core => (core, Lost: (double)core.CyclesOf(CoreCycles.Interrupt) + core.CyclesOf(CoreCycles.ShootdownWait)
                + core.CyclesOf(CoreCycles.Syscall) + core.CyclesOf(CoreCycles.Fault)))
            .OrderByDescending(pair => pair.Lost).ThenBy(pair => pair.core.Id.Value);
        foreach ((CoreReport core, _) in ranked.Take(top))
        {
            table.AddRow([.. new[]
            {
                $"core {core.Id}",
                Quantities.Exact(core.CyclesOf(CoreCycles.Syscall)),
                Quantities.Exact(core.CyclesOf(CoreCycles.Fault)),
                Quantities.Exact(core.CyclesOf(CoreCycles.Interrupt)),
                Quantities.Exact(core.CyclesOf(CoreCycles.ShootdownWait)),
                Quantities.Exact(Counted(core, CoreCounters.InvalidationsHandled.Info.Name)),
                Quantities.Exact(Counted(core, CoreCounters.RefillMisses.Info.Name)),
            }.Select(text => new Text(text))]);
        }

        console.Write(table);
        console.MarkupLine("[grey]calls, faults, irq, wait: cycles in system calls, in faults, in handlers of others' invalidations,[/]");
        console.MarkupLine("[grey]and waiting for theirs[/]");
    }

    private static long Counted(CoreReport core, string name) => core.Counters.FirstOrDefault(counter => counter.Key == name).Value;

    private static Table TableOf(string heading, IReadOnlyList<CauseGroup> groups, int top, int width)
    {
        double all = groups.Sum(group => group.Lost);
        (string Name, CauseFigure Figure)[] columns =
        [
            ("times", CauseFigure.Count),
            ("caller", CauseFigure.Cycles),
            ("others", CauseFigure.HandlerCycles),
            ("IPIs", CauseFigure.Interrupts),
            .. width >= RoomForRefills ? [("refills", CauseFigure.RefillWalks)] : Array.Empty<(string, CauseFigure)>(),
        ];
        int room = width - FiguresWidth - (width >= RoomForRefills ? RefillsWidth : 0);
        Table table = NewTable(heading, ["share", .. columns.Select(column => column.Name)]);
        foreach (CauseGroup group in groups.Take(top))
        {
            table.AddRow([
                new Text(Shortened(group.Name, room)),
                new Text(all == 0 ? "-" : string.Create(CultureInfo.InvariantCulture, $"{100 * group.Lost / all:0.0}%")),
                .. columns.Select(column => new Text(group[column.Figure] == 0 ? "-" : Quantities.Count(group[column.Figure]))),
            ]);
        }

        return table;
    }

    private static Table NewTable(string heading, string[] columns)
    {
        Table table = new Table().Border(TableBorder.Simple).BorderColor(Color.Grey);
        table.AddColumn(new TableColumn(heading).NoWrap().PadRight(1));
        foreach (string column in columns)
        {
            table.AddColumn(new TableColumn(column).RightAligned().NoWrap().PadLeft(1).PadRight(0));
        }

        return table;
    }

    /// <summary>Percent of the interrupts below which the cause of most tells nothing of the others.</summary>
    private const double LeastShare = 10;

    /// <summary>"78 % of the interrupts come from munmap in pool_release pool.c:212: 4 threads, 8 pages and 63 targets each."</summary>
    public static string? Sentence(IReadOnlyList<CauseGroup> groups)
    {
        if (groups.Count == 0)
        {
            return null;
        }

        double all = groups.Sum(group => group[CauseFigure.Interrupts]);
        CauseGroup most = groups.MaxBy(group => group[CauseFigure.Interrupts])!;
        double shootdowns = most[CauseFigure.Shootdowns];
        double percent = all == 0 ? 0 : 100 * most[CauseFigure.Interrupts] / all;
        if (shootdowns == 0 || percent < LeastShare)
        {
            return null;
        }

        string share = string.Create(CultureInfo.InvariantCulture, $"{percent:0}");
        string pages = Mean(most[CauseFigure.DeadPages] / shootdowns, "page");
        string cores = Mean(most[CauseFigure.Targets] / shootdowns, "core");
        return $"{share} % of the interrupts come from {most.Name}: {Quantities.Of(most.Threads, "thread")}, {pages} and {cores} each";
    }

    private static string Mean(double mean, string unit)
    {
        string text = mean.ToString(mean < 10 ? "0.#" : "0", CultureInfo.InvariantCulture);
        return $"{text} {unit}{(text == "1" ? "" : "s")}";
    }

    private static string Shortened(string name, int room) =>
        name.Length <= room ? name : $"{name[..((room / 2) - 1)]}..{name[^((room / 2) - 1)..]}";
}
