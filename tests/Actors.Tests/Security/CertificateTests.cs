using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using VmSim.Actors.Security;
using VmSim.Tests.Shared;

namespace VmSim.Actors.Tests.Security;

public sealed class CertificateTests : IDisposable
{
    private static readonly DateTimeOffset Today = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private readonly string _folder = Path.Combine(Directory.CreateTempSubdirectory("vmsim-tests-").FullName, "authority");
    private readonly FixedClock _clock = new(Today);

    public void Dispose() => Directory.Delete(Path.GetDirectoryName(_folder)!, recursive: true);

    [Fact]
    public void Refusal_OwnNode_IsNone()
    {
        using CertificateAuthority authority = CertificateAuthority.Create(_clock);
        using NodeCertificate one = authority.Issue("one");
        using NodeCertificate two = authority.Issue("two");
        Assert.Null(new PeerPolicy(one.Authority, _clock).Refusal(two.Certificate));
        Assert.Equal(("two", Today.AddDays(CertificateAuthority.NodeDays)), (two.Name, two.Expires));
        Assert.False(one.Authority.HasPrivateKey);
    }

    [Theory]
    [InlineData(-1, "is valid from 2026-03-01 11:00 UTC only")]
    [InlineData(0, null)]
    [InlineData(9, null)]
    [InlineData(11, "has expired on 2026-03-11 12:00 UTC")]
    [InlineData(4_000, "has expired on 2026-03-11 12:00 UTC")]
    public void Refusal_ByTime_SaysWhen(int days, string? expected)
    {
        using CertificateAuthority authority = CertificateAuthority.Create(_clock);
        using NodeCertificate node = authority.Issue("node", days: 10);
        string? refusal = new PeerPolicy(node.Authority, new FixedClock(Today.AddDays(days))).Refusal(node.Certificate);
        Assert.Equal(expected is null, refusal is null);
        Assert.StartsWith(expected ?? "", refusal ?? "", StringComparison.Ordinal);
    }

    /// <summary>Programs that compare addresses find them, beside the node's name; a renewed certificate keeps them.</summary>
    [Fact]
    public void Issue_WithAddresses_NamesThemAndKeepsThem()
    {
        using CertificateAuthority authority = CertificateAuthority.Create(_clock);
        authority.Save(_folder);
        string[] addresses = ["192.0.2.7", "2001:db8::1", "vmsim.example.org"];
        string file = authority.IssueInto(_folder, "service", 10, renew: false, addresses);
        Check(addresses);
        authority.IssueInto(_folder, "service", 10, renew: true);
        Check(addresses);
        authority.IssueInto(_folder, "service", 10, renew: true, "192.0.2.8");
        Check(["192.0.2.8"]);

        void Check(string[] expected)
        {
            using NodeCertificate certificate = NodeCertificate.Load(file);
            Assert.Equal(expected.Order(StringComparer.Ordinal), certificate.Addresses.Order(StringComparer.Ordinal));
            Assert.All(expected.Prepend("service"), name => Assert.True(certificate.Certificate.MatchesHostname(name)));
            Assert.False(certificate.Certificate.MatchesHostname("other.example.org"));
        }
    }

    [Theory]
    [InlineData("no host")]
    [InlineData("")]
    [InlineData("https://service")]
    [InlineData("192.0.2.7:4980")]
    public void Issue_WithWhatIsNoAddress_SaysSo(string address)
    {
        using CertificateAuthority authority = CertificateAuthority.Create(_clock);
        Assert.Contains("is no address", Assert.Throws<CertificateException>(() => authority.Issue("node", 10, address)).Message);
    }

    [Fact]
    public void Refusal_NoneOrAnotherAuthority_SaysSo()
    {
        using CertificateAuthority authority = CertificateAuthority.Create(_clock);
        using CertificateAuthority other = CertificateAuthority.Create(_clock);
        using NodeCertificate stranger = other.Issue("node");
        PeerPolicy policy = new(authority.Certificate, _clock);
        Assert.Equal("is missing", policy.Refusal(null));
        Assert.Equal("is of another authority", policy.Refusal(stranger.Certificate));
        Assert.Equal("is of another authority", policy.Refusal(other.Certificate));
        Assert.NotNull(policy.Refusal(authority.Certificate));
    }

    /// <summary>An extension that is no ASN.1: a chain is judged only then, and the judge says so by an exception.</summary>
    [Fact]
    public void Refusal_DamagedExtension_SaysSo()
    {
        using CertificateAuthority authority = CertificateAuthority.Create(_clock);
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new("CN=node", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509Extension("2.5.29.37", [0x30, 0x20, 0x06], critical: true));
        using X509Certificate2 damaged = request.Create(authority.Certificate, Today, Today.AddDays(1), [1]);
        Assert.Equal("is damaged", new PeerPolicy(authority.Certificate, _clock).Refusal(damaged));
    }

