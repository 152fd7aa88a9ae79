using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using VmSim.Host.Terminal;

namespace VmSim.Host.Reporting;

/// <summary>
/// An HTML file that needs no network: its style and its one script are in it. Nothing is taken as markup but what is written as such; the
/// script may run and nothing else.
/// </summary>
internal sealed class HtmlPage
{
    private readonly StringBuilder _html = new();

    /// <summary>Begins a page.</summary>
    /// <param name="title">What it shows.</param>
    public HtmlPage(string title)
    {
        Script = Resource("page.js");
        string digest = Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(Script)));
        Line("<!DOCTYPE html>");
        Line("<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">");
        Line(
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
                + $"script-src 'sha256-{digest}'\">");
        Line($"<title>{Text(title)} - vmsim</title>");
        Line($"<style>\n{Resource("page.css")}</style></head><body>");
        Line($"<h1>{Text(title)}</h1>");
    }

    private string Script { get; }

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

    /// <summary>Writes the page.</summary>
    /// <param name="stream">Takes it.</param>
    public void Write(Stream stream)
    {
        Line($"<script>{Script}</script></body></html>");
        stream.Write(Encoding.UTF8.GetBytes(_html.ToString()));
    }

    private static string Resource(string name)
    {
        using Stream resource = typeof(HtmlPage).Assembly.GetManifestResourceStream(name)!;
        using StreamReader reader = new(resource);
        return reader.ReadToEnd().ReplaceLineEndings("\n");
    }
}
