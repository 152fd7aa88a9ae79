using CsCheck;
using VmSim.Core.Checkpoints;
using VmSim.Core.Engine;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Shootdown;
using VmSim.Testing;

namespace VmSim.Core.Tests.Checkpoints;

public sealed class WorldMarkTests
{
    private const int Scenarios = 20;

    public static TheoryData<string> Protocols => [.. ShootdownProtocols.All.Names];

    /// <summary>The judge is the checkpoint: what it writes of the world is the same, byte by byte, and so is the run's end.</summary>
    [Theory]
    [MemberData(nameof(Protocols))]
    public void Restore_AfterTheRunsEnd_IsWhereItStood(string protocol)
    {
        int restored = 0;
        Gen.Select(RandomPrograms.Scenario, Gen.Int[1, 60], Gen.Bool).Sample(
            (scenario, windows, check) =>
            {
                ScenarioSpec under = scenario with { Shootdown = new ShootdownSpec { Protocol = protocol, Hypothetical = true } };
                using World world = new(under, check);
                if (new SequentialEngine(world).Run(windows))
                {
                    return;
                }

                byte[] stood = PiecewiseRun.Saved(world).ToArray();
                WorldMark mark = WorldMark.Of(world);
                string expected = ReportBuilder.Build(world, new SequentialEngine(world).Run()).Fingerprint;
                for (int again = 0; again < 2; again++)
                {
                    if (!mark.Restore())
                    {
                        return;
                    }

                    Assert.Equal(stood, PiecewiseRun.Saved(world).ToArray());
                    Assert.Equal(expected, ReportBuilder.Build(world, new SequentialEngine(world).Run()).Fingerprint);
                }

                Interlocked.Increment(ref restored);
            },
            iter: Scenarios);
        Assert.True(restored > Scenarios / 2, $"{restored} of {Scenarios} worlds were put back");
    }
}
