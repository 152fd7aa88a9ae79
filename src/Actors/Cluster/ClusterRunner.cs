using System.Diagnostics;
using Akka.Actor;
using VmSim.Actors.Configuration;
using VmSim.Actors.Running;
using VmSim.Actors.Simulation;
using VmSim.Core.Checkpoints;
using VmSim.Core.Engine;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Settings;

namespace VmSim.Actors.Cluster;

/// <summary>Runs scenarios on the nodes of a cluster.</summary>
/// <param name="coordinator">The cluster's <see cref="JobCoordinatorActor"/>.</param>
/// <param name="settings">How a run is spread.</param>
/// <param name="nodes">Over how many nodes.</param>
/// <param name="joined">Whom to tell how many nodes have joined; null for nobody.</param>
/// <param name="notices">Whom to tell what a person should know; null for nobody.</param>
/// <param name="ended">Completed, with why, if the cluster ends by itself.</param>
public sealed class ClusterRunner(
    IActorRef coordinator,
    ClusterSettings settings,
    int nodes,
    IProgress<int>? joined,
    IProgress<string>? notices,
    Task<string> ended) : ISimulationRunner
{
    /// <summary>Finds out whether a run can be spread over nodes, before there are any.</summary>
    /// <param name="scenario">What is simulated.</param>
    /// <param name="options">How.</param>
    /// <exception cref="ScenarioException">It cannot.</exception>
    public static void RequireRunnable(ScenarioSpec scenario, RunOptions options)
    {
        ArgumentNullException.ThrowIfNull(scenario);
        ArgumentNullException.ThrowIfNull(options);
        if (options.Checkpoints is { } checkpoints)
        {
            RequireParts(scenario, options, checkpoints);
        }

        SimulationRunner.WindowOf(WorldParts.DelaysOf(scenario), options);
    }

    private static void RequireParts(ScenarioSpec scenario, RunOptions options, RunCheckpoints checkpoints)
    {
        if (options.Check || scenario.IsChecked)
        {
            throw new ScenarioException(
                "--checkpoint-to and --resume: a checker watches this run, and knows all cores; leave out --nodes and --local-nodes");
        }

        if (checkpoints.PeriodCycles > 0)
        {
            throw new ScenarioException(
                "--checkpoint-virtual: a run over nodes is written down by wall time; take --checkpoint in its place, or leave out --nodes "
                + "and --local-nodes");
        }

        if (checkpoints.From is not (null or FileStream))
        {
            throw new ScenarioException($"{checkpoints.FromName}: every node of a run reads its checkpoint; a file is needed");
        }
    }

    /// <inheritdoc/>
    /// <exception cref="NodeLostException">A node was lost in the middle of the run.</exception>
    public async Task<RunReport> RunAsync(
        ScenarioSpec scenario, RunOptions options, IProgress<RunProgress>? progress, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(scenario);
        ArgumentNullException.ThrowIfNull(options);
        RequireRunnable(scenario, options);
        using World world = PlugInFailedException.Guard(
            scenario.PlugIns, () => new World(scenario, options.Check, lists: options.Lists));
        long window = SimulationRunner.WindowOf(world.Delays, options);
        if (options.Checkpoints is { From: { } from } resumed)
        {
            RequireWhole(world, from, resumed.FromName);
        }

        RunPlan plan = RunPlan.Of(scenario, settings, nodes, window, options);
        int whole = world.Domains.Max(domain => domain.Cores.Count);
        if (plan.Check && whole > settings.CoresOfWholeDomain && nodes > 1)
        {
            notices?.Report($"the checker keeps each domain on one node: one of {whole} cores is not split");
        }

        TimeSpan cpuBefore = Process.GetCurrentProcess().TotalProcessorTime;
        using CancellationTokenRegistration stop = cancellation.Register(() => coordinator.Tell(new JobProtocol.Stop()));
        Task<JobProtocol.IMessage> answered = coordinator.Ask<JobProtocol.IMessage>(
            new JobProtocol.Submit(plan, settings.JoinSeconds, progress, joined, notices, KeeperOf(world, options.Checkpoints)),
            Timeout.InfiniteTimeSpan,
            CancellationToken.None);
        if (await Task.WhenAny(answered, ended) == ended)
        {
            throw new NodeLostException($"{await ended}; the run has stopped");
        }

        JobProtocol.IMessage answer = await answered;
        JobProtocol.Finished finished = answer switch
        {
            JobProtocol.Finished over => over,
            JobProtocol.Failed { Reason: OperationCanceledException or NodeLostException or ScenarioException } failed =>
                throw failed.Reason,
            JobProtocol.Failed failed => throw new SimulationFailedException(failed.Reason.Message, failed.Reason),
            _ => throw new InvalidOperationException($"the coordinator answered {answer}"),
        };
        RunReport report = ReportBuilder.Build(world, finished.Completed, finished.End, finished.Statistics);
        using Process process = Process.GetCurrentProcess();
        return report with
        {
            Host = new HostReport
            {
                WallSeconds = finished.WallSeconds,
                CpuSeconds = (process.TotalProcessorTime - cpuBefore).TotalSeconds,
                Threads = finished.Threads,
                AccessesPerSecond = finished.WallSeconds > 0 ? report.Total("accesses") / finished.WallSeconds : 0,
                PeakMemoryBytes = process.PeakWorkingSet64,
                WindowCycles = window,
                Windows = finished.Windows,
                Nodes = finished.Nodes,
            },
        };
    }

    /// <summary>Finds out, before nodes are asked to read it, whether a checkpoint is whole and of this run.</summary>
    private static void RequireWhole(World world, Stream from, string name)
    {
        long start = from.Position;
        try
        {
            Checkpoint.RequireWhole(world, from);
        }
        catch (Exception reason) when (reason is InvalidDataException or IOException)
        {
            throw new ScenarioException($"{name}: {reason.Message}", reason);
        }

        from.Position = start;
    }

    private static JobProtocol.PartKeeper? KeeperOf(World world, RunCheckpoints? checkpoints) => checkpoints?.Keep is { } keep
        ? new JobProtocol.PartKeeper(checkpoints.Period, parts => keep(stream => Checkpoint.Join(world, parts, stream)))
        : null;
}
