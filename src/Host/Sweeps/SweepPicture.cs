using System.Globalization;
using System.Text;
using OxyPlot;
using OxyPlot.Axes;
using OxyPlot.Legends;
using OxyPlot.Series;
using VmSim.Core.Reports;

namespace VmSim.Host.Sweeps;

/// <summary>
/// Draws means of a figure along an axis as SVG, with their intervals. A curve has a colour, a mark and a dash of its own, so that it is
/// known in black and white too; the colours are those of Okabe and Ito ("Color Universal Design", 2008), which people who are blind to
/// colours tell apart. Text and lines take the colour of the page's text, which is light on a dark page.
/// </summary>
internal static class SweepPicture
{
    private const int Width = 720;
    private const int Height = 440;
    private const int Steps = 16;

    /// <summary>Stands for the colour of the page's text until the picture is written.</summary>
    private const string Ink = "rgb(27,27,27)";

    private const string Style = "<style>svg{color:#1b1b1b;background:#ffffff;font-family:sans-serif}"
        + "@media(prefers-color-scheme:dark){svg{color:#e6e6e6;background:#161616}}</style>";

    private static readonly OxyColor InkColour = OxyColor.FromRgb(27, 27, 27);
    private static readonly OxyColor Faint = OxyColor.FromAColor(48, InkColour);

    private static readonly OxyColor[] Colours =
    [
        OxyColor.FromRgb(0x00, 0x72, 0xB2), OxyColor.FromRgb(0xD5, 0x5E, 0x00), OxyColor.FromRgb(0x00, 0x9E, 0x73),
        OxyColor.FromRgb(0xCC, 0x79, 0xA7), OxyColor.FromRgb(0xE6, 0x9F, 0x00), OxyColor.FromRgb(0x56, 0xB4, 0xE9), InkColour,
    ];

    private static readonly LineStyle[] Dashes =
        [LineStyle.Solid, LineStyle.Dash, LineStyle.Dot, LineStyle.DashDot, LineStyle.LongDash, LineStyle.DashDotDot];

    private static readonly MarkerType[] Marks =
        [MarkerType.Circle, MarkerType.Square, MarkerType.Triangle, MarkerType.Diamond, MarkerType.Cross];

    /// <summary>Writes the picture of a figure.</summary>
    /// <param name="stream">Takes the SVG.</param>
    /// <param name="view">The axes.</param>
    /// <param name="means">The means.</param>
    /// <param name="metric">The figure.</param>
    public static void Write(Stream stream, SweepView view, SweepMeans means, string metric)
    {
        string unit = ReportMetrics.UnitOf(metric);
        PlotModel model = new()
        {
            Title = $"{view.Plan.Name}: {metric}{(unit.Length > 0 && unit != metric ? $" ({unit})" : "")}",
            TitleFontSize = 14,
            TextColor = InkColour,
            PlotAreaBorderColor = InkColour,
            Background = OxyColors.Undefined,
        };
        model.Axes.Add(Along(view));
        model.Axes.Add(Dressed(new LinearAxis
        {
            Position = AxisPosition.Left,
            Title = metric,
            LabelFormatter = Label,
            Minimum = 0,
            MaximumPadding = 0.06,
        }));
        int number = 0;
        foreach (IReadOnlyList<string>[] context in view.Contexts())
        {
            foreach (IReadOnlyList<string> curve in view.RowsOf(view.Curves))
            {
                AddCurve(model, view, means, metric, SweepView.With(context, view.Curves, curve), number++);
            }
        }

        if (number > 1)
        {
            model.Legends.Add(new Legend
            {
                LegendPlacement = LegendPlacement.Outside,
                LegendPosition = LegendPosition.BottomCenter,
                LegendOrientation = LegendOrientation.Horizontal,
                LegendTextColor = InkColour,
            });
        }

        SvgExporter exporter = new() { Width = Width, Height = Height, UseVerticalTextAlignmentWorkaround = true };
        stream.Write(Encoding.UTF8.GetBytes(Finished(exporter.ExportToString(model), model.Title)));
    }

    private static void AddCurve(
        PlotModel model, SweepView view, SweepMeans means, string metric, IReadOnlyList<string>[] rows, int number)
    {
        OxyColor colour = Colours[number % Colours.Length];
        LineSeries line = new()
        {
            Title = Name(view, rows),
            Color = colour,
            LineStyle = Dashes[number % Dashes.Length],
            MarkerType = Marks[number % Marks.Length],
            MarkerSize = 4,
            MarkerFill = colour,
            MarkerStroke = colour,
        };
        ScatterErrorSeries bars = new() { MarkerType = MarkerType.None, ErrorBarColor = colour, ErrorBarStrokeThickness = 1.2 };
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
            return Dressed(names);
        }

        SweepAxis axis = view.Plan.Axes[view.Along];
        long first = SweepAxis.NumberOf(axis.Rows[0][0])!.Value;
        long last = SweepAxis.NumberOf(axis.Rows[^1][0])!.Value;
        return Dressed(first > 0 && last / first >= Steps
            ? new LogarithmicAxis
            {
                Position = AxisPosition.Bottom,
                Base = 2,
                Title = axis.Key,
                Minimum = first / 1.2,
                Maximum = last * 1.2,
            }
            : new LinearAxis
            {
                Position = AxisPosition.Bottom,
                Title = axis.Key,
                LabelFormatter = Label,
                MinimumPadding = 0.04,
                MaximumPadding = 0.04,
            });
    }

    private static Axis Dressed(Axis axis)
    {
        axis.MajorGridlineStyle = LineStyle.Solid;
        axis.MajorGridlineColor = Faint;
        axis.TicklineColor = InkColour;
        axis.AxislineColor = InkColour;
        axis.MinorTickSize = 0;
        return axis;
    }

    private static string Label(double value) => Math.Abs(value) switch
    {
        >= 1e9 => Scaled(value / 1e9) + " G",
        >= 1e6 => Scaled(value / 1e6) + " M",
        >= 1e3 => Scaled(value / 1e3) + " k",
        _ => Scaled(value),
    };

    private static string Scaled(double value) => value.ToString("0.###", CultureInfo.InvariantCulture);

    /// <summary>The library's picture without its document type, scaling with its page, in the colours of the page.</summary>
    private static string Finished(string svg, string title)
    {
        int begin = svg.IndexOf("<svg", StringComparison.Ordinal);
        int end = svg.IndexOf('>', begin) + 1;
        string head = $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {Width} {Height}\" width=\"{Width}\" "
            + $"height=\"{Height}\" role=\"img\">";
        string name = title.Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal);
        return $"{head}\n<title>{name}</title>\n{Style}"
            + svg[end..].ReplaceLineEndings("\n").Replace(Ink, "currentColor", StringComparison.Ordinal)
                .Replace("font-family=\"Segoe UI\" ", "", StringComparison.Ordinal);
    }
}
