using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using VmSim.Core.Settings;
using VmSim.Host.Files;
using VmSim.Host.Hosting;
using VmSim.Host.Reporting;

namespace VmSim.Host.Service;

/// <summary>What nodes ask of a service, below <c>/api/v1/nodes</c>, and what people ask of nodes.</summary>
internal sealed class NodeApi(JobScheduler scheduler, StoreFolder folder)
{
    /// <summary>Files of a result, as a node sends them: the report last, so that who finds it finds a whole run.</summary>
    public static readonly IReadOnlyList<string> ResultFiles = [RunFolder.EffectiveName, RunFolder.StatisticsName, RunFolder.ReportName];

    private readonly InputStore _inputs = new(folder);

    /// <summary>Declares what can be asked.</summary>
    public void Map(IEndpointRouteBuilder routes)
    {
        RouteGroupBuilder api = routes.MapGroup(ServiceApi.Root);
        api.MapGet("/nodes", () => Results.Json(scheduler.Nodes(), ServiceJson.Options)).WithMetadata(new RoleNeeded(Role.Reader))
            .WithSummary("The nodes that make jobs.").Produces<IReadOnlyList<NodeView>>();
        api.MapPost("/nodes/{name}/drain", Drain).WithMetadata(new RoleNeeded(Role.Operator))
            .WithSummary("Has a node end with the jobs that it has.").Produces<ServiceProblem>(404);
        api.MapPost("/nodes/{name}/beat", BeatAsync).WithMetadata(new RoleNeeded(Role.Node))
            .WithSummary("A node says what it is at, and is told what to do.").Produces<NodeAnswer>().Produces<ServiceProblem>(409);
        api.MapGet("/inputs/{digest}", Input).WithMetadata(new RoleNeeded(Role.Node)).WithSummary("A trace.");
        api.MapGet("/nodes/{name}/jobs/{id:long}/checkpoint", Checkpoint).WithMetadata(new RoleNeeded(Role.Node))
            .WithSummary("The last checkpoint of a job that the node has.").Produces<ServiceProblem>(409);
        api.MapPut("/nodes/{name}/jobs/{id:long}/checkpoint", PutCheckpointAsync).WithMetadata(new RoleNeeded(Role.Node))
            .WithSummary("Sends a checkpoint.").Produces<ServiceProblem>(409);
        api.MapPut("/nodes/{name}/jobs/{id:long}/result/{digest}/{file}", PutResultAsync).WithMetadata(new RoleNeeded(Role.Node))
            .WithSummary("Sends a file of a result.").Produces<ServiceProblem>(409);
        api.MapPost("/nodes/{name}/jobs/{id:long}/end", EndAsync).WithMetadata(new RoleNeeded(Role.Node))
            .WithSummary("Says how a job ended.").Produces<ServiceProblem>(409);
    }

    private IResult Drain(string name) => scheduler.Drain(name)
        ? Results.Ok()
        : ServiceAuth.Problem(StatusCodes.Status404NotFound, "there is no such node; vmsim nodes lists them");

    private async Task<IResult> BeatAsync(string name, NodeBeat beat)
    {
        if ((NodeRules.NameProblem(name) ?? NodeRules.Problem(beat)) is { } wrong)
        {
            return ServiceAuth.Problem(StatusCodes.Status400BadRequest, wrong);
        }

        return await scheduler.BeatAsync(name, beat) is { } answer
            ? Results.Json(answer, ServiceJson.Options)
            : ServiceAuth.Problem(StatusCodes.Status409Conflict, $"another process is node {name}; give this one another name: --name");
    }

    private IResult Input(string digest, string ending) => InputStore.Problem(digest, ending) is { } wrong
        ? ServiceAuth.Problem(StatusCodes.Status400BadRequest, wrong)
        : _inputs.Has(new InputName(ending, digest)) ? Results.File(folder.InputOf(digest, ending)) : Results.NotFound();

    private IResult Checkpoint(string name, long id, string lease)
    {
        string path = folder.CheckpointOf(id);
        return !scheduler.HasPartOf(name, id, lease) ? Void() : File.Exists(path) ? Results.File(path) : Results.NotFound();
    }

