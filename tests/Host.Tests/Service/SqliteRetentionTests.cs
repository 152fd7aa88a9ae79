using VmSim.Host.Service;

namespace VmSim.Host.Tests.Service;

public sealed class SqliteRetentionTests : RetentionTests
{
    private readonly string _folder = Directory.CreateTempSubdirectory("vmsim-store-").FullName;

    private protected override JobStore Open(TimeProvider clock) => new(new SqliteDatabase(Path.Combine(_folder, "jobs.db")), clock);

    protected override void Dispose(bool disposing)
    {
        Directory.Delete(_folder, recursive: true);
        base.Dispose(disposing);
    }
}
