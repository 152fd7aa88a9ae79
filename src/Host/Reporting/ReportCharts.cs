using OxyPlot;
using OxyPlot.Axes;
using OxyPlot.Series;
using VmSim.Core.Engine;
using VmSim.Core.Kernel;
using VmSim.Core.Kernel.Causes;
using VmSim.Core.Reports;
using VmSim.Core.Statistics;
using VmSim.Host.Terminal;

namespace VmSim.Host.Reporting;

/// <summary>The charts of a report's page.</summary>
internal static class ReportCharts
{
    /// <summary>Width of each in pixels; the page scales them.</summary>
    private const int Width = 820;

    /// <summary>Bars of a chart; what is more is summed up.</summary>
    private const int Bars = 64;

    private const int Dearest = 12;
    private const int BarHeight = 22;
    private const int NameWidth = 48;
    private const int Around = 110;

    /// <summary>Pixels of a letter of an axis in the widest font of a browser.</summary>
    private const double LetterWidth = 7.4;

    /// <summary>Names of all charts, in the order of the page.</summary>
    public static IReadOnlyList<string> Names { get; } = ["cores", "causes", "latencies", "time", "classes", "heat", "interrupts"];

    /// <summary>The charts that a report has something for, in the order of the page.</summary>
    public static IEnumerable<ReportChart> Of(RunReport report)
    {
        yield return new ReportChart(Names[0], number => Cores(report, number));
        IReadOnlyList<CauseGroup> causes = CauseGroup.Of(report, CauseGrouping.Site);
        if (causes.Any(cause => cause.Lost > 0))
        {
            yield return new ReportChart(Names[1], number => Causes(causes, number));
        }

        if (report.LatencyCycles.Any(latency => latency.Value.Count > 0))
        {
            yield return new ReportChart(Names[2], number => Latencies(report, number));
        }

        if (IntervalCharts.HasTime(report))
        {
            yield return new ReportChart(Names[3], number => IntervalCharts.OverTime(report.Intervals!, report.Ghz, number));
        }

        if (IntervalCharts.HasClasses(report))
        {
            yield return new ReportChart(Names[4], number => IntervalCharts.Classes(report.Intervals!, report.Ghz, number));
            yield return new ReportChart(Names[5], number => IntervalCharts.Heat(report, number));
        }

        if (report.Interrupts is { } interrupts)
        {
            yield return new ReportChart(Names[6], number => IntervalCharts.Matrix(interrupts, number));
        }
    }

    /// <summary>Where the cycles went: a bar for each core that did something, or each socket where there are many.</summary>
    private static string Cores(RunReport report, int? number)
    {
        CoreReport[] busy =
            [.. report.Cores.Where(core => core.Cycles.Any(cycles => cycles.Key != CoreCycles.Idle.Name && cycles.Value > 0))];
        (string Name, CoreReport[] Cores)[] bars =
        [
            .. busy.Length > Bars
                ? report.Cores.GroupBy(core => core.Socket).Take(Bars).Select(group => ($"socket {group.Key}", group.ToArray()))
                : busy.Select(core => ($"core {core.Id}", new[] { core })),
        ];
        int idle = busy.Length > Bars ? 0 : report.Cores.Count - busy.Length;
        string left = idle == 0 ? "" : $"; {Quantities.Of(idle, "core")} had nothing to do";
        PlotModel chart = Stacked($"Where the cycles went, idle ones apart{left}", "% of the run", [.. bars.Select(bar => bar.Name)]);
        double[] lengths = [.. bars.Select(bar => bar.Cores.Sum(core => core.Cycles.Sum(cycles => (double)cycles.Value)))];
        foreach ((int at, CounterInfo cycles) in CoreCycles.All.Index())
        {
            double[] values =
                [.. bars.Select((bar, i) => Share(bar.Cores.Sum(core => (double)core.CyclesOf(cycles)), lengths[i]))];
            Add(chart, cycles.Heading, values, ChartStyle.ClassColours[at]);
        }

        return Draw(chart, bars.Length, number);
    }

