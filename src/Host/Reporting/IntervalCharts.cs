using OxyPlot;
using OxyPlot.Axes;
using OxyPlot.Series;
using VmSim.Core.Engine;
using VmSim.Core.Kernel;
using VmSim.Core.Reports;
using VmSim.Host.Terminal;

namespace VmSim.Host.Reporting;

/// <summary>The charts of what happened when, and of which cores interrupted which.</summary>
internal static class IntervalCharts
{
    private const int Width = 820;
    private const int CurveHeight = 110;
    private const int Around = 90;
    private const int MatrixWidth = 640;
    private const int MatrixHeight = 560;

    private const int ClassesHeight = 300;
    private const int HeatAround = 110;
    private const int HeatLeast = 120;
    private const int RowHeight = 8;

    /// <summary>Steps of a heat map's shades in per cent.</summary>
    private const int HeatStep = 4;

    private const string ShadeKey = "shade";

    /// <summary>Part of a curve's height that stays free between it and the next.</summary>
    private const double Gap = 0.2;

    private const int Shades = 200;
    private const double NumbersWidth = 96;

    /// <summary>Pixels between an axis and its title: the numbers of browsers are wider than the library measures them.</summary>
    private const double TitleDistance = 32;

    private static readonly OxyColor Least = OxyColor.FromRgb(0xB9, 0xDD, 0xF1);
    private static readonly OxyColor Most = OxyColor.FromRgb(0x00, 0x33, 0x66);

    /// <summary>Whether a report has curves over time.</summary>
    public static bool HasTime(RunReport report) => report.Intervals is { } intervals && HasTime(intervals);

    /// <summary>Whether there is a curve over time in intervals.</summary>
    public static bool HasTime(RunIntervals intervals) =>
        intervals.Series.Any(series => series.Value.Count > 1 && !IsClass(series.Key) && series.Value.Any(value => value != 0));

    /// <summary>Whether it says where cycles went over time, which reports of versions before do not.</summary>
    public static bool HasClasses(RunReport report) => HasTime(report) && report.CoreTime is not null;

    /// <summary>A curve above the other for each series, on one axis of time.</summary>
    public static string OverTime(RunIntervals intervals, double ghz, int? number)
    {
        KeyValuePair<string, IReadOnlyList<long>>[] series =
            [.. intervals.Series.Where(series => !IsClass(series.Key) && series.Value.Any(value => value != 0)).Reverse()];
        PlotModel chart = ChartStyle.NewChart($"In each {Quantities.Time(intervals.Length.Value, ghz)} of virtual time");
        double milliseconds = Milliseconds(intervals, ghz);
        chart.Axes.Add(TimeAxis(intervals, ghz));
        for (int i = 0; i < series.Length; i++)
        {
            (string name, IReadOnlyList<long> values) = series[i];
            LinearAxis axis = new()
            {
                Position = AxisPosition.Left,
                Key = name,
                Title = TitleOf(name),
                StartPosition = i / (double)series.Length,
                EndPosition = (i + 1 - Gap) / series.Length,
                Minimum = 0,
                Maximum = Math.Max(1, 1.05 * values.Max()),
                LabelFormatter = ChartStyle.Label,
                MajorStep = Step(values.Max()),
            };
            chart.Axes.Add(ChartStyle.Dressed(axis));
            axis.AxisTitleDistance = TitleDistance;
            StairStepSeries curve = new()
            {
                YAxisKey = name,
                Color = ChartStyle.LineColours[(series.Length - 1 - i) % ChartStyle.LineColours.Count],
                VerticalStrokeThickness = 1.5,
                StrokeThickness = 1.5,
            };
            curve.Points.AddRange(values.Append(values[^1]).Select((value, at) => new DataPoint(at * milliseconds, value)));
            chart.Series.Add(curve);
        }

        chart.PlotMargins = new OxyThickness(NumbersWidth, double.NaN, double.NaN, double.NaN);
        return ChartStyle.Draw(chart, Width, Around + (CurveHeight * series.Length), number);
    }

