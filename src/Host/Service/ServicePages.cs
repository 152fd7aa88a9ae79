using System.Globalization;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using VmSim.Core.Reports;
using VmSim.Host.Reporting;
using VmSim.Host.Terminal;

namespace VmSim.Host.Service;

/// <summary>
/// The service for people: the queue with what runs, a job with its log, and its report; <see cref="ComparePage"/> and
/// <see cref="SubmitPage"/> are the others. Pages are made here, without code of others; each runs one script, and works without it.
/// </summary>
internal sealed class ServicePages(
    ServiceApi api, JobStore store, JobScheduler scheduler, TokenFile tokens, StoreFolder folder)
{
    private const int JobsShown = 200;
    private const int LoginBytesMax = 1 << 10;

    /// <summary>Declares the pages.</summary>
    public void Map(IEndpointRouteBuilder routes)
    {
        RouteGroupBuilder pages = routes.MapGroup("").ExcludeFromDescription();
        pages.MapGet("/", Queue);
        pages.MapGet("/login", Login);
        pages.MapPost("/login", (Delegate)LoginAsync);
        pages.MapPost("/logout", Logout);
        pages.MapGet("/jobs/{id:long}", JobPage);
        pages.MapPost("/jobs/{id:long}/cancel", CancelAsync).WithMetadata(new RoleNeeded(Role.Submitter));
        pages.MapGet("/jobs/{id:long}/report", Report).WithMetadata(new RoleNeeded(Role.Reader));
    }

    private static IResult Login(HttpContext context) => SignIn(context, "", StatusCodes.Status200OK);

    private static IResult SignIn(HttpContext context, string problem, int status) =>
        ServiceHtml.Page(context, "Sign in", LoginForm(problem), status: status);

    private IResult Queue(HttpContext context)
    {
        if (ServiceHtml.Refusal(context, Role.Reader) is { } refusal)
        {
            return refusal;
        }

        TokenHolder holder = ServiceAuth.HolderOf(context)!;
        IReadOnlyDictionary<JobState, long> counts = store.Counts();
        StringBuilder main = new();
        string role = holder.Role.ToString().ToLowerInvariant();
        main.Append(CultureInfo.InvariantCulture, $"<p>Signed in as {Text(holder.Name)} ({role}).</p>");
        if (holder.Role >= Role.Submitter)
        {
            main.Append("<p><a href=\"/submit\">Submit a job</a></p>");
        }

        if (scheduler.Problem is { Length: > 0 } problem)
        {
            main.Append(ServiceHtml.Finding(problem));
        }

        main.Append("<p>");
        main.AppendJoin(
            ", ",
            Enum.GetValues<JobState>().Select(state => $"{Quantities.Exact(counts.GetValueOrDefault(state))} {ServiceText.Of(state)}"));
        main.Append("</p>");
        AppendNodes(main);
        AppendJobs(main, "Running", store.List(JobState.Running, long.MaxValue, JobsShown));
        AppendJobs(main, "Waiting, the latest first", store.List(JobState.Queued, long.MaxValue, JobsShown));
        IEnumerable<Job> over = new[] { JobState.Done, JobState.Failed, JobState.Cancelled }
            .SelectMany(state => store.List(state, long.MaxValue, JobsShown)).OrderByDescending(job => job.Id).Take(JobsShown);
        AppendJobs(main, "Over, the latest first", [.. over]);
        if (counts.GetValueOrDefault(JobState.Done) > 1)
        {
            main.Append("<h2>Compare results</h2>").Append(ComparePage.Form(store, "", ""));
        }

        return Page(context, "Jobs", main.ToString(), isLive: true);
    }

    private IResult JobPage(HttpContext context, long id)
    {
        if (ServiceHtml.Refusal(context, Role.Reader) is { } refusal)
        {
            return refusal;
        }

        if (store.Find(id) is not { } job)
        {
            return ServiceAuth.Problem(StatusCodes.Status404NotFound, $"there is no job {id}");
        }

        StringBuilder main = new();
        main.Append(ServiceHtml.AllJobs);
        AppendJobs(main, "This job", [job]);
        if (job.Reason.Length > 0)
        {
            main.Append(CultureInfo.InvariantCulture, $"<p>{Text(job.Reason)}</p>");
        }

        if (job.Bounds != JobBounds.None)
        {
            main.Append(CultureInfo.InvariantCulture, $"<p>At most {Text(job.Bounds.ToString())}.</p>");
        }

        if (job.Build.Length > 0 && job.Build != store.Build)
        {
            main.Append(CultureInfo.InvariantCulture, $"<p>Of build {Text(job.Build)}; the service is {Text(store.Build)}.</p>");
        }

        if (scheduler.WaitsOf(job) is { Length: > 0 } waits)
        {
            main.Append(CultureInfo.InvariantCulture, $"<p>It waits: {Text(waits)}.</p>");
        }

        if (job.State == JobState.Done && store.RemovedOf([job]).TryGetValue(job.Digest, out long removed))
        {
            main.Append(CultureInfo.InvariantCulture, $"<p>{Text(job.Outcome)}: {ServiceText.Removed(removed)}.</p>");
        }
        else if (job.State == JobState.Done)
        {
            main.Append(
                CultureInfo.InvariantCulture,
                $"<p>{Text(job.Outcome)}: <a href=\"/jobs/{id}/report\">report</a>, "
                    + $"<a href=\"{ServiceApi.Root}/jobs/{id}/result/report.json\">report.json</a></p>");
            main.Append(ComparePage.Form(store, "", $"{id}"));
        }
        else if (!job.IsOver)
        {
            main.Append(
                CultureInfo.InvariantCulture,
                $"<form method=\"post\" action=\"/jobs/{id}/cancel\"><button>Cancel job {id}</button></form>");
        }

        if (job.State == JobState.Running)
        {
            main.Append(FiguresView.Section(scheduler.ProgressOf(id), scheduler.LookAt(id)));
        }

        main.Append("<h2>Log</h2><pre tabindex=\"0\">");
        foreach (LogLine line in store.LogOf(id))
        {
            main.Append(CultureInfo.InvariantCulture, $"{ServiceText.Time(line.Time)} {Text(line.Text)}\n");
        }

        main.Append("</pre><h2>Scenario</h2><pre tabindex=\"0\">").Append(Text(store.RunOf(job).Scenario)).Append("</pre>");
        return Page(context, $"Job {id}", main.ToString(), isLive: !job.IsOver);
    }

    private IResult Report(HttpContext context, long id)
    {
        if (store.Find(id) is not { State: JobState.Done } job)
        {
            return ServiceAuth.Problem(StatusCodes.Status404NotFound, $"there is no result of job {id}");
        }

        string result = folder.ResultOf(job.Digest);
        if (!folder.UseResult(job.Digest, TimeProvider.System.GetUtcNow()))
        {
            return ServiceApi.NoResult(job, store.RemovedOf([job]));
        }

        using FileStream stream = File.OpenRead(Path.Combine(result, RunFolder.ReportName));
        RunReport report = ReportJson.Read(stream, $"the result of job {id}");
        using MemoryStream page = new();
        ReportPage.Write(report, File.ReadAllText(Path.Combine(result, RunFolder.EffectiveName)), page);
        return Results.Bytes(page.ToArray(), ServiceHtml.Kind);
    }

    private async Task<IResult> CancelAsync(HttpContext context, long id) =>
        await api.TryCancelAsync(id, ServiceAuth.HolderOf(context)!) ?? Results.Redirect($"/jobs/{id}");

    private async Task<IResult> LoginAsync(HttpContext context)
    {
        if (!ServiceAuth.IsSafe(context))
        {
            return SignIn(context, "A form is taken only from a page of this service.", StatusCodes.Status403Forbidden);
        }

        using StreamReader reader = new(context.Request.Body);
        char[] text = new char[LoginBytesMax];
        int count = await reader.ReadBlockAsync(text, context.RequestAborted);
        string form = new(text, 0, count);
        string token = form.StartsWith("token=", StringComparison.Ordinal) ? WebUtility.UrlDecode(form["token=".Length..]).Trim() : "";
        if (tokens.Find(token) is not { Role: >= Role.Reader })
        {
            return SignIn(context, "This token does not count here.", StatusCodes.Status401Unauthorized);
        }

        context.Response.Cookies.Append(
            ServiceAuth.Cookie,
            token,
            new CookieOptions { HttpOnly = true, SameSite = SameSiteMode.Strict, Secure = context.Request.IsHttps, Path = "/" });
        return Results.Redirect("/");
    }

    private static IResult Logout(HttpContext context)
    {
        context.Response.Cookies.Delete(ServiceAuth.Cookie);
        return Results.Redirect("/login");
    }

    private static string LoginForm(string wrong) =>
        (wrong.Length > 0 ? ServiceHtml.Finding(wrong) : "")
        + "<form method=\"post\" action=\"/login\"><input type=\"text\" autocomplete=\"username\" value=\"token\" hidden>"
        + "<p><label for=\"token\">Token, as <code>vmsim serve</code> and "
        + "<code>vmsim tokens</code> give it</label></p><p><input id=\"token\" name=\"token\" type=\"password\" autofocus required "
        + "autocomplete=\"current-password\"> <button>Sign in</button></p></form>";

    private void AppendNodes(StringBuilder main)
    {
        IReadOnlyList<NodeView> nodes = scheduler.Nodes();
        if (nodes.Count == 0)
        {
            return;
        }

        main.Append(
            "<h2>Nodes</h2><div class=\"scroll\" tabindex=\"0\"><table><thead><tr><th scope=\"col\" class=\"text\">node</th>"
                + "<th scope=\"col\" class=\"text\">state</th>"
                + "<th scope=\"col\">jobs</th><th scope=\"col\">at a time</th><th scope=\"col\" class=\"text\">last heard (UTC)</th></tr>"
                + "</thead><tbody>");
        foreach (NodeView node in nodes)
        {
            string state = node.State.ToString().ToLowerInvariant();
            main.Append(
                CultureInfo.InvariantCulture,
                $"<tr><td>{Text(node.Name)}</td><td>{Text(node.Problem.Length > 0 ? node.Problem : state)}</td>"
                    + $"<td data-value=\"{node.Running}\">{JobLinks(node.Ids)}</td><td data-value=\"{node.Jobs}\">{node.Jobs}</td>"
                    + $"<td>{ServiceText.Time(node.Seen)}</td></tr>");
        }

        main.Append("</tbody></table></div>");
    }

    private static string JobLinks(IReadOnlyList<long> ids) => ids.Count == 0
        ? "none"
        : string.Join(", ", ids.Select(id => string.Create(CultureInfo.InvariantCulture, $"<a href=\"/jobs/{id}\">{id}</a>")));

    private void AppendJobs(StringBuilder main, string title, IReadOnlyList<Job> jobs)
    {
        main.Append(CultureInfo.InvariantCulture, $"<h2>{Text(title)}</h2>");
        if (jobs.Count == 0)
        {
            main.Append("<p>None.</p>");
            return;
        }

        main.Append(
            "<div class=\"scroll\" tabindex=\"0\"><table><thead><tr><th scope=\"col\" class=\"text\">job</th>"
                + "<th scope=\"col\" class=\"text\">name</th><th scope=\"col\" class=\"text\">owner</th>"
                + "<th scope=\"col\">priority</th><th scope=\"col\" class=\"text\">state</th><th scope=\"col\">simulated</th>"
                + "<th scope=\"col\">accesses/s</th><th scope=\"col\" class=\"text\">submitted (UTC)</th></tr></thead><tbody>");
        foreach (Job job in jobs)
        {
            JobProgress? progress = scheduler.ProgressOf(job.Id);
            string name = job.Label.Length > 0 ? $"{job.Name}: {job.Label}" : job.Name;
            string nodes = ServiceText.NodesOf(job.Node, job.Members);
            string state = job.State == JobState.Done ? $"done: {job.Outcome}"
                : $"{ServiceText.Of(job.State)}{(job.State == JobState.Running && nodes.Length > 0 ? $" on {nodes}" : "")}";
            main.Append(
                CultureInfo.InvariantCulture,
                $"<tr><td><a href=\"/jobs/{job.Id}\">{job.Id}</a></td><td>{Text(name)}</td><td>{Text(job.Owner)}</td>"
                    + $"<td data-value=\"{job.Priority}\">{job.Priority}</td><td>{Text(state)}</td>"
                    + $"<td data-value=\"0\">{(progress is null ? "-" : Quantities.Seconds(progress.VirtualSeconds))}</td>"
                    + $"<td data-value=\"0\">{(progress is null ? "-" : Quantities.Count(progress.AccessesPerSecond))}</td>"
                    + $"<td>{ServiceText.Time(job.Submitted)}</td></tr>");
        }

        main.Append("</tbody></table></div>");
    }

    private static IResult Page(HttpContext context, string title, string main, bool isLive) =>
        ServiceHtml.Page(context, title, main, isLive ? PageScript.Live : null);

    private static string Text(string text) => ServiceHtml.Text(text);
}
