using System.CommandLine;
using VmSim.Host.Reporting;
using VmSim.Host.Service;
using VmSim.Host.Sweeps;
using VmSim.Host.Terminal;

namespace VmSim.Host.Commands;

/// <summary><c>vmsim jobs</c>, <c>status</c>, <c>logs</c>, <c>cancel</c> and <c>result</c>: what a service has of jobs.</summary>
internal static class JobCommands
{
    /// <summary><c>vmsim jobs</c>.</summary>
    public static Command CreateJobs(TextWriter output, TextWriter error)
    {
        ServiceArguments service = new();
        Option<string?> state = new("--state") { Description = "Those of one state: queued, running, done, failed, cancelled." };
        Option<int> count = NumberOption.Create("--count", "How many at most.", 1, JobLimits.PageMax, fallback: 20);
        Command command = new("jobs", "Lists the jobs of a service, the latest first.") { state, count };
        return Asking(command, service, async (client, parsed, cancellation) =>
        {
            string? wanted = parsed.GetValue(state);
            int most = parsed.GetValue(count);
            IReadOnlyList<JobView> found = await client.ListAsync(wanted, Math.Min(most + 1, JobLimits.PageMax), cancellation);
            JobView[] jobs = [.. found.Take(most)];
            if (jobs.Length == 0)
            {
                await error.WriteLineAsync(wanted is null ? "vmsim: there are no jobs" : $"vmsim: no jobs are {wanted}");
            }

            foreach (JobView job in jobs)
            {
                await output.WriteLineAsync(LineOf(job));
            }

            if (found.Count > most)
            {
                await error.WriteLineAsync($"vmsim: the last {Quantities.Of(most, "job")}; --count shows more");
            }

            return ExitCodes.Ok;
        });
    }

    /// <summary><c>vmsim status</c>.</summary>
    public static Command CreateStatus(TextWriter output, TextWriter error)
    {
        ServiceArguments service = new();
        Argument<long> id = IdArgument();
        Option<bool> alone = AloneOption();
        Option<bool> wait = new("--wait") { Description = "Wait until the job, or all jobs of the submission, are over." };
        Command command = new(
            "status", "Says where a job or the jobs of a submission stand; 1 if one failed or was cancelled.") { id, alone, wait };
        return Asking(command, service, async (client, parsed, cancellation) =>
        {
            IReadOnlyList<JobView> jobs = await JobsOfAsync(client, parsed.GetValue(id), parsed.GetValue(alone), cancellation);
            using (StatusLine status = new(error))
            {
                while (parsed.GetValue(wait) && jobs.Any(job => !IsOver(job)))
                {
                    status.Show($"{jobs.Count(IsOver)} of {Quantities.Of(jobs.Count, "job")} over");
                    await Task.Delay(TimeSpan.FromSeconds(1), cancellation);
                    jobs = await JobsOfAsync(client, parsed.GetValue(id), parsed.GetValue(alone), cancellation);
                }
            }

            foreach (JobView job in jobs)
            {
                await output.WriteLineAsync(LineOf(job));
            }

            if (jobs is [{ State: JobState.Running } running] && await LookAsync(client, running.Id, cancellation) is { } figures)
            {
                foreach (string line in FiguresView.Lines(figures))
                {
                    await output.WriteLineAsync($"        {line}");
                }
            }

            return jobs.Any(job => job.State is JobState.Failed or JobState.Cancelled) ? ExitCodes.Broken : ExitCodes.Ok;
        });
    }

    /// <summary><c>vmsim logs</c>.</summary>
    public static Command CreateLogs(TextWriter output, TextWriter error)
    {
        ServiceArguments service = new();
        Argument<long> id = IdArgument();
        Command command = new("logs", "Shows what has happened to a job.") { id };
        return Asking(command, service, async (client, parsed, cancellation) =>
        {
            foreach (LogLine line in await client.LogAsync(parsed.GetValue(id), cancellation))
            {
                await output.WriteLineAsync($"{ServiceText.Time(line.Time)} {line.Text}");
            }

            return ExitCodes.Ok;
        });
    }