    /// <summary>How many cores were at what in each interval, one class of cycles above the other.</summary>
    public static string Classes(RunIntervals intervals, double ghz, int? number)
    {
        PlotModel chart = ChartStyle.NewChart("What cores did when");
        chart.Axes.Add(TimeAxis(intervals, ghz));
        chart.Axes.Add(ChartStyle.Dressed(new LinearAxis
        {
            Position = AxisPosition.Left,
            Title = "cores at it",
            Minimum = 0,
            MaximumPadding = 0.06,
            LabelFormatter = ChartStyle.Label,
        }));
        double milliseconds = Milliseconds(intervals, ghz);
        double[] below = new double[intervals.Series.Max(series => series.Value.Count)];
        foreach ((int at, CoreIntervals known) in CoreIntervals.Classes.Index())
        {
            IReadOnlyList<long>? values = intervals.Series.FirstOrDefault(series => series.Key == known.Name).Value;
            if (values is null || values.All(value => value == 0))
            {
                continue;
            }

            AreaSeries area = new()
            {
                Title = known.ShortTitle,
                Fill = ChartStyle.ClassColours[at],
                StrokeThickness = 0,
            };
            for (int i = 0; i < values.Count; i++)
            {
                double above = below[i] + ((double)values[i] / intervals.Length.Value);
                foreach (int side in (int[])[i, i + 1])
                {
                    area.Points.Add(new DataPoint(side * milliseconds, above));
                    area.Points2.Add(new DataPoint(side * milliseconds, below[i]));
                }

                below[i] = above;
            }

            chart.Series.Add(area);
        }

        chart.Legends.Add(ChartStyle.NewLegend());
        return ChartStyle.Draw(chart, Width, ClassesHeight, number);
    }

    /// <summary>
    /// For each core, or block of cores, and interval the part of its busy time that went to virtual memory and the kernel, the darker the
    /// more. Where a core idled there is nothing.
    /// </summary>
    public static string Heat(RunReport report, int? number)
    {
        RunCoreTime time = report.CoreTime!;
        string of = time.CoresPerBlock == 1 ? "" : $", in blocks of {time.CoresPerBlock} cores";
        PlotModel chart = ChartStyle.NewChart($"What virtual memory and the kernel took of each core's busy time{of}");
        chart.Axes.Add(TimeAxis(report.Intervals!, report.Ghz));
        chart.Axes.Add(Side(AxisPosition.Left, "core", time.User.Count, time.CoresPerBlock, isDown: true));
        chart.Axes.Add(Shade("% of busy time", 0, 100));
        RectangleSeries squares = new() { ColorAxisKey = ShadeKey };
        double milliseconds = Milliseconds(report.Intervals!, report.Ghz);
        for (int block = 0; block < time.User.Count; block++)
        {
            int begin = 0;
            for (int i = 1; i <= time.User[block].Count; i++)
            {
                // Neighbours of one shade are one rectangle, since a page has thousands.
                int? shade = ShadeOf(begin);
                if (i < time.User[block].Count && ShadeOf(i) == shade)
                {
                    continue;
                }

                if (shade is { } percent)
                {
                    squares.Items.Add(new RectangleItem(
                        begin * milliseconds,
                        i * milliseconds,
                        (block * time.CoresPerBlock) - 0.5,
                        ((block + 1) * time.CoresPerBlock) - 0.5,
                        percent));
                }

                begin = i;
            }

            int? ShadeOf(int interval)
            {
                (long user, long lost) = (time.User[block][interval], time.Lost[block][interval]);
                return user + lost == 0 ? null : (int)Math.Round(100.0 / HeatStep * lost / (user + lost)) * HeatStep;
            }
        }

        chart.Series.Add(squares);
        chart.PlotMargins = new OxyThickness(double.NaN, double.NaN, NumbersWidth, double.NaN);
        return ChartStyle.Draw(chart, Width, HeatAround + Math.Max(HeatLeast, time.User.Count * RowHeight), number);
    }

