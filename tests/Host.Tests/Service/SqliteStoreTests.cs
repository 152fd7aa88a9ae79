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
        Assert.Contains(Database, Assert.Throws<StoreAwayException>(Open).Message, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private protected override JobStore Open() => new(new SqliteDatabase(Database), Clock);
}