    private async Task<IResult> PutCheckpointAsync(HttpContext context, string name, long id, string lease)
    {
        if (!scheduler.Holds(name, id, lease))
        {
            return Void();
        }

        Directory.CreateDirectory(folder.FolderOf(id));
        return await TakeAsync(context, folder.CheckpointOf(id), () => scheduler.Holds(name, id, lease));
    }

    private async Task<IResult> PutResultAsync(HttpContext context, string name, long id, string digest, string file, string lease)
    {
        if (!StoreFolder.IsHex(digest, RunDigest.Length) || !ResultFiles.Contains(file, StringComparer.Ordinal))
        {
            return ServiceAuth.Problem(
                StatusCodes.Status400BadRequest, $"the digest of a run, and one of {string.Join(", ", ResultFiles)}, are needed");
        }

        if (!scheduler.Holds(name, id, lease))
        {
            return Void();
        }

        // A result that is whole stays as it is: the same run has the same bytes.
        string result = folder.ResultOf(digest);
        if (folder.UseResult(digest, TimeProvider.System.GetUtcNow()))
        {
            return Results.Ok();
        }

        Directory.CreateDirectory(result);
        return await TakeAsync(context, Path.Combine(result, file), () => scheduler.Holds(name, id, lease));
    }

    private async Task<IResult> EndAsync(string name, long id, string lease, NodeEnding ending)
    {
        if (NodeRules.Problem(ending) is { } problem)
        {
            return ServiceAuth.Problem(StatusCodes.Status400BadRequest, problem);
        }

        if (!scheduler.MayEnd(name, id, lease))
        {
            return Void();
        }

        if (ending.Answer is { Code: 0 } answer)
        {
            // How the run ended stands in its report, whatever the node says of it.
            (string? outcome, string? wrong) = Read(answer.Digest);
            if (outcome is null)
            {
                return ServiceAuth.Problem(StatusCodes.Status400BadRequest, wrong!);
            }

            ending = ending with { Answer = answer with { Outcome = outcome } };
        }

        return await scheduler.EndAsync(name, id, lease, ending) ? Results.Ok() : Void();
    }

    /// <summary>Reads a result that has been sent.</summary>
    /// <returns>How its run ended; null if it is not whole, and then what is wrong.</returns>
    private (string? Outcome, string? Wrong) Read(string digest)
    {
        if (!StoreFolder.IsHex(digest, RunDigest.Length))
        {
            return (null, "the digest of a run is needed");
        }

        string result = folder.ResultOf(digest);
        if (ResultFiles.FirstOrDefault(file => !File.Exists(Path.Combine(result, file))) is { } missing)
        {
            return (null, $"{missing} of the result is needed before its end");
        }

        try
        {
            using FileStream stream = File.OpenRead(Path.Combine(result, RunFolder.ReportName));
            return (ReportJson.Read(stream, "the result").Outcome, null);
        }
        catch (Exception reason) when (reason is ScenarioException or JsonException)
        {
            // It counts as not there, so that whoever makes this run next replaces it.
            File.Delete(Path.Combine(result, RunFolder.ReportName));
            return (null, $"{RunFolder.ReportName} of the result cannot be read: {reason.Message}");
        }
    }

    /// <summary>Takes a file in, whole or not at all.</summary>
    private static async Task<IResult> TakeAsync(HttpContext context, string path, Func<bool> counts)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
        {
            limit.MaxRequestBodySize = JobLimits.InputBytesMax;
        }

        using OutputFile file = new(path, "node");
        await context.Request.Body.CopyToAsync(file.Stream, context.RequestAborted);
        file.Prepare();

        // What came from a node that was given up meanwhile is not what the next one goes on from.
        if (!counts())
        {
            return Void();
        }

        file.Complete();
        return Results.Ok();
    }

    private static IResult Void() => ServiceAuth.Problem(StatusCodes.Status409Conflict, "this lease counts no more");
}
