using CsCheck;
using VmSim.Core.Engine;
using VmSim.Core.Scenarios;
using VmSim.Tests.Shared;

namespace VmSim.Core.Tests.Engine;

public sealed class WindowInvarianceTests
{
    [Fact]
    public void Run_AnyWindow_GivesOneFingerprint() => RandomPrograms.Scenario.Sample(
        scenario =>
        {
            string expected = TestWorlds.Run(scenario).Fingerprint;
            long bound = Delays.Of(scenario).WindowBound;
            foreach (long window in new[] { bound / 2, bound / 7, bound / 50 })
            {
                Assert.Equal(expected, TestWorlds.Run(scenario, window).Fingerprint);
            }
        },
        iter: 200);

    [Fact]
    public void Run_UntilAndWarmup_AnyWindowGivesOneFingerprint() => Gen.Select(RandomPrograms.Scenario, Gen.Long[1, 60_000], Gen.Long[1, 200_000]).Sample(
        (scenario, warmup, until) =>
        {
            ScenarioSpec cut = scenario with { Warmup = warmup, Until = warmup + until };
            string expected = TestWorlds.Run(cut).Fingerprint;
            long bound = Delays.Of(scenario).WindowBound;
            Assert.Equal(expected, TestWorlds.Run(cut, bound / 3).Fingerprint);
            Assert.Equal(expected, TestWorlds.Run(cut, 17).Fingerprint);
        },
        iter: 60);

    [Fact]
    public void Run_AnotherPlacement_GivesAnotherFingerprint()
    {
        ScenarioSpec scenario = TestWorlds.Scenario(2, TestWorlds.Toucher("a", 0, 20), TestWorlds.Toucher("b", 20, 20));
        Assert.NotEqual(
            TestWorlds.Run(scenario).Fingerprint,
            TestWorlds.Run(scenario with { Threads = new ThreadsSpec { Placement = "single" } }).Fingerprint);
    }
}
