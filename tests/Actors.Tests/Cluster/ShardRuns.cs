using Akka.Actor;
using VmSim.Actors.Cluster;
using VmSim.Actors.Simulation;
using VmSim.Core.Checkpoints;
using VmSim.Core.Engine;
using VmSim.Core.Kernel;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Shootdown;
using VmSim.Testing;

namespace VmSim.Actors.Tests.Cluster;

/// <summary>
/// Several shards of one run in one process, each with a world of its own; envelopes go through their wire form. What breaks a shard comes
/// as a message, so that the log is off.
/// </summary>
public abstract class ShardRuns() : ActorTest(Lanes.Configuration(4).WithFallback("akka.loglevel = OFF"))
{
    /// <summary>What every run keeps one by one.</summary>
    protected RunLists Lists { get; set; } = RunLists.None;

    /// <summary>Whether the shards trade envelopes over connections of nodes, and not by actor messages.</summary>
    protected bool OverLinks { get; set; }

    /// <summary>Runs a scenario over nodes of this process; one alone has the checker.</summary>
    /// <param name="scenario">What is simulated.</param>
    /// <param name="nodes">Over how many nodes.</param>
    /// <param name="coresPerNode">Most cores of a domain that lives on one node; 0 splits all.</param>
    /// <param name="windowDivisor">The window is the bound over this.</param>
    /// <param name="protocol">The shootdown protocol; null for the scenario's.</param>
    /// <param name="check">Whether the checker watches on several nodes too; no domain may be split then.</param>
    /// <param name="stops">Milliseconds after which the run stops, again and again, to go on in new worlds from checkpoints.</param>
    protected RunReport RunOnNodes(
        ScenarioSpec scenario,
        int nodes,
        int coresPerNode,
        int windowDivisor = 1,
        IShootdownProtocol? protocol = null,
        bool check = false,
        params int[] stops)
    {
        bool checks = Checks(scenario) && (check || nodes == 1);
        World[] worlds = [.. Enumerable.Range(0, nodes).Select(_ => new World(scenario, checks, protocol, Lists))];
        try
        {
            long window = Math.Max(1, worlds[0].Delays.WindowBound.Value / windowDivisor);
            foreach (int stop in stops)
            {
                using Links ways = new(OverLinks ? nodes : 0);
                IActorRef[] stoppable = Shards(worlds, coresPerNode, window, ways);
                Begin(stoppable, ways, stop);
                Array.ForEach(stoppable, Stop);
                for (int node = 0; node < nodes; node++)
                {
                    worlds[node] = Restored(worlds[node], protocol);
                }
            }

            using Links links = new(OverLinks ? nodes : 0);
            return Run(scenario, worlds[0], Shards(worlds, coresPerNode, window, links), links);
        }
        finally
        {
            Array.ForEach(worlds, world => world.Dispose());
        }
    }

    /// <summary>Runs a scenario over nodes, which each write down their part when it stops, and others go on.</summary>
    /// <param name="scenario">What is simulated; no checker watches.</param>
    /// <param name="nodes">Over how many nodes, from one stop to the next.</param>
    /// <param name="coresPerNode">Most cores of a domain that lives on one node; 0 splits all.</param>
    /// <param name="stop">Milliseconds after which the run stops, again and again.</param>
    protected RunReport RunOnChangingNodes(ScenarioSpec scenario, int[] nodes, int coresPerNode, int stop)
    {
        byte[]? from = null;
        for (int run = 0; ; run++)
        {
            World[] worlds = [.. Enumerable.Range(0, nodes[run]).Select(node => WorldFrom(scenario, from, node))];
            try
            {
                long window = worlds[0].Delays.WindowBound.Value;
                using Links links = new(OverLinks ? nodes[run] : 0);
                IActorRef[] shards = Shards(worlds, coresPerNode, window, links);
                if (run == nodes.Length - 1)
                {
                    return Run(scenario, worlds[0], shards, links);
                }

                // The same shards begin a second time, behind a stop before the first window.
                Begin(shards, links, stop: 0);
                Begin(shards, links, stop);
                from = Joined(worlds[0], shards);
                Array.ForEach(shards, Stop);
            }
            finally
            {
                Array.ForEach(worlds, world => world.Dispose());
            }
        }
    }

