using System.Globalization;
using System.Net;
using System.Text;
using VmSim.Core.Reports;
using VmSim.Host.Terminal;

namespace VmSim.Host.Reporting;

/// <summary>
/// Draws what calls and faults cost as a flame graph: processes at the bottom, above them who called whom, at the top the call and what it
/// was for. A box is as wide as its share of the cycles; what it is and costs stands in its tooltip.
/// </summary>
internal static class FlameGraph
{
    private const int Width = 1200;
    private const int RowHeight = 18;
    private const int Head = 40;
    private const double LeastWidth = 0.3;

    /// <summary>Pixels of a letter of 12 points, for how much of a name fits.</summary>
    private const double LetterWidth = 7;

    private static readonly string[] Fills = ["#f5c26b", "#eda15a", "#e8b04f", "#f0d080"];

    /// <summary>Writes the picture.</summary>
    public static void Write(RunReport report, Stream stream)
    {
        Box root = new("all", 0);
        foreach ((string[] frames, long weight) in FoldedStacks.Of(report))
        {
            root.Add(frames, weight);
        }

        int depth = root.Depth;
        int height = Head + (depth * RowHeight) + 10;
        using StreamWriter writer = new(stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), leaveOpen: true);
        writer.Write(string.Create(
            CultureInfo.InvariantCulture,
            $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {Width} {height}\" width=\"{Width}\" height=\"{height}\" "
                + $"font-family=\"monospace\" font-size=\"12\">\n"));
        writer.Write($"<title>Cycles of calls and faults: {Escaped(report.Scenario)}</title>\n");
        writer.Write($"<rect width=\"{Width}\" height=\"{height}\" fill=\"#ffffff\"/>\n");
        writer.Write(
            $"<text x=\"10\" y=\"24\" fill=\"#222222\">{Escaped(report.Scenario)}, {Escaped(report.Protocol)}: cycles of calls and "
                + "faults, and of the cores that they interrupted</text>\n");
        Draw(writer, root, 0, depth - 1, Width / Math.Max(1, root.Weight), root.Weight);
        writer.Write("</svg>\n");
    }

    private static void Draw(TextWriter writer, Box box, double left, int level, double scale, double all)
    {
        double width = box.Weight * scale;
        if (width < LeastWidth)
        {
            return;
        }

        double y = Head + (level * RowHeight);
        string share = string.Create(CultureInfo.InvariantCulture, $"{100 * box.Weight / Math.Max(1, all):0.0} %");
        string fill = Fills[level % Fills.Length];
        writer.Write(string.Create(
            CultureInfo.InvariantCulture,
            $"<g><title>{Escaped(box.Name)}: {Quantities.Count(box.Weight)} cycles, {share}</title>"
                + $"<rect x=\"{left:0.##}\" y=\"{y}\" width=\"{width:0.##}\" height=\"{RowHeight - 1}\" fill=\"{fill}\" "
                + $"stroke=\"#ffffff\"/>"));
        int letters = (int)((width - 6) / LetterWidth);
        if (letters >= 3)
        {
            string text = box.Name.Length <= letters ? box.Name : box.Name[..(letters - 2)] + "..";
            writer.Write(string.Create(
                CultureInfo.InvariantCulture, $"<text x=\"{left + 3:0.##}\" y=\"{y + 13}\" fill=\"#222222\">{Escaped(text)}</text>"));
        }

        writer.Write("</g>\n");
        foreach (Box above in box.Above)
        {
            Draw(writer, above, left, level - 1, scale, all);
            left += above.Weight * scale;
        }
    }

    private static string Escaped(string text) => WebUtility.HtmlEncode(PlainWriter.Line(text));

    /// <summary>A frame with all that was called from it.</summary>
    private sealed class Box(string name, int level)
    {
        private readonly SortedDictionary<string, Box> _above = new(StringComparer.Ordinal);

        public string Name => name;

        public double Weight { get; private set; }

        public IEnumerable<Box> Above => _above.Values;

        public int Depth { get; private set; } = 1;

        public void Add(ReadOnlySpan<string> frames, long weight)
        {
            Weight += weight;
            Depth = Math.Max(Depth, 1 + frames.Length);
            if (frames.Length == 0)
            {
                return;
            }

            if (!_above.TryGetValue(frames[0], out Box? next))
            {
                next = new Box(frames[0], level + 1);
                _above.Add(frames[0], next);
            }

            next.Add(frames[1..], weight);
        }
    }
}
