using VmSim.Host.Service;
using VmSim.Testing;

namespace VmSim.Host.Tests.Service;

[Collection(PostgresTests.Name)]
public sealed class PostgresRetentionTests(PostgresServer server) : RetentionTests
{
    private readonly string _settings = PostgresServer.Missing is null ? server.Create() : "";

    private protected override JobStore? Open(TimeProvider clock) => PostgresServer.AssertRefusedWhereAbsent()
        ? null
        : new JobStore(new PostgresDatabase(PostgresSettings.Parse(_settings), HangGuard.Limit), clock);
}
