using VmSim.Core.Addresses;
using VmSim.Core.Programs;
using VmSim.Core.Scenarios;
using VmSim.Core.Shootdown;
using VmSim.Testing;

namespace VmSim.Core.Tests.Shootdown;

/// <summary>The contract of every protocol that can be named in a scenario, and what these do and others need not.</summary>
public sealed class ShootdownProtocolTests : ShootdownProtocolContract
{
    /// <inheritdoc/>
    protected override IEnumerable<IShootdownProtocol> Subjects => ShootdownProtocols.All;

    [Theory]
    [Trait("Category", "Long")]
    [Subjects]
    public void ManyRuns_AnyWindow_GiveOneLongestStaleness(string protocol) => CompareStaleness(Subject(protocol), scenarios: 1_000);

    [Theory]
    [InlineData("broadcast")]
    [InlineData("linux")]
    [InlineData("latr")]
    public void Reclaim_ManyPages_InterruptsEachCoreOnceAndWaits(string protocol)
    {
        RecordedRun run = Reclaim(Subject(protocol), users: 3, pages: 24, stride: 2);
        Assert.Equal([1, 2, 3], run.Protocol.Steps.Where(step => step.Kind == SpaceEvent.Interrupts).Select(step => step.Core));
        Assert.Equal(3, run.Report.Total("ipisSent"));
        Assert.Equal(4, run.Report.Total("refillMisses"));
        Assert.Equal(24, run.Report.Total("pagesShotDown"));
        Assert.Equal(24, run.Report.Total("framesFreed"));
        Assert.Equal(0, run.Protocol.Count(SpaceEvent.Defers) + run.Protocol.Count(SpaceEvent.Tells));
        Assert.Equal(0, run.LongestStaleness);
    }

    [Theory]
    [InlineData("broadcast")]
    [InlineData("linux")]
    [InlineData("latr")]
    [InlineData("linux-invlpgb")]
    [InlineData("arm-tlbi")]
    [InlineData("freebsd")]
    public void Reclaim_NoOtherCore_DropsTheRange(string protocol)
    {
        RecordedRun run = Reclaim(Subject(protocol), users: 0, pages: 24, stride: 1);
        Assert.Equal(24, run.Report.Total("framesFreed"));
        Assert.Equal(0, run.Report.Total("ipisSent") + run.Report.Total("refillMisses"));
    }

    /// <summary>
    /// Threads on cores of their own read pages of a file, every so many; the first has them reclaimed, and all read them again, and a page
    /// that was not reclaimed.
    /// </summary>
    private static RecordedRun Reclaim(IShootdownProtocol protocol, int users, int pages, int stride)
    {
        const ulong place = 0x10_0000_0000;
        SystemCall map = new()
        {
            Kind = SystemCallKind.Map,
            Start = new VirtAddr(place),
            Length = 64 << 12,
            Protection = Protection.Read,
            Source = MappingSource.File,
            FileId = 0,
            Shared = true,
        };
        ThreadProgram[] threads = [.. Enumerable.Range(0, users + 1).Select(number =>
        {
            ThreadBuilder thread = new ThreadBuilder($"t{number}").Load(TestWorlds.Page(number)).Control(ControlKind.Barrier, 0);
            Read(thread);
            _ = number == 0 ? thread.Compute(300_000).Advise(place, 64, Advice.PageOut).Compute(400_000) : thread.Compute(1_000_000);
            Read(thread);
            return thread.Load(TestWorlds.Page(number)).Build(new CoreId(number));
        })];
        ProgramImage image = new()
        {
            Name = "p",
            Threads = threads,
            InitialMappings = [.. TestWorlds.Image(threads).InitialMappings, map],
            Files = [new ProgramFile("/f", 64 << 12)],
            BarrierParties = [threads.Length],
        };
        ScenarioSpec scenario = TestWorlds.Scenario(users + 1) with
        {
            Memory = new MemorySpec { FaultAround = 4096 },
            Processes = [new ProcessSpec { Name = "p", Program = _ => image }],
        };
        return RecordedRun.OfThreads(protocol, scenario);

        void Read(ThreadBuilder thread)
        {
            for (int i = 0; i < pages; i++)
            {
                thread.Load(place + ((ulong)(i * stride) << 12));
            }
        }
    }
}
