using System.Globalization;
using System.Net;
using System.Text;
using VmSim.Host.Terminal;

namespace VmSim.Host.Reporting;

/// <summary>A part of a page: lines of markup, and tables that <c>page.js</c> sorts.</summary>
internal class HtmlBody
{
    private readonly StringBuilder _html = new();

    /// <summary>Text, of which nothing is markup.</summary>
    public static string Text(string text) => WebUtility.HtmlEncode(PlainWriter.Plain(text));

    /// <summary>A cell that sorts by its number.</summary>
    public static string Cell(double value, string text) =>
        string.Create(CultureInfo.InvariantCulture, $"<td data-value=\"{value:R}\">{Text(text)}</td>");

    /// <summary>Writes a line of markup.</summary>
    public void Line(string line) => _html.Append(line).Append('\n');

    /// <summary>Begins a table that sorts.</summary>
    /// <param name="title">What it shows.</param>
    /// <param name="columns">Its columns.</param>
    /// <param name="meanings">What they mean; empty for what needs no word.</param>
    /// <param name="isText">Whether a column has texts, which stand at the left as their headings do; null for the first one.</param>
    public void BeginTable(string title, IReadOnlyList<string> columns, IReadOnlyList<string> meanings, Func<int, bool>? isText = null)
    {
        Line($"<h2>{Text(title)}</h2><div class=\"scroll\"><table class=\"sorts\"><thead><tr>");
        for (int i = 0; i < columns.Count; i++)
        {
            string meaning = i < meanings.Count && meanings[i].Length > 0 ? $" title=\"{Text(meanings[i])}\"" : "";
            string side = (isText is null ? i == 0 : isText(i)) ? " class=\"text\"" : "";
            Line($"<th scope=\"col\"{side}{meaning}><button type=\"button\">{Text(columns[i])}</button></th>");
        }

        Line("</tr></thead><tbody>");
    }

    /// <summary>Ends a table.</summary>
    public void EndTable() => Line("</tbody></table></div>");

    /// <inheritdoc/>
    public override string ToString() => _html.ToString();
}
