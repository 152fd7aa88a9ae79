using System.Data.Common;

namespace VmSim.Host.Service;

/// <summary>The tables of a store.</summary>
internal static class StoreTables
{
    /// <summary>Version of the tables: those before are brought up to it, others are refused.</summary>
    public const int Version = 7;

    /// <summary>What version 1 lacks: nodes, and their leases.</summary>
    private const string Nodes =
        """
        ALTER TABLE jobs ADD COLUMN node TEXT NOT NULL DEFAULT '';
        ALTER TABLE jobs ADD COLUMN lease TEXT NOT NULL DEFAULT '';
        """;

    /// <summary>What version 2 lacks: lines of an owner and a priority, and an index of results that grows once for each job.</summary>
    private const string Indexes =
        """
        CREATE INDEX jobs_in_line ON jobs (priority, owner, id) WHERE state = 0;
        CREATE INDEX jobs_leased ON jobs (id) WHERE lease <> '';
        CREATE INDEX jobs_done ON jobs (request) WHERE state = 2;
        """;

    /// <summary>What version 3 lacks: what a job may take at most, as JSON.</summary>
    private const string Bounds = "ALTER TABLE jobs ADD COLUMN bounds TEXT NOT NULL DEFAULT '{}';";

    /// <summary>What version 4 lacks: over how many nodes a job is spread, what it takes, as JSON, and which nodes have it.</summary>
    private const string Spread =
        """
        ALTER TABLE jobs ADD COLUMN nodes INTEGER NOT NULL DEFAULT 1;
        ALTER TABLE jobs ADD COLUMN spread TEXT NOT NULL DEFAULT '{}';
        ALTER TABLE jobs ADD COLUMN members TEXT NOT NULL DEFAULT '';
        CREATE INDEX jobs_split ON jobs (priority, owner, id) WHERE state = 0 AND nodes > 1;
        """;

    /// <summary>
    /// What version 5 lacks: when each result was used last, its bytes (-1 where nobody has looked), and when it was removed (0 for not).
    /// With the index of jobs that are done, every job is in one that finds it by its request.
    /// </summary>
    private static string Results(StoreDatabase database) =>
        $"""
        CREATE TABLE results (
          digest TEXT PRIMARY KEY, used BIGINT NOT NULL, bytes BIGINT NOT NULL DEFAULT -1, removed BIGINT NOT NULL DEFAULT 0)
          {database.TableEnd};
        CREATE INDEX results_used ON results (used) WHERE removed = 0;
        CREATE INDEX results_removed ON results (removed) WHERE removed > 0;
        CREATE INDEX jobs_not_done ON jobs (request) WHERE state <> 2;
        INSERT INTO results (digest, used) SELECT digest, max(ended) FROM jobs WHERE state = 2 AND digest <> '' GROUP BY digest;
        """;

    /// <summary>
    /// What version 6 lacks: the build that makes a job, of which each line has one; 0 where nobody has written it down.
    /// </summary>
    private static string Builds(StoreDatabase database) =>
        $"""
        CREATE TABLE builds (number {database.DrawnNumber}, name TEXT NOT NULL UNIQUE);
        ALTER TABLE jobs ADD COLUMN build BIGINT NOT NULL DEFAULT 0;
        DROP INDEX jobs_in_line;
        DROP INDEX jobs_split;
        CREATE INDEX jobs_in_line ON jobs (build, priority, owner, id) WHERE state = 0;
        CREATE INDEX jobs_split ON jobs (build, priority, owner, id) WHERE state = 0 AND nodes > 1;
        """;

    /// <summary>Brings the tables to the version of this program.</summary>
    /// <exception cref="IOException">They are of another version.</exception>
    public static int Prepare(StoreDatabase database, DbConnection connection)
    {
        long found = database.VersionOf(connection);
        return found switch
        {
            Version => 0,
            >= 0 and < Version => StoreCommand.Run(connection, StepsFrom(found, database) + database.SetVersion(Version)),
            _ => throw new IOException($"{database.Place}: tables of version {found} found; this program has version {Version}"),
        };
    }

    private static string StepsFrom(long version, StoreDatabase database) => version switch
    {
        0 => Tables(database) + Indexes + StepsFrom(3, database),
        1 => Nodes + StepsFrom(2, database),
        2 => "DROP INDEX jobs_by_request;" + Indexes + StepsFrom(3, database),
        3 => Bounds + StepsFrom(4, database),
        4 => Spread + StepsFrom(5, database),
        5 => Results(database) + StepsFrom(6, database),
        _ => Builds(database),
    };

    private static string Tables(StoreDatabase database) =>
        $"""
        CREATE TABLE scenarios (request TEXT PRIMARY KEY, text TEXT NOT NULL, inputs TEXT NOT NULL) {database.TableEnd};
        CREATE TABLE jobs (
          id {database.DrawnNumber}, submission BIGINT NOT NULL, name TEXT NOT NULL, label TEXT NOT NULL, owner TEXT NOT NULL,
          priority INTEGER NOT NULL, state INTEGER NOT NULL, request TEXT NOT NULL, digest TEXT NOT NULL DEFAULT '',
          outcome TEXT NOT NULL DEFAULT '', reason TEXT NOT NULL DEFAULT '', attempts INTEGER NOT NULL DEFAULT 0,
          submitted BIGINT NOT NULL, started BIGINT NOT NULL DEFAULT 0, ended BIGINT NOT NULL DEFAULT 0,
          node TEXT NOT NULL DEFAULT '', lease TEXT NOT NULL DEFAULT '');
        CREATE INDEX jobs_by_state ON jobs (state, id);
        CREATE INDEX jobs_by_submission ON jobs (submission, id);
        CREATE TABLE logs (number {database.DrawnNumber}, job BIGINT NOT NULL, time BIGINT NOT NULL, text TEXT NOT NULL);
        CREATE INDEX logs_by_job ON logs (job, number);
        """;
}