    /// <summary>A square for each pair that had interrupts, the darker the more.</summary>
    public static string Matrix(RunInterrupts interrupts, int? number)
    {
        int blocks = interrupts.Rows.Count;
        string of = interrupts.CoresPerBlock == 1 ? "" : $", in blocks of {interrupts.CoresPerBlock} cores";
        PlotModel chart = ChartStyle.NewChart($"Who interrupts whom for shootdowns{of}");
        chart.Axes.Add(Side(AxisPosition.Left, "core that interrupts", blocks, interrupts.CoresPerBlock, isDown: true));
        chart.Axes.Add(Side(AxisPosition.Bottom, "core that is interrupted", blocks, interrupts.CoresPerBlock, isDown: false));
        long most = interrupts.Rows.Max(row => row.Max());
        chart.Axes.Add(Shade("interrupts", Math.Min(1, most - 0.5), most));
        RectangleSeries squares = new() { ColorAxisKey = ShadeKey };
        for (int from = 0; from < blocks; from++)
        {
            for (int to = 0; to < blocks; to++)
            {
                if (interrupts.Rows[from][to] is > 0 and long count)
                {
                    squares.Items.Add(new RectangleItem(
                        (to * interrupts.CoresPerBlock) - 0.5,
                        ((to + 1) * interrupts.CoresPerBlock) - 0.5,
                        (from * interrupts.CoresPerBlock) - 0.5,
                        ((from + 1) * interrupts.CoresPerBlock) - 0.5,
                        count));
                }
            }
        }

        chart.Series.Add(squares);
        chart.PlotMargins = new OxyThickness(double.NaN, double.NaN, NumbersWidth, double.NaN);
        return ChartStyle.Draw(chart, MatrixWidth, MatrixHeight, number);
    }

    private static bool IsClass(string name) => CoreIntervals.Classes.Any(known => known.Name == name);

    private static string TitleOf(string name) => CoreIntervals.Counts.FirstOrDefault(known => known.Name == name)?.ShortTitle
        ?? SpaceIntervals.All.FirstOrDefault(known => known.Name == name)?.ShortTitle ?? name;

    private static double Milliseconds(RunIntervals intervals, double ghz) => intervals.Length.Value / ghz / 1e6;

    private static Axis TimeAxis(RunIntervals intervals, double ghz) => ChartStyle.Dressed(new LinearAxis
    {
        Position = AxisPosition.Bottom,
        Title = "virtual time in ms",
        Minimum = 0,
        Maximum = Milliseconds(intervals, ghz) * intervals.Series.Max(one => one.Value.Count),
    });

    private static LinearColorAxis Shade(string title, double least, double most) => new()
    {
        Position = AxisPosition.Right,
        Minimum = least,
        Maximum = most,
        Palette = OxyPalette.Interpolate(Shades, Least, Most),
        Title = title,
        LabelFormatter = ChartStyle.Label,
        TicklineColor = ChartStyle.Ink,
        AxislineColor = ChartStyle.Ink,
        Key = ShadeKey,
        AxisTitleDistance = TitleDistance,
    };

    /// <summary>An axis whose marks stand in the middle of cores; those of a block begin at its first one.</summary>
    private static Axis Side(AxisPosition position, string title, int blocks, int coresPerBlock, bool isDown)
    {
        LinearAxis axis = new()
        {
            Position = position,
            Title = title,
            Minimum = -0.5,
            Maximum = (blocks * coresPerBlock) - 0.5,
            StartPosition = isDown ? 1 : 0,
            EndPosition = isDown ? 0 : 1,
            MinimumMajorStep = 1,
        };
        return ChartStyle.Dressed(axis);
    }

    /// <summary>Two or three marks on a low axis: half of the greatest value, as one digit and noughts.</summary>
    private static double Step(long most)
    {
        double half = Math.Max(1, most / 2.0);
        double power = Math.Pow(10, Math.Floor(Math.Log10(half)));
        return Math.Floor(half / power) * power;
    }
}
