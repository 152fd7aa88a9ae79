using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using VmSim.Core.Reports;
using VmSim.Core.Settings;
using VmSim.Host.Reporting;
using VmSim.Host.Sweeps;

namespace VmSim.Host.Service;

/// <summary>
/// Two results side by side, as <c>vmsim compare</c> sets them: settings and figures that differ, and the charts of both reports.
/// </summary>
internal sealed class ComparePage(JobStore store, StoreFolder folder)
{
    /// <summary>Jobs that a field proposes: the last ones that are done. Any other number may be written.</summary>
    private const int Proposed = 50;

    /// <summary>Bytes of settings that are compared: those of a thousand processes are less.</summary>
    private const int SettingsBytesMax = 1 << 20;

    /// <summary>Comparisons at a time: each has two reports in memory.</summary>
    private readonly SemaphoreSlim _turns = new(2);

    /// <summary>Declares the page.</summary>
    public void Map(IEndpointRouteBuilder routes) => routes.MapGet("/compare", CompareAsync).ExcludeFromDescription();

    /// <summary>A form by which one names two jobs.</summary>
    /// <param name="store">The jobs.</param>
    /// <param name="first">Number of the one that the other is compared with; empty for none yet.</param>
    /// <param name="other">Number of the other; empty for none yet.</param>
    public static string Form(JobStore store, string first, string other)
    {
        StringBuilder html = new("<form method=\"get\" action=\"/compare\" class=\"pick\">");
        Append("base", "Base: job", first);
        Append("other", "Other: job", other);
        html.Append("<button>Compare</button><datalist id=\"results\">");
        foreach (Job job in store.List(JobState.Done, long.MaxValue, Proposed))
        {
            html.Append(
                CultureInfo.InvariantCulture, $"<option value=\"{job.Id}\">{Text(job.Name)} {Text(job.Label)}</option>");
        }

        return html.Append("</datalist></form>").ToString();

        void Append(string name, string label, string value) => html.Append(
            $"<span><label for=\"{name}\">{label}</label><input id=\"{name}\" name=\"{name}\" value=\"{Text(value)}\" list=\"results\" "
                + "inputmode=\"numeric\" pattern=\"[0-9]{1,18}\" autocomplete=\"off\" "
                + "title=\"The number of a job that is done\" required></span>");
    }

    private async Task<IResult> CompareAsync(HttpContext context, string? @base, string? other)
    {
        if (ServiceHtml.Refusal(context, Role.Reader) is { } refusal)
        {
            return refusal;
        }

        (string first, string second) = (@base ?? "", other ?? "");
        StringBuilder main = new(ServiceHtml.AllJobs);
        main.Append(Form(store, first, second));
        if (first.Length == 0 && second.Length == 0)
        {
            return ServiceHtml.Page(context, "Compare results", main.ToString());
        }

        await _turns.WaitAsync(context.RequestAborted);
        try
        {
            if (FindBoth(first, second, out Result? one, out Result? two) is { } wrong)
            {
                main.Append(ServiceHtml.Finding(wrong.Sentence));
                return ServiceHtml.Page(context, "Compare results", main.ToString(), status: wrong.Status);
            }

            Append(main, one!, two!);
            return ServiceHtml.Page(context, $"Job {one!.Job.Id} and job {two!.Job.Id}", main.ToString(), PageScript.Tables);
        }
        finally
        {
            _turns.Release();
        }
    }

    private Wrong? FindBoth(string first, string second, out Result? one, out Result? two)
    {
        two = null;
        Wrong? wrong = Find("base", first, out one) ?? Find("other", second, out two);
        return wrong is null && one!.Job.Id == two!.Job.Id
            ? new Wrong(StatusCodes.Status400BadRequest, $"base and other: job {one.Job.Id} found twice; two jobs are needed")
            : wrong;
    }

    private Wrong? Find(string field, string number, out Result? result)
    {
        result = null;
        if (!long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out long id))
        {
            string found = number.Length > 20 ? $"{number[..20]}..." : number;
            return new Wrong(StatusCodes.Status400BadRequest, $"{field}: \"{found}\" found; the number of a job is needed");
        }

        if (store.Find(id) is not { } job)
        {
            return new Wrong(StatusCodes.Status404NotFound, $"there is no job {id}");
        }

        if (job.State != JobState.Done)
        {
            return new Wrong(StatusCodes.Status404NotFound, $"job {id} has no result: it is {ServiceText.Of(job.State)}");
        }

