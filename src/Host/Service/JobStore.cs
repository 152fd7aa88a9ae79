using System.Data.Common;
using System.Text.Json;
using VmSim.Actors.Cluster;

namespace VmSim.Host.Service;

/// <summary>
/// The jobs of a service in a database. What a method has done is on the disk when it, or its task, is over: a process or a machine that
/// ends after it loses nothing of it. Changes that are asked for at the same time share a transaction (<see cref="StoreWriter"/>). One that
/// fails may be called again: it changes the same again, or adds once more. A job that is over stays as it is. The methods may be called
/// from any thread.
/// </summary>
internal sealed partial class JobStore : IDisposable
{
    private const string Columns =
        "id, submission, name, label, owner, priority, state, request, digest, outcome, reason, attempts, submitted, started, ended, "
        + "node, lease, bounds, nodes, spread, members, build";

    private readonly StoreDatabase _database;
    private readonly TimeProvider _clock;
    private readonly Lock _gate = new();
    private readonly StoreWriter _writer;

    /// <summary>The builds that jobs are of, by their numbers; a service adds its own when it begins, and no other one does.</summary>
    private readonly Dictionary<long, string> _builds = new() { [0] = "" };
    private long _buildNumber;

    /// <summary>Opens the database, or makes its tables.</summary>
    /// <param name="database">The database, which goes with the store.</param>
    /// <param name="clock">Says what time it is.</param>
    /// <param name="build">The build of which jobs are that are submitted; null for this process's.</param>
    /// <exception cref="IOException">It is of another version, no database, or cannot be had.</exception>
    public JobStore(StoreDatabase database, TimeProvider clock, string? build = null)
    {
        (_database, _clock, Build) = (database, clock, build ?? BuildIdentity.Here);
        try
        {
            Change(connection => StoreTables.Prepare(database, connection) + ReadBuilds(connection));
        }
        catch
        {
            database.Dispose();
            throw;
        }

        _writer = new StoreWriter(Make);
    }

    /// <summary>The build of which jobs are that are submitted.</summary>
    public string Build { get; }

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

    /// <summary>A job; null if there is none of this number.</summary>
    public Job? Find(long id) => Ask(connection => Find(connection, id));

    /// <summary>A job, when all that was asked for before is done; null if there is none of this number.</summary>
    public Task<Job?> FindAsync(long id) => _writer.ChangeAsync(connection => Find(connection, id));

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
    public StoreRecovery Recover() => Change(connection =>
    {
        StoreCommand.Run(
            connection,
            "UPDATE jobs SET state = @queued, reason = 'the service ended; it goes on from its last checkpoint' WHERE state = @running",
            ("@queued", (int)JobState.Queued),
            ("@running", (int)JobState.Running));
        string waiting = $"SELECT build, priority, owner, count(*) FROM jobs WHERE state = {(int)JobState.Queued}";
        const string Line = "GROUP BY build, priority, owner";
        List<WaitingLine> split = LinesOf(connection, $"{waiting} AND nodes > 1 {Line}", isSplit: true);
        Dictionary<(string, string, int), long> counts = split.ToDictionary(
            line => (line.Build, line.Owner, line.Priority), line => line.Count);
        WaitingLine[] lines =
        [
            .. LinesOf(connection, $"{waiting} {Line}", isSplit: false).Select(line => line with
            {
                Count = line.Count - counts.GetValueOrDefault((line.Build, line.Owner, line.Priority)),
            }),
            .. split,
        ];
        return new StoreRecovery(lines, Select(connection, $"SELECT {Columns} FROM jobs WHERE lease <> '' ORDER BY id"));
    });

    private List<WaitingLine> LinesOf(DbConnection connection, string sql, bool isSplit)
    {
        using DbCommand command = StoreCommand.Of(connection, sql);
        using DbDataReader reader = command.ExecuteReader();
        List<WaitingLine> lines = [];
        while (reader.Read())
        {
            lines.Add(new WaitingLine(
                _builds[reader.GetInt64(0)], reader.GetString(2), reader.GetInt32(1), isSplit, reader.GetInt64(3)));
        }

        return lines;
    }

    /// <summary>Finds the builds that jobs are of, this one among them.</summary>
    private int ReadBuilds(DbConnection connection)
    {
        StoreCommand.Run(connection, "INSERT INTO builds (name) VALUES (@name) ON CONFLICT DO NOTHING", ("@name", Build));
        using DbCommand command = StoreCommand.Of(connection, "SELECT number, name FROM builds");
        using DbDataReader reader = command.ExecuteReader();
        while (reader.Read())
        {
            _builds[reader.GetInt64(0)] = reader.GetString(1);
        }

        _buildNumber = _builds.Single(build => build.Value == Build).Key;
        return _builds.Count;
    }

