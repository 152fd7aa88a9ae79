using System.Globalization;
using System.Security;

namespace VmSim.Host.Drawing;

/// <summary>What bars of one kind are called and how they look.</summary>
/// <param name="Name">What the legend says.</param>
/// <param name="Colour">The colour, as SVG has it.</param>
/// <param name="Inset">Pixels by which a bar is lower than its lane on both sides: inner ones lie on outer ones.</param>
/// <param name="HasText">Whether a bar's text stands on it where there is room; else it is in its tip alone.</param>
public sealed record BarKind(string Name, string Colour, int Inset, bool HasText = true);

/// <summary>Something that takes time on a lane.</summary>
/// <param name="Lane">The lane, from 0.</param>
/// <param name="Begin">When it begins.</param>
/// <param name="End">When it ends, not before it begins.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Text">What stands on it, if there is room, and in its tip.</param>
public sealed record TimelineBar(int Lane, double Begin, double End, BarKind Kind, string Text);

/// <summary>Something that leads from one lane to another.</summary>
/// <param name="From">Lane where it leaves, from 0.</param>
/// <param name="To">Lane where it arrives.</param>
/// <param name="Leaves">When it leaves.</param>
/// <param name="Arrives">When it arrives, not before it leaves.</param>
public sealed record TimelineArrow(int From, int To, double Leaves, double Arrives);

