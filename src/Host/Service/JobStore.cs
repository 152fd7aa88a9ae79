using System.Text.Json;
using Microsoft.Data.Sqlite;

namespace VmSim.Host.Service;

/// <summary>
/// The jobs of a service in a SQLite database. What a method has done is on the disk when it returns: a process or a machine that ends
/// after it loses nothing of it. The methods may be called from any thread.
/// </summary>
internal sealed class JobStore : IDisposable
{
    /// <summary>Version of the tables: the one before is brought up to it, others are refused.</summary>
    private const int Version = 2;

    private const string Columns =
        "id, submission, name, label, owner, priority, state, request, digest, outcome, reason, attempts, submitted, started, ended, "
        + "node, lease";

    private const string Tables =
        """
        CREATE TABLE scenarios (request TEXT PRIMARY KEY, text TEXT NOT NULL, inputs TEXT NOT NULL) WITHOUT ROWID;
        CREATE TABLE jobs (
          id INTEGER PRIMARY KEY AUTOINCREMENT, submission INTEGER NOT NULL, name TEXT NOT NULL, label TEXT NOT NULL, owner TEXT NOT NULL,
          priority INTEGER NOT NULL, state INTEGER NOT NULL, request TEXT NOT NULL, digest TEXT NOT NULL DEFAULT '',
          outcome TEXT NOT NULL DEFAULT '', reason TEXT NOT NULL DEFAULT '', attempts INTEGER NOT NULL DEFAULT 0,
          submitted INTEGER NOT NULL, started INTEGER NOT NULL DEFAULT 0, ended INTEGER NOT NULL DEFAULT 0,
          node TEXT NOT NULL DEFAULT '', lease TEXT NOT NULL DEFAULT '');
        CREATE INDEX jobs_by_state ON jobs (state, id);
        CREATE INDEX jobs_by_submission ON jobs (submission, id);
        CREATE INDEX jobs_by_request ON jobs (request, state);
        CREATE TABLE logs (number INTEGER PRIMARY KEY AUTOINCREMENT, job INTEGER NOT NULL, time INTEGER NOT NULL, text TEXT NOT NULL);
        CREATE INDEX logs_by_job ON logs (job, number);
        """;

    /// <summary>What version 1 lacks: nodes, and their leases.</summary>
    private const string FromFirst =
        """
        ALTER TABLE jobs ADD COLUMN node TEXT NOT NULL DEFAULT '';
        ALTER TABLE jobs ADD COLUMN lease TEXT NOT NULL DEFAULT '';
        """;

    private readonly SqliteConnection _connection;
    private readonly TimeProvider _clock;
    private readonly Lock _gate = new();

    /// <summary>Opens the database, or makes it.</summary>
    /// <param name="path">Its file.</param>
    /// <param name="clock">Says what time it is.</param>
    /// <exception cref="IOException">It is of another version, or no database.</exception>
    public JobStore(string path, TimeProvider clock)
    {
        _clock = clock;
        SqliteConnectionStringBuilder options = new() { DataSource = path, Pooling = false };
        _connection = new SqliteConnection(options.ConnectionString);
        try
        {
            _connection.Open();

            // A write is on the disk when its transaction ends (synchronous = FULL), and readers of the file see whole transactions.
            Run("PRAGMA journal_mode = WAL");
            Run("PRAGMA synchronous = FULL");
            Prepare(path);
        }
        catch (Exception reason) when (reason is SqliteException or IOException)
        {
            _connection.Dispose();
            throw reason is IOException ? reason : new IOException($"{path}: {reason.Message}", reason);
        }
    }

