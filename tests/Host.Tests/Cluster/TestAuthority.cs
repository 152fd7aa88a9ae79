using VmSim.Actors.Security;

namespace VmSim.Host.Tests.Cluster;

/// <summary>An authority in a folder of its own, for tests that start nodes by command lines.</summary>
internal sealed class TestAuthority : IDisposable
{
    private readonly CertificateAuthority _authority = CertificateAuthority.Create(TimeProvider.System);

    public TestAuthority()
    {
        Folder = Directory.CreateTempSubdirectory("vmsim-tests-").FullName;
        _authority.Save(Folder);
    }

    /// <summary>The folder.</summary>
    public string Folder { get; }

    /// <summary>Options that name a certificate of the authority.</summary>
    /// <param name="name">The node's name.</param>
    public string[] Certificate(string name) =>
        ["--set", $"cluster.certificate={_authority.IssueInto(Folder, name, CertificateAuthority.NodeDays, renew: false)}"];

    public void Dispose()
    {
        _authority.Dispose();
        Directory.Delete(Folder, recursive: true);
    }
}
