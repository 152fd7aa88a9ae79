using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using VmSim.Host.Reporting;

namespace VmSim.Host.Service;

/// <summary>What programs ask of a service, below <c>/api/v1</c>. The command line uses the same.</summary>
internal sealed class ServiceApi(
    JobStore store, JobScheduler scheduler, StoreFolder folder, ScenarioChecks checks, TimeProvider clock)
{
    /// <summary>Where the API is.</summary>
    public const string Root = "/api/v1";

    /// <summary>What is said when as many checks wait as may.</summary>
    public const string ChecksBusy = "many scenarios are being checked; try again in a moment";

    /// <summary>Files of a result that can be asked for, with what they are.</summary>
    private static readonly Dictionary<string, string> ResultFiles = new(StringComparer.Ordinal)
    {
        [RunFolder.ReportName] = "application/json",
        [RunFolder.EffectiveName] = "text/plain; charset=utf-8",
        [RunFolder.StatisticsName] = "text/plain; charset=utf-8",
    };

    private readonly InputStore _inputs = new(folder);

    /// <summary>Declares what can be asked.</summary>
    public void Map(IEndpointRouteBuilder routes)
    {
        RouteGroupBuilder api = routes.MapGroup(Root);
        api.MapPost("/jobs", SubmitAsync).WithMetadata(new RoleNeeded(Role.Submitter))
            .WithSummary("Submits runs, which wait for their turn.").Produces<JobReceipt>().Produces<ServiceProblem>(400);
        api.MapPost("/check", CheckAsync).WithMetadata(new RoleNeeded(Role.Submitter), new BodyLimit(CheckLimits.RequestBytesMax))
            .WithSummary("Checks a scenario without traces: says what is wrong with it, with line and column, or what it will need.")
            .Produces<CheckVerdict>().Produces<ServiceProblem>(400).Produces<ServiceProblem>(413).Produces<ServiceProblem>(429);
        api.MapGet("/jobs", List).WithMetadata(new RoleNeeded(Role.Reader))
            .WithSummary("Jobs, the latest first.").Produces<IReadOnlyList<JobView>>().Produces<ServiceProblem>(400);
        api.MapGet("/jobs/{id:long}", Status).WithMetadata(new RoleNeeded(Role.Reader))
            .WithSummary("One job.").Produces<JobView>().Produces<ServiceProblem>(404);
        api.MapGet("/submissions/{id:long}", Submission).WithMetadata(new RoleNeeded(Role.Reader))
            .WithSummary("The jobs of one submission.").Produces<IReadOnlyList<JobView>>().Produces<ServiceProblem>(404);
        api.MapGet("/jobs/{id:long}/figures", Figures).WithMetadata(new RoleNeeded(Role.Reader))
            .WithSummary("How a running job stands, as it tells while this is asked again and again; nothing (204) before it has.")
            .Produces<JobFigures>().Produces(204).Produces<ServiceProblem>(404);
        api.MapGet("/jobs/{id:long}/log", Log).WithMetadata(new RoleNeeded(Role.Reader))
            .WithSummary("A job's log.").Produces<IReadOnlyList<LogLine>>().Produces<ServiceProblem>(404);
        api.MapPost("/jobs/{id:long}/cancel", CancelAsync).WithMetadata(new RoleNeeded(Role.Submitter))
            .WithSummary("Cancels a job.").Produces<JobView>().Produces<ServiceProblem>(404).Produces<ServiceProblem>(409);
        api.MapGet("/jobs/{id:long}/result/{file}", Result).WithMetadata(new RoleNeeded(Role.Reader))
            .WithSummary("A file of a job's result: report.json, effective.conf, stats.txt.").Produces<ServiceProblem>(404)
            .Produces<ServiceProblem>(410);
        api.MapMethods("/inputs/{digest}", [HttpMethods.Head], HasInput).WithMetadata(new RoleNeeded(Role.Submitter))
            .WithSummary("Whether the store has a trace.");
        api.MapPut("/inputs/{digest}", PutInputAsync).WithMetadata(new RoleNeeded(Role.Submitter))
            .WithSummary("Sends a trace.").Produces<ServiceProblem>(400);
    }

    /// <summary>Cancels a job for somebody.</summary>
    /// <returns>What is wrong; null if it is cancelled.</returns>
    public async Task<IResult?> TryCancelAsync(long id, TokenHolder holder)
    {
        if (store.Find(id) is not { } job)
        {
            return NoJob(id);
        }

        if (holder.Role < Role.Operator && job.Owner != holder.Name)
        {
            return ServiceAuth.Problem(
                StatusCodes.Status403Forbidden, $"job {id} is {job.Owner}'s; {job.Owner} and operators may cancel it");
        }

        return await scheduler.CancelAsync(job, holder.Name)
            ? null
            : ServiceAuth.Problem(StatusCodes.Status409Conflict, $"job {id} is over: {ServiceText.Of(store.Find(id)!.State)}");
    }

    /// <summary>Why a submission is not taken; null if it is.</summary>
    public (int Status, string Sentence)? ProblemOf(JobRequest request) =>
        JobRules.Problem(request, _inputs.Has, scheduler.Caps) is { } wrong ? (StatusCodes.Status400BadRequest, wrong)
            : !scheduler.HasRoomFor(request.Runs.Count)
                ? (StatusCodes.Status507InsufficientStorage, "as many jobs wait as may wait at a time; submit these later")
                : null;

    private async Task<IResult> SubmitAsync(HttpContext context, JobRequest request)
    {
        if (ProblemOf(request) is { } problem)
        {
            return ServiceAuth.Problem(problem.Status, problem.Sentence);
        }

        return Json(await scheduler.SubmitAsync(request, ServiceAuth.HolderOf(context)!.Name));
    }

    private async Task<IResult> CheckAsync(HttpContext context, CheckRequest request) =>
        ScenarioChecks.LengthProblem(request.Scenario) is { } wrong ? ServiceAuth.Problem(StatusCodes.Status400BadRequest, wrong)
            : await checks.CheckAsync(request.Scenario, hasText: false, context.RequestAborted) is { } found
                ? Json(ScenarioChecks.VerdictOf(found, scheduler.Caps))
                : ServiceAuth.Problem(StatusCodes.Status429TooManyRequests, ChecksBusy);

    private IResult List(string? state, long? before, int? count)
    {
        JobState? wanted = ServiceText.StateOf(state);
        if (state is not null && wanted is null)
        {
            string names = string.Join(", ", Enum.GetValues<JobState>().Select(ServiceText.Of));
            return ServiceAuth.Problem(StatusCodes.Status400BadRequest, $"state: \"{state}\" found; there are {names}");
        }

        if (count is < 1 or > JobLimits.PageMax)
        {
            return ServiceAuth.Problem(StatusCodes.Status400BadRequest, $"count: {count} found; 1 to {JobLimits.PageMax} are allowed");
        }

        return Json(Views(store.List(wanted, before ?? long.MaxValue, count ?? JobLimits.PageMax)));
    }

    private IResult Status(long id) => store.Find(id) is { } job ? Json(View(job)) : NoJob(id);

    private IResult Submission(long id) => store.OfSubmission(id) is { Count: > 0 } jobs ? Json(Views(jobs)) : NoJob(id);

    private IResult Log(long id) => store.Find(id) is null ? NoJob(id) : Json(store.LogOf(id));

    private async Task<IResult> CancelAsync(HttpContext context, long id) =>
        await TryCancelAsync(id, ServiceAuth.HolderOf(context)!) ?? Json(View(store.Find(id)!));

    private IResult Result(long id, string file)
    {
        if (store.Find(id) is not { } job)
        {
            return NoJob(id);
        }

        if (!ResultFiles.TryGetValue(file, out string? kind))
        {
            return ServiceAuth.Problem(StatusCodes.Status404NotFound, $"a result has {string.Join(", ", ResultFiles.Keys)}");
        }

        if (job.State != JobState.Done)
        {
            return ServiceAuth.Problem(StatusCodes.Status404NotFound, $"job {id} has no result: it is {ServiceText.Of(job.State)}");
        }

        // Used before it is sent: the files of a result are fetched one after another, and none of them is removed meanwhile.
        string path = Path.Combine(folder.ResultOf(job.Digest), file);
        return folder.UseResult(job.Digest, clock.GetUtcNow()) && File.Exists(path) ? Results.File(path, kind)
            : NoResult(job, store.RemovedOf([job]));
    }

    private IResult Figures(long id) =>
        store.Find(id) is not { } job ? NoJob(id)
            : job.State != JobState.Running ? ServiceAuth.Problem(
                StatusCodes.Status404NotFound, $"job {id} tells no figures: it is {ServiceText.Of(job.State)}")
            : scheduler.LookAt(id) is { } figures ? Json(figures)
            : Results.NoContent();

    private IResult HasInput(string digest, string ending) => InputStore.Problem(digest, ending) is { } wrong
        ? ServiceAuth.Problem(StatusCodes.Status400BadRequest, wrong)
        : _inputs.Has(new InputName(ending, digest)) ? Results.Ok() : Results.NotFound();

    private async Task<IResult> PutInputAsync(HttpContext context, string digest, string ending)
    {
        if (InputStore.Problem(digest, ending) is { } wrong)
        {
            return ServiceAuth.Problem(StatusCodes.Status400BadRequest, wrong);
        }

        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
        {
            limit.MaxRequestBodySize = JobLimits.InputBytesMax;
        }

        return await _inputs.PutAsync(digest, ending, context.Request.Body, context.RequestAborted) is { } problem
            ? ServiceAuth.Problem(StatusCodes.Status400BadRequest, problem)
            : Results.Ok();
    }

    private JobView View(Job job) => Views([job]).Single();

    private IEnumerable<JobView> Views(IReadOnlyList<Job> jobs)
    {
        IReadOnlyDictionary<string, long> removed = store.RemovedOf(jobs);
        return jobs.Select(job => JobView.Of(job, scheduler.ProgressOf(job.Id)) with
        {
            Removed = job.State == JobState.Done ? removed.GetValueOrDefault(job.Digest) : 0,
            Waits = scheduler.WaitsOf(job),
        });
    }

    /// <summary>What to answer who asks for a result that the store has no more.</summary>
    public static IResult NoResult(Job job, IReadOnlyDictionary<string, long> removed) => removed.TryGetValue(job.Digest, out long when)
        ? ServiceAuth.Problem(StatusCodes.Status410Gone, $"job {job.Id}: {ServiceText.Removed(when)}")
        : ServiceAuth.Problem(StatusCodes.Status404NotFound, $"the store has no result of job {job.Id} any more; submit it again");

    private static IResult Json<T>(T value) => Results.Json(value, ServiceJson.Options);

    private static IResult NoJob(long id) =>
        ServiceAuth.Problem(StatusCodes.Status404NotFound, string.Create(CultureInfo.InvariantCulture, $"there is no job {id}"));
}
