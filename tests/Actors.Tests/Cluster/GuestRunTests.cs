using VmSim.Core.Machine;
using VmSim.Core.Programs;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Testing;

namespace VmSim.Actors.Tests.Cluster;

/// <summary>A virtual machine whose host takes pages away has one fingerprint on any number of lanes and nodes.</summary>
public sealed class GuestRunTests : ShardRuns
{
    private const ulong Far = 0x20_0000_0000;

    [Fact]
    public void Guest_AnyWindowLanesAndNodes_HasOneFingerprint()
    {
        ThreadProgram[] threads =
        [
            .. Enumerable.Range(0, 4).Select(i => new ThreadBuilder($"user{i}").Touch(TestWorlds.Page(0), 20)
                .Map(Far + ((ulong)i << 24), 50).Touch(Far + ((ulong)i << 24), 50)
                .Protect(TestWorlds.Page(5 * i), 4, Protection.Read)
                .Touch(Far + ((ulong)i << 24), 50).Unmap(Far + ((ulong)i << 24), 25).Build()),
        ];
        ScenarioSpec scenario = TestWorlds.Scenario(4, threads) with { Shootdown = new ShootdownSpec { Protocol = "linux" } };
        scenario = scenario with
        {
            Machine = scenario.Machine with
            {
                Virtual = true,
                Guest = new GuestSpec { HostMemory = 128 << 12, Interrupts = GuestInterrupts.Exits },
            },
        };
        RunReport plain = TestWorlds.Run(scenario);
        Assert.True(plain.Total("hostFlushes") > 2);
        foreach ((int lanes, int divisor) in ((int, int)[])[(1, 2), (4, 7)])
        {
            Assert.Equal(plain.Fingerprint, RunOnLanes(scenario, lanes, divisor).Fingerprint);
        }

        foreach ((int nodes, int divisor) in ((int, int)[])[(1, 1), (2, 1), (3, 2)])
        {
            Assert.Equal(plain.Fingerprint, RunOnNodes(scenario, nodes, coresPerNode: 0, divisor).Fingerprint);
        }
    }
}
