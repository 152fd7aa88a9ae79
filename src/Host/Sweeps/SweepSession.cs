using System.Text;
using VmSim.Core.Reports;
using VmSim.Core.Settings;
using VmSim.Host.Hosting;
using VmSim.Host.Reporting;
using VmSim.Host.Terminal;

namespace VmSim.Host.Sweeps;

/// <summary>A sweep from its plan to its folder.</summary>
/// <param name="plan">What is run.</param>
/// <param name="folder">Where it goes.</param>
/// <param name="jobs">The most runs at a time.</param>
/// <param name="threads">Host threads that simulate in each.</param>
/// <param name="thresholds">Conditions on which it fails.</param>
internal sealed class SweepSession(SweepPlan plan, string folder, int jobs, int threads, IReadOnlyList<Threshold> thresholds)
{
    /// <summary>Failures that are named on standard error.</summary>
    private const int NamedMax = 20;

    /// <summary>What the sweep found; null before it has been carried out.</summary>
    public SweepFindings? Found { get; private set; }

    private string Runs => Path.Combine(folder, SweepFolder.RunsName);

    /// <summary>Lists the runs, and which of them are there.</summary>
    /// <returns>An exit code of <see cref="ExitCodes"/>.</returns>
    public int List(TextWriter output, TextWriter error)
    {
        IReadOnlyList<SweepPoint> points = plan.Points();
        int there = 0;
        int broken = 0;
        using StatusLine status = new(error);
        foreach (SweepPoint point in points)
        {
            status.Show($"reads {point.Text(plan.Axes)}");
            string state = StateOf(point);
            there += state == "there" ? 1 : 0;
            broken += state.StartsWith("cannot", StringComparison.Ordinal) ? 1 : 0;
            output.WriteLine($"{state,-7} {point.Text(plan.Axes)}");
        }

        output.WriteLine(
            $"{Quantities.Of(points.Count, "run")}: {there} there in {folder}, {points.Count - there - broken} to run, "
            + $"at most {jobs} at a time{(broken > 0 ? $"; {broken} cannot be run" : "")}");
        return broken > 0 ? ExitCodes.Broken : ExitCodes.Ok;
    }

    /// <summary>Makes the runs that are not there, and writes what they say together.</summary>
    /// <param name="output">Where the page goes.</param>
    /// <param name="error">Where progress and messages go.</param>
    /// <param name="cancellation">Ends the sweep; what is done stays.</param>
    /// <returns>An exit code of <see cref="ExitCodes"/>.</returns>
    public async Task<int> CarryOutAsync(TextWriter output, TextWriter error, CancellationToken cancellation)
    {
        SweepFolder.Prepare(folder);
        IReadOnlyList<SweepPoint> points = plan.Points();
        SweepMeans means = new();
        SweepView view = new(plan);
        List<SweepResult> results;
        IReadOnlyList<Crossing> crossings;
        using (SweepRunner runner = new(plan, folder, jobs, threads, error))
        {
            results = [.. await runner.RunAsync(points, cancellation)];
            means.Add(results);
            crossings = Crossings.Find(view, means, plan.Metrics);
            if (plan.Bisects && !cancellation.IsCancellationRequested)
            {
                results.AddRange(await Crossings.BisectAsync(
                    crossings, plan, means, between => runner.RunAsync(between, cancellation), cancellation));
            }
        }

        SweepTable table = new(plan, results);
        SweepFolder.Write(folder, SweepFolder.TableName, table.WriteCsv);
        using (MemoryStream parquet = new())
        {
            await table.WriteParquetAsync(parquet);
            SweepFolder.Write(folder, SweepFolder.ParquetName, parquet.WriteTo);
        }

        if (cancellation.IsCancellationRequested)
        {
            await error.WriteLineAsync(
                $"vmsim: stopped; {results.Count} of {points.Count} runs are done and kept in {folder}; "
                + "the same command goes on with the rest");
            return ExitCodes.Broken;
        }

        Found = new SweepFindings(view, means, results, crossings);
        SweepPage page = new(Found);
        foreach (string metric in plan.Metrics)
        {
            SweepFolder.Write(folder, SweepFolder.PictureOf(metric), stream => SweepPicture.Write(stream, view, means, metric));
        }

        SweepFolder.Write(folder, SweepFolder.MeansName, stream => WriteText(stream, page.WriteMeans));
        SweepFolder.Write(folder, SweepFolder.PageName, stream => WriteText(stream, writer => page.Write(writer, hasPictures: true)));
        SweepFolder.Write(folder, SweepFolder.HtmlName, new SweepHtml(Found).Write);
        page.Write(output, hasPictures: false);
        Tell(results, output);
        return Judge(results, error);
    }

