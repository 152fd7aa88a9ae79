using Akka.Actor.Setup;
using Akka.Configuration;
using VmSim.Actors.Cluster;
using VmSim.Actors.Configuration;
using VmSim.Actors.Security;

namespace VmSim.Actors.Tests.Cluster;

/// <summary>Actor systems that are nodes of one authority, as the command line starts them.</summary>
internal static class SecureNodes
{
    private static readonly CertificateAuthority Authority = CertificateAuthority.Create(TimeProvider.System);

    /// <summary>How a node on a free port of the loopback is configured.</summary>
    public static Config Configuration() =>
        SecureRemoting.Configuration("127.0.0.1", 0).WithFallback(
            ConfigurationFactory.ParseString(File.ReadAllText(ConfigFiles.Find("cluster.conf"))));

    /// <summary>A node's certificate, and the check of others'.</summary>
    public static Setup Setup() => Remoting("node").Setup;

    /// <summary>The remoting of a process with a name of its own.</summary>
    public static SecureRemoting Remoting(string name) => new(Certificate(name), TimeProvider.System);

    /// <summary>A certificate of the authority of all nodes here.</summary>
    public static NodeCertificate Certificate(string name) => Authority.Issue(name);
}