    /// <summary>Has the second of two nodes begin, where nobody listens for it at the first one's address.</summary>
    /// <returns>What it tells.</returns>
    protected NodeProtocol.Refused BeginWithoutPeer(ScenarioSpec scenario)
    {
        World[] worlds = [new World(scenario, check: false), new World(scenario, check: false)];
        try
        {
            using Links links = new(worlds.Length);
            links.Of(0)!.Dispose();
            IActorRef[] shards = Shards(worlds, coresPerNode: 0, worlds[0].Delays.WindowBound.Value, links);
            shards[1].Tell(new NodeShardProtocol.Begin(shards, links.Addresses), TestActor);
            NodeProtocol.Refused refused = ExpectMsg<NodeProtocol.Refused>();
            Array.ForEach(shards, Stop);
            return refused;
        }
        finally
        {
            Array.ForEach(worlds, world => world.Dispose());
        }
    }

    private World WorldFrom(ScenarioSpec scenario, byte[]? from, int node)
    {
        World world = new(scenario, check: false, protocol: null, Lists);
        if (from is not null)
        {
            using MemoryStream stream = new(from);
            Checkpoint.Restore(world, stream);
            world.Settle(keepsSums: node == 0);
        }

        return world;
    }

    private byte[] Joined(World world, IActorRef[] shards)
    {
        List<IReadOnlyList<byte[]>> parts = [];
        foreach (IActorRef shard in shards)
        {
            shard.Tell(new NodeShardProtocol.Save(), TestActor);
            parts.Add([.. Pieces()]);
        }

        using MemoryStream stream = new();
        Checkpoint.Join(world, parts, stream);
        return stream.ToArray();

        IEnumerable<byte[]> Pieces()
        {
            for (int piece = 0, pieces = 1; piece < pieces; piece++)
            {
                NodeShardProtocol.Saved saved = ExpectMsg<NodeShardProtocol.Saved>();
                pieces = saved.Pieces;
                yield return saved.Bytes;
            }
        }
    }

    /// <summary>Runs a scenario in one process on lanes, with the checker.</summary>
    /// <param name="scenario">What is simulated.</param>
    /// <param name="lanes">On how many lanes.</param>
    /// <param name="windowDivisor">The window is the bound over this.</param>
    /// <param name="protocol">The shootdown protocol; null for the scenario's.</param>
    /// <param name="stops">
    /// Milliseconds after which the run stops, again and again, to go on in a new world from a checkpoint; 0 stops before its first window.
    /// </param>
    protected RunReport RunOnLanes(
        ScenarioSpec scenario, int lanes, int windowDivisor = 1, IShootdownProtocol? protocol = null, params int[] stops)
    {
        World world = new(scenario, Checks(scenario), protocol, Lists);
        try
        {
            long window = Math.Max(1, world.Delays.WindowBound.Value / windowDivisor);
            foreach (int stop in stops)
            {
                RunOnLanes(world, lanes, window, stop);
                world = Restored(world, protocol);
            }

            return ReportBuilder.Build(world, RunOnLanes(world, lanes, window, Timeout.Infinite));
        }
        finally
        {
            world.Dispose();
        }
    }

    /// <summary>
    /// What must be the same however a run is carried out: all that the fingerprint is over, the figures of shootdowns, the causes,
    /// and what happened when.
    /// </summary>
    protected static string Digest(RunReport report) => report.Fingerprint + "\n" + string.Join('\n', report.Causes.Select(cause =>
        $"{cause.AddressSpace} {cause.Number} {cause.Row.Thread} {cause.Row.Call} {cause.Row.Object} {cause.Row.Area} "
            + $"{cause.Row.Site?.Text} " + string.Join(' ', cause.Row.Values))) + "\n" + string.Join('\n', [
                .. report.Shootdowns.Select(figure => figure.ToString()),
                .. report.AddressSpaces.SelectMany(space => space.Shootdowns).Select(figure => figure.ToString()),
                $"{report.Intervals!.Length}",
                .. report.Intervals.Series.Select(series => $"{series.Key} {string.Join(' ', series.Value)}"),
                .. report.CoreTime!.User.Concat(report.CoreTime.Lost).Select(row => string.Join(' ', row)),
                .. report.Interrupts?.Rows.Select(row => string.Join(' ', row)) ?? [],
                .. report.OperationRecords.Select(record => record.ToString()),
                .. report.ShootdownRecords.Select(record => record.ToString()),
                .. report.Timeline?.Cores.SelectMany(slices => slices).Select(slice => slice.ToString()) ?? [],
            ]);

