using System.Data.Common;
using System.Text.Json;

namespace VmSim.Host.Service;

/// <content>Changes of jobs. Those that are asked for at the same time share a transaction.</content>
internal sealed partial class JobStore
{
    /// <summary>Takes a submission in, all of its jobs or none.</summary>
    /// <param name="request">What is submitted.</param>
    /// <param name="owner">By whom.</param>
    /// <param name="requests">SHA-256 over each run, in their order.</param>
    /// <param name="hasResult">Whether a result is there, by the digest of its run.</param>
    /// <returns>The jobs.</returns>
    public Task<IReadOnlyList<Job>> AddAsync(
        JobRequest request, string owner, IReadOnlyList<string> requests, Func<string, bool> hasResult) =>
        _writer.ChangeAsync<IReadOnlyList<Job>>(connection =>
        {
            List<Job> jobs = [];
            for (int i = 0; i < requests.Count; i++)
            {
                RunRequest run = request.Runs[i];
                StoreCommand.Run(
                    connection,
                    "INSERT INTO scenarios VALUES (@request, @text, @inputs) ON CONFLICT DO NOTHING",
                    ("@request", requests[i]),
                    ("@text", run.Scenario),
                    ("@inputs", JsonSerializer.Serialize(run.Inputs)));
                long now = Now();
                (string Digest, string Outcome)? result = ResultFor(connection, requests[i], hasResult);
                Job job = new()
                {
                    Id = 0,
                    Submission = jobs.Count > 0 ? jobs[0].Id : 0,
                    Name = request.Name,
                    Label = run.Label,
                    Owner = owner,
                    Priority = request.Priority ?? JobLimits.PriorityUsual,
                    State = result is null ? JobState.Queued : JobState.Done,
                    Request = requests[i],
                    Digest = result?.Digest ?? "",
                    Outcome = result?.Outcome ?? "",
                    Reason = result is null ? "" : "the store had the result",
                    Submitted = now,
                    Ended = result is null ? 0L : now,
                };
                long id = Insert(connection, job);
                if (i == 0)
                {
                    StoreCommand.Run(connection, "UPDATE jobs SET submission = @id WHERE id = @id", ("@id", id));
                }

                jobs.Add(job with { Id = id, Submission = i == 0 ? id : job.Submission });
            }

            return jobs;
        });

    /// <summary>A process or a node begins a job, unless it is over, is made by another, or the store has its result.</summary>
    public Task<JobBegun> BeginAsync(JobBeginning begin) => _writer.ChangeAsync(connection =>
    {
        if (Find(connection, begin.Id) is not { } job)
        {
            return new JobBegun(JobState.Cancelled, null, WasOver: true);
        }

        if (job.IsOver)
        {
            return new JobBegun(job.State, job, WasOver: true);
        }

        if (ResultFor(connection, job.Request, begin.HasResult) is { } result)
        {
            End(connection, job.Id, JobState.Done, result.Digest, result.Outcome, "the store had the result", "");
            return new JobBegun(JobState.Done, job);
        }

        if (!begin.MayMake(job.Request))
        {
            return new JobBegun(JobState.Queued, job);
        }

        Job begun = job with { State = JobState.Running, Attempts = job.Attempts + 1, Node = begin.Node, Lease = begin.Lease };
        Set(
            connection,
            "UPDATE jobs SET state = @state, started = @now, attempts = @attempt, node = @node, lease = @lease, reason = '' WHERE id = @id",
            job.Id,
            begin.Node.Length > 0 ? BegunBy($"node {begin.Node}", begun.Attempts) : "",
            ("@state", (int)JobState.Running),
            ("@attempt", begun.Attempts),
            ("@node", begin.Node),
            ("@lease", begin.Lease));
        return new JobBegun(JobState.Running, begun, RunOf(connection, job));
    });

    /// <summary>What a job's log says of its beginning.</summary>
    public static string BegunBy(string who, int attempt) => $"begun by {who}, attempt {attempt}";

    /// <summary>A job that a node went on with while no service was there runs again.</summary>
    public Task AdoptAsync(long id, string note) => SetAsync(
        "UPDATE jobs SET state = @state, reason = '' WHERE id = @id AND state <= @state", id, note, ("@state", (int)JobState.Running));

