using System.Globalization;
using System.Security;

namespace VmSim.Host.Drawing;

/// <summary>How a part of a picture is drawn.</summary>
public enum Emphasis
{
    /// <summary>As all others.</summary>
    None,

    /// <summary>As something that was chosen: it comes late.</summary>
    Late,

    /// <summary>As something that is wrong.</summary>
    Wrong,
}

/// <summary>A message between lanes.</summary>
/// <param name="From">Lane of the sender, from 0.</param>
/// <param name="To">Lane of the receiver; the same for what a lane tells itself.</param>
/// <param name="Leaves">When it leaves.</param>
/// <param name="Arrives">When it arrives, not before it leaves.</param>
/// <param name="Text">What it says.</param>
/// <param name="Emphasis">How it is drawn.</param>
public sealed record DiagramMessage(int From, int To, long Leaves, long Arrives, string Text, Emphasis Emphasis);

/// <summary>Something that happens on one lane.</summary>
/// <param name="Lane">The lane, from 0.</param>
/// <param name="Time">When.</param>
/// <param name="Text">What.</param>
/// <param name="Emphasis">How it is drawn.</param>
public sealed record DiagramMark(int Lane, long Time, string Text, Emphasis Emphasis);

/// <summary>
/// A sequence diagram: a column for each lane, time from above, messages as arrows. Each moment has a row of its own, however long the time
/// between two of them is; the number of each row stands at its left.
/// </summary>
/// <param name="Title">What it shows.</param>
/// <param name="Lanes">Names of the lanes, from the left.</param>
/// <param name="Messages">The messages.</param>
/// <param name="Marks">What happens on single lanes.</param>
public sealed record SequenceDiagram(
    string Title, IReadOnlyList<string> Lanes, IReadOnlyList<DiagramMessage> Messages, IReadOnlyList<DiagramMark> Marks)
{
    private const int Left = 110;
    private const int Top = 64;
    private const int LaneWidth = 300;
    private const int RowHeight = 24;
    private const string Halo = "stroke=\"white\" stroke-width=\"3\" paint-order=\"stroke\"";
    private const string Font = "font-family=\"sans-serif\" font-size=\"11\"";

    /// <summary>Writes the picture as SVG.</summary>
    public void Write(TextWriter writer)
    {
        ArgumentNullException.ThrowIfNull(writer);
        long[] times = [.. Messages.SelectMany(message => new[] { message.Leaves, message.Arrives }).Concat(Marks.Select(mark => mark.Time))
            .Distinct().Order()];
        int width = Left + (LaneWidth * Lanes.Count);
        int height = Top + (RowHeight * (times.Length + 1));
        Line(
            writer,
            $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\">");
        Line(writer, $"<title>{Escaped(Title)}</title>");
        Line(writer, $"<rect width=\"{width}\" height=\"{height}\" fill=\"white\"/>");
        Line(writer, "<defs>");
        foreach (Emphasis emphasis in Enum.GetValues<Emphasis>())
        {
            Line(
                writer,
                $"<marker id=\"head-{emphasis}\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" "
                    + $"orient=\"auto\"><path d=\"M0,0 L8,4 L0,8 z\" fill=\"{Colour(emphasis)}\"/></marker>");
        }

        Line(writer, "</defs>");
        Line(writer, $"<text x=\"{Left - 90}\" y=\"22\" font-family=\"sans-serif\" font-size=\"14\">{Escaped(Title)}</text>");
        WriteLanes(writer, height);
        for (int row = 0; row < times.Length; row++)
        {
            string cycle = times[row].ToString("N0", CultureInfo.InvariantCulture);
            Line(writer, $"<text x=\"{Left - 20}\" y=\"{Y(row) + 4}\" {Font} fill=\"#888888\" text-anchor=\"end\">{cycle}</text>");
        }

        foreach (DiagramMessage message in Messages)
        {
            WriteMessage(writer, message, Row(times, message.Leaves), Row(times, message.Arrives));
        }

        foreach (DiagramMark mark in Marks)
        {
            string colour = Colour(mark.Emphasis);
            int y = Y(Row(times, mark.Time));
            int radius = mark.Emphasis == Emphasis.Wrong ? 6 : 3;
            Line(writer, $"<circle cx=\"{X(mark.Lane)}\" cy=\"{y}\" r=\"{radius}\" fill=\"{colour}\"/>");
            Line(writer, $"<text x=\"{X(mark.Lane) + 10}\" y=\"{y + 4}\" {Font} fill=\"{colour}\">{Escaped(mark.Text)}</text>");
        }

        Line(writer, "</svg>");
    }

    private void WriteLanes(TextWriter writer, int height)
    {
        for (int lane = 0; lane < Lanes.Count; lane++)
        {
            Line(
                writer,
                $"<text x=\"{X(lane)}\" y=\"{Top - 16}\" font-family=\"sans-serif\" font-size=\"13\" font-weight=\"bold\" "
                    + $"text-anchor=\"middle\">{Escaped(Lanes[lane])}</text>");
            Line(writer, $"<line x1=\"{X(lane)}\" y1=\"{Top - 8}\" x2=\"{X(lane)}\" y2=\"{height - 8}\" stroke=\"#cccccc\"/>");
        }
    }

    private static void WriteMessage(TextWriter writer, DiagramMessage message, int from, int to)
    {
        string colour = Colour(message.Emphasis);
        string dash = message.Emphasis == Emphasis.Late ? " stroke-dasharray=\"5 3\"" : "";
        int x1 = X(message.From);
        int x2 = X(message.To);
        string text = Escaped(message.Text);
        if (message.From == message.To)
        {
            Line(
                writer,
                $"<path d=\"M{x1},{Y(from)} h-24 V{Y(to)} h24\" fill=\"none\" stroke=\"{colour}\"{dash} "
                    + $"marker-end=\"url(#head-{message.Emphasis})\"/>");
            Line(writer, $"<text x=\"{x1 - 28}\" y=\"{Y(to) + 4}\" {Font} fill=\"{colour}\" text-anchor=\"end\">{text}</text>");
            return;
        }

        Line(
            writer,
            $"<line x1=\"{x1}\" y1=\"{Y(from)}\" x2=\"{x2}\" y2=\"{Y(to)}\" stroke=\"{colour}\"{dash} "
                + $"marker-end=\"url(#head-{message.Emphasis})\"/>");
        bool isRight = x2 > x1;
        Line(
            writer,
            $"<text x=\"{x2 + (isRight ? -14 : 14)}\" y=\"{Y(to) - 4}\" {Font} fill=\"{colour}\" {Halo} "
                + $"text-anchor=\"{(isRight ? "end" : "start")}\">{text}</text>");
    }

    private static int Row(long[] times, long time) => Array.BinarySearch(times, time);

    private static int X(int lane) => Left + (LaneWidth * lane) + (LaneWidth / 2);

    private static int Y(int row) => Top + (RowHeight * row) + (RowHeight / 2);

    private static string Colour(Emphasis emphasis) => emphasis switch
    {
        Emphasis.Late => "#d97706",
        Emphasis.Wrong => "#cc0000",
        _ => "#334155",
    };

    private static string Escaped(string text) => SecurityElement.Escape(text);

    private static void Line(TextWriter writer, string line)
    {
        writer.Write(line);
        writer.Write('\n');
    }
}
