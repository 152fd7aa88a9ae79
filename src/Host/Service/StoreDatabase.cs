using System.Data.Common;

namespace VmSim.Host.Service;

/// <summary>
/// A database that jobs are in, by one connection of this process; what two kinds of them differ in. It is used by one thread at a time.
/// </summary>
internal abstract class StoreDatabase : IDisposable
{
    /// <summary>What people call it, for messages. It has no password in it.</summary>
    public abstract string Place { get; }

    /// <summary>How a table declares a number that is drawn for each row, from 1 on.</summary>
    public abstract string DrawnNumber { get; }

    /// <summary>How a table ends that has no number of its own.</summary>
    public abstract string TableEnd { get; }

    /// <summary>Whether another process has the database now, so that this one may never again write to it.</summary>
    public virtual bool IsTaken => false;

    /// <summary>The connection, which is opened, and opened again when it was lost.</summary>
    /// <exception cref="DbException">It cannot be opened.</exception>
    /// <exception cref="IOException">Another process has the database, or it is no database.</exception>
    public abstract DbConnection Connect();

    /// <summary>Version of the tables; 0 if there are none.</summary>
    public abstract long VersionOf(DbConnection connection);

    /// <summary>Says in the current transaction of what version the tables are now.</summary>
    public abstract string SetVersion(int version);

    /// <summary>What went wrong, in words, without any secret; null if the database is not to blame.</summary>
    public virtual string? Explain(Exception reason) => reason is DbException ? reason.Message : null;

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Closes the connection.</summary>
    protected abstract void Dispose(bool disposing);
}
