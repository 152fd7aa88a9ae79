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

    /// <summary>What is kept of what is over.</summary>
    public RetentionRules Keeps { get; init; } = RetentionRules.None;

    /// <summary>Requests of one address in a second if nobody says otherwise: a page or a command that waits asks a few times.</summary>
    public const int UsualRequests = 200;

    /// <summary>
    /// Connections at a time if nobody says otherwise: each costs a descriptor, of which a process usually has 1,024 or more, and memory.
    /// </summary>
    public const int UsualConnections = 256;

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

    /// <summary>Requests of one address in a second, at least 1; more are answered with status 429.</summary>
    public int Requests { get; init; } = UsualRequests;

    /// <summary>Connections at a time, at least 1; more are closed at once. A node has one, and one for each file that it sends.</summary>
    public int Connections { get; init; } = UsualConnections;

    /// <summary>What a check of a scenario may take.</summary>
    public CheckLimits Checks { get; init; } = new();

    /// <summary>Whether the log is JSON, a line an event.</summary>
    public bool LogsJson { get; init; }
}
