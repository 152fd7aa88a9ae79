using System.Globalization;
using OxyPlot;
using OxyPlot.Axes;
using OxyPlot.Legends;
using OxyPlot.Series;

namespace VmSim.Host.Reporting;

/// <summary>
/// How charts look. The colours are those of Okabe and Ito ("Color Universal Design", 2008), which people who are blind to colours tell
/// apart. Text and lines take the colour of the page's text, which is light on a dark page.
/// </summary>
internal static class ChartStyle
{
    /// <summary>Stands for the colour of the page's text until the picture is written.</summary>
    private const string InkText = "rgb(27,27,27)";

    private const string Style = "<style>svg{color:#1b1b1b;background:#ffffff;font-family:sans-serif}"
        + "@media(prefers-color-scheme:dark){svg{color:#e6e6e6;background:#161616}}</style>";

    /// <summary>How many times the least number of an axis its greatest may be, before the axis goes by powers of two.</summary>
    private const int StepsMax = 16;

    /// <summary>How many times the least figure the greatest may be, before their axis goes by powers of ten.</summary>
    private const double FiguresMax = 64;

    /// <summary>Curves that a legend below the chart has room for.</summary>
    private const int CurvesBelow = 6;

    private static readonly LineStyle[] Dashes =
        [LineStyle.Solid, LineStyle.Dash, LineStyle.Dot, LineStyle.DashDot, LineStyle.LongDash, LineStyle.DashDotDot];

    private static readonly MarkerType[] Marks =
        [MarkerType.Circle, MarkerType.Square, MarkerType.Triangle, MarkerType.Diamond, MarkerType.Cross];

    /// <summary>The colour of text and lines.</summary>
    public static OxyColor Ink { get; } = OxyColor.FromRgb(27, 27, 27);

    /// <summary>The colours of curves and bars, in this order.</summary>
    public static IReadOnlyList<OxyColor> Colours { get; } =
    [
        OxyColor.FromRgb(0x00, 0x72, 0xB2), OxyColor.FromRgb(0xD5, 0x5E, 0x00), OxyColor.FromRgb(0x00, 0x9E, 0x73),
        OxyColor.FromRgb(0xCC, 0x79, 0xA7), OxyColor.FromRgb(0xE6, 0x9F, 0x00), OxyColor.FromRgb(0x56, 0xB4, 0xE9),
        OxyColor.FromRgb(0xF0, 0xE4, 0x42), Ink,
    ];

    /// <summary>
    /// The colours of classes of cycles, in the order of <c>CoreCycles.All</c>: a class has one colour in all charts, so that two
    /// runs can be set side by side although one of them lacks a class.
    /// </summary>
    public static IReadOnlyList<OxyColor> ClassColours { get; } =
        [.. Colours.Take(6), OxyColor.FromRgb(0x99, 0x99, 0x33), Colours[6]];

    /// <summary>The colours of lines: as of bars, but that yellow, in which a thin line lacks contrast, is last and darker.</summary>
    public static IReadOnlyList<OxyColor> LineColours { get; } = [.. Colours.Take(6), Ink, OxyColor.FromRgb(0x99, 0x99, 0x33)];

    /// <summary>
    /// A curve without points: its number gives it a colour, a mark and a dash of its own, so that it is known in black and white too.
    /// </summary>
    public static LineSeries NewCurve(int number, string title)
    {
        OxyColor colour = LineColours[number % LineColours.Count];
        return new LineSeries
        {
            Title = title,
            Color = colour,
            LineStyle = Dashes[number % Dashes.Length],
            MarkerType = Marks[number % Marks.Length],
            MarkerSize = 4,
            MarkerFill = colour,
            MarkerStroke = colour,
        };
    }

    /// <summary>The axis of a curve's numbers: by powers of two where they go far.</summary>
    public static Axis Along(string title, long first, long last) => Dressed(first > 0 && last / first >= StepsMax
        ? new LogarithmicAxis
        {
            Position = AxisPosition.Bottom,
            Base = 2,
            Title = title,
            Minimum = first / 1.2,
            Maximum = last * 1.2,
        }
        : new LinearAxis
        {
            Position = AxisPosition.Bottom,
            Title = title,
            LabelFormatter = Label,
            MinimumPadding = 0.04,
            MaximumPadding = 0.04,
        });