    /// <summary><c>vmsim cancel</c>.</summary>
    public static Command CreateCancel(TextWriter output, TextWriter error)
    {
        ServiceArguments service = new();
        Argument<long> id = IdArgument();
        Option<bool> alone = AloneOption();
        Command command = new("cancel", "Cancels a job, or all jobs of a submission that are not over.") { id, alone };
        return Asking(command, service, async (client, parsed, cancellation) =>
        {
            IReadOnlyList<JobView> all = await JobsOfAsync(client, parsed.GetValue(id), parsed.GetValue(alone), cancellation);
            JobView[] jobs = [.. all.Where(job => !IsOver(job))];
            foreach (JobView job in jobs)
            {
                await client.CancelAsync(job.Id, cancellation);
            }

            await error.WriteLineAsync(
                jobs.Length > 0 ? $"vmsim: {Quantities.Of(jobs.Length, "job")} cancelled" : "vmsim: nothing to cancel; all is over");
            return jobs.Length > 0 ? ExitCodes.Ok : ExitCodes.Broken;
        });
    }

    /// <summary><c>vmsim nodes</c>.</summary>
    public static Command CreateNodes(TextWriter output, TextWriter error)
    {
        Command command = new("nodes", "Lists the nodes that make jobs for a service.");
        return Asking(command, new ServiceArguments(), async (client, _, cancellation) =>
        {
            IReadOnlyList<NodeView> nodes = await client.NodesAsync(cancellation);
            if (nodes.Count == 0)
            {
                await error.WriteLineAsync("vmsim: there are no nodes; vmsim node --join URL makes one");
            }

            // Nobody asks for builds as long as all is well: one that is not the service's own is named with its problem.
            bool areNamed = nodes.Any(node => node.Build != nodes[0].Build || node.Problem.Length > 0);
            foreach (NodeView node in nodes)
            {
                string build = areNamed ? $", build {node.Build}" : "";
                string problem = node.Problem.Length > 0 ? $"  ({node.Problem})" : "";
                string state = node.State.ToString().ToLowerInvariant();
                string ids = node.Ids.Count > 0 ? $": {string.Join(", ", node.Ids)}" : "";
                await output.WriteLineAsync(
                    $"{node.Name}  {state}, {node.Running} of {Quantities.Of(node.Jobs, "job")}{ids}{build}{problem}");
            }

            return ExitCodes.Ok;
        });
    }

    /// <summary><c>vmsim node drain</c>.</summary>
    public static Command CreateDrain(TextWriter error)
    {
        Argument<string> name = new("name") { Description = "The node, as vmsim nodes lists it." };
        Command command = new("drain", "Has a node end with the jobs that it has, and take no more.") { name };
        return Asking(command, new ServiceArguments(), async (client, parsed, cancellation) =>
        {
            await client.DrainAsync(parsed.GetValue(name)!, cancellation);
            await error.WriteLineAsync($"vmsim: node {parsed.GetValue(name)} ends when its jobs are over");
            return ExitCodes.Ok;
        });
    }

    /// <summary><c>vmsim result</c>.</summary>
    public static Command CreateResult(TextWriter output, TextWriter error)
    {
        ServiceArguments service = new();
        Argument<long> id = IdArgument();
        Option<bool> alone = AloneOption();
        Option<string> folder = new("--out") { Description = "Folder for the result.", HelpName = "DIR", Required = true };
        Command command = new(
            "result", "Fetches a job's result as a run's folder, or those of a sweep as the runs of a sweep's folder.")
        {
            id,
            alone,
            folder,
        };
        return Asking(command, service, async (client, parsed, cancellation) =>
        {
            IReadOnlyList<JobView> jobs = await JobsOfAsync(client, parsed.GetValue(id), parsed.GetValue(alone), cancellation);
            string path = parsed.GetValue(folder)!;

            // A sweep of one run is a sweep: what its run differs in is said, as for many.
            bool isRun = parsed.GetValue(alone)
                || (jobs is [{ } only] && (only.Submission != parsed.GetValue(id) || only.Label.Length == 0));
            RequireKind(path, isRun);
            JobView[] done = [.. jobs.Where(job => job.State == JobState.Done)];
            foreach (JobView job in done)
            {
                // A digest is hexadecimal digits; what another server says is not trusted with a path.
                string runs = StoreFolder.IsHex(job.Digest, Hosting.RunDigest.Length)
                    ? Path.Combine(path, SweepFolder.RunsName, job.Digest)
                    : throw new IOException($"job {job.Id}: \"{job.Digest}\" found; a digest is needed");
                await FetchAsync(client, job.Id, isRun ? path : runs, cancellation);
            }

            string rest = string.Concat(jobs.Where(job => job.State != JobState.Done).GroupBy(job => job.State).OrderBy(group => group.Key)
                .Select(group => $"; {Quantities.Of(group.Count(), "job")} {ServiceText.Of(group.Key)}"));
            await error.WriteLineAsync($"vmsim: {done.Length} of {Quantities.Of(jobs.Count, "result")} in {path}{rest}");
            return done.Length == jobs.Count ? ExitCodes.Ok : ExitCodes.Broken;
        });
    }

