using System.Globalization;
using VmSim.Core.Validation;

namespace VmSim.Host.Reporting;

/// <summary>
/// Draws simulated over measured figures as SVG, both axes logarithmic: a point on the diagonal is right, and the band around it has the
/// errors of up to 20 %. One colour a family, times and rates alone; counts are in the tables.
/// </summary>
internal static class ValidationPicture
{
    private const int Size = 640;
    private const int Margin = 60;
    private const int LegendWidth = 170;
    private const string Font = "font-family=\"sans-serif\" font-size=\"12\"";

    private static readonly string[] Colours =
        ["#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f", "#bcbd22", "#17becf", "#393b79"];

    /// <summary>Writes the picture.</summary>
    public static void Write(TextWriter writer, IReadOnlyList<ComparedFigure> figures)
    {
        ComparedFigure[] points =
            [.. figures.Where(each => each.Figure.Unit == FigureUnit.Nanoseconds && each.Simulated > 0 && each.Figure.Measured > 0)];
        string[] families = [.. points.Select(ComparisonSummary.FamilyOf).Distinct()];
        double least = Math.Floor(
            points.Select(point => Math.Log10(Math.Min(point.Simulated, point.Figure.Measured))).DefaultIfEmpty(2).Min());
        double most = Math.Ceiling(
            points.Select(point => Math.Log10(Math.Max(point.Simulated, point.Figure.Measured))).DefaultIfEmpty(3).Max());
        Line(
            writer,
            $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {Size + LegendWidth} {Size}\" width=\"{Size + LegendWidth}\" "
                + $"height=\"{Size}\">");
        Line(writer, "<title>Simulated times over measured times, in nanoseconds</title>");
        Line(writer, $"<rect width=\"{Size + LegendWidth}\" height=\"{Size}\" fill=\"white\"/>");
        double near = Math.Log10(1 + (ComparisonSummary.NearPercent / 100));
        double far = Math.Log10(1 - (ComparisonSummary.NearPercent / 100));
        Line(
            writer,
            $"<polygon points=\"{Point(least, least + far)} {Point(most, most + far)} {Point(most, most + near)} "
                + $"{Point(least, least + near)}\" fill=\"#eeeeee\"/>");
        Line(writer, $"<polyline points=\"{Point(least, least)} {Point(most, most)}\" stroke=\"#888888\" fill=\"none\"/>");
        for (double power = least; power <= most; power++)
        {
            WriteScale(writer, power);
        }

        Line(writer, $"<text x=\"{Size / 2}\" y=\"{Size - 12}\" {Font} text-anchor=\"middle\">measured, ns</text>");
        Line(
            writer,
            $"<text x=\"16\" y=\"{Size / 2}\" {Font} text-anchor=\"middle\" transform=\"rotate(-90 16 {Size / 2})\">simulated, ns</text>");
        foreach (ComparedFigure point in points)
        {
            string at = $"cx=\"{X(Math.Log10(point.Figure.Measured))}\" cy=\"{Y(Math.Log10(point.Simulated))}\"";
            string colour = Colours[Array.IndexOf(families, ComparisonSummary.FamilyOf(point)) % Colours.Length];
            string name = ValidationPage.NameOf(point.Figure);
            Line(writer, $"<circle {at} r=\"2.5\" fill=\"{colour}\" fill-opacity=\"0.7\"><title>{name}</title></circle>");
        }

        WriteLegend(writer, families);
        Line(writer, "</svg>");

        string X(double value) => Number(Margin + ((value - least) / Math.Max(1, most - least) * (Size - (2 * Margin))));

        string Y(double value) => Number(Size - Margin - ((value - least) / Math.Max(1, most - least) * (Size - (2 * Margin))));

        string Point(double x, double y) => $"{X(x)},{Y(y)}";

        void WriteScale(TextWriter to, double power)
        {
            string label = Math.Pow(10, power).ToString("N0", CultureInfo.InvariantCulture);
            Line(to, $"<polyline points=\"{Point(power, least)} {Point(power, most)}\" stroke=\"#dddddd\" fill=\"none\"/>");
            Line(to, $"<polyline points=\"{Point(least, power)} {Point(most, power)}\" stroke=\"#dddddd\" fill=\"none\"/>");
            Line(to, $"<text x=\"{X(power)}\" y=\"{Size - Margin + 18}\" {Font} text-anchor=\"middle\">{label}</text>");
            Line(to, $"<text x=\"{Margin - 6}\" y=\"{Y(power)}\" {Font} text-anchor=\"end\">{label}</text>");
        }
    }

    private static void WriteLegend(TextWriter writer, string[] families)
    {
        for (int i = 0; i < families.Length; i++)
        {
            int y = Margin + (i * 18);
            Line(writer, $"<circle cx=\"{Size}\" cy=\"{y}\" r=\"4\" fill=\"{Colours[i % Colours.Length]}\"/>");
            Line(writer, $"<text x=\"{Size + 10}\" y=\"{y + 4}\" {Font}>{families[i]}</text>");
        }
    }

    private static string Number(double value) => value.ToString("0.#", CultureInfo.InvariantCulture);

    private static void Line(TextWriter writer, string line) => writer.Write(line + "\n");
}