    /// <summary>What cost most, the dearest on top: what it cost the caller and the others.</summary>
    private static string Causes(IReadOnlyList<CauseGroup> causes, int? number)
    {
        CauseGroup[] dearest = [.. causes.Take(Dearest)];
        IReadOnlyList<OxyColor> colours = ChartStyle.Colours;
        PlotModel chart = Stacked("What cost most", "cycles", [.. dearest.Select(cause => Shortened(cause.Name))]);
        Add(chart, "caller", [.. dearest.Select(cause => cause[CauseFigure.Cycles] - cause[CauseFigure.WaitCycles])], colours[0]);
        Add(chart, "its waits", [.. dearest.Select(cause => cause[CauseFigure.WaitCycles])], colours[1]);
        Add(chart, "others' handlers", [.. dearest.Select(cause => cause[CauseFigure.HandlerCycles])], colours[2]);
        return Draw(chart, dearest.Length, number);
    }

    /// <summary>Medians and tails of latencies, on a logarithmic axis.</summary>
    private static string Latencies(RunReport report, int? number)
    {
        KeyValuePair<string, Distribution>[] latencies = [.. report.LatencyCycles.Where(latency => latency.Value.Count > 0)];
        PlotModel chart = ChartStyle.NewChart("Latencies");
        AddNames(chart, [.. latencies.Select(latency =>
            LatencyKind.All.FirstOrDefault(kind => kind.Info.Name == latency.Key)?.Info.Heading ?? latency.Key)]);
        chart.Axes.Add(ChartStyle.Dressed(new LogarithmicAxis
        {
            Position = AxisPosition.Bottom,
            Title = "cycles",
            LabelFormatter = ChartStyle.Label,
            Minimum = Math.Max(1, latencies.Min(latency => (double)latency.Value.P50) / 2),
            Maximum = 2 * Math.Max(1, latencies.Max(latency => (double)latency.Value.Max)),
        }));
        (string Name, MarkerType Mark, Func<Distribution, long> Read)[] marks =
        [
            ("p50", MarkerType.Circle, d => d.P50),
            ("p90", MarkerType.Square, d => d.P90),
            ("p99", MarkerType.Triangle, d => d.P99),
            ("max", MarkerType.Diamond, d => d.Max),
        ];
        for (int i = 0; i < marks.Length; i++)
        {
            ScatterSeries points = new()
            {
                Title = marks[i].Name,
                MarkerType = marks[i].Mark,
                MarkerSize = 5,
                MarkerFill = ChartStyle.Colours[i],
                MarkerStroke = ChartStyle.Colours[i],
            };
            points.Points.AddRange(latencies.Select((latency, at) => new ScatterPoint(Math.Max(1, marks[i].Read(latency.Value)), at)));
            chart.Series.Add(points);
        }

        chart.Legends.Add(ChartStyle.NewLegend());
        return Draw(chart, latencies.Length, number);
    }

    private static PlotModel Stacked(string title, string unit, string[] names)
    {
        PlotModel chart = ChartStyle.NewChart(title);
        AddNames(chart, names);
        chart.Axes.Add(ChartStyle.Dressed(new LinearAxis
        {
            Position = AxisPosition.Bottom,
            Title = unit,
            LabelFormatter = ChartStyle.Label,
            Minimum = 0,
            MaximumPadding = 0.04,
        }));
        chart.Legends.Add(ChartStyle.NewLegend());
        return chart;
    }

    /// <summary>Names of bars, the first on top.</summary>
    private static void AddNames(PlotModel chart, string[] names)
    {
        CategoryAxis axis = new() { Position = AxisPosition.Left, StartPosition = 1, EndPosition = 0, GapWidth = 0.3 };
        axis.Labels.AddRange(names.Select(PlainWriter.Line));
        chart.Axes.Add(ChartStyle.Dressed(axis));
        double longest = names.Select(name => name.Length).DefaultIfEmpty().Max();
        chart.PlotMargins = new OxyThickness((longest * LetterWidth) + 16, double.NaN, double.NaN, double.NaN);
    }

    private static void Add(PlotModel chart, string name, double[] values, OxyColor colour)
    {
        if (values.All(value => value <= 0))
        {
            return;
        }

        BarSeries bars = new()
        {
            Title = name,
            IsStacked = true,
            FillColor = colour,
            StrokeThickness = 0,
        };
        bars.Items.AddRange(values.Select(value => new BarItem(Math.Max(0, value))));
        chart.Series.Add(bars);
    }

    private static string Draw(PlotModel chart, int bars, int? number) =>
        ChartStyle.Draw(chart, Width, Around + (bars * BarHeight), number);

    private static double Share(double part, double whole) => whole == 0 ? 0 : 100 * part / whole;

    private static string Shortened(string name) =>
        name.Length <= NameWidth ? name : $"{name[..((NameWidth / 2) - 1)]}..{name[^((NameWidth / 2) - 1)..]}";
}