/// <summary>Lanes below each other, time from the left to the right on one scale, bars on the lanes, and arrows between them.</summary>
/// <param name="Title">What it shows.</param>
/// <param name="Unit">The unit of its times, as the axis names it.</param>
/// <param name="From">Time of the left edge.</param>
/// <param name="End">Time of the right edge, later than <paramref name="From"/>.</param>
/// <param name="Lanes">Names of the lanes, from above.</param>
/// <param name="Bars">The bars, outer ones before those on them.</param>
/// <param name="Arrows">The arrows.</param>
public sealed record TimelinePicture(
    string Title,
    string Unit,
    double From,
    double End,
    IReadOnlyList<string> Lanes,
    IReadOnlyList<TimelineBar> Bars,
    IReadOnlyList<TimelineArrow> Arrows)
{
    private const int Left = 140;
    private const int Right = 20;
    private const int Width = 1100;
    private const int LegendWidth = 170;
    private const int LegendsInRow = (Width - Left) / LegendWidth;
    private const int LegendRow = 20;
    private const int LaneHeight = 40;
    private const int BarMargin = 6;
    private const int Ticks = 10;
    private const double LetterWidth = 6.6;

    /// <summary>A bar is at least so wide that it is seen.</summary>
    private const double WidthMin = 0.75;

    /// <summary>Text takes the colour of the page's text, which is light on a dark page.</summary>
    private const string Style = "<style>svg{color:#1b1b1b;background:#ffffff;font-family:sans-serif;font-size:11px}"
        + "@media(prefers-color-scheme:dark){svg{color:#e6e6e6;background:#161616}}</style>";

    private BarKind[] Kinds => [.. Bars.Select(bar => bar.Kind).Distinct()];

    private int Top => 40 + (LegendRow * ((Kinds.Length + LegendsInRow) / LegendsInRow));

    /// <summary>Writes the picture as SVG.</summary>
    public void Write(TextWriter writer)
    {
        ArgumentNullException.ThrowIfNull(writer);
        int height = Top + (LaneHeight * Lanes.Count) + 44;
        Line(
            writer,
            $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {Width} {height}\" width=\"{Width}\" height=\"{height}\" "
                + "role=\"img\">");
        Line(writer, $"<title>{Escaped(Title)}</title>");
        Line(writer, Style);
        Line(
            writer,
            "<defs><marker id=\"head\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\">"
                + "<path d=\"M0,0 L8,4 L0,8 z\" fill=\"currentColor\"/></marker></defs>");
        Line(writer, $"<text x=\"{Left}\" y=\"20\" font-size=\"14\" fill=\"currentColor\">{Escaped(Title)}</text>");
        WriteLegend(writer);
        WriteAxis(writer, height);
        foreach (TimelineBar bar in Bars)
        {
            WriteBar(writer, bar);
        }

        // Texts of outer bars are readable on inner ones too.
        foreach (TimelineBar bar in Bars.Where(bar => bar.Kind.HasText))
        {
            WriteText(writer, bar);
        }

        foreach (TimelineArrow arrow in Arrows)
        {
            int from = Y(arrow.From) + (arrow.To > arrow.From ? LaneHeight - BarMargin : BarMargin);
            int to = Y(arrow.To) + (arrow.To > arrow.From ? BarMargin : LaneHeight - BarMargin);
            Line(
                writer,
                $"<line x1=\"{Number(X(arrow.Leaves))}\" y1=\"{from}\" x2=\"{Number(X(arrow.Arrives))}\" y2=\"{to}\" "
                    + "stroke=\"currentColor\" marker-end=\"url(#head)\"/>");
        }

        Line(writer, "</svg>");
    }

    private void WriteLegend(TextWriter writer)
    {
        BarKind[] kinds = Kinds;
        for (int i = 0; i <= kinds.Length; i++)
        {
            int x = Left + (LegendWidth * (i % LegendsInRow));
            int y = 32 + (LegendRow * (i / LegendsInRow));
            if (i < kinds.Length)
            {
                Line(writer, $"<rect x=\"{x}\" y=\"{y}\" width=\"12\" height=\"12\" fill=\"{kinds[i].Colour}\"/>");
            }
            else if (Arrows.Count == 0)
            {
                return;
            }
            else
            {
                Line(
                    writer,
                    $"<line x1=\"{x - 6}\" y1=\"{y + 6}\" x2=\"{x + 13}\" y2=\"{y + 6}\" stroke=\"currentColor\" "
                        + "marker-end=\"url(#head)\"/>");
            }

            string name = i < kinds.Length ? kinds[i].Name : "shootdown";
            Line(writer, $"<text x=\"{x + 18}\" y=\"{y + 10}\" fill=\"currentColor\">{Escaped(name)}</text>");
        }
    }

    private void WriteAxis(TextWriter writer, int height)
    {
        double step = Step((End - From) / Ticks);
        for (double time = Math.Ceiling(From / step) * step; time <= End; time += step)
        {
            string x = Number(X(time));
            Line(
                writer,
                $"<line x1=\"{x}\" y1=\"{Top}\" x2=\"{x}\" y2=\"{height - 38}\" stroke=\"currentColor\" stroke-opacity=\".2\"/>");
            string label = time.ToString("0.######", CultureInfo.InvariantCulture);
            Line(writer, $"<text x=\"{x}\" y=\"{height - 24}\" text-anchor=\"middle\" fill=\"currentColor\">{label}</text>");
        }

        Line(
            writer,
            $"<text x=\"{Left + ((Width - Left - Right) / 2)}\" y=\"{height - 8}\" text-anchor=\"middle\" "
                + $"fill=\"currentColor\">{Escaped(Unit)}</text>");
        for (int lane = 0; lane < Lanes.Count; lane++)
        {
            int middle = Y(lane) + (LaneHeight / 2);
            Line(
                writer,
                $"<text x=\"{Left - 8}\" y=\"{middle + 4}\" text-anchor=\"end\" fill=\"currentColor\">{Escaped(Lanes[lane])}</text>");
            Line(
                writer,
                $"<line x1=\"{Left}\" y1=\"{middle}\" x2=\"{Width - Right}\" y2=\"{middle}\" stroke=\"currentColor\" "
                    + "stroke-opacity=\".35\"/>");
        }
    }

    private void WriteBar(TextWriter writer, TimelineBar bar)
    {
        (double begin, double width) = WidthOf(bar);
        int y = Y(bar.Lane) + BarMargin + bar.Kind.Inset;
        int height = LaneHeight - (2 * (BarMargin + bar.Kind.Inset));
        Line(
            writer,
            $"<rect x=\"{Number(begin)}\" y=\"{y}\" width=\"{Number(width)}\" height=\"{height}\" fill=\"{bar.Kind.Colour}\">"
                + $"<title>{Escaped(bar.Text)}</title></rect>");
    }

    private void WriteText(TextWriter writer, TimelineBar bar)
    {
        (double begin, double width) = WidthOf(bar);
        if (bar.Text.Length * LetterWidth < width)
        {
            Line(
                writer,
                $"<text x=\"{Number(begin + 3)}\" y=\"{Y(bar.Lane) + (LaneHeight / 2) + 4}\" fill=\"#1b1b1b\" stroke=\"#ffffff\" "
                    + $"stroke-width=\"2.5\" paint-order=\"stroke\">{Escaped(bar.Text)}</text>");
        }
    }

    private (double Begin, double Width) WidthOf(TimelineBar bar)
    {
        double begin = X(Math.Max(bar.Begin, From));
        return (begin, Math.Max(WidthMin, X(Math.Min(bar.End, End)) - begin));
    }

    private double X(double time) => Left + ((time - From) / (End - From) * (Width - Left - Right));

    private int Y(int lane) => Top + (LaneHeight * lane);

    /// <summary>The next of 1, 2, 5, 10, ... from a number on.</summary>
    private static double Step(double least)
    {
        double power = Math.Pow(10, Math.Floor(Math.Log10(least)));
        return power * (least <= power ? 1 : least <= 2 * power ? 2 : least <= 5 * power ? 5 : 10);
    }

    private static string Number(double number) => number.ToString("0.##", CultureInfo.InvariantCulture);

    private static string Escaped(string text) => SecurityElement.Escape(text);

    private static void Line(TextWriter writer, string line)
    {
        writer.Write(line);
        writer.Write('\n');
    }
}
