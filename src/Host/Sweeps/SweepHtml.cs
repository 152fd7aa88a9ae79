using VmSim.Host.Reporting;
using VmSim.Host.Terminal;

namespace VmSim.Host.Sweeps;

/// <summary>What a sweep found, as one HTML file: what crosses what, then curves with intervals and tables that sort.</summary>
/// <param name="findings">What the sweep found.</param>
internal sealed class SweepHtml(SweepFindings findings)
{
    private readonly SweepView _view = findings.View;
    private readonly SweepPage _page = new(findings);

    private SweepPlan Plan => _view.Plan;

    /// <summary>Writes the page.</summary>
    /// <param name="stream">Takes it.</param>
    public void Write(Stream stream)
    {
        HtmlPage html = new($"Sweep of {Plan.Name}");
        html.Line($"<p>{HtmlPage.Text(_page.RunsText())} {HtmlPage.Text(_page.SeedText())}</p>");
        List(html, _page.Crossings, "");
        List(html, _page.Others, " class=\"finding\"");
        int number = 1;
        foreach (string metric in Plan.Metrics)
        {
            html.Line($"<figure>{SweepPicture.Draw(_view, findings.Means, metric, number++)}</figure>");
        }

        foreach (string metric in Plan.Metrics)
        {
            Table(html, metric);
        }

        html.Line("<h2>Where it comes from</h2><div class=\"scroll\"><table><tbody>");
        Fact(html, "scenario", Plan.Scenario);
        foreach (SweepAxis axis in Plan.Axes)
        {
            Fact(html, string.Join('/', axis.Keys), string.Join(", ", axis.Rows.Select(SweepPage.Text)));
        }

        Fact(html, "seeds", Plan.Seeds.Count == 0 ? "the scenario's own" : Quantities.Of(Plan.Seeds.Count, "seed"));
        html.EndTable();
        html.Write(stream);
    }

    private static void List(HtmlPage html, IReadOnlyList<string> sentences, string kind)
    {
        foreach (string sentence in sentences)
        {
            // Names stand between backticks.
            string[] parts = sentence.Split('`');
            string text = parts.Length % 2 == 0
                ? HtmlPage.Text(sentence)
                : string.Concat(parts.Select((part, at) => at % 2 == 0 ? HtmlPage.Text(part) : $"<code>{HtmlPage.Text(part)}</code>"));
            html.Line($"<p{kind}>{text}</p>");
        }
    }

    private static void Fact(HtmlPage html, string name, string value) =>
        html.Line($"<tr><td>{HtmlPage.Text(name)}</td><td>{HtmlPage.Text(value)}</td></tr>");

    private void Table(HtmlPage html, string metric)
    {
        MeansTable means = _page.TableOf(metric);
        html.BeginTable(
            SweepPage.Heading(metric), [.. means.Settings, .. means.Curves], [], column => column < means.Settings.Count);
        foreach (MeansRow row in means.Rows)
        {
            string left = string.Concat(row.Settings.Select(text => $"<td>{HtmlPage.Text(text)}</td>"));
            html.Line($"<tr>{left}{string.Concat(row.Cells.Select(cell => HtmlPage.Cell(cell.Mean?.Mean ?? 0, cell.Text)))}</tr>");
        }

        html.EndTable();
    }
}
