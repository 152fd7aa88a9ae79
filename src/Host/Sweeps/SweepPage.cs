using System.Globalization;
using VmSim.Core.Reports;
using VmSim.Core.Statistics;
using VmSim.Host.Terminal;

namespace VmSim.Host.Sweeps;

/// <summary>
/// What a sweep found, as a page of Markdown that reads well on a terminal: means with intervals, crossings, what to know.
/// </summary>
/// <param name="findings">What the sweep found.</param>
internal sealed class SweepPage(SweepFindings findings)
{
    private readonly SweepView _view = findings.View;
    private readonly SweepMeans _means = findings.Means;
    private readonly IReadOnlyList<SweepResult> _results = findings.Results;
    private readonly IReadOnlyList<string> _metrics = findings.View.Plan.Metrics;

    private SweepPlan Plan => _view.Plan;

    /// <summary>Writes the page.</summary>
    /// <param name="writer">Takes it.</param>
    /// <param name="hasPictures">Whether the pictures stand beside it.</param>
    public void Write(TextWriter writer, bool hasPictures)
    {
        Line(writer, $"# Sweep of {Plan.Name}\n");
        Line(writer, RunsText());
        Line(writer, SeedText());
        foreach (string metric in _metrics)
        {
            Line(writer, $"\n## {Heading(metric)}\n");
            WriteTable(writer, metric);
            if (hasPictures)
            {
                Line(writer, $"\n![{metric}]({SweepFolder.PictureOf(metric)})");
            }
        }

        if (Crossings.Count > 0)
        {
            Line(writer, "\n## Crossings\n");
            foreach (string sentence in Crossings)
            {
                Line(writer, $"- {sentence}");
            }
        }

        if (Others.Count > 0)
        {
            Line(writer, "\n## Runs that do not count\n");
            foreach (string other in Others)
            {
                Line(writer, $"- {other}");
            }
        }
    }

    /// <summary>A sentence for each two curves that cross.</summary>
    public IReadOnlyList<string> Crossings =>
        [.. findings.Crossings.Select(crossing => crossing.Sentence()).Where(sentence => sentence.Length > 0)];

    /// <summary>Runs that do not count, with why.</summary>
    public IReadOnlyList<string> Others =>
    [
        .. _results.Where(result => !result.Counts).Select(result =>
        {
            string what = result.Found is { } found ? $"{found.Outcome}, {SweepFolder.RunsName}/{result.Digest}" : result.Error;
            return $"{result.Point.Text(Plan.Axes)}: {PlainWriter.Line(what)}";
        }),
    ];

    /// <summary>How many runs there are.</summary>
    public string RunsText()
    {
        int between = _results.Count(result => result.Point.IsBetween);
        int counted = _results.Count(result => result.Counts);
        return $"{_results.Count} runs{(between > 0 ? $", {between} of them between points of the grid" : "")}; {counted} count.";
    }

    /// <summary>Writes the means as a table: a row a place and figure.</summary>
    public void WriteMeans(TextWriter writer)
    {
        IEnumerable<string> keys = Plan.Axes.SelectMany(axis => axis.Keys).Select(CsvField.Of);
        Line(writer, string.Join(',', [.. keys, "metric", "runs", "mean", "half_width_95", "least", "most", "ratio_to_baseline"]));
        foreach (SweepPoint point in _results.Select(result => result.Point).DistinctBy(point => point.Place))
        {
            IReadOnlyList<string>[] rows = [.. point.Rows];
            foreach (string metric in _metrics)
            {
                if (_means.At(rows, metric) is { } mean)
                {
                    string[] values =
                    [
                        .. point.Settings(Plan.Axes).Select(setting => CsvField.Of(setting.Value)),
                        metric,
                        mean.Count.ToString(CultureInfo.InvariantCulture),
                        Exact(mean.Mean),
                        Exact(mean.HalfWidth),
                        Exact(mean.Least),
                        Exact(mean.Most),
                        Exact(Ratio(rows, metric, mean)),
                    ];
                    Line(writer, string.Join(',', values));
                }
            }
        }
    }

