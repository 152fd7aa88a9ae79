using System.Globalization;
using System.Text;
using OxyPlot;
using OxyPlot.Axes;
using OxyPlot.Legends;
using OxyPlot.Series;
using VmSim.Core.Experiments;

namespace VmSim.Host.Reporting;

/// <summary>
/// Draws the page walks of TLB experiments: as curves along the first column of a grid that has numbers, or as a bar for each row.
/// </summary>
internal static class TlbPicture
{
    private const int Width = 720;
    private const int Height = 440;
    private const int BarHeight = 26;
    private const int Frame = 110;
    private const int LegendLine = 18;

    /// <summary>Room beside a legend for each of its names: it is cut off where the library takes it to end.</summary>
    private const double LegendRoom = 12;

    /// <summary>Room for a character of a name: fonts of browsers are wider than those that the library measures.</summary>
    private const double CharacterWidth = 7.6;

    private const string Figure = "walks per million accesses";

    /// <summary>Writes the picture.</summary>
    /// <param name="stream">Takes the SVG.</param>
    /// <param name="title">What it is of.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="axes">Columns of the grid and their values; none for a table.</param>
    public static void Write(
        Stream stream,
        string title,
        IReadOnlyList<(TlbConfig Config, TlbResult Result)> rows,
        IReadOnlyList<(string Column, IReadOnlyList<string> Values)> axes)
    {
        PlotModel chart = ChartStyle.NewChart($"{title}: {Figure}");
        (string Column, IReadOnlyList<string> Values) along =
            axes.FirstOrDefault(axis => axis.Values.All(value => NumberOf(value) is not null));
        int height = Height;
        if (along.Column is null)
        {
            AddBars(chart, rows);
            height = Frame + (BarHeight * rows.Count);
        }
        else
        {
            height += LegendLine * AddCurves(chart, rows, along.Column, along.Values);
        }

        stream.Write(Encoding.UTF8.GetBytes(ChartStyle.Draw(chart, Width, height, numberInPage: null)));
    }

    private static void AddBars(PlotModel chart, IReadOnlyList<(TlbConfig Config, TlbResult Result)> rows)
    {
        // The first row stands on top.
        CategoryAxis names = new() { Position = AxisPosition.Left, StartPosition = 1, EndPosition = 0 };
        names.Labels.AddRange(rows.Select(row => row.Config.Name));
        chart.Axes.Add(ChartStyle.Dressed(names));
        chart.Axes.Add(Values(AxisPosition.Bottom));
        double room = 12 + (CharacterWidth * rows.Max(row => row.Config.Name.Length));
        chart.PlotMargins = new OxyThickness(room, double.NaN, double.NaN, double.NaN);
        BarSeries bars = new() { FillColor = ChartStyle.Colours[0] };
        bars.Items.AddRange(rows.Select(row => new BarItem(TlbView.WalksPerMillion(row.Result))));
        chart.Series.Add(bars);
    }

    /// <summary>Adds curves.</summary>
    /// <returns>Lines of the legend.</returns>
    private static int AddCurves(
        PlotModel chart, IReadOnlyList<(TlbConfig Config, TlbResult Result)> rows, string column, IReadOnlyList<string> values)
    {
        long[] numbers = [.. values.Select(value => NumberOf(value)!.Value)];
        chart.Axes.Add(ChartStyle.Along(column, numbers.Min(), numbers.Max()));
        chart.Axes.Add(Values(AxisPosition.Left));
        Dictionary<string, LineSeries> curves = [];
        foreach ((TlbConfig config, TlbResult result) in rows)
        {
            // The name has all values of the grid; a curve is called by the others.
            string value = values.First(value => $"{config.Name} ".Contains($" {column}={value} ", StringComparison.Ordinal));
            string name = $"{config.Name} ".Replace($" {column}={value} ", " ", StringComparison.Ordinal).Trim();
            if (!curves.TryGetValue(name, out LineSeries? curve))
            {
                curve = ChartStyle.NewCurve(curves.Count, name);
                curves.Add(name, curve);
                chart.Series.Add(curve);
            }

            curve.Points.Add(new DataPoint(NumberOf(value)!.Value, TlbView.WalksPerMillion(result)));
        }

        if (curves.Count < 2)
        {
            return 0;
        }

        Legend legend = ChartStyle.NewLegend();
        legend.LegendPadding = LegendRoom * (1 + curves.Count);
        legend.LegendLineSpacing = LegendLine / 2;
        chart.Legends.Add(legend);
        return (curves.Count / 2) + 1;
    }

    private static Axis Values(AxisPosition position) => ChartStyle.Dressed(new LinearAxis
    {
        Position = position,
        Title = Figure,
        LabelFormatter = ChartStyle.Label,
        Minimum = 0,
        MaximumPadding = 0.06,
    });

    private static long? NumberOf(string text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : null;
}
