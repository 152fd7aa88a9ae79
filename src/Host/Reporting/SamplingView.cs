using System.Globalization;
using Spectre.Console;
using VmSim.Core.Reports;
using VmSim.Host.Terminal;

namespace VmSim.Host.Reporting;

/// <summary>Says of a run whose accesses were sampled that they were, and how far its figures can be off.</summary>
internal static class SamplingView
{
    /// <summary>
    /// Samples of a thread below which its variance says little: calibrated on many-processes, whose intervals do not hold with two.
    /// </summary>
    private const int LeastSamples = 10;

    /// <summary>Writes it; nothing for a run that was not sampled.</summary>
    public static void Show(RunReport report, IAnsiConsole console)
    {
        if (report.Sampling is not { } sampling)
        {
            return;
        }

        double detailed = sampling.Detailed;
        console.MarkupLine(
            $"[yellow]sampled[/]: {Quantities.Percent(detailed, detailed + sampling.Skipped)} of the accesses simulated, "
            + $"in {Quantities.Of(sampling.Units, "sample")}");
        if (sampling.Skipped == 0)
        {
            console.MarkupLine("every access was simulated: the figures are those of a run without sampling");
            return;
        }

        Table table = new Table().Border(TableBorder.Simple).BorderColor(Color.Grey);
        table.AddColumn("figure").AddColumn(new TableColumn("estimate").RightAligned());
        table.AddColumn(new TableColumn("95 % interval").RightAligned());
        foreach (SampledFigure figure in sampling.Intervals.Where(figure => figure is { Estimate: not 0, HalfWidth: > 0 }))
        {
            table.AddRow(figure.Name, Quantities.Exact(figure.Estimate), Relative(figure));
        }

        if (table.Rows.Count > 0)
        {
            console.Write(table);
            int threads = report.Threads.Count(thread => thread.Started >= 0);
            if (sampling.Units < LeastSamples * threads)
            {
                console.MarkupLine(
                    $"these are few samples for {Quantities.Of(threads, "thread")}: intervals hold less often than they say; "
                    + "a shorter sampling.period takes more");
            }
        }
        else
        {
            console.MarkupLine("too few samples to say how far figures can be off: take a shorter sampling.period");
        }
    }

    private static string Relative(SampledFigure figure) => string.Create(
        CultureInfo.InvariantCulture, $"± {100.0 * figure.HalfWidth!.Value / Math.Abs((double)figure.Estimate):0.00} %");
}
