using System.Data;
using System.Data.Common;
using Microsoft.Data.Sqlite;

namespace VmSim.Host.Service;

/// <summary>A file that SQLite keeps. The lock on the store's folder says that one process uses it.</summary>
/// <param name="path">The file.</param>
internal sealed class SqliteDatabase(string path) : StoreDatabase
{
    private readonly SqliteConnection _connection =
        new(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ConnectionString);

    /// <inheritdoc/>
    public override string Place => path;

    /// <inheritdoc/>
    public override string DrawnNumber => "INTEGER PRIMARY KEY AUTOINCREMENT";

    /// <inheritdoc/>
    public override string TableEnd => "WITHOUT ROWID";

    /// <inheritdoc/>
    public override DbConnection Connect()
    {
        if (_connection.State != ConnectionState.Open)
        {
            _connection.Open();

            // A write is on the disk when its transaction ends (synchronous = FULL), and readers of the file see whole transactions.
            StoreCommand.Scalar(_connection, "PRAGMA journal_mode = WAL");
            StoreCommand.Scalar(_connection, "PRAGMA synchronous = FULL");
        }

        return _connection;
    }

    /// <inheritdoc/>
    public override long VersionOf(DbConnection connection) => (long)StoreCommand.Scalar(connection, "PRAGMA user_version")!;

    /// <inheritdoc/>
    public override string SetVersion(int version) => $"PRAGMA user_version = {version}";

    /// <inheritdoc/>
    protected override void Dispose(bool disposing) => _connection.Dispose();
}
