using System.Globalization;
using Spectre.Console;
using VmSim.Core.Reports;
using VmSim.Core.Settings;
using VmSim.Host.Reporting;
using VmSim.Host.Terminal;

namespace VmSim.Host.Sweeps;

/// <summary>
/// Runs side by side: settings that differ, then figures with the ratio to the first, what changed most on top. Several runs of a place
/// give means, and the interval of their difference tells whether it is more than seeds do.
/// </summary>
internal sealed class Comparison
{
    private const string Host = "host.";
    private const string Same = "All have the same fingerprint: they found the same.";
    private readonly IReadOnlyList<ComparedRuns> _runs;
    private readonly string[] _places;
    private readonly IReadOnlyList<string> _metrics;

    /// <summary>Compares.</summary>
    /// <param name="runs">Two or more; the first is what the others are compared with.</param>
    /// <param name="metrics">Figures to show; empty for all.</param>
    /// <exception cref="ScenarioException">They have no place in common, or a figure is unknown.</exception>
    public Comparison(IReadOnlyList<ComparedRuns> runs, IReadOnlyList<string> metrics)
    {
        _runs = runs;
        _places = [.. runs[0].Places.Keys.Where(place => runs.All(other => other.Places.ContainsKey(place)))];
        if (_places.Length == 0)
        {
            throw new ScenarioException(
                $"{string.Join(", ", runs.Select(run => run.Name))}: no point in common; a run is compared with runs, and a sweep with "
                + "sweeps that vary the same settings");
        }

        Names = [.. runs.SelectMany(run => run.Places[_places[0]]).SelectMany(run => run.Values).Select(value => value.Key).Distinct()];
        if (metrics.FirstOrDefault(metric => !Names.Contains(metric)) is { } unknown)
        {
            throw ReportMetrics.Unknown("--metric", unknown, Names);
        }

        _metrics = metrics.Count > 0 ? metrics : [.. Names.Where(name => !name.StartsWith(Host, StringComparison.Ordinal))];
    }

    /// <summary>Names of the figures that there are.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>Writes the comparison.</summary>
    /// <param name="console">Takes it.</param>
    /// <param name="shown">Figures to show of each place.</param>
    public void Show(IAnsiConsole console, int shown)
    {
        Settings(console);
        foreach (string place in _places)
        {
            if (place.Length > 0)
            {
                console.WriteLine();
                console.MarkupLine($"[bold]{Markup.Escape(PlainWriter.Line(place))}[/]");
            }

            Figures(console, place, shown);
        }

        if (AreSame)
        {
            console.WriteLine(Same);
        }
    }

    private bool AreSame => _runs.All(run => run.Fingerprint.Length > 0) && _runs.DistinctBy(run => run.Fingerprint).Count() == 1;

    /// <summary>Which conditions the runs after the first do not meet, a sentence each.</summary>
    public IEnumerable<string> BrokenBy(IReadOnlyList<Threshold> thresholds) =>
        from place in _places
        from run in _runs.Skip(1)
        from threshold in thresholds
        let broken = threshold.Broken(
            run.Places[place].Max(each => each.Findings),
            MeanOf(run, place, threshold.Metric)?.Mean,
            MeanOf(_runs[0], place, threshold.Metric)?.Mean,
            Names)
        where broken is not null
        select $"{run.Name}{(place.Length > 0 ? $", {place}" : "")}: {broken}";

    private static Sample? MeanOf(ComparedRuns runs, string place, string metric) => Sample.Of(
        [.. runs.Places[place].SelectMany(run => run.Values).Where(value => value.Key == metric).Select(value => value.Value)]);

    /// <summary>Writes the comparison as a page, with all figures that differ.</summary>
    /// <param name="stream">Takes it.</param>
    public void WriteHtml(Stream stream)
    {
        HtmlPage html = new(string.Join(" and ", _runs.Select(run => run.Name)));
        Write(html);
        html.Write(stream);
    }

    /// <summary>Writes the comparison into a page, with all figures that differ.</summary>
    /// <param name="html">Takes it.</param>
    public void Write(HtmlBody html)
    {
        string[] names = [.. _runs.Select(run => run.Name)];
        if (AreSame)
        {
            html.Line($"<p>{Same}</p>");
        }

        foreach (string place in _places)
        {
            (string Metric, Sample[] Means)[] all = Means(place);
            (string Metric, Sample[] Means)[] changed = Changed(all);
            string title = place.Length > 0 ? $"Figures at {place}" : "Figures";
            html.BeginTable(title, ["figure", .. names, "change"], ["", .. names.Select(_ => ""), "Greatest ratio to the first."]);
            foreach ((string metric, Sample[] means) in changed)
            {
                string cells = string.Concat(means.Select((mean, at) => HtmlPage.Cell(mean.Mean, Cell(mean, at == 0 ? null : means[0]))));
                double change = Math.Exp(Change(means));
                string ratio = string.Create(CultureInfo.InvariantCulture, $"x{change:0.000}");
                html.Line($"<tr><td>{HtmlPage.Text(metric)}</td>{cells}{HtmlPage.Cell(change, ratio)}</tr>");
            }

            html.EndTable();
            html.Line($"<p>{Quantities.Of(all.Length - changed.Length, "figure is", "figures are")} equal.</p>");
        }

        html.BeginTable("Settings that differ", ["setting", .. names], [], _ => true);
        foreach (string key in DifferingSettings())
        {
            string cells = string.Concat(_runs.Select(run => $"<td>{HtmlPage.Text(SettingOf(run, key))}</td>"));
            html.Line($"<tr><td>{HtmlPage.Text(key)}</td>{cells}</tr>");
        }

        html.EndTable();
    }

