using OxyPlot;
using OxyPlot.Axes;
using OxyPlot.Series;
using VmSim.Core.Engine;
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

    /// <summary>Part of a curve's height that stays free between it and the next.</summary>
    private const double Gap = 0.2;

    private const int Shades = 200;
    private const double NumbersWidth = 96;

    /// <summary>Pixels between an axis and its title: the numbers of browsers are wider than the library measures them.</summary>
    private const double TitleDistance = 32;

    private static readonly OxyColor Least = OxyColor.FromRgb(0xB9, 0xDD, 0xF1);
    private static readonly OxyColor Most = OxyColor.FromRgb(0x00, 0x33, 0x66);

    /// <summary>Whether a report has curves over time.</summary>
    public static bool HasTime(RunReport report) => report.Intervals?.Series.Any(series => series.Value.Count > 1) == true;

    /// <summary>A curve above the other for each series, on one axis of time.</summary>
    public static string OverTime(RunReport report, int? number)
    {
        RunIntervals intervals = report.Intervals!;
        KeyValuePair<string, IReadOnlyList<long>>[] series =
            [.. intervals.Series.Where(series => series.Value.Any(value => value != 0)).Reverse()];
        PlotModel chart = ChartStyle.NewChart($"In each {Quantities.Time(intervals.Length.Value, report.Ghz)} of virtual time");
        double milliseconds = intervals.Length.Value / report.Ghz / 1e6;
        double end = milliseconds * intervals.Series.Max(one => one.Value.Count);
        chart.Axes.Add(ChartStyle.Dressed(new LinearAxis
        {
            Position = AxisPosition.Bottom,
            Title = "virtual time in ms",
            Minimum = 0,
            Maximum = end,
        }));
        for (int i = 0; i < series.Length; i++)
        {
            (string name, IReadOnlyList<long> values) = series[i];
            LinearAxis axis = new()
            {
                Position = AxisPosition.Left,
                Key = name,
                Title = CoreIntervals.All.FirstOrDefault(known => known.Name == name)?.ShortTitle ?? name,
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
                Color = ChartStyle.Colours[(series.Length - 1 - i) % ChartStyle.Colours.Count],
                VerticalStrokeThickness = 1.5,
                StrokeThickness = 1.5,
            };
            curve.Points.AddRange(values.Append(values[^1]).Select((value, at) => new DataPoint(at * milliseconds, value)));
            chart.Series.Add(curve);
        }

        chart.PlotMargins = new OxyThickness(NumbersWidth, double.NaN, double.NaN, double.NaN);
        return ChartStyle.Draw(chart, Width, Around + (CurveHeight * series.Length), number);
    }

    /// <summary>A square for each pair that had interrupts, the darker the more.</summary>
    public static string Matrix(RunInterrupts interrupts, int? number)
    {
        int blocks = interrupts.Rows.Count;
        string of = interrupts.CoresPerBlock == 1 ? "" : $", in blocks of {interrupts.CoresPerBlock} cores";
        PlotModel chart = ChartStyle.NewChart($"Who interrupts whom for shootdowns{of}");
        chart.Axes.Add(Side(AxisPosition.Left, "core that interrupts", interrupts, isDown: true));
        chart.Axes.Add(Side(AxisPosition.Bottom, "core that is interrupted", interrupts, isDown: false));
        long most = interrupts.Rows.Max(row => row.Max());
        LinearColorAxis colours = new()
        {
            Position = AxisPosition.Right,
            Minimum = Math.Min(1, most - 0.5),
            Maximum = most,
            Palette = OxyPalette.Interpolate(Shades, Least, Most),
            Title = "interrupts",
            LabelFormatter = ChartStyle.Label,
            TicklineColor = ChartStyle.Ink,
            AxislineColor = ChartStyle.Ink,
            Key = "shade",
            AxisTitleDistance = TitleDistance,
        };
        chart.Axes.Add(colours);
        RectangleSeries squares = new() { ColorAxisKey = "shade" };
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

    /// <summary>An axis whose marks stand in the middle of cores; those of a block begin at its first one.</summary>
    private static Axis Side(AxisPosition position, string title, RunInterrupts interrupts, bool isDown)
    {
        LinearAxis axis = new()
        {
            Position = position,
            Title = title,
            Minimum = -0.5,
            Maximum = (interrupts.Rows.Count * interrupts.CoresPerBlock) - 0.5,
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
