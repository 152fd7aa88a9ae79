using Akka.Actor;
using Akka.Cluster.Hosting;
using Akka.Configuration;
using Akka.Hosting;
using Akka.Remote.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using VmSim.Actors.Cluster;
using VmSim.Actors.Configuration;
using VmSim.Actors.Simulation;

namespace VmSim.Host.Hosting;

/// <summary>The actor system of a process that is a node of a cluster, configured by config/cluster.conf over config/akka.conf.</summary>
internal sealed class ClusterHost : IAsyncDisposable
{
    private const string ConfigFile = "cluster.conf";
    private readonly IHost _host;

    private ClusterHost(IHost host) => _host = host;

    /// <summary>The actor system.</summary>
    public ActorSystem System => _host.Services.GetRequiredService<ActorSystem>();

    /// <summary>The address under which others reach this node.</summary>
    public Address Address => Akka.Cluster.Cluster.Get(System).SelfAddress;

    /// <summary>The coordinator of runs; only where this process was started as one.</summary>
    public IActorRef Coordinator => _host.Services.GetRequiredService<IActorRegistry>().Get<JobCoordinatorActor>();

    /// <summary>Reads the settings of config/cluster.conf with what the command line says.</summary>
    public static ClusterSettings Settings(IReadOnlyList<string> sets)
    {
        string path = ConfigFiles.Find(ConfigFile);
        return ClusterSettings.Load(File.ReadAllText(path), path, sets);
    }

    /// <summary>Starts a cluster that others can join, with the coordinator of runs.</summary>
    /// <param name="settings">Where it listens.</param>
    /// <param name="port">The port; 0 takes a free one.</param>
    public static async Task<ClusterHost> StartCoordinatorAsync(ClusterSettings settings, int port)
    {
        ClusterHost host = await StartAsync(settings.Host, port, lanes: 1, new ClusterOptions { Roles = [NodeProtocol.CoordinatorRole] }, akka => akka
            .WithSingleton<JobCoordinatorActor>("jobs", JobCoordinatorActor.Props(), new ClusterSingletonOptions { Role = NodeProtocol.CoordinatorRole }, createProxyToo: true));
        Akka.Cluster.Cluster.Get(host.System).Join(host.Address);
        return host;
    }

    /// <summary>Starts a node that joins a cluster and simulates for it.</summary>
    /// <param name="settings">Where it listens.</param>
    /// <param name="join">Host and port of the coordinator.</param>
    /// <param name="lanes">Host threads that simulate.</param>
    /// <param name="over">Set when the node's run is over.</param>
    public static async Task<ClusterHost> StartNodeAsync(ClusterSettings settings, string join, int lanes, TaskCompletionSource<string> over)
    {
        ClusterOptions cluster = new() { Roles = [NodeProtocol.WorkerRole], SeedNodes = [$"akka.tcp://vmsim@{join}"] };
        return await StartAsync(settings.Host, port: 0, lanes, cluster, akka => akka
            .WithActors((system, _) => system.ActorOf(NodeActor.Props(lanes, over), NodeProtocol.ActorName)));
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
    }

    private static async Task<ClusterHost> StartAsync(
        string address, int port, int lanes, ClusterOptions cluster, Action<AkkaConfigurationBuilder> actors)
    {
        IHost host = SimulationHost.Build(akka =>
        {
            akka.AddHocon(Lanes.Configuration(lanes), HoconAddMode.Prepend)
                .AddHocon(ConfigurationFactory.ParseString(File.ReadAllText(ConfigFiles.Find(ConfigFile))), HoconAddMode.Prepend)
                .WithRemoting(address, port)
                .WithClustering(cluster)
                .WithDistributedPubSub(null!);
            actors(akka);
        });
        await host.StartAsync();
        return new ClusterHost(host);
    }
}
