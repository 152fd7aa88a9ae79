using VmSim.Core.Addresses;
using VmSim.Core.Machine;
using VmSim.Core.Programs;
using VmSim.Core.Reports;
using VmSim.Core.Shootdown;
using VmSim.Testing;

namespace VmSim.Core.Tests.Shootdown;

/// <summary>What FreeBSD does otherwise than Linux.</summary>
public sealed class FreeBsdProtocolTests
{
    [Fact]
    public void Range_GoesPageByPageWhereLinuxDropsAll()
    {
        RunReport freeBsd = Run(new FreeBsdProtocol(), 100);
        RunReport linux = Run(new LinuxProtocol(), 100);
        Assert.Equal(freeBsd.Total("flushesAtLoad"), freeBsd.Total("fullFlushes"));
        Assert.Equal(2, linux.Total("fullFlushes") - linux.Total("spaceLoads"));

        // the target keeps its page, and pays for each that died
        Assert.True(linux.Total("refillMisses") > 0);
        Assert.Equal(0, freeBsd.Total("refillMisses"));
        KernelProfile kernel = new();
        long handler = kernel.HandlerCycles + (100 * kernel.InvalidatePageCycles);
        Assert.Equal(handler, Wait(new FreeBsdProtocol { EarlyMark = false }) - Wait(new FreeBsdProtocol()));

        static long Wait(FreeBsdProtocol protocol) =>
            Run(protocol, 100).LatencyCycles.Single(latency => latency.Key == "shootdown").Value.Max;
    }

    [Fact]
    public void Threshold_DropsAll() => Assert.Equal(2, Run(new FreeBsdProtocol { Threshold = 100 }, 100).Total("fullFlushes") - 2);

    [Fact]
    public void IdleCore_IsNotInterruptedAndFlushesWhenItLoadsTheSpaceAgain()
    {
        ThreadProgram worker = new ThreadBuilder("w").Touch(TestWorlds.Page(0), 2).Compute(300_000)
            .Unmap(TestWorlds.Page(0), 256).Compute(900_000).Build(new CoreId(0));
        ThreadProgram sleeper = new ThreadBuilder("s").Load(TestWorlds.Page(0)).Control(ControlKind.Sleep, 800_000)
            .Compute(1_000).Control(ControlKind.Sleep, 100_000).Compute(1_000).Build(new CoreId(1));
        RunReport report = TestWorlds.Run(TestWorlds.Scenario(2, worker, sleeper), protocol: new FreeBsdProtocol());
        Assert.Equal(0, report.Total("ipisSent"));

        // two tags are new; the sleeper's first return finds its own stale, the second does not
        Assert.Equal(3, report.Total("flushesAtLoad"));
    }

    private static RunReport Run(IShootdownProtocol protocol, int pages)
    {
        ThreadProgram giver = new ThreadBuilder("g").Touch(TestWorlds.Page(0), pages).Compute(100_000)
            .Advise(TestWorlds.Page(0), pages, Advice.DontNeed).Build(new CoreId(0));
        ThreadBuilder user = new("u");
        for (int i = 0; i < 100; i++)
        {
            user.Load(TestWorlds.Page(200)).Compute(10_000);
        }

        return TestWorlds.Run(TestWorlds.Scenario(2, giver, user.Build(new CoreId(1))), protocol: protocol);
    }
}
