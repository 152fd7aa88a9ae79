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
        int[] left = _view.Along < 0 ? [.. _view.Others] : [.. _view.Others, _view.Along];
        IReadOnlyList<IReadOnlyList<string>> curves = _view.RowsOf(_view.Curves);
        string[] names = _view.Curves < 0 ? ["mean"] : [.. curves.Select(SweepPage.Text)];
        html.BeginTable(
            SweepPage.Heading(metric),
            [.. left.Select(axis => string.Join('/', Plan.Axes[axis].Keys)), .. names],
            [],
            column => column < left.Length);
        foreach (IReadOnlyList<string>[] context in _view.Contexts())
        {
            foreach (IReadOnlyList<string> along in _view.RowsOf(_view.Along))
            {
                IReadOnlyList<string>[] rows = SweepView.With(context, _view.Along, along);
                string texts = string.Concat(left.Select(axis => $"<td>{HtmlPage.Text(SweepPage.Text(rows[axis]))}</td>"));
                string cells = string.Concat(curves.Select(curve => Cell(SweepView.With(rows, _view.Curves, curve), metric)));
                html.Line($"<tr>{texts}{cells}</tr>");
            }
        }

        html.EndTable();
    }

    private string Cell(IReadOnlyList<string>[] rows, string metric) =>
        HtmlPage.Cell(findings.Means.At(rows, metric)?.Mean ?? 0, _page.Cell(rows, metric));
}
