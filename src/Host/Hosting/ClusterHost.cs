using Akka.Actor;
using Akka.Cluster.Hosting;
using Akka.Configuration;
using Akka.Hosting;
using Akka.Remote.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using VmSim.Actors.Cluster;
using VmSim.Actors.Configuration;
using VmSim.Actors.Security;
using VmSim.Actors.Simulation;
using VmSim.Core.Settings;

namespace VmSim.Host.Hosting;

/// <summary>The actor system of a process that is a node of a cluster, configured by config/cluster.conf over config/akka.conf.</summary>
internal sealed class ClusterHost : IAsyncDisposable
{
    private const string ConfigFile = "cluster.conf";
    private readonly IHost _host;
    private readonly TaskCompletionSource<string> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private ClusterHost(IHost host, SecureRemoting remoting)
    {
        _host = host;
        CoordinatedShutdown shutdown = CoordinatedShutdown.Get(System);
        shutdown.AddTask(CoordinatedShutdown.PhaseBeforeServiceUnbind, "say-why", () =>
        {
            _ended.TrySetResult(WhyItEnded(remoting.Refusal, $"{shutdown.ShutdownReason}"));
            return Task.FromResult(Akka.Done.Instance);
        });
    }

    /// <summary>The actor system.</summary>
    public ActorSystem System => _host.Services.GetRequiredService<ActorSystem>();

    /// <summary>The address under which others reach this node.</summary>
    public Address Address => Akka.Cluster.Cluster.Get(System).SelfAddress;

    /// <summary>The coordinator of runs; only where this process was started as one.</summary>
    public IActorRef Coordinator => _host.Services.GetRequiredService<IActorRegistry>().Get<JobCoordinatorActor>();

    /// <summary>
    /// Completed when the actor system ends by itself, with what it ended of, for a person: Akka ends it when somebody whom it calls turns
    /// out to be a stranger.
    /// </summary>
    public Task<string> Ended => _ended.Task;

    /// <summary>Reads the settings of config/cluster.conf with what the command line says.</summary>
    public static ClusterSettings Settings(IReadOnlyList<string> sets)
    {
        string path = ConfigFiles.Find(ConfigFile);
        ClusterSettings settings = ClusterSettings.Load(File.ReadAllText(path), path, sets);
        return settings.Host == SlurmJob.Word ? settings with { Host = SlurmJob.Own.Host("cluster.host") } : settings;
    }

    /// <summary>Reads the certificate that settings name.</summary>
    /// <exception cref="CertificateException">They name none, or one that cannot be used now.</exception>
    public static NodeCertificate Certificate(ClusterSettings settings)
    {
        if (settings.Certificate.Length == 0)
        {
            throw new CertificateException(
                "cluster.certificate: a certificate is needed, since nodes talk to those of their own authority only: "
                + "\"vmsim certs authority ca\" and \"vmsim certs node ca NAME\" make one, "
                + "--set cluster.certificate=ca/NAME.pem names it; --local-nodes needs none (docs/security.md)");
        }

        NodeCertificate certificate = NodeCertificate.Load(settings.Certificate);
        certificate.RequireUsable(TimeProvider.System, settings.Certificate);
        return certificate;
    }

    /// <summary>Starts a cluster that others can join, with the coordinator of runs.</summary>
    /// <param name="settings">Where it listens.</param>
    /// <param name="port">The port; 0 takes a free one.</param>
    /// <param name="certificate">Who it is, and whose nodes it talks to.</param>
    /// <exception cref="ScenarioException">It cannot listen there.</exception>
    public static async Task<ClusterHost> StartCoordinatorAsync(ClusterSettings settings, int port, NodeCertificate certificate)
    {
        ClusterOptions cluster = new() { Roles = [NodeProtocol.CoordinatorRole] };
        ClusterSingletonOptions singleton = new() { Role = NodeProtocol.CoordinatorRole };
        ClusterHost host = await StartAsync(settings.Host, port, lanes: 1, certificate, cluster, (akka, _) => akka
            .WithSingleton<JobCoordinatorActor>("jobs", JobCoordinatorActor.Props(), singleton, createProxyToo: true));
        Akka.Cluster.Cluster.Get(host.System).Join(host.Address);
        return host;
    }

    /// <summary>Starts a node that joins a cluster and simulates for it.</summary>
    /// <param name="settings">Where it listens.</param>
    /// <param name="join">Host and port of the coordinator.</param>
    /// <param name="lanes">Host threads that simulate.</param>
    /// <param name="certificate">Who it is, and whose nodes it talks to.</param>
    /// <param name="folders">Folders from which it may load files.</param>
    /// <param name="over">Set when the node's run is over.</param>
    /// <exception cref="ScenarioException">It cannot listen there.</exception>
    public static async Task<ClusterHost> StartNodeAsync(
        ClusterSettings settings,
        string join,
        int lanes,
        NodeCertificate certificate,
        NodeFolders folders,
        TaskCompletionSource<string> over)
    {
        ClusterOptions cluster = new() { Roles = [NodeProtocol.WorkerRole], SeedNodes = [$"{SecureRemoting.Protocol}://vmsim@{join}"] };
        return await StartAsync(settings.Host, port: 0, lanes, certificate, cluster, (akka, remoting) => akka
            .WithActors((system, _) => system.ActorOf(NodeActor.Props(lanes, folders, remoting, over), NodeProtocol.ActorName)));
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
    }

    /// <summary>
    /// What a cluster ended of. Both ends of a connection judge each other at once: the one that is called may hang up before this one has
    /// come to its verdict, and then nothing is known of its certificate.
    /// </summary>
    private static string WhyItEnded(string? refusal, string reason)
    {
        // Akka's reason is of a type of its own assembly; its words are all that others see of it.
        const string brokenOff = "TLS handshake failed on outbound connection";
        return refusal is not null
            ? $"a stranger answered where a node was called: its certificate {refusal}"
            : reason.StartsWith(brokenOff, StringComparison.Ordinal)
                ? "a stranger answered where a node was called: it hung up in the handshake, as a node of another authority does, "
                    + "or a program that is none"
                : $"the cluster has ended: {reason}";
    }

    private static async Task<ClusterHost> StartAsync(
        string address,
        int port,
        int lanes,
        NodeCertificate certificate,
        ClusterOptions cluster,
        Action<AkkaConfigurationBuilder, SecureRemoting> actors)
    {
        NodeAddress.RequireHost(address);
        SecureRemoting remoting = new(certificate, TimeProvider.System);
        IHost host = SimulationHost.Build(akka =>
        {
            akka.AddHocon(Lanes.Configuration(lanes), HoconAddMode.Prepend)
                .AddHocon(ConfigurationFactory.ParseString(File.ReadAllText(ConfigFiles.Find(ConfigFile))), HoconAddMode.Prepend)
                .WithRemoting(address, port)
                .WithClustering(cluster)
                .WithDistributedPubSub(null!)
                .AddHocon(SecureRemoting.Configuration(address, port), HoconAddMode.Prepend)
                .AddSetup(remoting.Setup);
            actors(akka, remoting);
        });
        try
        {
            // Made here and not by the host, which would write what went wrong, with its stack, on standard output.
            _ = host.Services.GetRequiredService<ActorSystem>();
            await host.StartAsync();
            return new ClusterHost(host, remoting);
        }
        catch (Exception reason) when (NodeAddress.Explain(reason, address, port) is { } text)
        {
            host.Dispose();
            throw new ScenarioException(text, reason);
        }
    }
}
