using VmSim.Core.Engine;
using VmSim.Core.Programs;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Shootdown;
using VmSim.Testing;
using Xunit;

namespace Samples.Protocol;

/// <summary>The contract of all protocols: random programs and small worlds, with the checker for dead translations on.</summary>
public sealed class BroadcastByHardwareContract : ShootdownProtocolContract
{
    protected override IEnumerable<IShootdownProtocol> Subjects => [new BroadcastByHardware()];
}

/// <summary>What is special about this one.</summary>
public sealed class BroadcastByHardwareTests
{
    [Fact]
    public void Unmap_ThreeOtherCores_WaitsWithoutAnInterruptAndForLessTime()
    {
        ThreadProgram giver = new ThreadBuilder("giver").Touch(TestWorlds.Page(0), 8).Compute(100_000).Unmap(TestWorlds.Page(0), 8).Build();
        ThreadProgram user = new ThreadBuilder("user").Touch(TestWorlds.Page(0), 8).Compute(1_000_000).Build();
        ScenarioSpec scenario = TestWorlds.Scenario(4, giver, user, user, user);
        RunReport hardware = TestWorlds.RunThreads(scenario, protocol: new BroadcastByHardware());
        RunReport linux = TestWorlds.RunThreads(scenario, protocol: new LinuxProtocol());
        Assert.Equal(1, hardware.Total("shootdowns"));
        Assert.Equal(0, hardware.Total("ipisSent"));
        Assert.Equal(3, linux.Total("ipisSent"));
        Assert.True(WaitOf(hardware) < WaitOf(linux));
    }

    [Fact]
    public void Unmap_ThreeOtherCores_HearsOfEachOnce()
    {
        ThreadProgram giver = new ThreadBuilder("giver").Touch(TestWorlds.Page(0), 8).Compute(100_000).Unmap(TestWorlds.Page(0), 8).Build();
        ThreadProgram user = new ThreadBuilder("user").Touch(TestWorlds.Page(0), 8).Compute(1_000_000).Build();
        RecordedRun run = RecordedRun.OfThreads(new BroadcastByHardware(), TestWorlds.Scenario(4, giver, user, user, user));
        Assert.Equal(3, run.Protocol.Count(SpaceEvent.Acknowledged));
        Assert.Equal(0, run.LongestStaleness);
    }

    private static long WaitOf(RunReport report) => report.Cores[0].CyclesOf(CoreCycles.ShootdownWait);
}
