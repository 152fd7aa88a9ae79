using CsCheck;
using VmSim.Actors.Cluster;
using VmSim.Core.Programs;
using VmSim.Core.Scenarios;
using VmSim.Testing;

namespace VmSim.Actors.Tests.Cluster;

public sealed class NodeShardActorTests : ShardRuns
{
    [Fact]
    public void RandomScenarios_SplitOverNodes_GiveTheSequentialEnginesFingerprint() => CompareNodes(scenarios: 25);

    [Fact]
    [Trait("Category", "Long")]
    public void ManyRandomScenarios_SplitOverNodes_GiveTheSequentialEnginesFingerprint() => CompareNodes(scenarios: 500);

    /// <summary>As above, with envelopes that go over sockets and TLS.</summary>
    [Fact]
    public void RandomScenarios_SplitOverConnectedNodes_GiveTheSequentialEnginesFingerprint()
    {
        OverLinks = true;
        CompareNodes(scenarios: 8);
    }

    private void CompareNodes(int scenarios) => RandomPrograms.Scenario.Sample(
        scenario =>
        {
            string expected = TestWorlds.Run(scenario).Fingerprint;
            foreach (int nodes in new[] { 1, 2, 3 })
            {
                Assert.Equal(expected, RunOnNodes(scenario, nodes, coresPerNode: 0).Fingerprint);
            }
        },
        iter: scenarios,
        threads: 1);

    [Fact]
    public void ThreadsThatMigrateBetweenNodes_GiveTheSequentialEnginesFingerprint() => CompareWanderers(scenarios: 20);

    [Fact]
    [Trait("Category", "Long")]
    public void ManyThreadsThatMigrateBetweenNodes_GiveTheSequentialEnginesFingerprint() => CompareWanderers(scenarios: 400);

    private void CompareWanderers(int scenarios) =>
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
                Assert.Equal(expected, RunOnNodes(scenario, 2, coresPerNode: 0).Fingerprint);
                Assert.Equal(expected, RunOnNodes(scenario, 3, coresPerNode: 0, windowDivisor: 7).Fingerprint);
                Assert.Equal(expected, RunOnNodes(scenario, 2, coresPerNode: 0, stops: [1]).Fingerprint);
            },
            iter: scenarios,
            threads: 1);

    /// <summary>The network, or a node that is gone, is no defect of the simulation: a job may go well the next time.</summary>
    [Fact]
    public void ANodeThatCannotReachAnother_IsRefusedByName()
    {
        ScenarioSpec scenario = TestWorlds.Scenario(4, TestWorlds.Toucher("a", 0, 40), TestWorlds.Toucher("b", 20, 60));
        NodeProtocol.Refused refused = BeginWithoutPeer(scenario with { Machine = scenario.Machine with { Sockets = 2 } });
        Assert.Equal(1, refused.Node);
        Assert.StartsWith("node 1 cannot be reached at 127.0.0.1:", refused.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void WholeDomains_OverNodes_GiveTheSequentialEnginesFingerprint()
    {
        ScenarioSpec scenario = TestWorlds.Scenario(8, TestWorlds.Toucher("a", 0, 40), TestWorlds.Toucher("b", 20, 60));
        scenario = scenario with { Processes = [scenario.Processes[0] with { Count = 4 }] };
        string expected = TestWorlds.Run(scenario).Fingerprint;
        Assert.Equal(expected, RunOnNodes(scenario, 3, coresPerNode: 8).Fingerprint);
        Assert.Equal(expected, RunOnNodes(scenario, 5, coresPerNode: 8).Fingerprint);
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

    [Fact]
    public void TwoNodes_ALateDefectInOne_IsToldToTheOwner()
    {
        ScenarioSpec scenario = TestWorlds.Scenario(
            2, TestWorlds.Toucher("a", 0, 4), new ThreadBuilder("b").Control(ControlKind.Unlock, 0).Build());
        Exception reason = Assert.ThrowsAny<Exception>(() => RunOnNodes(scenario, 2, coresPerNode: 0));
        Assert.Contains("Failed", reason.Message, StringComparison.Ordinal);
    }
}
