using System.Text;
using System.Text.Json;
using VmSim.Core.Engine;
using VmSim.Host.Service;

namespace VmSim.CoverageFuzz.Targets;

/// <summary>
/// The body of a request to a service: JSON, and then the rules of what it says. What is taken is shown as the service shows it.
/// </summary>
internal abstract class RequestTarget<T>(string name) : FuzzTarget(name, typeof(JsonException), typeof(InvalidDataException))
    where T : class
{
    /// <summary>A request in which every field says something.</summary>
    protected abstract IEnumerable<T> Requests { get; }

    public override IEnumerable<string> Words =>
        typeof(T).GetProperties().Select(part => $"\"{JsonNamingPolicy.CamelCase.ConvertName(part.Name)}\":");

    public override IEnumerable<byte[]> Seeds =>
        Requests.Select(request => JsonSerializer.SerializeToUtf8Bytes(request, ServiceJson.Options));

    protected override void Read(byte[] input)
    {
        T request = JsonSerializer.Deserialize<T>(input, ServiceJson.Options) ?? throw new InvalidDataException("null found");
        if (Problem(request) is { } wrong)
        {
            throw new InvalidDataException(wrong);
        }

        Use(request);
        byte[] written = JsonSerializer.SerializeToUtf8Bytes(request, ServiceJson.Options);
        T again = JsonSerializer.Deserialize<T>(written, ServiceJson.Options)!;
        Same("a request that was written and read", written, JsonSerializer.SerializeToUtf8Bytes(again, ServiceJson.Options));
    }

    /// <summary>What is wrong with it; null if nothing is.</summary>
    protected abstract string? Problem(T request);

    /// <summary>Does with it what a service does at once.</summary>
    protected abstract void Use(T request);

    /// <summary>Sees to it that a text of a request controls no terminal.</summary>
    protected void IsPlain(string text)
    {
        if (NodeRules.HasControls(text))
        {
            throw new Finding($"{Name}: a text that controls a terminal is taken: {Convert.ToHexString(Encoding.UTF8.GetBytes(text))}");
        }
    }
}

/// <summary>Jobs that somebody submits.</summary>
internal sealed class SubmissionTarget() : RequestTarget<JobRequest>("submission")
{
    protected override IEnumerable<JobRequest> Requests =>
    [
        new JobRequest(
            "some",
            [
                new RunRequest("a=1", "name = x", [new InputName("a/b.vmt.gz", new string('0', 64))], 1 << 20, 1 << 10),
                new RunRequest("", "name = y", []),
            ],
            Priority: 9,
            Bounds: new JobBounds(1L << 30, 60, 0.5),
            Spread: new JobSpread(2, 1 << 20, 1 << 10, 8, ["cluster.placement=split"]),
            Needs: new JobBounds(1L << 31, 3, 1)),
    ];

    protected override string? Problem(JobRequest request) => JobRules.Problem(request, _ => true, new JobBounds(1L << 40, 1e6));

    protected override void Use(JobRequest request)
    {
        IsPlain(request.Name);
        IsPlain((request.Bounds ?? JobBounds.None).And(new JobBounds(1L << 40, 1e6)).Hint(request.Needs ?? JobBounds.None));
        foreach (RunRequest run in request.Runs)
        {
            IsPlain(run.Label);
            _ = RequestDigest.Of(run, "build");
        }
    }
}

/// <summary>What a node says each second.</summary>
internal sealed class BeatTarget() : RequestTarget<NodeBeat>("beat")
{
    protected override IEnumerable<NodeBeat> Requests =>
    [
        new NodeBeat(
            new string('a', NodeRules.LeaseLength),
            1,
            "1.0+abc",
            4,
            2,
            NodeState.Ready,
            [
                new NodeClaim(
                    1, new string('b', NodeRules.LeaseLength), new JobProgress(0.5, 1_000, 2e6), ["begun"], "127.0.0.1:4711", Figures),
            ],
            1L << 33,
            8,
            "192.0.2.1"),
    ];

    private static JobFigures Figures => new(
        2, 3 << 14, 1 << 14, [.. CoreIntervals.All.Select(known => new FigureSeries(known.Name, [20, 20, 1]))], 1, [[0, 5], [7, 0]],
        1_000, 1_000, "a trap", 1, 2, 3, 2, ["thread 1 waits for core 2"], false);

    protected override string? Problem(NodeBeat request) => NodeRules.Problem(request);

    protected override void Use(NodeBeat request)
    {
        IsPlain(request.Build);
        IsPlain(request.Host);
        foreach (NodeClaim claim in request.Claims)
        {
            claim.Log.ToList().ForEach(IsPlain);
            if (claim.Figures is { } figures)
            {
                FiguresView.Lines(figures).ToList().ForEach(IsPlain);
                if (FiguresView.Section(claim.Progress, figures).Contains("<script", StringComparison.OrdinalIgnoreCase))
                {
                    throw new Finding("figures of a node become a script");
                }
            }
        }
    }
}

/// <summary>How a job ended on a node.</summary>
internal sealed class EndingTarget() : RequestTarget<NodeEnding>("ending")
{
    protected override IEnumerable<NodeEnding> Requests =>
    [
        new NodeEnding(new JobAnswer(new string('c', Host.Hosting.RunDigest.Length), true, "completed", 1 << 20, 1, "no", true), "", false),
        new NodeEnding(null, "killed", true),
    ];

    protected override string? Problem(NodeEnding request) => NodeRules.Problem(request);

    protected override void Use(NodeEnding request)
    {
        IsPlain(request.Death);
        IsPlain(request.Answer?.Error ?? "");
        IsPlain(request.Answer?.Outcome ?? "");
    }
}
