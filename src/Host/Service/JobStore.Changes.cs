using System.Data.Common;
using System.Text.Json;

namespace VmSim.Host.Service;

/// <content>Changes of jobs. Those that are asked for at the same time share a transaction.</content>
internal sealed partial class JobStore
{
    /// <summary>Which job is changed: one that is over stays as it is.</summary>
    private const string Which = "WHERE id = @id AND state <= 1";

    /// <summary>A result is there now, or used anew.</summary>
    private const string UseResult = $"INSERT INTO results (digest, used, bytes) SELECT @digest, @now, @bytes FROM jobs {Which} "
        + "ON CONFLICT (digest) DO UPDATE SET used = excluded.used, removed = 0, "
        + "bytes = CASE WHEN excluded.bytes < 0 THEN results.bytes ELSE excluded.bytes END; ";

    private const string TrimLog = "DELETE FROM logs WHERE job = @id "
        + "AND number <= (SELECT number FROM logs WHERE job = @id ORDER BY number DESC LIMIT 1 OFFSET @most)";

    /// <summary>All that the beginning of a job depends on, by one word: each to a server takes as long as several searches.</summary>
    private static readonly string LookUp =
        $"SELECT {string.Join(", ", Columns.Split(", ").Select(name => $"j.{name}"))}, s.text, s.inputs, "
        + "(SELECT d.id FROM jobs d WHERE d.request = j.request AND d.state = 2 LIMIT 1) "
        + "FROM jobs j LEFT JOIN scenarios s ON s.request = j.request WHERE j.id = @id";

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
                    Build = Build,
                    Request = requests[i],
                    Digest = result?.Digest ?? "",
                    Outcome = result?.Outcome ?? "",
                    Reason = result is null ? "" : "the store had the result",
                    Submitted = now,
                    Ended = result is null ? 0L : now,
                    Bounds = request.Bounds ?? JobBounds.None,
                    Spread = (request.Spread ?? JobSpread.None) with { MemoryBytes = run.MemoryBytes, SharedBytes = run.SharedBytes },
                };
                long id = Insert(connection, job, run);
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
        (Job? job, RunRequest? run, (string Digest, string Outcome)? result) = Look(connection, begin.Id);
        if (job is null || job.IsOver)
        {
            return new JobBegun(job?.State ?? JobState.Cancelled, job, WasOver: true);
        }

        if (result is { } there && begin.HasResult(there.Digest))
        {
            End(connection, job.Id, JobState.Done, there.Digest, there.Outcome, "the store had the result", "", -1);
            return new JobBegun(JobState.Done, job);
        }

        if (!begin.MayMake(job.Request))
        {
            return new JobBegun(JobState.Queued, job);
        }

        if (begin.NodesFor(job) is int nodes and not 1)
        {
            if (nodes > 1)
            {
                Set(
                    connection, "nodes = @nodes", job.Id, $"it fits on no node, and is split over {nodes}", "", ("@nodes", nodes));
            }

            Job other = job with { Spread = job.Spread with { Nodes = Math.Max(nodes, job.Spread.Nodes) } };
            return new JobBegun(JobState.Queued, other, IsForOthers: true);
        }

        Job begun = job with
        {
            State = JobState.Running,
            Attempts = job.Attempts + 1,
            Node = begin.Node,
            Lease = begin.Lease,
            Members = begin.Members,
        };
        string who = begin.Members.Count > 1 ? $"nodes {string.Join(", ", begin.Members)}" : $"node {begin.Node}";
        string fewer = job.Spread.Nodes > Math.Max(1, begin.Members.Count)
            ? $"; {job.Spread.Nodes} nodes are wanted, and no more were there that can share a job"
            : "";
        Set(
            connection,
            "state = @state, started = @now, attempts = @attempt, node = @node, lease = @lease, members = @members, reason = ''",
            job.Id,
            begin.Node.Length > 0 ? BegunBy(who, begun.Attempts) + fewer : "",
            "",
            ("@members", string.Join(',', begin.Members)),
            ("@state", (int)JobState.Running),
            ("@attempt", begun.Attempts),
            ("@node", begin.Node),
            ("@lease", begin.Lease));
        return new JobBegun(JobState.Running, begun, run);
    });

    /// <summary>A job that waits, and is of a build that nobody has any more, becomes one of this build.</summary>
    public Task MoveAsync(long id) => _writer.ChangeAsync(connection =>
    {
        if (Find(connection, id) is not { IsOver: false } job || job.Build == Build)
        {
            return false;
        }

        RunRequest run = RunOf(connection, job);
        string note = job.Build.Length > 0
            ? $"no node of build {job.Build} is left; it is for build {Build} now, and begins anew"
            : $"of which build it was is not known; it is for build {Build} now";
        Set(
            connection,
            "build = @build, request = @request",
            id,
            note,
            "INSERT INTO scenarios VALUES (@request, @text, @inputs) ON CONFLICT DO NOTHING; ",
            ("@build", _buildNumber),
            ("@request", RequestDigest.Of(run, Build)),
            ("@text", run.Scenario),
            ("@inputs", JsonSerializer.Serialize(run.Inputs)));
        Trim(connection, id, note);
        RemoveUnused(connection, job.Request);
        return true;
    });

    /// <summary>What a job's log says of its beginning.</summary>
    public static string BegunBy(string who, int attempt) => $"begun by {who}, attempt {attempt}";

    /// <summary>A job that a node went on with while no service was there runs again.</summary>
    public Task AdoptAsync(long id, string note) => SetAsync(
        "state = @state, reason = ''", id, note, ("@state", (int)JobState.Running));

    /// <summary>A job waits again.</summary>
    /// <param name="id">The job.</param>
    /// <param name="reason">Why.</param>
    /// <param name="attempts">The attempts that count: those in which the job may have been to blame.</param>
    /// <param name="note">What the job's log says of it; empty for nothing.</param>
    public Task RequeueAsync(long id, string reason, int attempts, string note = "") => SetAsync(
        "state = @state, reason = @reason, attempts = @attempts, node = '', lease = '', members = ''",
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
    /// <param name="bytes">Bytes of the result; -1 if nobody has looked.</param>
    /// <returns>Whether it was not over before.</returns>
    public Task<bool> EndAsync(
        long id, JobState state, string digest, string outcome, string reason, string note = "", long bytes = -1) =>
        _writer.ChangeAsync(connection => End(connection, id, state, digest, outcome, reason, note, bytes));

    /// <summary>Notes something in a job's log, of which the last lines are kept.</summary>
    public Task LogAsync(long id, string text) =>
        _writer.ChangeAsync(connection => StoreCommand.Run(
            connection,
            $"INSERT INTO logs (job, time, text) VALUES (@id, @now, @note); {TrimLog}",
            ("@id", id),
            ("@now", Now()),
            ("@note", text),
            ("@most", JobLimits.LogLinesMax)));

    private long Insert(DbConnection connection, Job job, RunRequest run) => (long)StoreCommand.Scalar(
        connection,
        "INSERT INTO scenarios VALUES (@request, @text, @inputs) ON CONFLICT DO NOTHING; "
            + "INSERT INTO jobs "
            + "(submission, name, label, owner, priority, state, request, digest, outcome, reason, submitted, ended, bounds, nodes, "
            + "spread, build) VALUES "
            + "(@submission, @name, @label, @owner, @priority, @state, @request, @digest, @outcome, @reason, @submitted, @ended, @bounds, "
            + "@nodes, @spread, @build) "
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
        ("@ended", job.Ended),
        ("@bounds", JsonSerializer.Serialize(job.Bounds, ServiceJson.Options)),
        ("@nodes", job.Spread.Nodes),
        ("@spread", JsonSerializer.Serialize(job.Spread, ServiceJson.Options)),
        ("@build", _buildNumber),
        ("@text", run.Scenario),
        ("@inputs", JsonSerializer.Serialize(run.Inputs)))!;

    private bool End(
        DbConnection connection, long id, JobState state, string digest, string outcome, string reason, string note, long bytes) => Set(
        connection,
        "state = @state, digest = @digest, outcome = @outcome, reason = @reason, ended = @now, lease = ''",
        id,
        note,
        state == JobState.Done ? UseResult : "",
        ("@bytes", bytes),
        ("@state", (int)state),
        ("@digest", digest),
        ("@outcome", outcome),
        ("@reason", reason));

    private Task<bool> SetAsync(string values, long id, string note, params (string Name, object Value)[] given) =>
        _writer.ChangeAsync(connection => Set(connection, values, id, note, "", given) && Trim(connection, id, note));

    /// <summary>Changes a job that is not over, and notes it, by one word to the database.</summary>
    /// <param name="connection">Where.</param>
    /// <param name="values">What is changed.</param>
    /// <param name="id">The job.</param>
    /// <param name="note">What its log says of it; empty for nothing.</param>
    /// <param name="before">A command that comes before; empty for none.</param>
    /// <param name="given">The values that the commands name.</param>
    /// <returns>Whether the job has changed.</returns>
    private bool Set(
        DbConnection connection, string values, long id, string note, string before, params (string Name, object Value)[] given)
    {
        string noted = note.Length > 0 ? $"INSERT INTO logs (job, time, text) SELECT @id, @now, @note FROM jobs {Which}; " : "";
        (string, object)[] all = [.. given, ("@id", id), ("@now", Now()), ("@note", note)];
        return StoreCommand.Run(connection, $"{before}{noted}UPDATE jobs SET {values} {Which}", all) > 0;
    }

    /// <summary>Keeps the last lines of a job's log, if one has been added.</summary>
    private static bool Trim(DbConnection connection, long id, string note) => note.Length == 0
        || StoreCommand.Run(connection, TrimLog, ("@id", id), ("@most", JobLimits.LogLinesMax)) >= 0;

    /// <summary>A job, what it runs, and a result that was made for the same, with how its run ended; null where there is none.</summary>
    private (Job? Job, RunRequest? Run, (string Digest, string Outcome)? Result) Look(DbConnection connection, long id)
    {
        using DbCommand command = StoreCommand.Of(connection, LookUp, ("@id", id));
        using DbDataReader reader = command.ExecuteReader();
        if (!reader.Read())
        {
            return default;
        }

        Job job = Read(reader);
        int next = Columns.Split(',').Length;
        RunRequest run = RunOf(job, reader, next);
        long? done = reader.IsDBNull(next + 2) ? null : reader.GetInt64(next + 2);
        reader.Close();
        return (job, run, done is { } other && Find(connection, other) is { } there ? (there.Digest, there.Outcome) : null);
    }

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
