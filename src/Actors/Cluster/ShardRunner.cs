using Akka.Actor;
using VmSim.Actors.Running;
using VmSim.Actors.Simulation;
using VmSim.Core.Engine;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Settings;

namespace VmSim.Actors.Cluster;

/// <summary>
/// Runs scenarios split over several shards of this process, each with a world of its own, as nodes of a cluster have: what such a split
/// does to a run, without the cluster. Every domain is split, but for runs that the checker watches.
/// </summary>
/// <param name="system">The actor system; it has a lane for each thread of a run.</param>
/// <param name="shards">Over how many shards.</param>
public sealed class ShardRunner(ActorSystem system, int shards) : ISimulationRunner
{
    /// <inheritdoc/>
    public async Task<RunReport> RunAsync(
        ScenarioSpec scenario, RunOptions options, IProgress<RunProgress>? progress, CancellationToken cancellation)
    {
        ClusterRunner.RequireRunnable(scenario, options);
        if (options.Checkpoints is not null)
        {
            throw new ScenarioException("a run over shards of one process has no checkpoints");
        }

        World[] worlds = [.. Enumerable.Range(0, shards).Select(_ => new World(scenario, options.Check, lists: options.Lists))];
        int whole = RunPlan.CoresOfWholeDomain(worlds[0].Checker is not null, asked: 0);
        long window = SimulationRunner.WindowOf(worlds[0].Delays, options);
        IActorRef[] actors = [.. worlds.Select((world, node) => system.ActorOf(
            NodeShardActor.Props(world, new NodePlacement(world, shards, whole), node, window, options.EffectiveThreads)))];
        try
        {
            using Inbox inbox = Inbox.Create(system);
            using CancellationTokenRegistration stop = cancellation.Register(
                () => Array.ForEach(actors, actor => actor.Tell(new NodeShardProtocol.Stop())));
            return await RunAsync(scenario, worlds[0], actors, inbox);
        }
        finally
        {
            await Task.WhenAll(actors.Select(actor => actor.GracefulStop(SimulationRunner.Patience)));
            Array.ForEach(worlds, world => world.Dispose());
        }
    }

    private static async Task<RunReport> RunAsync(ScenarioSpec scenario, World world, IActorRef[] actors, Inbox inbox)
    {
        foreach (IActorRef actor in actors)
        {
            inbox.Send(actor, new NodeShardProtocol.Begin(actors, []));
        }

        bool completed = true;
        RunEnd? end = null;
        for (int i = 0; i < actors.Length; i++)
        {
            NodeShardProtocol.Stopped stopped = Expect<NodeShardProtocol.Stopped>(await inbox.ReceiveAsync(SimulationRunner.Patience));
            completed &= stopped.Completed;
            end = end?.Merge(stopped.End) ?? stopped.End;
        }

        RunStatistics statistics = new();
        foreach (IActorRef actor in actors)
        {
            inbox.Send(actor, new NodeShardProtocol.Collect(end!.Value.Time(scenario.Until, completed).Value));
            List<byte[]> pieces = [];
            NodeShardProtocol.Collected collected;
            do
            {
                collected = Expect<NodeShardProtocol.Collected>(await inbox.ReceiveAsync(SimulationRunner.Patience));
                pieces.Add(collected.Bytes);
            }
            while (pieces.Count < collected.Pieces);
            statistics.Add(StatisticsCodec.Decode([.. pieces.SelectMany(piece => piece)]));
        }

        return ReportBuilder.Build(world, completed, end!.Value, statistics);
    }

    private static T Expect<T>(object answer) => answer switch
    {
        T expected => expected,
        NodeShardProtocol.Failed failed => throw new SimulationFailedException(failed.Reason),
        _ => throw new InvalidOperationException($"a shard answered {answer}"),
    };
}
