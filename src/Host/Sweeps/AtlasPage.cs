using System.Globalization;

namespace VmSim.Host.Sweeps;

/// <summary>
/// What several sweeps found, as one page of Markdown: first which curve has least of each sweep's first figure, then a section a sweep
/// with its tables, a picture and the crossings with its baseline.
/// </summary>
/// <param name="sweeps">The sweeps with what they found.</param>
internal sealed class AtlasPage(IReadOnlyList<(AtlasSweep Sweep, SweepFindings Found)> sweeps)
{
    /// <summary>By how much a mean may lie above the least one and count as equal: what a rounded table would not show.</summary>
    private const double Equal = 1.02;

    /// <summary>Name of a sweep's picture.</summary>
    public static string PictureOf(AtlasSweep sweep) => $"atlas-{sweep.Plan.Name}.svg";

    /// <summary>Writes the page.</summary>
    /// <param name="writer">Takes it.</param>
    /// <param name="head">What it begins with; its first line is the title.</param>
    /// <param name="pictures">The folder of the pictures, as links have it.</param>
    public void Write(TextWriter writer, string head, string pictures)
    {
        Line(writer, head.TrimEnd());
        Line(writer, "\n## Who is ahead");
        Line(writer, "\nThe least of each sweep's first figure, as a part of its baseline; `any` where all lie within 2 %.\n");
        WriteBest(writer);
        foreach ((AtlasSweep sweep, SweepFindings found) in sweeps)
        {
            WriteSweep(writer, sweep, found, pictures);
        }
    }

    private void WriteBest(TextWriter writer)
    {
        string[] columns = [.. sweeps.SelectMany(sweep => Alongs(sweep.Found)).Select(SweepPage.Text).Distinct().OrderBy(Number)];
        Line(writer, $"| sweep | {string.Join(" | ", columns)} |");
        Line(writer, $"|---|{string.Concat(columns.Select(_ => "---|"))}");
        foreach ((AtlasSweep sweep, SweepFindings found) in sweeps)
        {
            Dictionary<string, string> best =
                Alongs(found).ToDictionary(SweepPage.Text, along => BestAt(found, along), StringComparer.Ordinal);
            string cells = string.Join(" | ", columns.Select(column => best.GetValueOrDefault(column, "")));
            Line(writer, $"| [{sweep.Plan.Name}](#{sweep.Plan.Name.ToLowerInvariant()}) | {cells} |");
        }
    }

    /// <summary>The curves that have least at a place, and how much that is of the baseline.</summary>
    private static string BestAt(SweepFindings found, IReadOnlyList<string> along)
    {
        SweepView view = found.View;
        SweepPage page = new(found);
        string metric = view.Plan.Metrics[0];
        IReadOnlyList<string>[] rows = SweepView.With(view.Contexts().First(), view.Along, along);
        List<(string Name, double Mean, double? Ratio)> curves = [];
        foreach (IReadOnlyList<string> curve in view.RowsOf(view.Curves))
        {
            IReadOnlyList<string>[] place = SweepView.With(rows, view.Curves, curve);
            if (found.Means.At(place, metric) is { } mean)
            {
                curves.Add((SweepPage.Text(curve), mean.Mean, page.Ratio(place, metric, mean)));
            }
        }

        if (curves.Count == 0)
        {
            return "-";
        }

        double least = curves.Min(curve => curve.Mean);
        (string Name, double Mean, double? Ratio)[] best = [.. curves.Where(curve => curve.Mean <= least * Equal)];
        string ratio = best.Min(curve => curve.Ratio) is { } part ? string.Create(CultureInfo.InvariantCulture, $" x{part:0.00}") : "";
        return best.Length == curves.Count && best.Length > 1
            ? "any"
            : $"{string.Join(", ", best.Select(curve => $"`{curve.Name}`"))}{ratio}";
    }

    private static void WriteSweep(TextWriter writer, AtlasSweep sweep, SweepFindings found, string pictures)
    {
        Line(writer, $"\n## {sweep.Plan.Name}\n");
        foreach (string line in sweep.Text)
        {
            Line(writer, line);
        }

        SweepPage page = new(found);
        foreach (string metric in sweep.Plan.Metrics)
        {
            Line(writer, $"\n**{SweepPage.Heading(metric)}**\n");
            page.WriteTable(writer, metric);
        }

        Line(writer, $"\n![{sweep.Plan.Metrics[0]}]({pictures}/{PictureOf(sweep)})");
        string[] crossings = [.. Crossings.Find(found.View, found.Means, [sweep.Plan.Metrics[0]])
            .Select(crossing => crossing.Sentence()).Where(sentence => IsTold(sweep, sentence))];
        if (crossings.Length > 0)
        {
            Line(writer, "");
            Array.ForEach(crossings, sentence => Line(writer, $"- {sentence}"));
        }

        foreach (SweepResult result in found.Results.Where(result => !result.Counts))
        {
            Line(writer, $"\nDoes not count: {result.Point.Text(sweep.Plan.Axes)}: {result.Found?.Outcome ?? "failed"}");
        }
    }

    /// <summary>Whether a crossing concerns the baseline, if there is one.</summary>
    private static bool IsTold(AtlasSweep sweep, string sentence) => sentence.Length > 0
        && (sweep.Plan.Baseline.Count == 0
            || sweep.Plan.Baseline.Any(item => sentence.Contains($"`{item.Value}`", StringComparison.Ordinal)));

    private static IReadOnlyList<IReadOnlyList<string>> Alongs(SweepFindings found) => found.View.RowsOf(found.View.Along);

    private static long Number(string text) => SweepAxis.NumberOf(text) ?? long.MaxValue;

    private static void Line(TextWriter writer, string line) => writer.Write(line + "\n");
}
