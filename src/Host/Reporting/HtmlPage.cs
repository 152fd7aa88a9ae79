using System.Security.Cryptography;
using System.Text;

namespace VmSim.Host.Reporting;

/// <summary>
/// An HTML file that needs no network: its style and its one script are in it. Nothing is taken as markup but what is written as such; the
/// script may run and nothing else.
/// </summary>
internal sealed class HtmlPage : HtmlBody
{
    /// <summary>Begins a page.</summary>
    /// <param name="title">What it shows.</param>
    public HtmlPage(string title)
    {
        Script = HtmlResource.Read("page.js");
        string digest = Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(Script)));
        Line("<!DOCTYPE html>");
        Line("<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">");
        Line(
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
                + $"script-src 'sha256-{digest}'\">");
        Line($"<title>{Text(title)} - vmsim</title>");
        Line($"<style>\n{HtmlResource.Read("page.css")}</style></head><body>");
        Line($"<h1>{Text(title)}</h1>");
    }

    private string Script { get; }

    /// <summary>Writes the page.</summary>
    /// <param name="stream">Takes it.</param>
    public void Write(Stream stream)
    {
        Line($"<script>{Script}</script></body></html>");
        stream.Write(Encoding.UTF8.GetBytes(ToString()));
    }
}
