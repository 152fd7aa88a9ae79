using System.Net;
using Npgsql;
using VmSim.Host.Terminal;

namespace VmSim.Host.Service;

/// <summary>What <c>--database</c> says: a connection string of Npgsql, without a password, and safe beyond the machine.</summary>
internal static class PostgresSettings
{
    /// <summary>Seconds in which a server must be reached: as long as one that did not answer is left alone by the scheduler.</summary>
    private const int ConnectSeconds = 5;

    /// <summary>Seconds in which a command must be answered: as long as a silent node is waited for.</summary>
    private const int CommandSeconds = 15;

    /// <summary>Texts of commands that the server keeps parsed; a store has fewer.</summary>
    private const int CommandsKept = 32;

    private const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute
        | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    /// <summary>Reads a connection string.</summary>
    /// <param name="text">The string.</param>
    /// <exception cref="UsageException">It cannot be used, or holds what it must not.</exception>
    public static NpgsqlConnectionStringBuilder Parse(string text)
    {
        NpgsqlConnectionStringBuilder settings;
        try
        {
            settings = new NpgsqlConnectionStringBuilder(text);
        }
        catch (Exception reason) when (reason is ArgumentException or FormatException or InvalidCastException or OverflowException)
        {
            // The text may hold a password, so it is not repeated.
            throw Wrong($"a connection string such as \"Host=db;Database=vmsim;Username=vmsim\" is needed ({reason.Message})");
        }

        if (settings.Password is not null)
        {
            throw Wrong(
                "a password found, which everybody on this machine could read; write it into a file of mode 0600, "
                + "and add Passfile=FILE, or set PGPASSFILE or PGPASSWORD in the environment");
        }

        if (string.IsNullOrEmpty(settings.Host) || string.IsNullOrEmpty(settings.Database))
        {
            throw Wrong("Host= and Database= are needed");
        }

        if (settings.Host.Contains(',', StringComparison.Ordinal))
        {
            throw Wrong($"several hosts found, {settings.Host}; one is allowed, since a lock on one server is none on another");
        }

        RequireSafe(settings);
        RequirePrivate(settings.Passfile ?? Environment.GetEnvironmentVariable("PGPASSFILE"));
        settings.Pooling = false;
        settings.Enlist = false;
        settings.PersistSecurityInfo = false;
        settings.ApplicationName = "vmsim serve";
        settings.Timeout = Said(settings, "Timeout") ? settings.Timeout : ConnectSeconds;
        settings.CommandTimeout = Said(settings, "Command Timeout") ? settings.CommandTimeout : CommandSeconds;
        settings.MaxAutoPrepare = CommandsKept;
        return settings;
    }

    /// <summary>Requires TLS with a certificate that is looked at wherever others could listen in.</summary>
    private static void RequireSafe(NpgsqlConnectionStringBuilder settings)
    {
        string host = settings.Host!;
        bool isHere = host.StartsWith('/') || host == "localhost"
            || (IPAddress.TryParse(host, out IPAddress? address) && IPAddress.IsLoopback(address));
        if (!isHere && !Said(settings, "SSL Mode"))
        {
            settings.SslMode = SslMode.VerifyFull;
        }

        if (!isHere && settings.SslMode is not (SslMode.VerifyFull or SslMode.VerifyCA))
        {
            throw Wrong($"SSL Mode={settings.SslMode} found; beyond this machine VerifyFull, the default, and VerifyCA are allowed");
        }
    }

    private static void RequirePrivate(string? file)
    {
        if (file is null)
        {
            return;
        }

        if (!File.Exists(file))
        {
            throw Wrong($"Passfile: there is no file {file}");
        }

        if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(file) & Others) != 0)
        {
            throw Wrong($"others than its owner may use {file}, which holds a password; only the owner may: chmod 600 {file}");
        }
    }

    private static bool Said(NpgsqlConnectionStringBuilder settings, string key) =>
        settings.Keys.Contains(key, StringComparer.OrdinalIgnoreCase);

    private static UsageException Wrong(string what) => new($"--database: {what}");
}
