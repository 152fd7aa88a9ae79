using System.Net;
using System.Text;
using VmSim.Core.Reports;
using VmSim.Host.Reporting;
using VmSim.Host.Terminal;

namespace VmSim.Host.Service;

/// <summary>A running job's figures for people, with the charts of a report's page.</summary>
internal static class FiguresView
{
    /// <summary>Bytes of a page of a resident set.</summary>
    private const double PageBytes = 4096;

    /// <summary>A page's section.</summary>
    /// <param name="progress">How far the job is; null before it has said so.</param>
    /// <param name="figures">Its figures; null before there are any.</param>
    public static string Section(JobProgress? progress, JobFigures? figures)
    {
        StringBuilder html = new("<section id=\"live\"><h2>So far</h2>");
        (string, string)[] facts = [.. Facts(progress, figures)];
        if (facts.Length > 0)
        {
            html.Append("<div class=\"scroll\" tabindex=\"0\"><table><tbody>");
            foreach ((string name, string fact) in facts)
            {
                html.Append("<tr><th scope=\"row\" class=\"text\">").Append(Text(name))
                    .Append("</th><td style=\"white-space:normal\">").Append(Text(fact)).Append("</td></tr>");
            }

            html.Append("</tbody></table></div>");
        }

        if (figures is null)
        {
            return html.Append("<p>Charts come when the job has told its figures; one that several nodes have tells none.</p></section>")
                .ToString();
        }

        int number = 1;
        foreach (string chart in Charts(figures).Select(draw => draw(number++)))
        {
            html.Append("<figure tabindex=\"0\">").Append(chart).Append("</figure>");
        }

        AppendWaits(html, figures);
        return html.Append("</section>").ToString();
    }

    /// <summary>Two lines for a terminal: what was counted, and how it is simulated.</summary>
    public static IEnumerable<string> Lines(JobFigures figures)
    {
        (long accesses, long misses) = (figures.Total("accesses"), figures.Total("walks"));
        yield return $"{Quantities.Count(misses)} TLB misses ({Quantities.Percent(misses, accesses)} of accesses), "
            + $"{Quantities.Count(figures.Total("faults"))} faults, {Quantities.Count(figures.Total("shootdowns"))} shootdowns, "
            + $"{Quantities.Count(figures.Total("interrupts"))} IPIs, {WorkingSet(figures)} resident";
        string waits = figures.Waits.Count == 0 ? "nobody waits"
            : $"{(figures.HasMoreWaits ? "more than " : "")}{figures.Waits.Count} waiting, such as {figures.Waits[0]}";
        yield return $"window of {Window(figures)}; {LanesOf(figures)}; {waits}";
    }

    private static IEnumerable<(string Name, string Fact)> Facts(JobProgress? progress, JobFigures? figures)
    {
        if (progress is not null)
        {
            yield return ("virtual time", Quantities.Seconds(progress.VirtualSeconds));
            yield return ("accesses", $"{Quantities.Exact(progress.Accesses)}, {Quantities.Count(progress.AccessesPerSecond)} a second");
        }

        if (figures is null)
        {
            yield break;
        }

        long misses = figures.Total("walks");
        yield return (
            "TLB misses", $"{Quantities.Exact(misses)}, {Quantities.Percent(misses, figures.Total("accesses"))} of accesses");
        yield return ("faults", Quantities.Exact(figures.Total("faults")));
        yield return (
            "shootdowns",
            $"{Quantities.Exact(figures.Total("shootdowns"))}, with {Quantities.Exact(figures.Total("interrupts"))} interrupts (IPIs)");
        yield return ("working set", $"{WorkingSet(figures)} resident");
        yield return ("window", $"{Window(figures)}, bounded by {figures.WindowBoundReason}");
        yield return ("lanes", LanesOf(figures));
        if (figures.Domains > 1)
        {
            string seen = figures.DomainsSeen == figures.Domains ? "" : $"; these figures are of {Quantities.Exact(figures.DomainsSeen)}";
            yield return ("domains", $"{Quantities.Exact(figures.Domains)}, which wait for nothing of each other{seen}");
        }
    }

    private static void AppendWaits(StringBuilder html, JobFigures figures)
    {
        html.Append("<h3>Who waits for whom</h3>");
        if (figures.Waits.Count == 0)
        {
            html.Append("<p>Nobody, when it was looked at.</p>");
            return;
        }

        html.Append("<ul>");
        foreach (string line in figures.Waits)
        {
            html.Append("<li>").Append(Text(line)).Append("</li>");
        }

        html.Append(figures.HasMoreWaits ? "<li>and more</li></ul>" : "</ul>");
    }

    /// <summary>The charts that there is something for. Intervals that may go on are left out.</summary>
    private static IEnumerable<Func<int, string>> Charts(JobFigures figures)
    {
        int whole = (int)Math.Min(figures.ReachedCycles / figures.IntervalCycles, Core.Statistics.IntervalSeries.IntervalsMax);
        RunIntervals intervals = new(
            figures.IntervalCycles,
            [
                .. figures.Series.Select(series =>
                    KeyValuePair.Create<string, IReadOnlyList<long>>(series.Name, [.. series.Values.Take(whole)])),
            ]);
        if (IntervalCharts.HasTime(intervals))
        {
            yield return number => IntervalCharts.OverTime(intervals, figures.Ghz, number);
            yield return number => IntervalCharts.Classes(intervals, figures.Ghz, number);
        }

        if (figures.Interrupts.Any(row => row.Any(count => count > 0)))
        {
            RunInterrupts interrupts = new(figures.CoresPerBlock, figures.Interrupts);
            yield return number => IntervalCharts.Matrix(interrupts, number);
        }
    }

    private static string WorkingSet(JobFigures figures) => Quantities.Bytes(figures.Last("residentPages") * PageBytes);

    private static string Window(JobFigures figures)
    {
        string most = figures.WindowCycles == figures.WindowBoundCycles
            ? "the most there may be"
            : $"at most {Quantities.Exact(figures.WindowBoundCycles)} allowed";
        return $"{Quantities.Exact(figures.WindowCycles)} cycles ({Quantities.Time(figures.WindowCycles, figures.Ghz)}), {most}";
    }

    private static string LanesOf(JobFigures figures) =>
        $"{Quantities.Exact(figures.Lanes)} of {Quantities.Of(figures.Threads, "thread")} at work";

    private static string Text(string text) => WebUtility.HtmlEncode(PlainWriter.Plain(text));
}
