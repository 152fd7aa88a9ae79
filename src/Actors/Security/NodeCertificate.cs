using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace VmSim.Actors.Security;

/// <summary>
/// What a process needs to be a node: a certificate with its key, and the certificate of the authority that issued it and whose nodes are
/// the only ones it talks to. As text, in this order: certificate, key (PKCS #8), authority's certificate, each in PEM (RFC 7468).
/// </summary>
public sealed class NodeCertificate : IDisposable
{
    private NodeCertificate(X509Certificate2 certificate, X509Certificate2 authority)
    {
        Certificate = certificate;
        Authority = authority;
    }

    /// <summary>The node's certificate, with its key.</summary>
    public X509Certificate2 Certificate { get; }

    /// <summary>The certificate of its authority, without a key.</summary>
    public X509Certificate2 Authority { get; }

    /// <summary>The node's name.</summary>
    public string Name => Certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false);

    /// <summary>When the certificate expires.</summary>
    public DateTimeOffset Expires => new(Certificate.NotAfter.ToUniversalTime());

    /// <summary>IP addresses and names of hosts, the node's own apart, under which other programs reach it.</summary>
    public IReadOnlyList<string> Addresses =>
    [
        .. Certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>().SelectMany(names =>
            names.EnumerateIPAddresses().Select(address => address.ToString())
                .Concat(names.EnumerateDnsNames().Where(name => name != Name))),
    ];

    /// <summary>Reads a file that <c>vmsim certs node</c> has written.</summary>
    /// <param name="path">The file; only its owner may read it.</param>
    /// <exception cref="CertificateException">There is none, others may read it, or it holds something else.</exception>
    public static NodeCertificate Load(string path) => Parse(PrivateFile.Read(path), path);

    /// <summary>Reads a certificate from its text.</summary>
    /// <param name="pem">The text.</param>
    /// <param name="origin">Where it comes from, for messages.</param>
    /// <exception cref="CertificateException">It is something else.</exception>
    public static NodeCertificate Parse(string pem, string origin)
    {
        ArgumentNullException.ThrowIfNull(pem);
        X509Certificate2? certificate = null;
        X509Certificate2? authority = null;
        try
        {
            certificate = X509Certificate2.CreateFromPem(pem, pem);
            X509Certificate2Collection all = [];
            all.ImportFromPem(pem);
            authority = all is [_, { } second] ? second : throw new CryptographicException($"{all.Count} certificates found");
            return new NodeCertificate(certificate, authority);
        }
        catch (Exception reason) when (reason is CryptographicException or ArgumentException or NotSupportedException)
        {
            certificate?.Dispose();
            authority?.Dispose();
            throw new CertificateException(
                $"{origin}: a node's certificate, its key and the certificate of its authority are needed, "
                + $"as vmsim certs node writes them ({reason.Message})",
                reason);
        }
    }

    /// <summary>Finds out whether the certificate can be used now.</summary>
    /// <param name="clock">Says what time it is.</param>
    /// <param name="origin">Where the certificate comes from, for messages.</param>
    /// <exception cref="CertificateException">It has expired, is not valid yet, or its authority has not issued it.</exception>
    public void RequireUsable(TimeProvider clock, string origin)
    {
        if (new PeerPolicy(Authority, clock).Refusal(Certificate) is { } reason)
        {
            throw new CertificateException($"{origin}: the certificate {reason}; vmsim certs renew makes a new one");
        }
    }

    /// <summary>The certificate, its key and its authority's certificate as text.</summary>
    public string ToPem()
    {
        using ECDsa key = Certificate.GetECDsaPrivateKey()!;
        return $"{Certificate.ExportCertificatePem()}\n{key.ExportPkcs8PrivateKeyPem()}\n{Authority.ExportCertificatePem()}\n";
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Certificate.Dispose();
        Authority.Dispose();
    }

    /// <summary>A node's certificate that was made here.</summary>
    internal static NodeCertificate Of(X509Certificate2 certificate, X509Certificate2 authority) => new(certificate, authority);
}