    private string StateOf(SweepPoint point)
    {
        try
        {
            string digest = RunDigest.Of(SweepScenario.Load(plan.Scenario, point.Sets(plan), plan.FitsSockets));
            return SweepFolder.HasRun(Path.Combine(Runs, digest), plan.Lists) ? "there" : "to run";
        }
        catch (ScenarioException reason)
        {
            return $"cannot be run ({reason.Message}):";
        }
    }

    private void Tell(List<SweepResult> results, TextWriter output)
    {
        int there = results.Count(result => result.WasThere);
        int failed = results.Count(result => result.Found is null);
        int others = SweepFolder.CountOfOthers(folder, results.Select(result => result.Digest));
        output.WriteLine();
        output.WriteLine(
            $"{results.Count - there - failed} runs made, {there} there before, {failed} failed; in {folder}: {SweepFolder.PageName}, "
            + $"{SweepFolder.HtmlName}, {SweepFolder.TableName}, {SweepFolder.ParquetName}, {SweepFolder.MeansName}, pictures, "
            + $"{SweepFolder.RunsName}/");
        if (others > 0)
        {
            output.WriteLine(
                $"{SweepFolder.RunsName}/ also has {Quantities.Of(others, "run")} of other settings, traces or builds; "
                + "nothing here is made of them");
        }
    }

    /// <summary>Names the runs that failed or are not as they should be.</summary>
    private int Judge(List<SweepResult> results, TextWriter error)
    {
        List<string> broken = [];
        foreach (SweepResult result in results)
        {
            string text = result.Point.Text(plan.Axes);
            IEnumerable<string> problems = result.Found is not { } found ? [$"failed: {result.Error}"]
                : !result.Counts ? [found.Outcome]
                : BrokenBy(found);
            broken.AddRange(problems.Select(problem => $"{text}: {problem}"));
        }

        foreach (string problem in broken.Take(NamedMax))
        {
            error.WriteLine($"vmsim: {problem}");
        }

        if (broken.Count > NamedMax)
        {
            error.WriteLine($"vmsim: ... and {broken.Count - NamedMax} more");
        }

        if (results.Count(result => result.LeftOut > 0) is > 0 and int cut)
        {
            error.WriteLine(
                $"vmsim: lists of {Quantities.Of(cut, "run")} are not whole, since there was too much to list; a shorter until helps");
        }

        if (results.Exists(result => result.Found is null))
        {
            error.WriteLine("vmsim: the same command runs those that failed again");
        }

        return broken.Count == 0 ? ExitCodes.Ok : ExitCodes.Broken;
    }

    private IEnumerable<string> BrokenBy(RunFigures found)
    {
        IEnumerable<string> names = found.Values.Select(value => value.Key);
        IEnumerable<string?> bounds = plan.Expect.Select(expected => found[expected.Metric] is not { } value
            ? throw ReportMetrics.Unknown($"expect.{expected.Metric}", expected.Metric, names)
            : expected.Holds(value) ? null
            : FormattableString.Invariant($"expect.{expected.Metric}: {value:#,0.###} found, {expected.Bounds} expected"));
        IEnumerable<string?> conditions =
            thresholds.Select(threshold => threshold.Broken(found.Findings, found[threshold.Metric], null, names));
        return bounds.Concat(conditions).OfType<string>();
    }

    private static void WriteText(Stream stream, Action<TextWriter> write)
    {
        using StreamWriter writer = new(stream, new UTF8Encoding(false), leaveOpen: true);
        write(writer);
    }
}