    /// <summary>An authority that calls itself, and its key, like ours: only the signature tells them apart.</summary>
    [Fact]
    public void Refusal_AuthorityOfTheSameName_IsAnother()
    {
        using CertificateAuthority authority = CertificateAuthority.Create(_clock);
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new(authority.Certificate.SubjectName, key, HashAlgorithmName.SHA256);
        foreach (X509Extension extension in authority.Certificate.Extensions)
        {
            request.CertificateExtensions.Add(extension);
        }

        using X509Certificate2 twin = request.CreateSelfSigned(Today, Today.AddDays(300));
        using X509Certificate2 forged = Issue(twin, "node", ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"]);
        Assert.Equal("is of another authority", new PeerPolicy(authority.Certificate, _clock).Refusal(forged));
        Assert.Null(new PeerPolicy(twin, _clock).Refusal(forged));
    }

    /// <summary>Certificates for one side only, and those that a node issues, are no nodes' certificates.</summary>
    [Fact]
    public void Refusal_OtherPurposesOrIssuedByANode_IsRefused()
    {
        using CertificateAuthority authority = CertificateAuthority.Create(_clock);
        using NodeCertificate node = authority.Issue("node");
        PeerPolicy policy = new(authority.Certificate, _clock);
        using X509Certificate2 client = Issue(authority.Certificate, "client", ["1.3.6.1.5.5.7.3.2"]);
        using X509Certificate2 server = Issue(authority.Certificate, "server", ["1.3.6.1.5.5.7.3.1"]);
        Assert.Equal("is not that of a node", policy.Refusal(client));
        Assert.Equal("is not that of a node", policy.Refusal(server));
        CertificateRequest request = new("CN=child", node.Certificate.GetECDsaPrivateKey()!, HashAlgorithmName.SHA256);
        using ECDsa key = node.Certificate.GetECDsaPrivateKey()!;
        using X509Certificate2 child = request.Create(
            node.Certificate.SubjectName, X509SignatureGenerator.CreateForECDsa(key), Today, Today.AddDays(1), [1]);
        Assert.NotNull(policy.Refusal(child));
    }

    [Fact]
    public void Issue_PastTheAuthoritysEnd_EndsWithIt()
    {
        using CertificateAuthority authority = CertificateAuthority.Create(_clock);
        authority.Save(_folder);
        using CertificateAuthority late = CertificateAuthority.Load(
            _folder, new FixedClock(Today.AddDays(CertificateAuthority.AuthorityDays - 1)));
        using NodeCertificate node = late.Issue("node");
        Assert.Equal(Today.AddDays(CertificateAuthority.AuthorityDays), node.Expires);
        using CertificateAuthority over = CertificateAuthority.Load(
            _folder, new FixedClock(Today.AddDays(CertificateAuthority.AuthorityDays)));
        Assert.Contains(
            "has expired on 2036-02-27", Assert.Throws<CertificateException>(() => over.Issue("node")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Save_NewFolder_IsForItsOwnerOnlyButTheCertificateForAll()
    {
        using CertificateAuthority authority = CertificateAuthority.Create(_clock);
        authority.Save(_folder);
        string file = authority.IssueInto(_folder, "node", 10, renew: false);
        authority.IssueInto(_folder, "node", 20, renew: true);
        using NodeCertificate node = NodeCertificate.Load(file);
        node.RequireUsable(_clock, file);
        Assert.Equal(Today.AddDays(20), node.Expires);
        Assert.Equal(
            ["authority.crt", "authority.key", "node.pem"],
            Directory.GetFileSystemEntries(_folder).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal(["node"], CertificateAuthority.NamesIn(_folder));
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(_folder));
            foreach (string path in Directory.GetFiles(_folder).Where(path => !path.EndsWith(".crt", StringComparison.Ordinal)))
            {
                Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
            }

            // As any other file that this user makes.
            string ordinary = Path.Combine(_folder, "ordinary");
            File.WriteAllText(ordinary, "");
            Assert.Equal(File.GetUnixFileMode(ordinary), File.GetUnixFileMode(Path.Combine(_folder, CertificateAuthority.CertificateFile)));
        }
    }

    [Fact]
    public void Save_WhatIsThere_IsNotOverwritten()
    {
        using CertificateAuthority authority = CertificateAuthority.Create(_clock);
        authority.Save(_folder);
        string file = authority.IssueInto(_folder, "node", 10, renew: false);
        Dictionary<string, string> before = Directory.GetFiles(_folder).ToDictionary(path => path, File.ReadAllText);
        using CertificateAuthority other = CertificateAuthority.Create(_clock);
        Assert.Contains("exists already", Assert.Throws<CertificateException>(() => other.Save(_folder)).Message, StringComparison.Ordinal);
        Assert.Contains(
            file,
            Assert.Throws<CertificateException>(() => authority.IssueInto(_folder, "node", 10, renew: false)).Message,
            StringComparison.Ordinal);
        Assert.Contains(
            "no such certificate to renew",
            Assert.Throws<CertificateException>(() => authority.IssueInto(_folder, "other", 10, renew: true)).Message,
            StringComparison.Ordinal);
        Assert.Equal(before, Directory.GetFiles(_folder).ToDictionary(path => path, File.ReadAllText));
    }

    [Theory]
    [InlineData("")]
    [InlineData("../node")]
    [InlineData("a/b")]
    [InlineData(".hidden")]
    [InlineData("-x")]
    [InlineData("a,CN=b")]
    [InlineData("a234567890123456789012345678901234567890123456789012345678901234")]
    public void Issue_NameThatIsNone_IsRefused(string name)
    {
        using CertificateAuthority authority = CertificateAuthority.Create(_clock);
        Assert.Contains(
            "is no name for a node",
            Assert.Throws<CertificateException>(() => authority.IssueInto(_folder, name, 1, renew: false)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Load_FileThatOthersMayUse_IsRefused()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        using CertificateAuthority authority = CertificateAuthority.Create(_clock);
        authority.Save(_folder);
        string file = authority.IssueInto(_folder, "node", 10, renew: false);
        string link = Path.Combine(_folder, "link.pem");
        File.CreateSymbolicLink(link, file);
        NodeCertificate.Load(link).Dispose();
        foreach (UnixFileMode mode in new[] { UnixFileMode.GroupRead, UnixFileMode.OtherRead, UnixFileMode.OtherWrite })
        {
            File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | mode);
            Assert.Contains(
                $"chmod 600 {file}",
                Assert.Throws<CertificateException>(() => NodeCertificate.Load(file)).Message,
                StringComparison.Ordinal);
            Assert.Throws<CertificateException>(() => NodeCertificate.Load(link));
        }

        File.SetUnixFileMode(Path.Combine(_folder, "authority.key"), UnixFileMode.UserRead | UnixFileMode.GroupRead);
        Assert.Throws<CertificateException>(() => CertificateAuthority.Load(_folder, _clock));
    }

    [Fact]
    public void Parse_SomethingElse_SaysWhatIsNeeded()
    {
        using CertificateAuthority authority = CertificateAuthority.Create(_clock);
        using NodeCertificate node = authority.Issue("node");
        using NodeCertificate other = authority.Issue("other");
        string pem = node.ToPem();
        using NodeCertificate again = NodeCertificate.Parse(pem, "here");
        Assert.Equal(pem, again.ToPem());
        string key = pem[pem.IndexOf("-----BEGIN PRIVATE", StringComparison.Ordinal)..];
        string foreign = other.Certificate.ExportCertificatePem() + "\n" + key;
        string[] wrong = ["", "x", node.Certificate.ExportCertificatePem(), key, pem[..^40], foreign, pem + pem];
        foreach (string text in wrong)
        {
            Assert.StartsWith(
                "here: a node's certificate, its key",
                Assert.Throws<CertificateException>(() => NodeCertificate.Parse(text, "here")).Message,
                StringComparison.Ordinal);
        }
    }

    [Fact]
    public void RequireUsable_Expired_SaysHowToRenew()
    {
        using CertificateAuthority authority = CertificateAuthority.Create(_clock);
        using NodeCertificate node = authority.Issue("node", days: 1);
        CertificateException error = Assert.Throws<CertificateException>(
            () => node.RequireUsable(new FixedClock(Today.AddDays(2)), "node.pem"));
        Assert.Equal("node.pem: the certificate has expired on 2026-03-02 12:00 UTC; vmsim certs renew makes a new one", error.Message);
    }

    private static X509Certificate2 Issue(X509Certificate2 authority, string name, string[] purposes)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new($"CN={name}", key, HashAlgorithmName.SHA256);
        OidCollection oids = [];
        foreach (string purpose in purposes)
        {
            oids.Add(new Oid(purpose));
        }

        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(oids, critical: true));
        request.CertificateExtensions.Add(
            X509AuthorityKeyIdentifierExtension.CreateFromCertificate(
                authority, includeKeyIdentifier: true, includeIssuerAndSerial: false));
        return request.Create(authority, Today, Today.AddDays(10), [7]);
    }
}
