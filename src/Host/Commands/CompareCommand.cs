using System.CommandLine;
using VmSim.Host.Files;
using VmSim.Host.Reporting;
using VmSim.Host.Sweeps;
using VmSim.Host.Terminal;

namespace VmSim.Host.Commands;

/// <summary><c>vmsim compare</c>: runs or sweeps side by side.</summary>
internal static class CompareCommand
{
    /// <summary>Figures that are shown without <c>--all</c>.</summary>
    private const int Shown = 20;

    public static Command Create(TextWriter output, TextWriter error)
    {
        Argument<string[]> runs = new("runs")
        {
            Description = "Folders of runs or of sweeps, report.json files, or scenarios, which are run. The first is what others are "
                + "compared with.",
            Arity = new ArgumentArity(2, 100),
        };
        Option<string[]> metric = new("--metric")
        {
            Description = "Figure to show: a name of `vmsim list metrics`. May be repeated; without it, all that differ.",
            HelpName = "NAME",
        };
        Option<string[]> failOn = new("--fail-on")
        {
            Description = "End with 1 if a figure changed too far ('ipisSent > +5 %'), is beyond a bound ('minorFaults > 1610'), or there "
                + "are findings (findings). May be repeated.",
            HelpName = "CONDITION",
        };
        Option<bool> all = new("--all") { Description = $"Show all figures that differ, not only the {Shown} that changed most." };
        Option<string?> page = new("--html")
        {
            Description = "Writes the comparison as a page: one file with tables that sort, which needs no network.",
            HelpName = "FILE.html",
        };
        Command command = new("compare", "Compares runs or sweeps: settings that differ, and figures with ratios, what changed most first.")
        {
            runs,
            metric,
            failOn,
            all,
            page,
        };
        Suggestions.Offer(runs, Suggestions.Scenarios);
        metric.CompletionSources.Add(Suggestions.Metrics);
        command.SetAction(async (parsed, cancellation) =>
        {
            IReadOnlyList<Threshold> thresholds = Threshold.ParseAll(parsed.GetValue(failOn), allowsChanges: true);
            List<ComparedRuns> found = [];
            foreach (string path in parsed.GetValue(runs)!)
            {
                found.Add(await ComparedRuns.LoadAsync(path, error, cancellation));
            }

            Comparison comparison = new(found, parsed.GetValue(metric) ?? []);
            comparison.Show(Consoles.For(output), parsed.GetValue(all) ? int.MaxValue : Shown);
            if (parsed.GetValue(page) is { } file)
            {
                using OutputFile html = new(file, "--html");
                comparison.WriteHtml(html.Stream);
                html.Complete();
            }

            string[] broken = [.. comparison.BrokenBy(thresholds)];
            foreach (string sentence in broken)
            {
                await error.WriteLineAsync($"vmsim: {sentence}");
            }

            return broken.Length == 0 ? ExitCodes.Ok : ExitCodes.Broken;
        });
        return command;
    }
}
