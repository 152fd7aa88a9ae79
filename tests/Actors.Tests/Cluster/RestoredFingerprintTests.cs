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
}