    /// <summary>What the intervals say.</summary>
    public string SeedText()
    {
        if (Plan.Seeds.Count == 0)
        {
            return "One run a point, with the scenario's own seed.";
        }

        string seeds = $"{Quantities.Of(Plan.Seeds.Count, "seed")} a point; ± is half the 95 % interval of the mean, by Student's t.";
        return _means.AreSeedsAlike() == true
            ? $"{seeds}\nNothing in this scenario draws from the seed: the runs of each point found the same.\n"
                + "The intervals say nothing; noise.start, noise.compute-percent, noise.interrupt, noise.placement and noise.aslr make "
                + "runs differ as those of real machines do."
            : seeds;
    }

    /// <summary>A figure with its unit.</summary>
    public static string Heading(string metric)
    {
        string unit = ReportMetrics.UnitOf(metric);
        return $"{metric}{(unit.Length > 0 && unit != metric ? $", {unit}" : "")}";
    }

    /// <summary>The means of a figure as a table.</summary>
    public MeansTable TableOf(string metric)
    {
        int[] left = _view.Along < 0 ? [.. _view.Others] : [.. _view.Others, _view.Along];
        IReadOnlyList<IReadOnlyList<string>> curves = _view.RowsOf(_view.Curves);
        IEnumerable<MeansRow> rows =
            from context in _view.Contexts()
            from along in _view.RowsOf(_view.Along)
            let place = SweepView.With(context, _view.Along, along)
            select new MeansRow(
                [.. left.Select(axis => Text(place[axis]))],
                [.. curves.Select(curve => Cell(SweepView.With(place, _view.Curves, curve), metric))]);
        return new MeansTable(
            [.. left.Select(axis => Plan.Axes[axis].Key)], _view.Curves < 0 ? ["mean"] : [.. curves.Select(Text)], [.. rows]);
    }

    /// <summary>Writes the means of a figure as a table.</summary>
    public void WriteTable(TextWriter writer, string metric)
    {
        MeansTable means = TableOf(metric);
        List<string[]> table =
        [
            [.. means.Settings, .. means.Curves],
            .. means.Rows.Select(row => (string[])[.. row.Settings, .. row.Cells.Select(cell => cell.Text)]),
        ];
        int[] widths = [.. Enumerable.Range(0, table[0].Length).Select(column => table.Max(row => row[column].Length))];
        for (int i = 0; i < table.Count; i++)
        {
            Line(writer, $"| {string.Join(" | ", table[i].Select((text, column) => text.PadLeft(widths[column])))} |");
            if (i == 0)
            {
                Line(writer, $"|{string.Join('|', widths.Select(width => new string('-', width + 1) + ":"))}|");
            }
        }
    }

    /// <summary>A row: its one value, or all values where they differ.</summary>
    public static string Text(IReadOnlyList<string> row) => row.All(value => value == row[0]) ? row[0] : string.Join('/', row);

    /// <summary>A mean with its interval and ratio; a dash for none.</summary>
    private (Sample? Mean, string Text) Cell(IReadOnlyList<string>[] rows, string metric)
    {
        if (_means.At(rows, metric) is not { } mean)
        {
            return (null, "-");
        }

        string half = mean.HalfWidth is { } width ? $" ± {Quantities.Count(width)}" : "";
        string ratio = Ratio(rows, metric, mean) is { } part ? string.Create(CultureInfo.InvariantCulture, $" (x{part:0.00})") : "";
        return (mean, $"{Short(mean.Mean)}{half}{ratio}");
    }

    /// <summary>A mean divided by that of the baseline; null without one.</summary>
    public double? Ratio(IReadOnlyList<string>[] rows, string metric, Sample mean)
    {
        if (Plan.Baseline.Count == 0)
        {
            return null;
        }

        IReadOnlyList<string>[] place = rows;
        foreach ((string key, string value) in Plan.Baseline)
        {
            int axis = Plan.AxisOf(key, "--baseline");
            int column = Plan.Axes[axis].Keys.ToList().IndexOf(key);
            place = SweepView.With(place, axis, Plan.Axes[axis].Rows.First(row => row[column] == value));
        }

        return _means.At(place, metric) is { } baseline && baseline.Mean != 0 ? mean.Mean / baseline.Mean : null;
    }

    private static string Short(double value) =>
        Math.Abs(value) is > 0 and < 10 && value != Math.Floor(value)
            ? value.ToString("0.00", CultureInfo.InvariantCulture)
            : Quantities.Count(value);

    private static string Exact(double? value) => value?.ToString("R", CultureInfo.InvariantCulture) ?? "";

    private static void Line(TextWriter writer, string line) => writer.Write(line + "\n");
}