    /// <summary>A folder is a run's or a sweep's: neither is written into the other, whose files would stay beside it.</summary>
    private static void RequireKind(string folder, bool isRun)
    {
        if (isRun && Directory.Exists(Path.Combine(folder, SweepFolder.RunsName)))
        {
            throw new IOException($"--out {folder}: a sweep's folder; the result of a run needs one of its own");
        }

        if (!isRun && File.Exists(Path.Combine(folder, RunFolder.ReportName)))
        {
            throw new IOException($"--out {folder}: a run's folder; the results of a sweep need one of their own");
        }
    }

    private static async Task FetchAsync(ServiceClient client, long id, string folder, CancellationToken cancellation)
    {
        List<(string, Action<Stream>)> files = [];

        // The report last: who finds it finds a whole run.
        foreach (string name in (string[])[RunFolder.EffectiveName, RunFolder.StatisticsName, RunFolder.ReportName])
        {
            byte[] bytes = await client.ResultAsync(id, name, cancellation);
            files.Add((name, stream => stream.Write(bytes)));
        }

        RunFolder.Replace(folder, files);
    }

    private static Command Asking(
        Command command, ServiceArguments service, Func<ServiceClient, ParseResult, CancellationToken, Task<int>> ask)
    {
        service.AddTo(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            using ServiceClient client = service.Connect(parsed);
            return await ask(client, parsed, cancellation);
        });
        return command;
    }

    private static Argument<long> IdArgument() => new("id") { Description = "Number of a job, or of the first one of a submission." };

    private static Option<bool> AloneOption() => new("--alone")
    {
        Description = "The job of this number alone, where it is the first of a submission.",
    };

    /// <summary>The jobs of a submission, or the one job of a number that is none's, or that is meant alone.</summary>
    private static async Task<IReadOnlyList<JobView>> JobsOfAsync(
        ServiceClient client, long id, bool isAlone, CancellationToken cancellation)
    {
        JobView job = await client.StatusAsync(id, cancellation);
        return job.Submission == id && !isAlone ? await client.SubmissionAsync(id, cancellation) : [job];
    }

    /// <summary>How a job stands, which it tells a second or two after it is first asked for.</summary>
    private static async Task<JobFigures?> LookAsync(ServiceClient client, long id, CancellationToken cancellation)
    {
        const int Looks = 16;
        for (int look = 0; look < Looks; look++)
        {
            if (await client.FiguresAsync(id, cancellation) is { } figures)
            {
                return figures;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(250), cancellation);
        }

        return null;
    }

    private static bool IsOver(JobView job) => job.State is JobState.Done or JobState.Failed or JobState.Cancelled;

    private static string LineOf(JobView job)
    {
        string name = job.Label.Length > 0 ? $"{job.Name}: {job.Label}" : job.Name;
        string progress = job is { State: JobState.Running, Progress: { } made }
            ? $", {Quantities.Seconds(made.VirtualSeconds)} simulated, {Quantities.Count(made.AccessesPerSecond)} accesses/s"
            : "";
        string state = job.State == JobState.Done
            ? $"done, {job.Outcome}{(job.Removed > 0 ? $"; {ServiceText.Removed(job.Removed)}" : "")}"
            : ServiceText.Of(job.State);
        string reason = string.Concat(new[] { job.Reason, job.Waits }.Where(text => text.Length > 0).Select(text => $" ({text})"));
        string node = job is { State: JobState.Running, Node.Length: > 0 } ? $" on {ServiceText.NodesOf(job.Node, job.Members)}"
            : job is { State: JobState.Queued, Spread.IsSplit: true } ? $" for {Quantities.Of(job.Spread.Nodes, "node")}" : "";
        return $"{job.Id,6}  {state}{node}{progress}  {name}  {job.Owner}{reason}";
    }
}