    /// <summary>The axis of what is drawn: from 0, or by powers of ten where it goes so far that the least would lie on the edge.</summary>
    public static Axis Figures(string title, IEnumerable<double> values)
    {
        double[] all = [.. values];
        Axis axis = all.Length > 0 && all.Min() > 0 && all.Max() / all.Min() > FiguresMax
            ? new LogarithmicAxis { Minimum = all.Min() / 1.5, Maximum = all.Max() * 1.5, MinorGridlineStyle = LineStyle.None }
            : new LinearAxis { Minimum = 0, MaximumPadding = 0.06 };
        axis.Position = AxisPosition.Left;
        axis.Title = title;
        axis.LabelFormatter = Label;
        return Dressed(axis);
    }

    /// <summary>A chart without axes.</summary>
    public static PlotModel NewChart(string title) => new()
    {
        Title = title,
        TitleFontSize = 14,
        TextColor = Ink,
        PlotAreaBorderColor = Ink,
        Background = OxyColors.Undefined,
    };

    /// <summary>
    /// A legend below the chart, or beside it for many curves, with room for fonts of browsers, which are wider than those that the library
    /// measures.
    /// </summary>
    /// <param name="curves">How many curves there are.</param>
    public static Legend NewLegend(int curves = 1) => new()
    {
        LegendItemSpacing = 40,
        LegendPadding = curves > CurvesBelow ? 28 : 16,
        LegendPlacement = LegendPlacement.Outside,
        LegendPosition = curves > CurvesBelow ? LegendPosition.RightTop : LegendPosition.BottomCenter,
        LegendOrientation = curves > CurvesBelow ? LegendOrientation.Vertical : LegendOrientation.Horizontal,
        LegendLineSpacing = 6,
        LegendTextColor = Ink,
    };

    /// <summary>An axis with faint lines across the chart.</summary>
    public static Axis Dressed(Axis axis)
    {
        axis.MajorGridlineStyle = LineStyle.Solid;
        axis.MajorGridlineColor = OxyColor.FromAColor(48, Ink);
        axis.TicklineColor = Ink;
        axis.AxislineColor = Ink;
        axis.MinorTickSize = 0;
        axis.AxisTitleDistance = axis.Position == AxisPosition.Left ? 28 : 8;
        return axis;
    }

    /// <summary>A number of an axis: 1.5 k, 20 M.</summary>
    public static string Label(double value) => Math.Abs(value) switch
    {
        >= 1e9 => Scaled(value / 1e9) + " G",
        >= 1e6 => Scaled(value / 1e6) + " M",
        >= 1e3 => Scaled(value / 1e3) + " k",
        _ => Scaled(value),
    };

    /// <summary>A chart as SVG without its document type, which scales with its page and has the colours of it.</summary>
    /// <param name="chart">The chart.</param>
    /// <param name="width">Width in pixels.</param>
    /// <param name="height">Height in pixels.</param>
    /// <param name="numberInPage">
    /// Its number in a page, whose style it takes and in which its parts need names of their own; null for a picture by itself.
    /// </param>
    public static string Draw(PlotModel chart, int width, int height, int? numberInPage)
    {
        SvgExporter exporter = new() { Width = width, Height = height, UseVerticalTextAlignmentWorkaround = true };
        string svg = exporter.ExportToString(chart);
        int end = svg.IndexOf('>', svg.IndexOf("<svg", StringComparison.Ordinal)) + 1;
        string head = $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" "
            + $"height=\"{height}\" role=\"img\">";
        string name = chart.Title.Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal);
        return $"{head}\n<title>{name}</title>\n{(numberInPage is null ? Style : "")}"
            + Named(svg[end..], numberInPage).ReplaceLineEndings("\n").Replace(InkText, "currentColor", StringComparison.Ordinal)
                .Replace("font-family=\"Segoe UI\" ", "", StringComparison.Ordinal);
    }

    /// <summary>Puts a chart's number before the names of its clip paths, which the library counts from 1 in each.</summary>
    private static string Named(string svg, int? number) => number is not { } own
        ? svg
        : svg.Replace("id=\"clip", $"id=\"chart{own}clip", StringComparison.Ordinal)
            .Replace("url(#clip", $"url(#chart{own}clip", StringComparison.Ordinal);

    private static string Scaled(double value) => value.ToString("0.###", CultureInfo.InvariantCulture);
}
