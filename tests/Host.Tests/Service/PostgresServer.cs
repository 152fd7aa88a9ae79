using System.Diagnostics;
using Npgsql;
using VmSim.Host.Capture;
using VmSim.Host.Service;
using VmSim.Testing;

namespace VmSim.Host.Tests.Service;

/// <summary>
/// A PostgreSQL server of the tests' own, in a folder that goes with it, reached by a socket there and a password in a file. It refuses to
/// run as root, so that it runs as nobody if the tests do.
/// </summary>
public sealed class PostgresServer : IDisposable
{
    private const string User = "vmsim";

    /// <summary>What a message must never show.</summary>
    public const string Password = "correct horse battery";

    private static readonly string? Programs = Find();
    private readonly string _folder = Directory.CreateTempSubdirectory("vmsim-pg-").FullName;
    private readonly bool _isDurable;
    private int _databases;

    /// <summary>Starts a server if the machine has one. It survives the death of its processes, and not that of the machine.</summary>
    public PostgresServer()
        : this(isDurable: false)
    {
    }

    private PostgresServer(bool isDurable)
    {
        _isDurable = isDurable;
        if (Missing is not null)
        {
            return;
        }

        string secret = Path.Combine(_folder, "password");
        File.WriteAllText(secret, Password);
        Private("passfile", $"*:*:*:{User}:{Password}\n");
        if (Environment.IsPrivilegedProcess)
        {
            Run("chown", "-R", "nobody", _folder);
        }

        RunProgram("initdb", "-D", Data, "-U", User, "-A", "scram-sha-256", $"--pwfile={secret}", "-E", "UTF8", "--no-sync");
        Start();
        if (Environment.IsPrivilegedProcess)
        {
            Run("chown", "root", PassFile);
        }
    }

    /// <summary>Starts a server whose transactions are on the disk when they end, for what measures.</summary>
    public static PostgresServer StartDurable() => new(isDurable: true);

    /// <summary>What the machine lacks for a server, with what installs it; null for nothing.</summary>
    public static string? Missing => Programs is null ? "there is no PostgreSQL server: apt-get install postgresql" : null;

    /// <summary>The file that has the password.</summary>
    public string PassFile => Path.Combine(_folder, "passfile");

    private string Data => Path.Combine(_folder, "data");

    /// <summary>A new database.</summary>
    /// <returns>How it is reached.</returns>
    public string Create()
    {
        string name = $"test{++_databases}";
        Ask(SettingsOf("postgres"), $"CREATE DATABASE {name}");
        return SettingsOf(name);
    }

    /// <summary>How a database is reached.</summary>
    public string SettingsOf(string database) => $"Host={_folder};Database={database};Username={User};Passfile={PassFile}";

    /// <summary>Writes a file that only its owner may read.</summary>
    public string Private(string name, string text)
    {
        string path = Path.Combine(_folder, name);
        TokenFile.WritePrivate(path, text);
        return path;
    }

    /// <summary>Asks a database by a connection of the test's own.</summary>
    public static object? Ask(string settings, string sql)
    {
        using NpgsqlConnection connection = new($"{settings};Pooling=false");
        connection.Open();
        using NpgsqlCommand command = new(sql, connection);
        return command.ExecuteScalar();
    }

    /// <summary>Has the server end the sessions of stores in a database, as it does with those that are silent.</summary>
    public static void EndSessions(string settings) => Ask(
        settings,
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            + "WHERE application_name = 'vmsim serve' AND datname = current_database()");

    /// <summary>Starts the server.</summary>
    public void Start() => RunProgram(
        "pg_ctl", "start", "-w", "-s", "-D", Data, "-l", Path.Combine(_folder, "log"), "-o",
        $"-c listen_addresses= -c unix_socket_directories={_folder} -c fsync={(_isDurable ? "on" : "off")}");

    /// <summary>Ends the server as a crash would: its processes stop where they are.</summary>
    public void Kill() => RunProgram("pg_ctl", "stop", "-w", "-s", "-D", Data, "-m", "immediate");

    /// <summary>Where there is no server: asserts that it is said what is missing, and that a store without one says so too.</summary>
    /// <returns>Whether there is none.</returns>
    public static bool AssertRefusedWhereAbsent()
    {
        if (Missing is not { } missing)
        {
            return false;
        }

        Assert.Contains("apt-get install postgresql", missing, StringComparison.Ordinal);
        PostgresDatabase none = new(PostgresSettings.Parse("Host=/nowhere;Database=vmsim;Username=vmsim"), HangGuard.Limit);
        string said = Assert.Throws<StoreAwayException>(() => new JobStore(none, TimeProvider.System)).Message;
        Assert.Contains("PostgreSQL database vmsim at /nowhere", said, StringComparison.Ordinal);
        return true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Missing is null)
        {
            RunProgram("pg_ctl", "stop", "-w", "-s", "-D", Data, "-m", "fast");
        }

        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>Debian keeps the programs of each version in a folder of its own, outside of the path.</summary>
    private static string? Find()
    {
        const string Debian = "/usr/lib/postgresql";
        return Directory.Exists(Debian)
            ? Directory.GetDirectories(Debian).Select(version => Path.Combine(version, "bin"))
                .Where(folder => File.Exists(Path.Combine(folder, "initdb"))).Max(StringComparer.Ordinal)
            : Path.GetDirectoryName(CaptureTools.Find("initdb"));
    }

    private static void RunProgram(string program, params string[] arguments)
    {
        string path = Path.Combine(Programs!, program);
        if (Environment.IsPrivilegedProcess)
        {
            Run("setpriv", ["--reuid=nobody", "--regid=nogroup", "--clear-groups", path, .. arguments]);
        }
        else
        {
            Run(path, arguments);
        }
    }

    /// <summary>Runs a program, which succeeds.</summary>
    internal static void Run(string program, params string[] arguments)
    {
        ProcessStartInfo start = new(program, arguments)
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            UseShellExecute = false,
            WorkingDirectory = "/",
        };
        using Process process = Process.Start(start)!;
        Task<string> said = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)}: {output}{said.Result}");
    }
}
