using System.Data.Common;
using System.Text.Json;

namespace VmSim.Host.Service;

/// <summary>
/// The jobs of a service in a database. What a method has done is on the disk when it returns: a process or a machine that ends after it
/// loses nothing of it. One that fails may be called again: it changes the same again, or adds once more. The methods may be called from
/// any thread.
/// </summary>
internal sealed class JobStore : IDisposable
{
    /// <summary>Version of the tables: the one before is brought up to it, others are refused.</summary>
    private const int Version = 2;

    private const string Columns =
        "id, submission, name, label, owner, priority, state, request, digest, outcome, reason, attempts, submitted, started, ended, "
        + "node, lease";

    /// <summary>What version 1 lacks: nodes, and their leases.</summary>
    private const string FromFirst =
        """
        ALTER TABLE jobs ADD COLUMN node TEXT NOT NULL DEFAULT '';
        ALTER TABLE jobs ADD COLUMN lease TEXT NOT NULL DEFAULT '';
        """;

    /// <summary>Adds a line to a job's log, of which the last ones are kept.</summary>
    private const string Note =
        """
        INSERT INTO logs (job, time, text) VALUES (@id, @now, @note);
        DELETE FROM logs
        WHERE job = @id AND number <= (SELECT number FROM logs WHERE job = @id ORDER BY number DESC LIMIT 1 OFFSET @most);
        """;

    private readonly StoreDatabase _database;
    private readonly TimeProvider _clock;
    private readonly Lock _gate = new();

    /// <summary>Opens the database, or makes its tables.</summary>
    /// <param name="database">The database, which goes with the store.</param>
    /// <param name="clock">Says what time it is.</param>
    /// <exception cref="IOException">It is of another version, no database, or cannot be had.</exception>
    public JobStore(StoreDatabase database, TimeProvider clock)
    {
        (_database, _clock) = (database, clock);
        try
        {
            Change(Prepare);
        }
        catch
        {
            database.Dispose();
            throw;
        }
    }

    /// <summary>Whether another process has the database now, so that nothing more can be done in this one.</summary>
    public bool IsTaken
    {
        get
        {
            lock (_gate)
            {
                return _database.IsTaken;
            }
        }
    }

    /// <summary>Says that this process lives, which a server must hear, and finds out whether the database can be had.</summary>
    public void Beat() => Ask(connection => StoreCommand.Scalar(connection, "SELECT 1"));

