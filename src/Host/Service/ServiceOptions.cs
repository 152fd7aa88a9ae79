using System.Net;
using Npgsql;
using VmSim.Actors.Security;

namespace VmSim.Host.Service;

/// <summary>How a service is run.</summary>
internal sealed record ServiceOptions
{
    /// <summary>
    /// The port if nobody says otherwise. Any would do that is below the ones that Linux gives to whoever connects (32,768 to 60,999,
    /// net.ipv4.ip_local_port_range) and is not the cluster's.
    /// </summary>
    public const int UsualPort = 4980;

    /// <summary>The store.</summary>
    public required StoreFolder Store { get; init; }

    /// <summary>The PostgreSQL database that jobs are in; null for SQLite in the store's folder.</summary>
    public NpgsqlConnectionStringBuilder? Database { get; init; }

    /// <summary>Where it listens.</summary>
    public required IPEndPoint Listen { get; init; }

    /// <summary>What it shows who connects; null for a service without TLS, which listens on the loopback alone.</summary>
    public NodeCertificate? Certificate { get; init; }

    /// <summary>How jobs are made.</summary>
    public required SchedulerOptions Jobs { get; init; }

    /// <summary>Whether the log is JSON, a line an event.</summary>
    public bool LogsJson { get; init; }
}
