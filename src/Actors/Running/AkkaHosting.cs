using Akka.Actor;
using Akka.Hosting;
using Microsoft.Extensions.DependencyInjection;
using VmSim.Actors.Simulation;

namespace VmSim.Actors.Running;

/// <summary>Simulations in a program that is built with Akka.Hosting.</summary>
public static class AkkaHosting
{
    /// <summary>Gives an actor system lanes, the dispatchers that a run's actors live on.</summary>
    /// <param name="builder">The actor system's configuration.</param>
    /// <param name="threads">Host threads that simulate: runs ask for as many at most (<see cref="RunOptions.Threads"/>).</param>
    public static AkkaConfigurationBuilder WithSimulationLanes(this AkkaConfigurationBuilder builder, int threads)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.AddHocon(Lanes.Configuration(threads), HoconAddMode.Prepend);
    }

    /// <summary>
    /// Offers an <see cref="ISimulationRunner"/> that runs on the program's actor system, which needs lanes
    /// (<see cref="WithSimulationLanes"/>).
    /// </summary>
    /// <param name="services">The program's services, among them an actor system.</param>
    public static IServiceCollection AddSimulationRunner(this IServiceCollection services)
    {
        ArgumentNullException.ThrowIfNull(services);
        return services.AddSingleton<ISimulationRunner>(provider => new SimulationRunner(provider.GetRequiredService<ActorSystem>()));
    }
}