    /// <summary>Takes a submission in, all of its jobs or none.</summary>
    /// <param name="request">What is submitted.</param>
    /// <param name="owner">By whom.</param>
    /// <param name="requests">SHA-256 over each run, in their order.</param>
    /// <param name="digestOf">The result that the store has for such a digest; null if it has none.</param>
    /// <returns>The jobs.</returns>
    public IReadOnlyList<Job> Add(
        JobRequest request, string owner, IReadOnlyList<string> requests, Func<string, (string, string)?> digestOf)
    {
        (string Digest, string Outcome)?[] results = [.. requests.Select(digestOf)];
        return Change(connection =>
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
                Job job = new()
                {
                    Id = 0,
                    Submission = jobs.Count > 0 ? jobs[0].Id : 0,
                    Name = request.Name,
                    Label = run.Label,
                    Owner = owner,
                    Priority = request.Priority ?? JobLimits.PriorityUsual,
                    State = results[i] is null ? JobState.Queued : JobState.Done,
                    Request = requests[i],
                    Digest = results[i]?.Digest ?? "",
                    Outcome = results[i]?.Outcome ?? "",
                    Reason = results[i] is null ? "" : "the store had the result",
                    Submitted = now,
                    Ended = results[i] is null ? 0L : now,
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
    }

    /// <summary>A job; null if there is none of this number.</summary>
    public Job? Find(long id) => Select($"SELECT {Columns} FROM jobs WHERE id = @id", ("@id", id)).FirstOrDefault();

    /// <summary>The jobs of a submission, in their order.</summary>
    public IReadOnlyList<Job> OfSubmission(long submission) =>
        Select($"SELECT {Columns} FROM jobs WHERE submission = @id ORDER BY id", ("@id", submission));

    /// <summary>Jobs, the latest first.</summary>
    /// <param name="state">Those of one state; null for all.</param>
    /// <param name="before">Those with a lesser number.</param>
    /// <param name="count">How many at most.</param>
    public IReadOnlyList<Job> List(JobState? state, long before, int count) => Select(
        $"SELECT {Columns} FROM jobs WHERE id < @before {(state is null ? "" : "AND state = @state")} ORDER BY id DESC LIMIT @count",
        ("@before", before),
        ("@state", (int)(state ?? 0)),
        ("@count", count));

    /// <summary>How many jobs there are of each state.</summary>
    public IReadOnlyDictionary<JobState, long> Counts() => Ask(connection =>
    {
        using DbCommand command = StoreCommand.Of(connection, "SELECT state, count(*) FROM jobs GROUP BY state");
        using DbDataReader reader = command.ExecuteReader();
        Dictionary<JobState, long> counts = [];
        while (reader.Read())
        {
            counts[(JobState)reader.GetInt32(0)] = reader.GetInt64(1);
        }

        return counts;
    });

    /// <summary>Jobs that were running when the service ended wait again.</summary>
    /// <returns>All that wait, in their order.</returns>
    public IReadOnlyList<Job> Recover()
    {
        Ask(connection => StoreCommand.Run(
            connection,
            "UPDATE jobs SET state = @queued, reason = 'the service ended; it goes on from its last checkpoint' WHERE state = @running",
            ("@queued", (int)JobState.Queued),
            ("@running", (int)JobState.Running)));
        return Waiting();
    }

    /// <summary>All jobs that wait, in their order.</summary>
    public IReadOnlyList<Job> Waiting() =>
        Select($"SELECT {Columns} FROM jobs WHERE state = @state ORDER BY id", ("@state", (int)JobState.Queued));

    /// <summary>What a job runs.</summary>
    public RunRequest RunOf(Job job) => Ask(connection =>
    {
        using DbCommand command = StoreCommand.Of(
            connection, "SELECT text, inputs FROM scenarios WHERE request = @id", ("@id", job.Request));
        using DbDataReader reader = command.ExecuteReader();
        return reader.Read()
            ? new RunRequest(job.Label, reader.GetString(0), JsonSerializer.Deserialize<IReadOnlyList<InputName>>(reader.GetString(1))!)
            : throw new IOException($"{_database.Place}: there is no scenario of job {job.Id}");
    });

    /// <summary>A result that was made for the same request, and how its run ended; null if there is none.</summary>
    public (string Digest, string Outcome)? ResultFor(string request)
    {
        Job? done = Select(
            $"SELECT {Columns} FROM jobs WHERE request = @request AND state = @done LIMIT 1",
            ("@request", request),
            ("@done", (int)JobState.Done)).FirstOrDefault();
        return done is null ? null : (done.Digest, done.Outcome);
    }

    /// <summary>A process begins a job.</summary>
    /// <param name="id">The job.</param>
    /// <param name="attempt">The how manieth time it is that counts.</param>
    /// <param name="node">The node that it is on; empty for this machine's own.</param>
    /// <param name="lease">By what that node has it; empty likewise.</param>
    /// <param name="note">What the job's log says of it; empty for nothing.</param>
    public void Begin(long id, int attempt, string node = "", string lease = "", string note = "") => Set(
        "UPDATE jobs SET state = @state, started = @now, attempts = @attempt, node = @node, lease = @lease, reason = '' WHERE id = @id;",
        id,
        note,
        ("@state", (int)JobState.Running),
        ("@attempt", attempt),
        ("@node", node),
        ("@lease", lease));

    /// <summary>A job that a node went on with while no service was there runs again.</summary>
    public void Adopt(long id) => Set(
        "UPDATE jobs SET state = @state, reason = '' WHERE id = @id;", id, "", ("@state", (int)JobState.Running));

    /// <summary>A job waits again.</summary>
    /// <param name="id">The job.</param>
    /// <param name="reason">Why.</param>
    /// <param name="attempts">The attempts that count: those in which the job may have been to blame.</param>
    /// <param name="note">What the job's log says of it; empty for nothing.</param>
    public void Requeue(long id, string reason, int attempts, string note = "") => Set(
        "UPDATE jobs SET state = @state, reason = @reason, attempts = @attempts, node = '', lease = '' WHERE id = @id;",
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
    public void End(long id, JobState state, string digest, string outcome, string reason, string note = "") => Set(
        "UPDATE jobs SET state = @state, digest = @digest, outcome = @outcome, reason = @reason, ended = @now, lease = '' WHERE id = @id;",
        id,
        note,
        ("@state", (int)state),
        ("@digest", digest),
        ("@outcome", outcome),
        ("@reason", reason));

    /// <summary>Notes something in a job's log, of which the last lines are kept.</summary>
    public void Log(long id, string text) => Set("", id, text);

    /// <summary>A job's log, in its order.</summary>
    public IReadOnlyList<LogLine> LogOf(long id) => Ask(connection =>
    {
        using DbCommand command = StoreCommand.Of(
            connection, "SELECT time, text FROM logs WHERE job = @id ORDER BY number", ("@id", id));
        using DbDataReader reader = command.ExecuteReader();
        List<LogLine> lines = [];
        while (reader.Read())
        {
            lines.Add(new LogLine(reader.GetInt64(0), reader.GetString(1)));
        }

        return lines;
    });

    /// <inheritdoc/>
    public void Dispose() => _database.Dispose();

    private long Now() => _clock.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>Brings the tables to the version of this program.</summary>
    private int Prepare(DbConnection connection)
    {
        long found = _database.VersionOf(connection);
        return found switch
        {
            Version => 0,
            0 or 1 => StoreCommand.Run(connection, (found == 0 ? Tables() : FromFirst) + _database.SetVersion(Version)),
            _ => throw new IOException($"{_database.Place}: tables of version {found} found; this program has version {Version}"),
        };
    }

    private string Tables() =>
        $"""
        CREATE TABLE scenarios (request TEXT PRIMARY KEY, text TEXT NOT NULL, inputs TEXT NOT NULL) {_database.TableEnd};
        CREATE TABLE jobs (
          id {_database.DrawnNumber}, submission BIGINT NOT NULL, name TEXT NOT NULL, label TEXT NOT NULL, owner TEXT NOT NULL,
          priority INTEGER NOT NULL, state INTEGER NOT NULL, request TEXT NOT NULL, digest TEXT NOT NULL DEFAULT '',
          outcome TEXT NOT NULL DEFAULT '', reason TEXT NOT NULL DEFAULT '', attempts INTEGER NOT NULL DEFAULT 0,
          submitted BIGINT NOT NULL, started BIGINT NOT NULL DEFAULT 0, ended BIGINT NOT NULL DEFAULT 0,
          node TEXT NOT NULL DEFAULT '', lease TEXT NOT NULL DEFAULT '');
        CREATE INDEX jobs_by_state ON jobs (state, id);
        CREATE INDEX jobs_by_submission ON jobs (submission, id);
        CREATE INDEX jobs_by_request ON jobs (request, state);
        CREATE TABLE logs (number {_database.DrawnNumber}, job BIGINT NOT NULL, time BIGINT NOT NULL, text TEXT NOT NULL);
        CREATE INDEX logs_by_job ON logs (job, number);
        """;

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

    /// <summary>Changes a job, and notes it, both at once.</summary>
    private void Set(string sql, long id, string note, params (string Name, object Value)[] values)
    {
        (string, object)[] all = [.. values, ("@id", id), ("@now", Now()), ("@note", note), ("@most", JobLimits.LogLinesMax)];
        Change(connection => StoreCommand.Run(connection, note.Length > 0 ? sql + Note : sql, all));
    }

    private List<Job> Select(string sql, params (string Name, object Value)[] values) => Ask(connection =>
    {
        using DbCommand command = StoreCommand.Of(connection, sql, values);
        using DbDataReader reader = command.ExecuteReader();
        List<Job> jobs = [];
        while (reader.Read())
        {
            jobs.Add(Read(reader));
        }

        return jobs;
    });

    /// <summary>Does several things of which all are done in the end, or none.</summary>
    private T Change<T>(Func<DbConnection, T> work) => Ask(connection =>
    {
        // A connection that is lost takes the transaction with it: all of it goes by this one connection.
        using DbTransaction transaction = connection.BeginTransaction();
        T made = work(connection);
        transaction.Commit();
        return made;
    });

    private T Ask<T>(Func<DbConnection, T> work)
    {
        lock (_gate)
        {
            try
            {
                return work(_database.Connect());
            }
            catch (Exception reason) when (_database.Explain(reason) is { } words)
            {
                throw new StoreAwayException($"{_database.Place}: {words}", reason);
            }
        }
    }

    private static Job Read(DbDataReader reader) => new()
    {
        Id = reader.GetInt64(0),
        Submission = reader.GetInt64(1),
        Name = reader.GetString(2),
        Label = reader.GetString(3),
        Owner = reader.GetString(4),
        Priority = reader.GetInt32(5),
        State = (JobState)reader.GetInt32(6),
        Request = reader.GetString(7),
        Digest = reader.GetString(8),
        Outcome = reader.GetString(9),
        Reason = reader.GetString(10),
        Attempts = reader.GetInt32(11),
        Submitted = reader.GetInt64(12),
        Started = reader.GetInt64(13),
        Ended = reader.GetInt64(14),
        Node = reader.GetString(15),
        Lease = reader.GetString(16),
    };
}
