using VmSim.Core.Addresses;
using VmSim.Core.Machine;
using VmSim.Core.Programs;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Testing;

namespace VmSim.Core.Tests.Kernel.Locks;

/// <summary>What it costs to get mmap_lock from another.</summary>
public sealed class MapLockHandoverTests
{
    private const long Handover = 7_000;

    [Fact]
    public void Writer_ThatWaited_GoesOnWhenTheLockHasBeenHandedOver()
    {
        RunReport without = Run(0, Mapper(0), Mapper(1));
        RunReport with = Run(Handover, Mapper(0), Mapper(1));
        Assert.Equal((1, 1), (without.Total("lockWaits"), with.Total("lockWaits")));
        Assert.Equal(Handover, with.Total("lockWaitCycles") - without.Total("lockWaitCycles"));
        Assert.Equal(Handover, with.Total("cycles") - without.Total("cycles"));
    }

    [Fact]
    public void Writer_ThatFoundItFree_GoesOnAtOnce() =>
        Assert.Equal(Run(0, Mapper(0)).Total("cycles"), Run(Handover, Mapper(0)).Total("cycles"));

    [Fact]
    public void Reader_ThatWaited_GoesOnWhenItIsWoken()
    {
        RunReport without = Run(0, Mapper(0), Adviser(Advice.WillNeed, 0));
        RunReport with = Run(Handover, Mapper(0), Adviser(Advice.WillNeed, 0));
        Assert.Equal((1, 1), (with.Total("lockWaits"), with.Total("lockSleeps")));
        Assert.Equal(without.Total("lockWaitCycles"), with.Total("lockWaitCycles"));
    }

    [Theory]
    [InlineData("6.12", Advice.DontNeed, 0, 1)]
    [InlineData("6.18", Advice.DontNeed, 0, 0)]
    [InlineData("6.18", Advice.Free, 0, 0)]
    [InlineData("6.18", Advice.Cold, 0, 1)]
    [InlineData("6.18", Advice.DontNeed, 254, 1)]
    public void Advice_BesideAMap_WaitsUnlessTheLockOfItsOneAreaIsEnough(string version, Advice advice, int page, long waits)
    {
        RunReport report = Run(0, version, Mapper(0), Adviser(advice, page));
        Assert.Equal(waits, report.Total("lockWaits"));
        Assert.Equal(1 - waits, report.Total("areaLockAcquisitions"));
    }

    [Fact]
    public void Advice_BesideAnUnmapOfItsArea_Waits()
    {
        ThreadProgram unmapper = new ThreadBuilder("unmapper").Unmap(TestWorlds.Page(0), 8).Build(new CoreId(0));
        Assert.Equal(1, Run(0, unmapper, Adviser(Advice.DontNeed, 0)).Total("lockWaits"));
    }

    [Theory]
    [InlineData(true, true, true)]
    [InlineData(true, false, false)]
    [InlineData(false, true, true)]
    [InlineData(false, false, false)]
    public void Reader_BehindAnUnmap_WaitsForItsAreasAlone(bool lowersBreak, bool isReader, bool isShort)
    {
        long few = WaitBehind(lowersBreak, isReader, pages: 4);
        long many = WaitBehind(lowersBreak, isReader, pages: 900);
        Assert.True(few > 0);
        Assert.Equal(isShort, few == many);
    }

    /// <summary>How long a call waits that comes while another thread gives pages up, in cycles.</summary>
    private static long WaitBehind(bool lowersBreak, bool isReader, int pages)
    {
        const ulong Heap = 0x5000_0000_0000;
        ulong start = lowersBreak ? Heap : 0x6000_0000_0000;
        ThreadBuilder giver = new("giver");
        giver = lowersBreak ? giver.Call(Break(Heap + ((ulong)pages << 12))) : giver.Map(start, pages);
        giver.Touch(start, pages).Compute(10_000_000).Control(ControlKind.Barrier).Compute(1_300);
        giver = lowersBreak ? giver.Call(Break(Heap)) : giver.Unmap(start, pages);
        ThreadBuilder other = new ThreadBuilder("other").Control(ControlKind.Barrier).Compute(600);
        other = isReader ? other.Advise(TestWorlds.Page(0), 4, Advice.WillNeed) : other.Protect(TestWorlds.Page(0), 4, Protection.Read);
        ScenarioSpec scenario = TestWorlds.Scenario(2, giver.Build(new CoreId(0)), other.Build(new CoreId(1)));
        ProgramImage image = scenario.Processes[0].Program(0) with { InitialBreak = new VirtAddr(Heap) };
        RunReport report = TestWorlds.Run(scenario with { Processes = [new ProcessSpec { Name = "p", Program = _ => image }] });
        Assert.Equal(1, report.Total("lockWaits"));
        return report.Total("lockWaitCycles");
    }

    private static SystemCall Break(ulong to) => new() { Kind = SystemCallKind.SetBreak, Start = new VirtAddr(to) };

    /// <summary>Gives advice on four pages; the area at the base has 256.</summary>
    private static ThreadProgram Adviser(Advice advice, int page) =>
        new ThreadBuilder("adviser").Advise(TestWorlds.Page(page), 4, advice).Build(new CoreId(1));

    private static ThreadProgram Mapper(int core) =>
        new ThreadBuilder($"mapper {core}").Map(TestWorlds.Page(512 + (16 * core)), 4).Build(new CoreId(core));

    private static RunReport Run(long handover, params ThreadProgram[] threads) => Run(handover, "6.18", threads);

    private static RunReport Run(long handover, string version, params ThreadProgram[] threads)
    {
        ScenarioSpec scenario = TestWorlds.Scenario(2, threads);
        return TestWorlds.Run(scenario with { Kernel = new KernelProfile { MapLockHandoverCycles = handover, Version = version } });
    }
}
