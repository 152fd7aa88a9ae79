using Akka.Actor;
using Akka.TestKit.Xunit2;
using VmSim.Actors.Cluster;
using VmSim.Actors.Simulation;
using VmSim.Core.Engine;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Shootdown;

namespace VmSim.Actors.Tests.Cluster;

/// <summary>Several shards of one run in one process, each with a world of its own; envelopes go through their wire form.</summary>
public abstract class ShardRuns() : TestKit(Lanes.Configuration(4))
{
    protected static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    /// <summary>Runs a scenario over nodes of this process; one alone has the checker.</summary>
    /// <param name="scenario">What is simulated.</param>
    /// <param name="nodes">Over how many nodes.</param>
    /// <param name="coresPerNode">Most cores of a domain that lives on one node; 0 splits all.</param>
    /// <param name="windowDivisor">The window is the bound over this.</param>
    /// <param name="protocol">The shootdown protocol; null for the scenario's.</param>
    protected RunReport RunOnNodes(ScenarioSpec scenario, int nodes, int coresPerNode, int windowDivisor = 1, IShootdownProtocol? protocol = null)
    {
        World[] worlds = [.. Enumerable.Range(0, nodes).Select(_ => new World(scenario, check: nodes == 1, protocol))];
        try
        {
            long window = Math.Max(1, worlds[0].Delays.WindowBound / windowDivisor);
            IActorRef[] shards = [.. worlds.Select((world, node) => Sys.ActorOf(NodeShardActor.Props(world, new NodePlacement(world, nodes, coresPerNode), node, window, 2)))];
            return Run(scenario, worlds[0], shards);
        }
        finally
        {
            Array.ForEach(worlds, world => world.Dispose());
        }
    }

    /// <summary>Runs a scenario in one process on lanes, with the checker.</summary>
    protected RunReport RunOnLanes(ScenarioSpec scenario, int lanes, int windowDivisor = 1, IShootdownProtocol? protocol = null)
    {
        using World world = new(scenario, check: true, protocol);
        long window = Math.Max(1, world.Delays.WindowBound / windowDivisor);
        IActorRef simulation = Sys.ActorOf(SimulationActor.Props(world, window, lanes, null));
        simulation.Tell(new SimulationProtocol.Start(), TestActor);
        bool completed = ExpectMsg<SimulationProtocol.Finished>(Patience).Completed;
        Stop(simulation);
        return ReportBuilder.Build(world, completed);
    }

    private RunReport Run(ScenarioSpec scenario, World world, IActorRef[] shards)
    {
        foreach (IActorRef shard in shards)
        {
            shard.Tell(new NodeShardProtocol.Begin(shards), TestActor);
        }

        List<NodeShardProtocol.Stopped> stopped = [.. shards.Select(_ => ExpectMsg<NodeShardProtocol.Stopped>(Patience))];
        RunEnd end = stopped.Select(item => item.End).Aggregate((a, b) => a.Merge(b));
        bool completed = stopped.TrueForAll(item => item.Completed);
        RunStatistics statistics = new();
        foreach (IActorRef shard in shards)
        {
            shard.Tell(new NodeShardProtocol.Collect(end.Time(scenario.Until, completed)), TestActor);
            NodeShardProtocol.Collected collected = ExpectMsg<NodeShardProtocol.Collected>(Patience);
            Assert.Equal(1, collected.Pieces);
            statistics.Add(StatisticsCodec.Decode(collected.Bytes));
        }

        Array.ForEach(shards, Stop);
        return ReportBuilder.Build(world, completed, end, statistics);
    }

    private void Stop(IActorRef actor)
    {
        Watch(actor);
        Sys.Stop(actor);
        ExpectTerminated(actor, Patience);
    }
}