    private static string SettingOf(ComparedRuns run, string key) =>
        run.Settings.Count == 0 ? "?" : run.Settings.GetValueOrDefault(key, "-");

    private string[] DifferingSettings()
    {
        ComparedRuns[] known = [.. _runs.Where(run => run.Settings.Count > 0)];
        return [.. known.SelectMany(run => run.Settings.Keys).Distinct()
            .Where(key => known.DistinctBy(run => run.Settings.GetValueOrDefault(key, "-")).Count() > 1)];
    }

    private void Settings(IAnsiConsole console)
    {
        string[] keys = DifferingSettings();
        Table table = NewTable("setting");
        foreach (string key in keys)
        {
            table.AddRow([new Text(key), .. _runs.Select(run => new Text(SettingOf(run, key)))]);
        }

        if (keys.Length > 0)
        {
            console.Write(table);
        }
        else
        {
            console.WriteLine("No setting differs.");
        }
    }

    /// <summary>The figures that all runs have at a place.</summary>
    private (string Metric, Sample[] Means)[] Means(string place) =>
        [.. _metrics.Select(metric => (metric, Means: _runs.Select(run => MeanOf(run, place, metric)).ToArray()))
            .Where(item => Array.TrueForAll(item.Means, mean => mean is not null))
            .Select(item => (item.metric, item.Means.Select(mean => mean!).ToArray()))];

    /// <summary>Those of them that differ, what changed most first.</summary>
    private static (string Metric, Sample[] Means)[] Changed((string Metric, Sample[] Means)[] all) =>
        [.. all.Where(item => Change(item.Means) > 0).OrderByDescending(item => Change(item.Means))];

    private void Figures(IAnsiConsole console, string place, int shown)
    {
        (string Metric, Sample[] Means)[] all = Means(place);
        (string Metric, Sample[] Means)[] changed = Changed(all);
        console.WriteLine();
        if (changed.Length == 0)
        {
            console.WriteLine($"All of {Quantities.Of(all.Length, "figure")} are equal.");
            return;
        }

        Table table = NewTable("figure");
        foreach ((string metric, Sample[] means) in changed.Take(shown))
        {
            table.AddRow([new Text(metric), .. means.Select((mean, index) => new Text(Cell(mean, index == 0 ? null : means[0])))]);
        }

        console.Write(table);
        string rest = changed.Length > shown ? $", {changed.Length - shown} of which are not shown (--all)" : "";
        string differ = Quantities.Of(changed.Length, "figure differs", "figures differ");
        console.WriteLine($"{differ}{rest}; {all.Length - changed.Length} are equal.");
    }

    /// <summary>
    /// How far the ratios are from 1, on a scale on which half and double are equally far. One is added to both, so that what was nothing
    /// is as far as it is great.
    /// </summary>
    private static double Change(Sample[] means) =>
        means.Skip(1).Max(mean => Math.Abs(Math.Log((mean.Mean + 1) / (means[0].Mean + 1))));

    private static string Cell(Sample mean, Sample? first)
    {
        string text = Number(mean.Mean) + (mean.HalfWidth is { } half ? $" ± {Number(half)}" : "");
        if (first is null)
        {
            return text;
        }

        string ratio = first.Mean == 0
            ? mean.Mean == 0 ? "=" : "new"
            : string.Create(CultureInfo.InvariantCulture, $"x{mean.Mean / first.Mean:0.000}");
        string doubt = Sample.HalfWidthOfDifference(first, mean) is { } width && width >= Math.Abs(mean.Mean - first.Mean)
            && !mean.Mean.Equals(first.Mean)
            ? " ?"
            : "";
        return $"{text}  {ratio}{doubt}";
    }

    private static string Number(double value) => Math.Abs(value) >= 100_000
        ? Quantities.Count(value)
        : value.ToString("#,0.##", CultureInfo.InvariantCulture);

    private Table NewTable(string first)
    {
        Table table = new Table().Border(TableBorder.None);
        table.AddColumn(new TableColumn(first).NoWrap());
        foreach (ComparedRuns run in _runs)
        {
            table.AddColumn(new TableColumn(Markup.Escape(PlainWriter.Line(run.Name))).RightAligned());
        }

        return table;
    }
}