    /// <summary>A run whose accesses are sampled has no checker.</summary>
    private static bool Checks(ScenarioSpec scenario) => !scenario.Sampling.Enabled;

    private static World Restored(World world, IShootdownProtocol? protocol)
    {
        World restored = PiecewiseRun.Copy(world, protocol);
        world.Dispose();
        return restored;
    }

    private bool RunOnLanes(World world, int lanes, long window, int stop)
    {
        IActorRef simulation = Sys.ActorOf(SimulationActor.Props(world, window, lanes, new Teller(TestActor)));
        if (stop == 0)
        {
            simulation.Tell(new SimulationProtocol.Stop());
        }
        else if (stop > 0)
        {
            Sys.Scheduler.ScheduleTellOnce(stop, simulation, new SimulationProtocol.Stop(), ActorRefs.NoSender);
        }

        simulation.Tell(new SimulationProtocol.Start(), TestActor);

        // However slow the machine, a run that goes on says so.
        object message;
        do
        {
            message = ReceiveOne(HangGuard.Limit);
        }
        while (message is RunProgress);
        Stop(simulation);
        return Assert.IsType<SimulationProtocol.Finished>(message).Completed;
    }

    private IActorRef[] Shards(World[] worlds, int coresPerNode, long window, Links links) =>
        [.. worlds.Select((world, node) => Sys.ActorOf(NodeShardActor.Props(
            world, new NodePlacement(world, worlds.Length, coresPerNode), node, window, 2, links.Of(node))))];

    private List<NodeShardProtocol.Stopped> Begin(IActorRef[] shards, Links links, int stop)
    {
        foreach (IActorRef shard in shards)
        {
            shard.Tell(new NodeShardProtocol.Begin(shards, links.Addresses), TestActor);
        }

        if (stop >= 0)
        {
            Sys.Scheduler.ScheduleTellOnce(stop, shards[^1], new NodeShardProtocol.Stop(), ActorRefs.NoSender);
        }

        return [.. shards.Select(_ => ExpectMsg<NodeShardProtocol.Stopped>())];
    }

    private RunReport Run(ScenarioSpec scenario, World world, IActorRef[] shards, Links links)
    {
        List<NodeShardProtocol.Stopped> stopped = Begin(shards, links, Timeout.Infinite);
        RunEnd end = stopped.Select(item => item.End).Aggregate((a, b) => a.Merge(b));
        bool completed = stopped.TrueForAll(item => item.Completed);
        RunStatistics statistics = new();
        foreach (IActorRef shard in shards)
        {
            shard.Tell(new NodeShardProtocol.Collect(end.Time(scenario.Until, completed).Value), TestActor);
            List<byte> bytes = [];
            for (int piece = 0, pieces = 1; piece < pieces; piece++)
            {
                NodeShardProtocol.Collected collected = ExpectMsg<NodeShardProtocol.Collected>();
                pieces = collected.Pieces;
                bytes.AddRange(collected.Bytes);
            }

            statistics.Add(StatisticsCodec.Decode([.. bytes]));
        }

        Array.ForEach(shards, Stop);
        return ReportBuilder.Build(world, completed, end, statistics);
    }

    private void Stop(IActorRef actor)
    {
        Watch(actor);
        Sys.Stop(actor);
        ExpectTerminated(actor);
    }

    /// <summary>The connections of the nodes of a run, or none.</summary>
    private sealed class Links : IDisposable
    {
        private readonly NodeLinks[] _links;

        public Links(int nodes)
        {
            _links = [.. Enumerable.Range(0, nodes).Select(node => SecureNodes.Remoting($"node-{node}").Links())];
            Addresses = [.. _links.Select(links => links.Listen("127.0.0.1"))];
        }

        public IReadOnlyList<LinkAddress> Addresses { get; }

        public NodeLinks? Of(int node) => _links.Length == 0 ? null : _links[node];

        public void Dispose() => Array.ForEach(_links, links => links.Dispose());
    }

    /// <summary>Tells an actor how far a run has come.</summary>
    private sealed class Teller(IActorRef actor) : IProgress<RunProgress>
    {
        public void Report(RunProgress value) => actor.Tell(value);
    }
}
