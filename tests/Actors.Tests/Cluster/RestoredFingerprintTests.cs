using VmSim.Core.Scenarios;

namespace VmSim.Actors.Tests.Cluster;

/// <summary>One fingerprint, however often a run stops and goes on from a checkpoint.</summary>
public sealed class RestoredFingerprintTests : FingerprintRuns
{
    [Theory]
    [MemberData(nameof(Scenarios))]
    public void Scenario_StoppedAndRestoredFromCheckpoints_HasOneFingerprint(string file, string settings)
    {
        ScenarioSpec scenario = Load(file, settings);
        string expected = RunSequentially(scenario, check: true);
        Assert.Equal(expected, Digest(RunOnLanes(scenario, 2, stops: [0, 1, 25])));
        Assert.Equal(expected, Digest(RunOnNodes(scenario, 2, coresPerNode: 0, stops: [0, 25])));
    }

    /// <summary>Each node writes its part, and as many others as there are go on.</summary>
    [Theory]
    [MemberData(nameof(Scenarios))]
    public void Scenario_StoppedAndRestoredOnOtherNumbersOfNodes_HasOneFingerprint(string file, string settings)
    {
        ScenarioSpec scenario = Load(file, settings);
        ScenarioSpec unwatched = scenario with { Check = "off" };
        string expected = RunSequentially(scenario, check: false);
        Assert.Equal(expected, Digest(RunOnChangingNodes(unwatched, [2, 3, 1, 3, 2], coresPerNode: 0, stop: 25)));
        OverLinks = true;
        Assert.Equal(expected, Digest(RunOnChangingNodes(unwatched, [3, 2], coresPerNode: 4, stop: 40)));
    }
}
