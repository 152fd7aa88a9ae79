using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace VmSim.Actors.Security;

/// <summary>
/// A small authority of one's own: issues the certificates of nodes, and of nothing else. Keys are ECDSA on P-256, signatures with SHA-256.
/// Its folder holds authority.crt, authority.key, and a file for each node.
/// </summary>
public sealed class CertificateAuthority : IDisposable
{
    /// <summary>The authority's certificate in its folder.</summary>
    public const string CertificateFile = "authority.crt";

    /// <summary>The authority's key in its folder.</summary>
    public const string KeyFile = "authority.key";

    /// <summary>How long an authority lasts, in days.</summary>
    public const int AuthorityDays = 3_650;

    /// <summary>How long a node's certificate lasts, in days, if nothing else is said.</summary>
    public const int NodeDays = 365;

    /// <summary>Most letters of a node's name: one label of a host's name (RFC 1035).</summary>
    private const int NameLengthMax = 63;

    private const int SerialBytes = 16;

    /// <summary>How far the clocks of two machines may be apart.</summary>
    private static readonly TimeSpan ClockSkew = TimeSpan.FromHours(1);

    private readonly TimeProvider _clock;

    private CertificateAuthority(X509Certificate2 certificate, TimeProvider clock)
    {
        Certificate = certificate;
        _clock = clock;
    }

    /// <summary>The authority's certificate, with its key.</summary>
    public X509Certificate2 Certificate { get; }

