using System.Data;
using System.Data.Common;
using System.Globalization;
using System.Net.Sockets;
using Npgsql;

namespace VmSim.Host.Service;

/// <summary>
/// A database on a PostgreSQL server, of which one service at a time has the only connection that writes. The session holds an advisory
/// lock (PostgreSQL, "Explicit Locking"), which the server frees when the session has ended and not before, with its last transaction
/// done or undone: what comes by the session comes from the process that has the lock. A session that was lost is opened again; a number
/// in the database, which each process raises when it begins, says whether another one has had the lock meanwhile.
/// </summary>
internal sealed class PostgresDatabase : StoreDatabase
{
    /// <summary>Of the advisory locks of a database, the service's: "vmsim" in ASCII.</summary>
    private const long LockKey = 0x766D_7369_6D;

    /// <summary>The first version that ends sessions which are idle for too long (PostgreSQL 14, idle_session_timeout).</summary>
    private const int ServerMajorLeast = 14;

    /// <summary>How long a server that could not be reached is left alone, so that those who wait fail at once.</summary>
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(1);

    private readonly string _settings;
    private readonly TimeSpan _silence;
    private NpgsqlConnection? _connection;
    private (long Until, string Message) _rest;
    private long _epoch;
    private bool _isTaken;

    /// <summary>Names a database; <see cref="Connect"/> opens it.</summary>
    /// <param name="settings">How it is reached, as <see cref="PostgresSettings"/> gives it.</param>
    /// <param name="silence">After this time without a word the server ends the session of a process that is frozen or gone.</param>
    public PostgresDatabase(NpgsqlConnectionStringBuilder settings, TimeSpan silence)
    {
        _settings = settings.ConnectionString;
        _silence = silence;
        Place = $"PostgreSQL database {settings.Database} at {settings.Host}";
    }

    /// <inheritdoc/>
    public override string Place { get; }

    /// <inheritdoc/>
    public override string DrawnNumber => "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY";

    /// <inheritdoc/>
    public override string TableEnd => "";

    /// <inheritdoc/>
    public override bool IsTaken => _isTaken;

    /// <inheritdoc/>
    public override DbConnection Connect()
    {
        if (_connection is { State: ConnectionState.Open } open)
        {
            return open;
        }

        if (_isTaken)
        {
            throw Taken();
        }

        if (Environment.TickCount64 < _rest.Until)
        {
            throw new StoreAwayException(_rest.Message);
        }

        _connection?.Dispose();
        _connection = null;
        NpgsqlConnection connection = new(_settings);
        try
        {
            connection.Open();
            Take(connection);
            return _connection = connection;
        }
        catch (Exception reason)
        {
            connection.Dispose();
            if (Explain(reason) is { } words)
            {
                _rest = (Environment.TickCount64 + (long)Rest.TotalMilliseconds, $"{Place}: {words}");
            }

            throw;
        }
    }

    /// <inheritdoc/>
    public override long VersionOf(DbConnection connection) =>
        Convert.ToInt64(StoreCommand.Scalar(connection, "SELECT version FROM service"), CultureInfo.InvariantCulture);

    /// <inheritdoc/>
    public override string SetVersion(int version) => $"UPDATE service SET version = {version}";

    /// <inheritdoc/>
    public override string? Explain(Exception reason) => reason switch
    {
        PostgresException said => $"{said.MessageText} ({said.SqlState})",
        NpgsqlException { InnerException: { } inner } when inner.Message != reason.Message => $"{reason.Message}: {inner.Message}",
        NpgsqlException when reason.Message.StartsWith("No password", StringComparison.Ordinal) =>
            $"{reason.Message}; no line of the password file is for this host, port, database and user",
        DbException or SocketException or TimeoutException => reason.Message,
        _ => null,
    };

    /// <inheritdoc/>
    protected override void Dispose(bool disposing) => _connection?.Dispose();

    private void Take(NpgsqlConnection connection)
    {
        if (connection.PostgreSqlVersion.Major < ServerMajorLeast)
        {
            throw new IOException(
                $"{Place}: PostgreSQL {connection.PostgreSqlVersion} found; {ServerMajorLeast} or later is needed");
        }

        // A session that says nothing is ended by the server, within a transaction too, and so its lock; what is answered is on the disk.
        string silence = _silence.TotalMilliseconds.ToString("F0", CultureInfo.InvariantCulture);
        StoreCommand.Scalar(
            connection,
            $"SELECT set_config('idle_session_timeout', '{silence}', false), "
                + $"set_config('idle_in_transaction_session_timeout', '{silence}', false), "
                + "set_config('synchronous_commit', "
                + "CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, false)");
        bool hasLock = StoreCommand.Scalar(connection, $"SELECT pg_try_advisory_lock({LockKey})") is true;
        if (_epoch != 0 && (long)StoreCommand.Scalar(connection, "SELECT epoch FROM service")! != _epoch)
        {
            _isTaken = true;
            throw Taken();
        }

        if (!hasLock)
        {
            throw new StoreAwayException($"{Place}: another vmsim serve has this database");
        }

        if (_epoch == 0)
        {
            StoreCommand.Scalar(
                connection,
                "CREATE TABLE IF NOT EXISTS service (one BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (one), "
                    + "version INTEGER NOT NULL DEFAULT 0, epoch BIGINT NOT NULL DEFAULT 0); "
                    + "INSERT INTO service DEFAULT VALUES ON CONFLICT DO NOTHING");
            _epoch = (long)StoreCommand.Scalar(connection, "UPDATE service SET epoch = epoch + 1 RETURNING epoch")!;
        }
    }

    private IOException Taken() => new($"{Place}: another vmsim serve has taken this database over");
}
