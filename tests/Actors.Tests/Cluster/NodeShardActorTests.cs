using Akka.Actor;
using Akka.TestKit.Xunit2;
using CsCheck;
using VmSim.Actors.Cluster;
using VmSim.Actors.Simulation;
using VmSim.Core.Engine;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Workloads;
using VmSim.Tests.Shared;

namespace VmSim.Actors.Tests.Cluster;

/// <summary>Several shards of one run in one process, each with a world of its own; envelopes go through their wire form.</summary>
public sealed class NodeShardActorTests() : TestKit(Lanes.Configuration(2))
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public void RandomScenarios_SplitOverNodes_GiveTheSequentialEnginesFingerprint() => RandomPrograms.Scenario.Sample(
        scenario =>
        {
            string expected = TestWorlds.Run(scenario).Fingerprint;
            foreach (int nodes in new[] { 1, 2, 3 })
            {
                Assert.Equal(expected, Run(scenario, nodes, coresPerNode: 0).Fingerprint);
            }
        },
        iter: 60,
        threads: 1);

    [Fact]
    public void ThreadsThatMigrateBetweenNodes_GiveTheSequentialEnginesFingerprint() =>
        Gen.Select(Gen.Int[0, 3], Gen.Int[1, 40], Gen.Int[0, 60]).Array[1, 12].Array[1, 4].Sample(
            threads =>
            {
                ThreadProgram[] programs = [.. threads.Select((steps, number) => Wanderer(number, steps))];
                ScenarioSpec scenario = TestWorlds.Scenario(4, programs);
                scenario = scenario with
                {
                    Machine = scenario.Machine with { Sockets = 2 },
                    Processes = [scenario.Processes[0] with { Program = _ => TestWorlds.Image(mayMigrate: true, programs) }],
                };
                string expected = TestWorlds.Run(scenario).Fingerprint;
                Assert.Equal(expected, Run(scenario, 2, coresPerNode: 0).Fingerprint);
                Assert.Equal(expected, Run(scenario, 3, coresPerNode: 0, windowDivisor: 7).Fingerprint);
            },
            iter: 40,
            threads: 1);

    [Fact]
    public void WholeDomains_OverNodes_GiveTheSequentialEnginesFingerprint()
    {
        ScenarioSpec scenario = TestWorlds.Scenario(8, TestWorlds.Toucher("a", 0, 40), TestWorlds.Toucher("b", 20, 60));
        scenario = scenario with { Processes = [scenario.Processes[0] with { Count = 4 }] };
        string expected = TestWorlds.Run(scenario).Fingerprint;
        Assert.Equal(expected, Run(scenario, 3, coresPerNode: 8).Fingerprint);
        Assert.Equal(expected, Run(scenario, 5, coresPerNode: 8).Fingerprint);
    }

    private static ThreadProgram Wanderer(int number, (int Core, int Page, int Pages)[] steps)
    {
        ThreadBuilder thread = new($"w{number}");
        foreach ((int core, int page, int pages) in steps)
        {
            thread.Touch(TestWorlds.Page(page), pages).Load(TestWorlds.Page(page), 30).Control(ControlKind.Migrate, (ulong)core);
        }

        return thread.Build();
    }

    private RunReport Run(ScenarioSpec scenario, int nodes, int coresPerNode, int windowDivisor = 1)
    {
        World[] worlds = [.. Enumerable.Range(0, nodes).Select(_ => new World(scenario))];
        try
        {
            long window = Math.Max(1, worlds[0].Delays.WindowBound / windowDivisor);
            IActorRef[] shards = [.. worlds.Select((world, node) => Sys.ActorOf(NodeShardActor.Props(world, new NodePlacement(world, nodes, coresPerNode), node, window, 2)))];
            foreach (IActorRef shard in shards)
            {
                shard.Tell(new NodeShardProtocol.Begin(shards), TestActor);
            }

            List<NodeShardProtocol.Stopped> stopped = [.. shards.Select(_ => Next<NodeShardProtocol.Stopped>())];
            RunEnd end = stopped.Select(item => item.End).Aggregate((a, b) => a.Merge(b));
            RunStatistics statistics = new();
            foreach (IActorRef shard in shards)
            {
                shard.Tell(new NodeShardProtocol.Collect(end.Time(scenario.Until)), TestActor);
                statistics.Add(Next<NodeShardProtocol.Collected>().Statistics);
            }

            foreach (IActorRef shard in shards)
            {
                Watch(shard);
                Sys.Stop(shard);
                ExpectTerminated(shard, Patience);
            }

            return ReportBuilder.Build(worlds[0], stopped.TrueForAll(item => item.Completed), end, statistics);
        }
        finally
        {
            foreach (World world in worlds)
            {
                world.Dispose();
            }
        }
    }

    private T Next<T>()
    {
        object message = FishForMessage(item => item is not NodeShardProtocol.Progressed, Patience);
        return Assert.IsType<T>(message);
    }
}
