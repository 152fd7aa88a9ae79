namespace VmSim.Host.Tests.Service;

/// <summary>Tests that share one PostgreSQL server, one after another.</summary>
[CollectionDefinition(Name)]
public sealed class PostgresTests : ICollectionFixture<PostgresServer>
{
    /// <summary>Their collection.</summary>
    public const string Name = "PostgreSQL";
}
