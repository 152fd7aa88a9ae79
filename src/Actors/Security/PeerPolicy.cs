using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace VmSim.Actors.Security;

/// <summary>
/// Whom a node talks to: processes whose certificate its own authority has issued for nodes, and that is valid now. No other authority
/// counts, be it trusted by the machine or not. The name of a host is not compared: every node of an authority is trusted alike, and nodes
/// move between addresses.
/// </summary>
/// <param name="authority">The certificate of the authority.</param>
/// <param name="clock">Says what time it is.</param>
public sealed class PeerPolicy(X509Certificate2 authority, TimeProvider clock)
{
    /// <summary>Purposes that a node's certificate has (RFC 5280, 4.2.1.12): every node is asked and asks.</summary>
    internal static readonly Oid[] Purposes = [new("1.3.6.1.5.5.7.3.1", "TLS server"), new("1.3.6.1.5.5.7.3.2", "TLS client")];

    /// <summary>Why a certificate is refused, as the rest of a sentence that begins with "the certificate"; null if it is not.</summary>
    /// <param name="certificate">The other's certificate; null if it showed none.</param>
    public string? Refusal(X509Certificate2? certificate)
    {
        if (certificate is null)
        {
            return "is missing";
        }

        try
        {
            return Judge(certificate);
        }
        catch (CryptographicException)
        {
            // An extension that is no ASN.1 is found when the chain is judged, not when the certificate is read.
            return "is damaged";
        }
    }

    private string? Judge(X509Certificate2 certificate)
    {
        DateTime now = clock.GetUtcNow().UtcDateTime;
        using X509Chain chain = new();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(authority);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.VerificationTime = now;
        chain.ChainPolicy.VerificationTimeIgnored = false;
        foreach (Oid purpose in Purposes)
        {
            chain.ChainPolicy.ApplicationPolicy.Add(purpose);
        }

        if (chain.Build(certificate) && chain.ChainElements.Count == 2 && EndsHere(chain))
        {
            return null;
        }

        // Who issued it comes first: what a stranger's certificate says of itself is of no interest.
        DateTime first = certificate.NotBefore.ToUniversalTime();
        DateTime last = certificate.NotAfter.ToUniversalTime();
        return !IssuedHere(chain) ? "is of another authority"
            : now > last ? $"has expired on {last:yyyy-MM-dd HH:mm} UTC"
            : now < first ? $"is valid from {first:yyyy-MM-dd HH:mm} UTC only; it is {now:yyyy-MM-dd HH:mm} here"
            : "is not that of a node";
    }

    private bool IssuedHere(X509Chain chain) => chain.ChainElements.Count > 1 && EndsHere(chain) && chain.ChainElements.All(element =>
        element.ChainElementStatus.All(status => (status.Status & X509ChainStatusFlags.NotSignatureValid) == 0));

    private bool EndsHere(X509Chain chain) =>
        chain.ChainElements[^1].Certificate.RawDataMemory.Span.SequenceEqual(authority.RawDataMemory.Span);
}
