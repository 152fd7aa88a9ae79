using System.Text;
using VmSim.Actors.Security;

namespace VmSim.CoverageFuzz.Targets;

/// <summary>A node's certificate. One that can be used can be written, and read again.</summary>
internal sealed class CertificateTarget() : FuzzTarget("certificate", typeof(CertificateException))
{
    public override IEnumerable<byte[]> Seeds
    {
        get
        {
            using CertificateAuthority authority = CertificateAuthority.Create(TimeProvider.System);
            using NodeCertificate node = authority.Issue("a");
            return [SeedFiles.Text(node.ToPem())];
        }
    }

    public override IEnumerable<string> Words =>
    [
        "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----", "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----",
        "-----BEGIN EC PRIVATE KEY-----", "-----BEGIN RSA PRIVATE KEY-----",
    ];

    protected override void Read(byte[] input)
    {
        using NodeCertificate certificate = NodeCertificate.Parse(Encoding.UTF8.GetString(input), "fuzz.pem");
        certificate.RequireUsable(TimeProvider.System, "fuzz.pem");
        using NodeCertificate again = NodeCertificate.Parse(certificate.ToPem(), "again.pem");
        Same("a certificate", certificate.Certificate.RawData, again.Certificate.RawData);
        Same("its name", Encoding.UTF8.GetBytes(certificate.Name), Encoding.UTF8.GetBytes(again.Name));
    }
}
