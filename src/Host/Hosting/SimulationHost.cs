using Akka.Actor;
using Akka.Configuration;
using Akka.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using VmSim.Actors.Configuration;
using VmSim.Actors.Running;
using VmSim.Host.Terminal;

namespace VmSim.Host.Hosting;

/// <summary>
/// The actor system of this process, configured by config/akka.conf and started by Akka.Hosting, with one lane for each host thread.
/// </summary>
internal sealed class SimulationHost : IAsyncDisposable
{
    private readonly IHost _host;

    private SimulationHost(IHost host)
    {
        _host = host;
        System = host.Services.GetRequiredService<ActorSystem>();
        Runner = new SimulationRunner(System);
    }

    /// <summary>The actor system.</summary>
    public ActorSystem System { get; }

    /// <summary>Runs scenarios on the actor system.</summary>
    public ISimulationRunner Runner { get; }

    /// <summary>Starts the actor system.</summary>
    /// <param name="lanes">Host threads that simulate.</param>
    public static async Task<SimulationHost> StartAsync(int lanes)
    {
        IHost host = Build(akka => akka.WithSimulationLanes(lanes));
        await host.StartAsync();
        return new SimulationHost(host);
    }

    /// <summary>A host of an actor system that has config/akka.conf below what <paramref name="configure"/> adds.</summary>
    internal static IHost Build(Action<AkkaConfigurationBuilder> configure)
    {
        Shortage.RequireEnough();
        HostApplicationBuilder builder = Microsoft.Extensions.Hosting.Host.CreateEmptyApplicationBuilder(
            new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton<IHostLifetime, CommandLifetime>();
        Config config = ConfigurationFactory.ParseString(File.ReadAllText(ConfigFiles.Find("akka.conf")));
        builder.Services.AddAkka("vmsim", akka =>
        {
            configure(akka);
            akka.AddHocon(config, HoconAddMode.Append);
        });
        return builder.Build();
    }

    /// <summary>
    /// Leaves Ctrl-C to the command line, which stops the run at a window's end; the usual lifetime would take the actor system away in the
    /// middle of it.
    /// </summary>
    private sealed class CommandLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
    }
}
