using System.Diagnostics;
using Akka.Actor;
using VmSim.Actors.Configuration;
using VmSim.Actors.Simulation;
using VmSim.Core.Engine;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Settings;
using VmSim.Core.VirtualTime;

namespace VmSim.Actors.Running;

/// <summary>Runs scenarios on an actor system.</summary>
public interface ISimulationRunner
{
    /// <summary>Runs a scenario to its end, or until it is cancelled; then the report says how far it came.</summary>
    /// <param name="scenario">What is simulated.</param>
    /// <param name="options">How.</param>
    /// <param name="progress">Takes how far the run has come; null for a run that nobody watches.</param>
    /// <param name="cancellation">Stops the run at the end of a window.</param>
    /// <exception cref="ScenarioException">The scenario or the options cannot be run.</exception>
    /// <exception cref="PlugInFailedException">A plug-in threw.</exception>
    Task<RunReport> RunAsync(ScenarioSpec scenario, RunOptions options, IProgress<RunProgress>? progress, CancellationToken cancellation);
}

/// <summary>Runs scenarios on an actor system that has a lane for each host thread (<see cref="Lanes.Configuration"/>).</summary>
/// <param name="system">The actor system.</param>
public sealed class SimulationRunner(ActorSystem system) : ISimulationRunner
{
    /// <summary>How long what takes a window at most may take on however busy a machine: the bound only catches hangs.</summary>
    internal static TimeSpan Patience { get; } = TimeSpan.FromMinutes(10);

    /// <inheritdoc/>
    public async Task<RunReport> RunAsync(
        ScenarioSpec scenario, RunOptions options, IProgress<RunProgress>? progress, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(scenario);
        ArgumentNullException.ThrowIfNull(options);
        try
        {
            return await RunWorldAsync(scenario, options, progress, cancellation);
        }
        catch (Exception reason) when (PlugInFailedException.Of(reason, scenario.PlugIns) is not null)
        {
            throw PlugInFailedException.Of(reason, scenario.PlugIns)!;
        }
    }

    private async Task<RunReport> RunWorldAsync(
        ScenarioSpec scenario, RunOptions options, IProgress<RunProgress>? progress, CancellationToken cancellation)
    {
        using World world = new(scenario, options.Check, lists: options.Lists);
        long window = WindowOf(world.Delays, options);
        int threads = options.EffectiveThreads;
        RequireLanes(threads);
        LaneChoice lanes = new(threads, isFree: options.Threads == 0);
        RunWatch? watch = options.Viewer is { } viewer ? new RunWatch(world, viewer, window, threads) : null;
        RunPieces pieces = new(world, options.Checkpoints ?? new RunCheckpoints(), lanes);
        pieces.Restore();
        TimeSpan cpuBefore = Process.GetCurrentProcess().TotalProcessorTime;
        long started = Stopwatch.GetTimestamp();
        SimulationProtocol.Finished finished = await pieces.RunAsync(
            (end, stop) =>
            {
                watch?.Lanes = lanes.Lanes;
                return SimulateAsync(
                    SimulationActor.Props(
                        world, window, lanes.Lanes, progress, end: end, mayStop: lanes.MayStop, watch: watch),
                    stop);
            },
            cancellation);
        double wall = Stopwatch.GetElapsedTime(started).TotalSeconds;
        RunReport report = ReportBuilder.Build(world, finished.Completed);
        using Process process = Process.GetCurrentProcess();
        return report with
        {
            Host = new HostReport
            {
                WallSeconds = wall,
                CpuSeconds = (process.TotalProcessorTime - cpuBefore).TotalSeconds,
                Threads = lanes.Usual,
                AccessesPerSecond = wall > 0 ? report.Total("accesses") / wall : 0,
                PeakMemoryBytes = process.PeakWorkingSet64,
                WindowCycles = window,
                Windows = finished.Windows,
            },
        };
    }

    internal static long WindowOf(Delays delays, RunOptions options)
    {
        long bound = delays.WindowBound.Value;
        if (options.Window < 0 || options.Window > bound)
        {
            throw new ScenarioException($"--window: {options.Window} cycles found; 1 to {bound}, this scenario's bound, are allowed");
        }

        return options.Window == 0 ? bound : options.Window;
    }

    private void RequireLanes(int threads)
    {
        if (!system.Dispatchers.HasDispatcher(Lanes.Dispatcher(threads - 1)))
        {
            throw new ScenarioException($"--threads: {threads} found; the actor system was configured with fewer lanes");
        }
    }

    private async Task<SimulationProtocol.Finished> SimulateAsync(Props props, CancellationToken cancellation)
    {
        IActorRef simulation = system.ActorOf(props);
        try
        {
            using CancellationTokenRegistration stop = cancellation.Register(() => simulation.Tell(new SimulationProtocol.Stop()));
            object answer = await simulation.Ask<SimulationProtocol.IMessage>(
                new SimulationProtocol.Start(), Timeout.InfiniteTimeSpan, CancellationToken.None);
            return answer switch
            {
                SimulationProtocol.Finished finished => finished,
                SimulationProtocol.Failed failed => throw new SimulationFailedException(failed.Reason.Message, failed.Reason),
                _ => throw new InvalidOperationException($"the simulation answered {answer}"),
            };
        }
        finally
        {
            await simulation.GracefulStop(Patience);
        }
    }
}

/// <summary>A run broke off because of a defect in the simulator or a plug-in.</summary>
public sealed class SimulationFailedException : Exception
{
    /// <inheritdoc cref="Exception()"/>
    public SimulationFailedException()
    {
    }

    /// <inheritdoc cref="Exception(string)"/>
    public SimulationFailedException(string message)
        : base(message)
    {
    }

    /// <inheritdoc cref="Exception(string, Exception)"/>
    public SimulationFailedException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
