using System.Security.Cryptography.X509Certificates;
using Akka.Configuration;
using Akka.Remote.Transport.DotNetty;
using VmSim.Actors.Security;

namespace VmSim.Actors.Cluster;

/// <summary>
/// How nodes reach each other: TLS, in which both sides show a certificate of one authority. Akka's own check would look for the authority
/// among those that the machine trusts; the one here knows a single authority. What has to hold always is set here, above every file.
/// </summary>
public sealed class SecureRemoting
{
    /// <summary>The protocol in the address of a node.</summary>
    public const string Protocol = "akka.ssl.tcp";

    /// <summary>
    /// Actors that other nodes address by their path: those of the cluster itself, its topics, and a node's own. A selection of any other
    /// is dropped, as are messages that stop actors or make them.
    /// </summary>
    private static readonly string[] Addressed =
    [
        "/system/cluster/core/daemon",
        "/system/cluster/heartbeatReceiver",
        "/system/distributedPubSubMediator",
        "/user/" + NodeProtocol.ActorName,
    ];

    private readonly NodeCertificate _certificate;
    private readonly PeerPolicy _policy;
    private volatile string? _refusal;

    /// <summary>Makes the remoting of a process.</summary>
    /// <param name="certificate">Who it is, and whose nodes it talks to.</param>
    /// <param name="clock">Says what time it is.</param>
    public SecureRemoting(NodeCertificate certificate, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        _certificate = certificate;
        _policy = new PeerPolicy(certificate.Authority, clock);
    }

    /// <summary>
    /// Why this process last refused somebody whom it called, as the rest of a sentence that begins with "its certificate"; null if it has
    /// not.
    /// </summary>
    public string? Refusal => _refusal;

    /// <summary>The certificate, and the check of others', for Akka's transport.</summary>
    public DotNettySslSetup Setup =>
        new(
            _certificate.Certificate,
            suppressValidation: false,
            requireMutualAuthentication: true,
            (certificate, _, peer, _, _) => Accepts(certificate, peer));

    /// <summary>Connections of a node for the envelopes of one run, beside Akka's.</summary>
    public NodeLinks Links() => new(_certificate, _policy);

    /// <summary>
    /// Settings that must come before all others: a certificate that a file names would be taken instead of <see cref="Setup"/>, its check
    /// with it.
    /// </summary>
    /// <param name="host">Address on which the process listens.</param>
    /// <param name="port">Its port; 0 takes a free one.</param>
    public static Config Configuration(string host, int port) => ConfigurationFactory.ParseString($$"""
        akka.actor {
          serializers {
            vmsim = "VmSim.Actors.Cluster.ClusterSerializer, VmSim.Actors"
            akka-misc = "VmSim.Actors.Cluster.PeerMessageSerializer, VmSim.Actors"
            akka-system-msg = "VmSim.Actors.Cluster.PeerSystemMessageSerializer, VmSim.Actors"
            json = "VmSim.Actors.Cluster.RefusingSerializer, VmSim.Actors"
            proto = "VmSim.Actors.Cluster.RefusingSerializer, VmSim.Actors"
            daemon-create = "VmSim.Actors.Cluster.RefusingSerializer, VmSim.Actors"
            reliable-delivery = "VmSim.Actors.Cluster.RefusingSerializer, VmSim.Actors"
            akka-cluster-client = "VmSim.Actors.Cluster.RefusingSerializer, VmSim.Actors"
          }
          # The identifiers of those whose place they take.
          serialization-settings {
            json.identifier = 1
            proto.identifier = 2
            daemon-create.identifier = 3
            akka-cluster-client.identifier = 15
            reliable-delivery.identifier = 36
          }
          serialization-bindings {
            "VmSim.Actors.Cluster.NodeShardProtocol+IMessage, VmSim.Actors" = vmsim
            "VmSim.Actors.Cluster.NodeProtocol+IMessage, VmSim.Actors" = vmsim
          }
        }
        akka.cluster.app-version = "{{BuildIdentity.Here}}"
        akka.remote {
          enabled-transports = ["akka.remote.dot-netty.tcp"]
          untrusted-mode = on
          trusted-selection-paths = [{{string.Join(", ", Addressed.Select(path => $"\"{path}\""))}}]
          dot-netty.tcp {
            transport-class = "Akka.Remote.Transport.DotNetty.TcpTransport, Akka.Remote"
            applied-adapters = []
            hostname = "{{host}}"
            public-hostname = "{{host}}"
            port = {{port}}
            # A port belongs to one process: with on, a second one of the same user would share it, and take every other connection.
            tcp-reuse-addr = off
            enable-ssl = on
            ssl {
              suppress-validation = off
              require-mutual-authentication = on
              certificate {
                path = ""
                use-thumbprint-over-file = off
                use-thumprint-over-file = off
              }
            }
          }
        }
        """);

    private bool Accepts(X509Certificate2? certificate, string peer)
    {
        string? refusal = _policy.Refusal(certificate);
        // Only the other end of a connection that was begun here is called by an address of Akka's; one that came in, by its socket's.
        if (refusal is not null && peer.Contains("://", StringComparison.Ordinal))
        {
            _refusal = refusal;
        }

        return refusal is null;
    }
}
