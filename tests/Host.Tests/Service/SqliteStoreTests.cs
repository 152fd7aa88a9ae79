using VmSim.Host.Service;

namespace VmSim.Host.Tests.Service;

public sealed class SqliteStoreTests : JobStoreTests, IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("vmsim-store-").FullName;

    private string Database => Path.Combine(_folder, "jobs.db");

    [Fact]
    public void Open_WhatIsNone_IsRefused()
    {
        File.WriteAllText(Database, "this is no database, and long enough to be looked at as one: " + new string('x', 100));
        Assert.Contains(Database, Assert.Throws<StoreAwayException>(() => Open()).Message, StringComparison.Ordinal);
    }

    /// <summary>What a service of the version before has left is taken up.</summary>
    [Fact]
    public void Open_TablesOfTheVersionBefore_BringsThemUp()
    {
        using (JobStore first = Open())
        {
            Add(first, "ada", "a", "b");
            Begin(first, 1, "one", "00000000000000a1");
        }

        using (SqliteDatabase database = new(Database))
        {
            StoreCommand.Run(
                database.Connect(),
                "DROP INDEX jobs_split; DROP INDEX jobs_in_line; ALTER TABLE jobs DROP COLUMN build; DROP TABLE builds; "
                    + "DROP TABLE results; DROP INDEX jobs_not_done; "
                    + "ALTER TABLE jobs DROP COLUMN nodes; ALTER TABLE jobs DROP COLUMN spread; "
                    + "ALTER TABLE jobs DROP COLUMN members; "
                    + "ALTER TABLE jobs DROP COLUMN bounds; DROP INDEX jobs_leased; DROP INDEX jobs_done; "
                    + "CREATE INDEX jobs_by_request ON jobs (request, state); PRAGMA user_version = 2");
        }

        using JobStore again = Open();
        StoreRecovery found = again.Recover();
        Assert.Equal(("", 2), (Assert.Single(found.Waiting).Build, found.Waiting[0].Count));
        Assert.Equal((1, JobBounds.None), (Assert.Single(found.Leased).Id, found.Leased[0].Bounds));
        Assert.Equal(JobSpread.None, found.Leased[0].Spread);
        Assert.Empty(found.Leased[0].Members);
        using SqliteDatabase seen = new(Database);
        Assert.Equal(7L, seen.VersionOf(seen.Connect()));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private protected override JobStore Open(string? build = null) => new(new SqliteDatabase(Database), Clock, build);
}