        try
        {
            // Looked at is used, and so is not removed while it is read.
            folder.UseResult(job.Digest, TimeProvider.System.GetUtcNow());
            result = Read(job);
            return null;
        }
        catch (Exception reason) when (reason is FileNotFoundException or DirectoryNotFoundException)
        {
            return new Wrong(StatusCodes.Status404NotFound, store.RemovedOf([job]).TryGetValue(job.Digest, out long when)
                ? $"job {id}: {ServiceText.Removed(when)}"
                : $"the store has no result of job {id} any more; submit it again");
        }
        catch (Exception reason) when (reason is JsonException or ScenarioException or ArgumentException)
        {
            return new Wrong(StatusCodes.Status404NotFound, $"the result of job {id} cannot be read: {reason.Message}");
        }
    }

    private Result Read(Job job)
    {
        string name = $"job {job.Id}";
        string result = folder.ResultOf(job.Digest);
        using FileStream stream = File.OpenRead(Path.Combine(result, RunFolder.ReportName));
        RunReport report = ReportJson.Read(stream, $"the result of {name}");

        // Read without what it would include: a result may come from another machine.
        FileInfo effective = new(Path.Combine(result, RunFolder.EffectiveName));
        string? settings = effective.Exists && effective.Length <= SettingsBytesMax ? File.ReadAllText(effective.FullName) : null;
        return new Result(job, report, ComparedRuns.Of(name, report, settings));
    }

    private static void Append(StringBuilder main, Result one, Result two)
    {
        main.Append(
            CultureInfo.InvariantCulture, $"<p><a href=\"/compare?base={two.Job.Id}&amp;other={one.Job.Id}\">The other way round</a></p>");
        main.Append(
            "<div class=\"scroll\" tabindex=\"0\"><table><thead><tr><th scope=\"col\" class=\"text\">job</th>"
                + "<th scope=\"col\" class=\"text\">name</th>"
                + "<th scope=\"col\" class=\"text\">owner</th><th scope=\"col\" class=\"text\">ended</th>"
                + "<th scope=\"col\" class=\"text\">result</th></tr></thead><tbody>");
        foreach (Job job in (Job[])[one.Job, two.Job])
        {
            string name = job.Label.Length > 0 ? $"{job.Name}: {job.Label}" : job.Name;
            main.Append(
                CultureInfo.InvariantCulture,
                $"<tr><td><a href=\"/jobs/{job.Id}\">{job.Id}</a></td><td>{Text(name)}</td><td>{Text(job.Owner)}</td>"
                    + $"<td>{Text(job.Outcome)}</td><td><a href=\"/jobs/{job.Id}/report\">report</a></td></tr>");
        }

        main.Append("</tbody></table></div>");
        HtmlBody tables = new();
        new Comparison([one.Runs, two.Runs], []).Write(tables);
        main.Append(tables);
        AppendCharts(main, one, two);
    }

    /// <summary>The charts of both reports in pairs; a pair of which one has nothing to show has a place that is empty.</summary>
    private static void AppendCharts(StringBuilder main, Result one, Result two)
    {
        ReportChart[] first = [.. ReportCharts.Of(one.Report)];
        ReportChart[] second = [.. ReportCharts.Of(two.Report)];
        int number = 1;
        main.Append("<h2>Charts</h2>");
        foreach (string name in ReportCharts.Names)
        {
            ReportChart? left = Array.Find(first, chart => chart.Name == name);
            ReportChart? right = Array.Find(second, chart => chart.Name == name);
            if (left is not null || right is not null)
            {
                main.Append("<div class=\"pair\">");
                Append(one, left);
                Append(two, right);
                main.Append("</div>");
            }
        }

        void Append(Result result, ReportChart? chart) => main.Append("<figure tabindex=\"0\"><figcaption>").Append(Text(result.Name))
            .Append(chart is null ? ": nothing to show" : "").Append("</figcaption>").Append(chart?.Draw(number++)).Append("</figure>");
    }

    private static string Text(string text) => ServiceHtml.Text(text);

    /// <summary>A result that was found.</summary>
    private sealed record Result(Job Job, RunReport Report, ComparedRuns Runs)
    {
        public string Name => $"job {Job.Id}";
    }

    /// <summary>Why two results are not compared.</summary>
    private sealed record Wrong(int Status, string Sentence);
}