    /// <summary>Makes an authority, in memory.</summary>
    /// <param name="clock">Says what time it is.</param>
    public static CertificateAuthority Create(TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(clock);
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new(
            $"CN=vmsim authority {Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(
            new X509BasicConstraintsExtension(
                certificateAuthority: true, hasPathLengthConstraint: true, pathLengthConstraint: 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        DateTimeOffset now = clock.GetUtcNow();
        return new CertificateAuthority(request.CreateSelfSigned(now - ClockSkew, now.AddDays(AuthorityDays)), clock);
    }

    /// <summary>Reads the authority of a folder.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="clock">Says what time it is.</param>
    /// <exception cref="CertificateException">There is none, or others may read its key.</exception>
    public static CertificateAuthority Load(string folder, TimeProvider clock)
    {
        string path = Path.Combine(folder, CertificateFile);
        if (!File.Exists(path))
        {
            throw new CertificateException($"{path}: there is no such file; an authority is made once: vmsim certs authority {folder}");
        }

        string key = PrivateFile.Read(Path.Combine(folder, KeyFile));
        try
        {
            return new CertificateAuthority(X509Certificate2.CreateFromPem(File.ReadAllText(path), key), clock);
        }
        catch (Exception reason) when (reason is CryptographicException or ArgumentException or NotSupportedException)
        {
            throw new CertificateException(
                $"{path} and {KeyFile}: an authority's certificate and its key are needed, "
                + $"as vmsim certs authority writes them ({reason.Message})",
                reason);
        }
    }

    /// <summary>Writes a new authority into a folder.</summary>
    /// <param name="folder">The folder; made if it is not there.</param>
    /// <exception cref="CertificateException">The folder has one already.</exception>
    public void Save(string folder)
    {
        string certificateFile = Path.Combine(folder, CertificateFile);
        PrivateFile.RequireNone(certificateFile);
        bool isNew = !Directory.Exists(folder);
        PrivateFile.CreateFolder(folder);
        using ECDsa key = Certificate.GetECDsaPrivateKey()!;
        string keyFile = Path.Combine(folder, KeyFile);
        bool hasKey = false;
        try
        {
            PrivateFile.Create(keyFile, key.ExportPkcs8PrivateKeyPem() + "\n");
            hasKey = true;
            PrivateFile.Create(certificateFile, Certificate.ExportCertificatePem() + "\n", isPublic: true);
        }
        catch (IOException)
        {
            // A key without its certificate would stand in the way of the next attempt.
            if (hasKey)
            {
                File.Delete(keyFile);
            }

            if (isNew)
            {
                Directory.Delete(folder);
            }

            throw;
        }
    }

    /// <summary>Addresses of a certificate at most.</summary>
    public const int AddressesMax = 64;

    /// <summary>Letters of a host's name at most (RFC 1035, 2.3.4).</summary>
    private const int HostLengthMax = 253;

    /// <summary>Issues a node's certificate, with a key of its own.</summary>
    /// <param name="name">The node's name: letters, digits, dots and dashes, at most 63.</param>
    /// <param name="days">Days until it expires; it never outlasts the authority.</param>
    /// <param name="addresses">
    /// IP addresses and names of hosts under which other programs reach it, at most <see cref="AddressesMax"/>; nodes compare none.
    /// </param>
    /// <exception cref="CertificateException">The name or an address is not allowed, or the authority has expired.</exception>
    public NodeCertificate Issue(string name, int days = NodeDays, params IReadOnlyList<string> addresses)
    {
        ArgumentNullException.ThrowIfNull(addresses);
        RequireName(name);
        DateTimeOffset now = _clock.GetUtcNow();
        DateTimeOffset last = new(Certificate.NotAfter.ToUniversalTime());
        if (now >= last)
        {
            throw new CertificateException(
                $"the authority has expired on {last:yyyy-MM-dd}; "
                + "a new one is made in another folder, with certificates for all nodes: vmsim certs authority");
        }

        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(
            new X509BasicConstraintsExtension(certificateAuthority: false, hasPathLengthConstraint: false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([.. PeerPolicy.Purposes], critical: true));
        request.CertificateExtensions.Add(AlternativeNames(name, addresses));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        request.CertificateExtensions.Add(
            X509AuthorityKeyIdentifierExtension.CreateFromCertificate(
                Certificate, includeKeyIdentifier: true, includeIssuerAndSerial: false));
        DateTimeOffset first = now - ClockSkew;
        DateTimeOffset begin = new(Certificate.NotBefore.ToUniversalTime());
        DateTimeOffset end = now.AddDays(days);
        using X509Certificate2 issued = request.Create(
            Certificate, first < begin ? begin : first, end > last ? last : end, RandomNumberGenerator.GetBytes(SerialBytes));
        return NodeCertificate.Of(issued.CopyWithPrivateKey(key), X509CertificateLoader.LoadCertificate(Certificate.RawData));
    }

    /// <summary>Issues a node's certificate and writes it into a folder.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="name">The node's name.</param>
    /// <param name="days">Days until it expires.</param>
    /// <param name="renew">Whether it takes the place of one that is there; otherwise there must be none.</param>
    /// <param name="addresses">As for <see cref="Issue"/>; a new one without any has those of the old one.</param>
    /// <returns>The file.</returns>
    /// <exception cref="CertificateException">
    /// The name or an address is not allowed, or there is a file, or none, in its place.
    /// </exception>
    public string IssueInto(string folder, string name, int days, bool renew, params IReadOnlyList<string> addresses)
    {
        string path = PathOf(folder, name);
        if (renew && !File.Exists(path))
        {
            throw new CertificateException(
                $"{path}: there is no such certificate to renew; a first one is made by vmsim certs node {folder} {name}");
        }

        if (renew && addresses.Count == 0)
        {
            using NodeCertificate old = NodeCertificate.Load(path);
            addresses = old.Addresses;
        }

        using NodeCertificate certificate = Issue(name, days, addresses);
        if (renew)
        {
            PrivateFile.Replace(path, certificate.ToPem());
        }
        else
        {
            PrivateFile.Create(path, certificate.ToPem());
        }

        return path;
    }

    /// <summary>Names of the nodes that have a file in a folder, in alphabetical order.</summary>
    public static IReadOnlyList<string> NamesIn(string folder) =>
        [.. Directory.GetFiles(folder, "*.pem").Select(path => Path.GetFileNameWithoutExtension(path)).Order(StringComparer.Ordinal)];

    /// <inheritdoc/>
    public void Dispose() => Certificate.Dispose();

    private static X509Extension AlternativeNames(string name, IReadOnlyList<string> addresses)
    {
        if (addresses.Count > AddressesMax)
        {
            throw new CertificateException($"{addresses.Count} addresses found; at most {AddressesMax} are allowed");
        }

        SubjectAlternativeNameBuilder names = new();
        foreach (string address in addresses.Prepend(name).Distinct(StringComparer.Ordinal))
        {
            if (IPAddress.TryParse(address, out IPAddress? number))
            {
                names.AddIpAddress(number);
            }
            else if (address.Length <= HostLengthMax && Uri.CheckHostName(address) == UriHostNameType.Dns)
            {
                names.AddDnsName(address);
            }
            else if (address != name)
            {
                // A node's name need not be a host's.
                throw new CertificateException($"\"{address}\" is no address: an IP address or the name of a host is allowed");
            }
        }

        return names.Build();
    }

    private static string PathOf(string folder, string name)
    {
        RequireName(name);
        return Path.Combine(folder, name + ".pem");
    }

    private static void RequireName(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        bool allowed = name.Length is > 0 and <= NameLengthMax && char.IsAsciiLetterOrDigit(name[0])
            && name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '.');
        if (!allowed)
        {
            throw new CertificateException(
                $"\"{name}\" is no name for a node: letters, digits, dots and dashes are allowed, at most {NameLengthMax}, "
                + "and a letter or digit first");
        }
    }
}
