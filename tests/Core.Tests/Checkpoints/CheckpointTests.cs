using CsCheck;
using VmSim.Core.Checkpoints;
using VmSim.Core.Engine;
using VmSim.Core.Kernel;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Shootdown;
using VmSim.Core.Tests.Shootdown;
using VmSim.Tests.Shared;

namespace VmSim.Core.Tests.Checkpoints;

public sealed class CheckpointTests
{
    public static TheoryData<string> Protocols => [.. ShootdownProtocols.All.Select(protocol => protocol.Name)];

    [Theory]
    [MemberData(nameof(Protocols))]
    public void Restore_AtTheEndOfAnyWindow_GoesOnToTheSameReport(string protocol)
    {
        int written = 0;
        Gen.Select(RandomPrograms.Scenario, Gen.Int[1, 60], Gen.Bool).Sample(
            (scenario, windows, check) =>
            {
                ScenarioSpec under = scenario with { Shootdown = new ShootdownSpec { Protocol = protocol } };
                RunReport expected = TestWorlds.Run(under);
                (RunReport report, int checkpoints) = PiecewiseRun.Of(under, windows, 12, check);
                Interlocked.Add(ref written, checkpoints);
                Assert.Equal(expected.Fingerprint, report.Fingerprint);
                Assert.Equal(check ? expected.Checker : null, report.Checker);
            },
            iter: 60);
        Assert.True(written > 100, $"{written} checkpoints were written");
    }
}
