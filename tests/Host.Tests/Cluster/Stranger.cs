using System.Collections.Concurrent;
using System.Net;
using System.Reflection;
using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Configuration;
using Akka.Remote;
using Akka.Remote.Transport.DotNetty;
using VmSim.Actors.Cluster;
using VmSim.Actors.Security;
using VmSim.Testing;

namespace VmSim.Host.Tests.Cluster;

/// <summary>How somebody tries to get in who should not.</summary>
public enum Disguise
{
    /// <summary>Without TLS.</summary>
    Plain,

    /// <summary>TLS, without a certificate.</summary>
    NoCertificate,

    /// <summary>TLS, with a certificate that another authority has issued.</summary>
    OtherAuthority,

    /// <summary>TLS, with a certificate of the right authority that has expired.</summary>
    Expired,
}

/// <summary>
/// Somebody who should not get in: an actor system with Akka's own serializers, which checks nobody's certificate and tries all that a
/// member of the cluster could do.
/// </summary>
internal sealed class Stranger : IAsyncDisposable
{
    private readonly ActorSystem _system;
    private readonly ConcurrentQueue<object> _told = [];
    private readonly IActorRef _ear;
    private readonly string _protocol;
    private readonly ConcurrentDictionary<Address, TaskCompletionSource> _refused = [];

    private Stranger(ActorSystem system, string protocol)
    {
        _system = system;
        _protocol = protocol;
        _ear = system.ActorOf(Props.Create(() => new Ear(this)));
        system.EventStream.Subscribe(_ear, typeof(AssociationErrorEvent));
    }

    /// <summary>Makes a stranger.</summary>
    /// <param name="disguise">How it tries to get in.</param>
    /// <param name="expired">A certificate of the cluster's authority that has expired.</param>
    /// <param name="host">Address that it comes from.</param>
    public static Stranger Create(Disguise disguise, NodeCertificate expired, IPAddress host)
    {
        using CertificateAuthority other = CertificateAuthority.Create(TimeProvider.System);
        DotNettySslSetup? tls = disguise switch
        {
            Disguise.Plain => null,
            Disguise.NoCertificate => new DotNettySslSetup(null!, suppressValidation: true, requireMutualAuthentication: false),
            Disguise.OtherAuthority =>
                new DotNettySslSetup(other.Issue("node").Certificate, suppressValidation: true, requireMutualAuthentication: true),
            _ => new DotNettySslSetup(expired.Certificate, suppressValidation: true, requireMutualAuthentication: true),
        };
        Config config = ConfigurationFactory.ParseString($$"""
            akka {
              loglevel = OFF
              actor {
                provider = cluster
                serializers.vmsim = "VmSim.Actors.Cluster.ClusterSerializer, VmSim.Actors"
                serialization-bindings."VmSim.Actors.Cluster.NodeProtocol+IMessage, VmSim.Actors" = vmsim
              }
              # An end that comes before Akka listens is told by the timeout only.
              remote.dot-netty.tcp {
                hostname = "{{host}}"
                port = 0
                enable-ssl = {{(tls is null ? "off" : "on")}}
                connection-timeout = 3s
              }
              cluster.app-version = "{{BuildIdentity.Here}}"
              cluster.roles = [worker, coordinator]
              # Akka would end the system of somebody who is refused, with what else it tries.
              coordinated-shutdown { terminate-actor-system = off, run-by-actor-system-terminate = off }
            }
            """);
        BootstrapSetup bootstrap = BootstrapSetup.Create().WithConfig(config);
        ActorSystem system = ActorSystem.Create(
            "vmsim", tls is null ? ActorSystemSetup.Create(bootstrap) : ActorSystemSetup.Create(bootstrap, tls));
        return new Stranger(system, tls is null ? "akka.tcp" : SecureRemoting.Protocol);
    }

    /// <summary>Tries everything on a node, or on the coordinator; completed once the connection has been refused.</summary>
    /// <param name="victim">Whom.</param>
    /// <param name="others">Whom it is to throw out of the cluster.</param>
    /// <param name="plan">A run that it wants the victim to prepare.</param>
    public Task AttackAsync(Address victim, IReadOnlyList<Address> others, RunPlan plan)
    {
        Address address = victim.WithProtocol(_protocol);
        foreach (string path in (string[])["/user/node", "/user/jobs", "/user/jobs/jobs", "/user", "/system/cluster/core/daemon"])
        {
            ActorSelection actor = _system.ActorSelection(address + path);
            object[] messages =
                [new NodeProtocol.Prepare(plan, 0), new Identify(path), PoisonPill.Instance, Kill.Instance, new NodeProtocol.Dismiss()];
            foreach (object message in messages)
            {
                actor.Tell(message, _ear);
            }
        }

        Akka.Cluster.Cluster cluster = Akka.Cluster.Cluster.Get(_system);
        ActorSelection daemon = _system.ActorSelection(address + "/system/cluster/core/daemon");
        foreach (Address other in others)
        {
            daemon.Tell(Order("Leave", other), _ear);
            daemon.Tell(Order("Down", other), _ear);
            cluster.Leave(other);
            cluster.Down(other);
        }

        cluster.Join(address);
        return RefusalBy(address).Task.OrHangAsync();
    }

    /// <summary>What it was told.</summary>
    public IReadOnlyCollection<object> Told => _told;

    public async ValueTask DisposeAsync() => await _system.Terminate().OrHangAsync();

    /// <summary>Akka's own order to the cluster to have a member leave, or to take it for dead.</summary>
    private static object Order(string kind, Address address) => Activator.CreateInstance(
        typeof(Akka.Cluster.Cluster).Assembly.GetType($"Akka.Cluster.ClusterUserAction+{kind}", throwOnError: true)!,
        BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic,
        binder: null,
        [address],
        culture: null)!;

    private TaskCompletionSource RefusalBy(Address address) =>
        _refused.GetOrAdd(address, _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));

    private sealed class Ear(Stranger stranger) : UntypedActor
    {
        protected override void OnReceive(object message)
        {
            switch (message)
            {
                case AssociationErrorEvent failed:
                    stranger.RefusalBy(failed.RemoteAddress).TrySetResult();
                    break;
                case ActorIdentity { Subject: null }:
                    // its own system says so of a message that does not get through
                    break;
                default:
                    stranger._told.Enqueue(message);
                    break;
            }
        }
    }
}
