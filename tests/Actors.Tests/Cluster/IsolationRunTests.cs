using VmSim.Core.Addresses;
using VmSim.Core.Machine;
using VmSim.Core.Programs;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Settings;
using VmSim.Testing;

namespace VmSim.Actors.Tests.Cluster;

/// <summary>A run under page-table isolation has one fingerprint, and the same counters, on any number of lanes and nodes.</summary>
public sealed class IsolationRunTests : ShardRuns
{
    [Theory]
    [InlineData("linux", true, "userPagesByTag")]
    [InlineData("linux", false, "userFlushesAtReturn")]
    [InlineData("early-ack", true, "userRangesAtReturn")]
    [InlineData("latr", true, "userPagesByTag")]
    [InlineData("linux-invlpgb", true, "broadcasts")]
    [InlineData("radixvm", true, "userFlushesAtReturn")]
    public void Isolated_AnyWindowLanesAndNodes_HasOneFingerprint(string protocol, bool invpcid, string counter)
    {
        ThreadProgram[] threads =
        [
            .. Enumerable.Range(0, 6).Select(i =>
            {
                ThreadBuilder thread = new ThreadBuilder($"t{i}").Touch(TestWorlds.Page(0), 40);
                for (int round = 0; round < 6; round++)
                {
                    thread.Advise(TestWorlds.Page(6 * i), 4, Advice.DontNeed).Touch(TestWorlds.Page(6 * i), 8)
                        .Protect(TestWorlds.Page(6 * i), 3, Protection.Read).Load(TestWorlds.Page((7 * i) % 40)).Compute(9_000)
                        .Protect(TestWorlds.Page(6 * i), 3, Protection.Read | Protection.Write);
                }

                return thread.Build(new CoreId(i % 4));
            }),
        ];
        OwnSettings own = protocol == "linux-invlpgb" ? new([new("sample", "1"), new("active-cores", "2")]) : OwnSettings.None;
        ScenarioSpec scenario = TestWorlds.Scenario(4, threads) with
        {
            Kernel = new KernelProfile { PageTableIsolation = true, Invpcid = invpcid, TimeSliceCycles = 15_000, TickCycles = 40_000 },
            Shootdown = new ShootdownSpec { Protocol = protocol, ProtocolSettings = own },
        };
        RunReport plain = TestWorlds.Run(scenario);
        Assert.InRange(plain.Total(counter), 5, 100_000);
        foreach ((int lanes, int divisor) in ((int, int)[])[(1, 2), (4, 7)])
        {
            RunReport report = RunOnLanes(scenario, lanes, divisor);
            Assert.Equal((plain.Fingerprint, plain.Total(counter)), (report.Fingerprint, report.Total(counter)));
        }

        foreach ((int nodes, int divisor) in ((int, int)[])[(1, 1), (2, 1), (3, 2)])
        {
            RunReport report = RunOnNodes(scenario, nodes, coresPerNode: 0, divisor);
            Assert.Equal((plain.Fingerprint, plain.Total(counter)), (report.Fingerprint, report.Total(counter)));
        }
    }
}
