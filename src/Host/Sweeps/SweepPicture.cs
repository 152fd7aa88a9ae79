using System.Text;
using OxyPlot;
using OxyPlot.Axes;
using OxyPlot.Series;
using VmSim.Core.Reports;
using VmSim.Host.Reporting;

namespace VmSim.Host.Sweeps;

/// <summary>
/// Draws means of a figure along an axis as SVG, with their intervals.
/// </summary>
internal static class SweepPicture
{
    private const int Width = 720;
    private const int Height = 440;

    /// <summary>Writes the picture of a figure.</summary>
    /// <param name="stream">Takes the SVG.</param>
    /// <param name="view">The axes.</param>
    /// <param name="means">The means.</param>
    /// <param name="metric">The figure.</param>
    public static void Write(Stream stream, SweepView view, SweepMeans means, string metric) =>
        stream.Write(Encoding.UTF8.GetBytes(Draw(view, means, metric, numberInPage: null)));

    /// <summary>Draws the picture of a figure as SVG.</summary>
    /// <param name="view">The axes.</param>
    /// <param name="means">The means.</param>
    /// <param name="metric">The figure.</param>
    /// <param name="numberInPage">Its number in a page; null for a picture by itself.</param>
    public static string Draw(SweepView view, SweepMeans means, string metric, int? numberInPage)
    {
        string unit = ReportMetrics.UnitOf(metric);
        PlotModel model =
            ChartStyle.NewChart($"{view.Plan.Name}: {metric}{(unit.Length > 0 && unit != metric ? $" ({unit})" : "")}");
        model.Axes.Add(Along(view));
        int number = 0;
        foreach (IReadOnlyList<string>[] context in view.Contexts())
        {
            foreach (IReadOnlyList<string> curve in view.RowsOf(view.Curves))
            {
                AddCurve(model, view, means, metric, SweepView.With(context, view.Curves, curve), number++);
            }
        }

        model.Axes.Add(ChartStyle.Figures(metric, Means(model)));
        if (number > 1)
        {
            model.Legends.Add(ChartStyle.NewLegend(number));
        }

        return ChartStyle.Draw(model, Width, Height, numberInPage);
    }

    private static IEnumerable<double> Means(PlotModel model) =>
        model.Series.OfType<LineSeries>().SelectMany(line => line.Points).Select(point => point.Y);

    private static void AddCurve(
        PlotModel model, SweepView view, SweepMeans means, string metric, IReadOnlyList<string>[] rows, int number)
    {
        LineSeries line = ChartStyle.NewCurve(number, Name(view, rows));
        ScatterErrorSeries bars = new() { MarkerType = MarkerType.None, ErrorBarColor = line.Color, ErrorBarStrokeThickness = 1.2 };
        IReadOnlyList<IReadOnlyList<string>> along = view.RowsOf(view.Along);
        for (int i = 0; i < along.Count; i++)
        {
            if (means.At(SweepView.With(rows, view.Along, along[i]), metric) is { } mean)
            {
                double x = view.Along >= 0 && view.Plan.Axes[view.Along].IsNumeric ? SweepAxis.NumberOf(along[i][0])!.Value : i;
                line.Points.Add(new DataPoint(x, mean.Mean));
                if (mean.HalfWidth is > 0 and double half)
                {
                    bars.Points.Add(new ScatterErrorPoint(x, mean.Mean, 0, 2 * half));
                }
            }
        }

        model.Series.Add(line);
        model.Series.Add(bars);
    }

    private static string Name(SweepView view, IReadOnlyList<string>[] rows)
    {
        string curve = view.Curves < 0 ? "" : rows[view.Curves][0];
        string context = view.TextOf(rows);
        return $"{curve}{(curve.Length > 0 && context.Length > 0 ? ", " : "")}{context}";
    }

    private static Axis Along(SweepView view)
    {
        if (view.Along < 0 || !view.Plan.Axes[view.Along].IsNumeric)
        {
            CategoryAxis names = new() { Position = AxisPosition.Bottom, Title = view.Along < 0 ? "" : view.Plan.Axes[view.Along].Key };
            names.Labels.AddRange(view.RowsOf(view.Along).Select(row => row.FirstOrDefault() ?? ""));
            return ChartStyle.Dressed(names);
        }

        SweepAxis axis = view.Plan.Axes[view.Along];
        long first = SweepAxis.NumberOf(axis.Rows[0][0])!.Value;
        long last = SweepAxis.NumberOf(axis.Rows[^1][0])!.Value;
        return ChartStyle.Along(axis.Key, first, last);
    }
}
