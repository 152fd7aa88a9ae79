using VmSim.Core.Addresses;
using VmSim.Core.Engine;
using VmSim.Core.Machine;
using VmSim.Core.Programs;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Shootdown;
using VmSim.Testing;

namespace VmSim.Core.Tests.Shootdown;

/// <summary>What each technique spares, by itself. The contract is kept with all off.</summary>
public sealed class EarlyAckProtocolTests : ShootdownProtocolContract
{
    /// <inheritdoc/>
    protected override IEnumerable<IShootdownProtocol> Subjects => [AllOff];

    private static EarlyAckProtocol AllOff => new() { Concurrent = false, AtEntry = false, Consolidated = false, CopyByAccess = false };

    [Fact]
    public void Concurrent_SparesWhatTheInitiatorInvalidates()
    {
        EarlyAckProtocol together = new() { Concurrent = true, AtEntry = false, Consolidated = false, CopyByAccess = false };
        Assert.Equal(8 * new KernelProfile().InvalidatePageCycles, Wait(AllOff, 8) - Wait(together, 8));
    }

    [Fact]
    public void AtEntry_SparesTheHandler()
    {
        KernelProfile kernel = new();
        EarlyAckProtocol early = new() { Concurrent = false, AtEntry = true, Consolidated = true, CopyByAccess = false };
        EarlyAckProtocol late = new() { Concurrent = false, AtEntry = false, Consolidated = true, CopyByAccess = false };
        Assert.Equal(kernel.HandlerCycles + (8 * kernel.InvalidatePageCycles), Wait(late, 8) - Wait(early, 8));
    }

    [Fact]
    public void Consolidated_SparesTwoCacheLines()
    {
        EarlyAckProtocol fewer = new() { Concurrent = false, AtEntry = false, Consolidated = true, CopyByAccess = false };
        Assert.Equal(2 * new MachineSpec().LineTransferCycles, Wait(AllOff, 8) - Wait(fewer, 8));
    }

    [Theory]
    [InlineData(8, 1)]
    [InlineData(512, 0)]
    public void AtEntry_FreedTables_AreInvalidatedFirst(int pages, long early)
    {
        ThreadProgram giver = new ThreadBuilder("g").Touch(TestWorlds.Page(0), 8).Compute(100_000).Unmap(TestWorlds.Page(0), pages)
            .Build(new CoreId(0));
        ThreadProgram user = new ThreadBuilder("u").Load(TestWorlds.Page(200)).Compute(2_000_000).Build(new CoreId(1));
        RunReport report = TestWorlds.RunThreads(TestWorlds.Scenario(2, giver, user), protocol: new EarlyAckProtocol());
        Assert.Equal((1, early), (report.Total("ipisSent"), report.Total("earlyAcknowledgements")));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void CopyByAccess_LeavesTheOldTranslationToTheAccess(bool check)
    {
        RunReport on = Copies(new EarlyAckProtocol(), check);
        RunReport off = Copies(new EarlyAckProtocol { CopyByAccess = false }, check);
        long copies = on.Total("copyFaults");
        Assert.Equal((6, 6, 0), (copies, on.Total("copiesByAccess"), off.Total("copiesByAccess")));
        Assert.InRange(off.Total("cycles") - on.Total("cycles"), 1, copies * new KernelProfile().InvalidatePageCycles);
    }

    [Theory]
    [InlineData(true, 1)]
    [InlineData(false, 6)]
    public void Batched_WritesPagesBackWithOneFlush(bool batched, long shootdowns)
    {
        ThreadBuilder writer = new("w");
        writer.Call(new SystemCall
        {
            Kind = SystemCallKind.Map,
            Start = new VirtAddr(TestWorlds.Page(300)),
            Length = 12 << 12,
            Protection = Protection.Read | Protection.Write,
            Source = MappingSource.File,
            FileId = 0,
            Shared = true,
        });
        for (int page = 0; page < 12; page += 2)
        {
            writer.Store(TestWorlds.Page(300 + page)).Load(TestWorlds.Page(301 + page));
        }

        writer.Compute(100_000).Call(new SystemCall
        {
            Kind = SystemCallKind.Sync,
            Start = new VirtAddr(TestWorlds.Page(300)),
            Length = 12 << 12,
            SyncFlags = SyncFlags.Synchronous,
        });
        writer.Store(TestWorlds.Page(302));
        ThreadProgram user = new ThreadBuilder("u").Compute(80_000).Load(TestWorlds.Page(302)).Compute(2_000_000).Build(new CoreId(1));
        ProgramImage image = TestWorlds.Image(writer.Build(new CoreId(0)), user) with { Files = [new ProgramFile("/data", 12 << 12)] };
        ScenarioSpec scenario = TestWorlds.Scenario(2) with { Processes = [new ProcessSpec { Name = "p", Program = _ => image }] };
        RunReport report = TestWorlds.RunThreads(scenario, protocol: new EarlyAckProtocol { Batched = batched });
        Assert.Equal((shootdowns, shootdowns, 6), (report.Total("shootdowns"), report.Total("ipisSent"), report.Total("pagesShotDown")));
    }

    /// <summary>Reads of the zero page, which writes then copy.</summary>
    private static RunReport Copies(IShootdownProtocol protocol, bool check)
    {
        ThreadBuilder writer = new("w");
        for (int i = 0; i < 6; i++)
        {
            writer.Load(TestWorlds.Page(i)).Store(TestWorlds.Page(i));
        }

        using World world = new(TestWorlds.Scenario(1, writer.Build(new CoreId(0))), check, protocol);
        return ReportBuilder.Build(world, new SequentialEngine(world).Run());
    }

    private static long Wait(IShootdownProtocol protocol, int pages)
    {
        ThreadProgram giver = new ThreadBuilder("g").Touch(TestWorlds.Page(0), pages).Compute(100_000)
            .Advise(TestWorlds.Page(0), pages, Advice.DontNeed).Build(new CoreId(0));
        ThreadProgram user = new ThreadBuilder("u").Load(TestWorlds.Page(200)).Compute(2_000_000).Build(new CoreId(1));
        ScenarioSpec scenario = TestWorlds.Scenario(2, giver, user);
        return TestWorlds.RunThreads(scenario, protocol: protocol).LatencyCycles.Single(latency => latency.Key == "shootdown").Value.Max;
    }
}