    /// <summary>The next jobs of an owner that wait, in the order of submission, when all that was asked for before is done.</summary>
    /// <param name="owner">Whose.</param>
    /// <param name="priority">Of which priority.</param>
    /// <param name="after">Those with a greater number.</param>
    /// <param name="count">How many at most.</param>
    /// <param name="isSplit">Those that several nodes are to have together, or the others.</param>
    /// <param name="build">Those of a build; null for this one.</param>
    /// <returns>Their numbers, rising.</returns>
    public Task<IReadOnlyList<long>> WaitingAsync(
        string owner, int priority, long after, int count, bool isSplit = false, string? build = null) =>
        _writer.ChangeAsync<IReadOnlyList<long>>(connection =>
    {
        using DbCommand command = StoreCommand.Of(
            connection,
            $"SELECT id FROM jobs WHERE state = {(int)JobState.Queued} AND build = @build AND priority = @priority AND owner = @owner "
                + $"AND id > @after AND nodes {(isSplit ? ">" : "=")} 1 ORDER BY id LIMIT @count",
            ("@build", build is null ? _buildNumber : _builds.Single(known => known.Value == build).Key),
            ("@priority", priority),
            ("@owner", owner),
            ("@after", after),
            ("@count", count));
        using DbDataReader reader = command.ExecuteReader();
        List<long> jobs = [];
        while (reader.Read())
        {
            jobs.Add(reader.GetInt64(0));
        }

        return jobs;
    });

    /// <summary>What a job runs.</summary>
    public RunRequest RunOf(Job job) => Ask(connection => RunOf(connection, job));

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
    public void Dispose()
    {
        _writer.Dispose();
        _database.Dispose();
    }

    private long Now() => _clock.GetUtcNow().ToUnixTimeMilliseconds();

    private Job? Find(DbConnection connection, long id) =>
        Select(connection, $"SELECT {Columns} FROM jobs WHERE id = @id", ("@id", id)).FirstOrDefault();

    private RunRequest RunOf(DbConnection connection, Job job)
    {
        using DbCommand command = StoreCommand.Of(
            connection, "SELECT text, inputs FROM scenarios WHERE request = @id", ("@id", job.Request));
        using DbDataReader reader = command.ExecuteReader();
        return reader.Read() ? RunOf(job, reader, 0) : throw NoScenario(job);
    }

    /// <summary>Reads what a job runs from two columns.</summary>
    private RunRequest RunOf(Job job, DbDataReader reader, int column) => reader.IsDBNull(column)
        ? throw NoScenario(job)
        : new RunRequest(
            job.Label, reader.GetString(column), JsonSerializer.Deserialize<IReadOnlyList<InputName>>(reader.GetString(column + 1))!);

    private IOException NoScenario(Job job) => new($"{_database.Place}: there is no scenario of job {job.Id}");

    /// <summary>A result that was made for the same request, and how its run ended; null if there is none.</summary>
    private static (string Digest, string Outcome)? ResultFor(DbConnection connection, string request, Func<string, bool> hasResult)
    {
        using DbCommand command = StoreCommand.Of(
            connection,
            $"SELECT digest, outcome FROM jobs WHERE request = @request AND state = {(int)JobState.Done} LIMIT 1",
            ("@request", request));
        using DbDataReader reader = command.ExecuteReader();
        return reader.Read() && hasResult(reader.GetString(0)) ? (reader.GetString(0), reader.GetString(1)) : null;
    }

    private List<Job> Select(string sql, params (string Name, object Value)[] values) =>
        Ask(connection => Select(connection, sql, values));

    private List<Job> Select(DbConnection connection, string sql, params (string Name, object Value)[] values)
    {
        using DbCommand command = StoreCommand.Of(connection, sql, values);
        using DbDataReader reader = command.ExecuteReader();
        List<Job> jobs = [];
        while (reader.Read())
        {
            jobs.Add(Read(reader));
        }

        return jobs;
    }

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

    private Job Read(DbDataReader reader) => new()
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
        Bounds = JsonSerializer.Deserialize<JobBounds>(reader.GetString(17), ServiceJson.Options)!,
        Spread = JsonSerializer.Deserialize<JobSpread>(reader.GetString(19), ServiceJson.Options)! with { Nodes = reader.GetInt32(18) },
        Members = reader.GetString(20).Split(',', StringSplitOptions.RemoveEmptyEntries),
        Build = _builds[reader.GetInt64(21)],
    };
}