    /// <summary>A job waits again.</summary>
    /// <param name="id">The job.</param>
    /// <param name="reason">Why.</param>
    /// <param name="attempts">The attempts that count: those in which the job may have been to blame.</param>
    /// <param name="note">What the job's log says of it; empty for nothing.</param>
    public Task RequeueAsync(long id, string reason, int attempts, string note = "") => SetAsync(
        "UPDATE jobs SET state = @state, reason = @reason, attempts = @attempts, node = '', lease = '' "
            + $"WHERE id = @id AND state <= {(int)JobState.Running}",
        id,
        note,
        ("@state", (int)JobState.Queued),
        ("@reason", reason),
        ("@attempts", attempts));

    /// <summary>A job is over.</summary>
    /// <param name="id">The job.</param>
    /// <param name="state">How it ended.</param>
    /// <param name="digest">Digest of its run; empty for none.</param>
    /// <param name="outcome">How the run ended; empty for none.</param>
    /// <param name="reason">Why.</param>
    /// <param name="note">What the job's log says of it; empty for nothing.</param>
    /// <returns>Whether it was not over before.</returns>
    public Task<bool> EndAsync(long id, JobState state, string digest, string outcome, string reason, string note = "") =>
        _writer.ChangeAsync(connection => End(connection, id, state, digest, outcome, reason, note));

    /// <summary>Notes something in a job's log, of which the last lines are kept.</summary>
    public Task LogAsync(long id, string text) =>
        _writer.ChangeAsync(connection => Add(connection, id, text) > 0 && Trim(connection, id, text));

    private static long Insert(DbConnection connection, Job job) => (long)StoreCommand.Scalar(
        connection,
        "INSERT INTO jobs (submission, name, label, owner, priority, state, request, digest, outcome, reason, submitted, ended) VALUES "
            + "(@submission, @name, @label, @owner, @priority, @state, @request, @digest, @outcome, @reason, @submitted, @ended) "
            + "RETURNING id",
        ("@submission", job.Submission),
        ("@name", job.Name),
        ("@label", job.Label),
        ("@owner", job.Owner),
        ("@priority", job.Priority),
        ("@state", (int)job.State),
        ("@request", job.Request),
        ("@digest", job.Digest),
        ("@outcome", job.Outcome),
        ("@reason", job.Reason),
        ("@submitted", job.Submitted),
        ("@ended", job.Ended))!;

    private bool End(DbConnection connection, long id, JobState state, string digest, string outcome, string reason, string note) => Set(
        connection,
        "UPDATE jobs SET state = @state, digest = @digest, outcome = @outcome, reason = @reason, ended = @now, lease = '' "
            + $"WHERE id = @id AND state <= {(int)JobState.Running}",
        id,
        note,
        ("@state", (int)state),
        ("@digest", digest),
        ("@outcome", outcome),
        ("@reason", reason));

    private Task<bool> SetAsync(string sql, long id, string note, params (string Name, object Value)[] values) =>
        _writer.ChangeAsync(connection => Set(connection, sql, id, note, values) && Trim(connection, id, note));

    /// <summary>Changes a job, and notes it.</summary>
    /// <returns>Whether the job has changed.</returns>
    private bool Set(DbConnection connection, string sql, long id, string note, params (string Name, object Value)[] values)
    {
        if (StoreCommand.Run(connection, sql, [.. values, ("@id", id), ("@now", Now())]) == 0)
        {
            return false;
        }

        if (note.Length > 0)
        {
            Add(connection, id, note);
        }

        return true;
    }

    private int Add(DbConnection connection, long id, string note) => StoreCommand.Run(
        connection, "INSERT INTO logs (job, time, text) VALUES (@id, @now, @note)", ("@id", id), ("@now", Now()), ("@note", note));

    /// <summary>Keeps the last lines of a job's log, if one has been added.</summary>
    private static bool Trim(DbConnection connection, long id, string note) => note.Length == 0 || StoreCommand.Run(
        connection,
        "DELETE FROM logs WHERE job = @id "
            + "AND number <= (SELECT number FROM logs WHERE job = @id ORDER BY number DESC LIMIT 1 OFFSET @most)",
        ("@id", id),
        ("@most", JobLimits.LogLinesMax)) >= 0;

    /// <summary>Makes changes in one transaction, as <see cref="StoreWriter"/> asks for it.</summary>
    private bool Make(IReadOnlyList<StoreChange> changes) => Ask(connection =>
    {
        using DbTransaction transaction = connection.BeginTransaction();
        try
        {
            foreach (StoreChange change in changes)
            {
                change.Make(connection);
            }
        }
        catch (Exception) when (changes.Count > 1)
        {
            // None of them is made: that all goes by this one connection, whose transaction has not been ended.
            return false;
        }

        transaction.Commit();
        return true;
    });
}