    /// <summary>Takes a submission in, all of its jobs or none.</summary>
    /// <param name="request">What is submitted.</param>
    /// <param name="owner">By whom.</param>
    /// <param name="requests">SHA-256 over each run, in their order.</param>
    /// <param name="digestOf">The result that the store has for such a digest; null if it has none.</param>
    /// <returns>The jobs.</returns>
    public IReadOnlyList<Job> Add(
        JobRequest request, string owner, IReadOnlyList<string> requests, Func<string, (string, string)?> digestOf)
    {
        lock (_gate)
        {
            using SqliteTransaction transaction = _connection.BeginTransaction();
            long submission = 0;
            List<Job> jobs = [];
            for (int i = 0; i < requests.Count; i++)
            {
                RunRequest run = request.Runs[i];
                Run(
                    "INSERT OR IGNORE INTO scenarios VALUES ($request, $text, $inputs)",
                    ("$request", requests[i]),
                    ("$text", run.Scenario),
                    ("$inputs", JsonSerializer.Serialize(run.Inputs)));
                (string Digest, string Outcome)? there = digestOf(requests[i]);
                long now = Now();
                Run(
                    "INSERT INTO jobs "
                        + "(submission, name, label, owner, priority, state, request, digest, outcome, reason, submitted, ended) VALUES "
                        + "($submission, $name, $label, $owner, $priority, $state, $request, $digest, $outcome, $reason, $now, $ended)",
                    ("$submission", submission),
                    ("$name", request.Name),
                    ("$label", run.Label),
                    ("$owner", owner),
                    ("$priority", request.Priority ?? JobLimits.PriorityUsual),
                    ("$state", (int)(there is null ? JobState.Queued : JobState.Done)),
                    ("$request", requests[i]),
                    ("$digest", there?.Digest ?? ""),
                    ("$outcome", there?.Outcome ?? ""),
                    ("$reason", there is null ? "" : "the store had the result"),
                    ("$now", now),
                    ("$ended", there is null ? 0L : now));
                long id = (long)Scalar("SELECT last_insert_rowid()")!;
                if (submission == 0)
                {
                    submission = id;
                    Run("UPDATE jobs SET submission = $id WHERE id = $id", ("$id", id));
                }

                jobs.Add(Find(id)!);
            }

            transaction.Commit();
            return jobs;
        }
    }

    /// <summary>A job; null if there is none of this number.</summary>
    public Job? Find(long id) => Select($"SELECT {Columns} FROM jobs WHERE id = $id", ("$id", id)).FirstOrDefault();

    /// <summary>The jobs of a submission, in their order.</summary>
    public IReadOnlyList<Job> OfSubmission(long submission) =>
        Select($"SELECT {Columns} FROM jobs WHERE submission = $id ORDER BY id", ("$id", submission));

    /// <summary>Jobs, the latest first.</summary>
    /// <param name="state">Those of one state; null for all.</param>
    /// <param name="before">Those with a lesser number.</param>
    /// <param name="count">How many at most.</param>
    public IReadOnlyList<Job> List(JobState? state, long before, int count) => Select(
        $"SELECT {Columns} FROM jobs WHERE id < $before {(state is null ? "" : "AND state = $state")} ORDER BY id DESC LIMIT $count",
        ("$before", before),
        ("$state", (int)(state ?? 0)),
        ("$count", count));

    /// <summary>How many jobs there are of each state.</summary>
    public IReadOnlyDictionary<JobState, long> Counts()
    {
        lock (_gate)
        {
            using SqliteCommand command = Command("SELECT state, count(*) FROM jobs GROUP BY state", []);
            using SqliteDataReader reader = command.ExecuteReader();
            Dictionary<JobState, long> counts = [];
            while (reader.Read())
            {
                counts[(JobState)reader.GetInt32(0)] = reader.GetInt64(1);
            }

            return counts;
        }
    }

    /// <summary>Jobs that were running when the service ended wait again.</summary>
    /// <returns>All that wait, in their order.</returns>
    public IReadOnlyList<Job> Recover()
    {
        Change(
            "UPDATE jobs SET state = $queued, reason = 'the service ended; it goes on from its last checkpoint' WHERE state = $running",
            ("$queued", (int)JobState.Queued),
            ("$running", (int)JobState.Running));
        return Select($"SELECT {Columns} FROM jobs WHERE state = $state ORDER BY id", ("$state", (int)JobState.Queued));
    }

    /// <summary>What a job runs.</summary>
    public RunRequest RunOf(Job job)
    {
        lock (_gate)
        {
            using SqliteCommand command = Command("SELECT text, inputs FROM scenarios WHERE request = $id", [("$id", job.Request)]);
            using SqliteDataReader reader = command.ExecuteReader();
            return reader.Read()
                ? new RunRequest(job.Label, reader.GetString(0), JsonSerializer.Deserialize<IReadOnlyList<InputName>>(reader.GetString(1))!)
                : throw new IOException($"the database has no scenario of job {job.Id}");
        }
    }

    /// <summary>A result that was made for the same request, and how its run ended; null if there is none.</summary>
    public (string Digest, string Outcome)? ResultFor(string request)
    {
        Job? done = Select(
            $"SELECT {Columns} FROM jobs WHERE request = $request AND state = $done LIMIT 1",
            ("$request", request),
            ("$done", (int)JobState.Done)).FirstOrDefault();
        return done is null ? null : (done.Digest, done.Outcome);
    }

    /// <summary>A process begins a job.</summary>
    /// <param name="id">The job.</param>
    /// <param name="node">The node that it is on; empty for this machine's own.</param>
    /// <param name="lease">By what that node has it; empty likewise.</param>
    public void Begin(long id, string node = "", string lease = "") => Change(
        "UPDATE jobs SET state = $state, started = $now, attempts = attempts + 1, node = $node, lease = $lease, reason = '' WHERE id = $id",
        ("$state", (int)JobState.Running),
        ("$now", Now()),
        ("$node", node),
        ("$lease", lease),
        ("$id", id));

    /// <summary>A job that a node went on with while no service was there runs again.</summary>
    public void Adopt(long id) => Change(
        "UPDATE jobs SET state = $state, reason = '' WHERE id = $id", ("$state", (int)JobState.Running), ("$id", id));

    /// <summary>A job waits again.</summary>
    /// <param name="id">The job.</param>
    /// <param name="reason">Why.</param>
    /// <param name="counts">Whether the attempt counts: it does if the job may be to blame.</param>
    public void Requeue(long id, string reason, bool counts) => Change(
        "UPDATE jobs SET state = $state, reason = $reason, attempts = attempts - $less, node = '', lease = '' WHERE id = $id",
        ("$state", (int)JobState.Queued),
        ("$reason", reason),
        ("$less", counts ? 0 : 1),
        ("$id", id));

    /// <summary>A job is over.</summary>
    public void End(long id, JobState state, string digest, string outcome, string reason) => Change(
        "UPDATE jobs SET state = $state, digest = $digest, outcome = $outcome, reason = $reason, ended = $now, lease = '' WHERE id = $id",
        ("$state", (int)state),
        ("$digest", digest),
        ("$outcome", outcome),
        ("$reason", reason),
        ("$now", Now()),
        ("$id", id));

    /// <summary>Notes something in a job's log, of which the last lines are kept.</summary>
    public void Log(long id, string text)
    {
        lock (_gate)
        {
            using SqliteTransaction transaction = _connection.BeginTransaction();
            Run("INSERT INTO logs (job, time, text) VALUES ($id, $now, $text)", ("$id", id), ("$now", Now()), ("$text", text));
            Run(
                "DELETE FROM logs WHERE job = $id AND number <= "
                    + "(SELECT number FROM logs WHERE job = $id ORDER BY number DESC LIMIT 1 OFFSET $most)",
                ("$id", id),
                ("$most", JobLimits.LogLinesMax));
            transaction.Commit();
        }
    }

    /// <summary>A job's log, in its order.</summary>
    public IReadOnlyList<LogLine> LogOf(long id)
    {
        lock (_gate)
        {
            using SqliteCommand command = Command("SELECT time, text FROM logs WHERE job = $id ORDER BY number", [("$id", id)]);
            using SqliteDataReader reader = command.ExecuteReader();
            List<LogLine> lines = [];
            while (reader.Read())
            {
                lines.Add(new LogLine(reader.GetInt64(0), reader.GetString(1)));
            }

            return lines;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _connection.Dispose();

    private long Now() => _clock.GetUtcNow().ToUnixTimeMilliseconds();

    private void Prepare(string path)
    {
        long found = (long)Scalar("PRAGMA user_version")!;
        if (found is 0 or 1)
        {
            using SqliteTransaction transaction = _connection.BeginTransaction();
            Run(found == 0 ? Tables : FromFirst);
            Run($"PRAGMA user_version = {Version}");
            transaction.Commit();
        }
        else if (found != Version)
        {
            throw new IOException($"{path}: tables of version {found} found; this program has version {Version}");
        }
    }

    private void Change(string sql, params (string Name, object Value)[] values)
    {
        lock (_gate)
        {
            Run(sql, values);
        }
    }

    private void Run(string sql, params (string Name, object Value)[] values)
    {
        using SqliteCommand command = Command(sql, values);
        command.ExecuteNonQuery();
    }

    private object? Scalar(string sql)
    {
        using SqliteCommand command = Command(sql, []);
        return command.ExecuteScalar();
    }

    private List<Job> Select(string sql, params (string Name, object Value)[] values)
    {
        lock (_gate)
        {
            using SqliteCommand command = Command(sql, values);
            using SqliteDataReader reader = command.ExecuteReader();
            List<Job> jobs = [];
            while (reader.Read())
            {
                jobs.Add(Read(reader));
            }

            return jobs;
        }
    }

    private SqliteCommand Command(string sql, (string Name, object Value)[] values)
    {
        SqliteCommand command = _connection.CreateCommand();
        command.CommandText = sql;
        foreach ((string name, object value) in values)
        {
            command.Parameters.AddWithValue(name, value);
        }

        return command;
    }

    private static Job Read(SqliteDataReader reader) => new()
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
