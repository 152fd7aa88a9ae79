using VmSim.Core.Addresses;
using VmSim.Core.Machine;
using VmSim.Core.Programs;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Shootdown;
using VmSim.Testing;

namespace VmSim.Core.Tests.Shootdown;

/// <summary>
/// Masks of cores, calls of the firmware and ASIDs. The contract is kept with few ASIDs, so that generations end, all set on, and with too
/// few to have any.
/// </summary>
public sealed class RiscvSbiProtocolTests : ShootdownProtocolContract
{
    private const int Pages = 80;

    /// <inheritdoc/>
    protected override IEnumerable<IShootdownProtocol> Subjects =>
        [new RiscvSbiProtocol { Asids = 9, Deferred = true, Svinval = true, FirmwarePages = 8, Threshold = 3 }];

    [Theory]
    [InlineData(1, true, 1, false)]
    [InlineData(2, true, 1, true)]
    [InlineData(64, false, 1, false)]
    [InlineData(65, false, 1, true)]
    [InlineData(65, true, 65, false)]
    public void Range_IsDroppedPageByPageUpToWhatTellsAllows(int pages, bool firmware, int firmwarePages, bool isWhole)
    {
        RunReport report = Run(new RiscvSbiProtocol { Firmware = firmware, FirmwarePages = firmwarePages }, pages);
        Assert.Equal(isWhole ? 2 : 0, report.Total("fullFlushes"));
        Assert.Equal(1, report.Total("ipisSent"));
        Assert.Equal(firmware ? 1 : 0, report.Total("firmwareCalls"));
    }

    [Fact]
    public void Firmware_TakesItsCallLonger()
    {
        RiscvSbiProtocol firmware = new() { EcallCycles = 700 };
        RiscvSbiProtocol interrupts = new() { Firmware = false };
        Assert.Equal(700, Wait(firmware) - Wait(interrupts));

        static long Wait(RiscvSbiProtocol protocol) =>
            Run(protocol, 1).LatencyCycles.Single(latency => latency.Key == "shootdown").Value.Max;
    }

    [Fact]
    public void Svinval_PaysForTheFencesOnce()
    {
        RiscvSbiProtocol plain = new() { Firmware = false };
        long saved = (49 * new KernelProfile().InvalidatePageCycles) - (50 * plain.SinvalCycles);
        Assert.Equal(saved, Handlers(plain) - Handlers(new RiscvSbiProtocol { Firmware = false, Svinval = true }));

        static long Handlers(RiscvSbiProtocol protocol) =>
            Run(protocol, 50).Shootdowns.Single(figure => figure.Key == "handlerCycles").Value.Max;
    }

    [Theory]
    [InlineData(65_534, false, 1, 0, 2)]
    [InlineData(65_534, true, 0, 1, 1)]
    [InlineData(4, false, 0, 0, 4)]
    [InlineData(4, true, 0, 0, 4)]
    public void CoreThatRunsAnotherProcess_IsInterruptedIfItMayHoldTheAsid(
        int asids, bool deferred, long interrupts, long left, long flushes)
    {
        RunReport report = TestWorlds.RunThreads(Visited(), protocol: new RiscvSbiProtocol { Asids = asids, Deferred = deferred });
        Assert.Equal((interrupts, left), (report.Total("ipisSent"), report.Total("flushesLeftToLoads")));

        // the firmware's on both cores; what the core owes when it comes back; or each of four loads without ASIDs
        Assert.Equal(flushes, report.Total("fullFlushes"));
    }

    [Theory]
    [InlineData(false, 1)]
    [InlineData(true, 0)]
    public void IdleCore_IsInterruptedUnlessFlushesAreDeferred(bool deferred, long interrupts)
    {
        ThreadProgram giver = new ThreadBuilder("g").Touch(TestWorlds.Page(0), 2).Compute(300_000)
            .Advise(TestWorlds.Page(0), 2, Advice.DontNeed).Compute(900_000).Build(new CoreId(0));
        ThreadProgram sleeper = new ThreadBuilder("s").Load(TestWorlds.Page(0)).Control(ControlKind.Sleep, 800_000)
            .Load(TestWorlds.Page(1)).Build(new CoreId(1));
        RunReport report =
            TestWorlds.RunThreads(TestWorlds.Scenario(2, giver, sleeper), protocol: new RiscvSbiProtocol { Deferred = deferred });
        Assert.Equal(interrupts, report.Total("ipisSent"));
    }

    [Fact]
    public void MoreSpacesThanAsids_CoresDropEverythingWhenTheySwitchInTheNewGeneration()
    {
        RunReport few = TestWorlds.Run(Crowd(9), protocol: new RiscvSbiProtocol { Asids = 5 });
        RunReport enough = TestWorlds.Run(Crowd(9), protocol: new RiscvSbiProtocol());
        Assert.True(few.Total("flushesOfNewGenerations") > 2);
        Assert.Equal(0, enough.Total("flushesOfNewGenerations"));
    }

    [Fact]
    public void Reclaim_DropsWhatOthersHoldToo()
    {
        const ulong place = 0x10_0000_0000;
        SystemCall map = new()
        {
            Kind = SystemCallKind.Map,
            Start = new VirtAddr(place),
            Length = 8 << 12,
            Protection = Protection.Read,
            Source = MappingSource.File,
            FileId = 0,
            Shared = true,
        };
        ThreadBuilder giver = new("g");
        for (int i = 0; i < 8; i++)
        {
            giver.Load(place + ((ulong)i << 12));
        }

        ThreadProgram user = new ThreadBuilder("u").Load(place).Load(place + 4096).Control(ControlKind.Sleep, 900_000)
            .Load(TestWorlds.Page(9)).Build(new CoreId(1));
        ThreadProgram[] threads = [giver.Compute(300_000).Advise(place, 8, Advice.PageOut).Build(new CoreId(0)), user];
        ProgramImage image = new()
        {
            Name = "p",
            Threads = threads,
            InitialMappings = [.. TestWorlds.Image(threads).InitialMappings, map],
            Files = [new ProgramFile("/f", 8 << 12)],
        };
        ThreadProgram visitor = new ThreadBuilder("v").Touch(TestWorlds.Page(0), 5).Compute(800_000).Build(new CoreId(1));
        ScenarioSpec scenario = TestWorlds.Scenario(2) with
        {
            Memory = new MemorySpec { FaultAround = 4096 },
            Processes = [new ProcessSpec { Name = "p", Program = _ => image }],
        };
        RunReport report = TestWorlds.RunThreads(With(scenario, visitor), protocol: new RiscvSbiProtocol());
        Assert.Equal(1, report.Total("ipisSent"));
        Assert.Equal(2, report.Total("fullFlushes"));

        // eight on the core that gives, and on the other the visitor's with those of the space that is not loaded
        Assert.True(report.Total("entriesInvalidated") >= 8 + 7);
    }

    /// <summary>One thread gives pages back while the other computes.</summary>
    private static RunReport Run(IShootdownProtocol protocol, int pages)
    {
        ThreadProgram giver = new ThreadBuilder("g").Touch(TestWorlds.Page(0), Pages).Compute(100_000)
            .Advise(TestWorlds.Page(0), pages, Advice.DontNeed).Build(new CoreId(0));
        ThreadProgram user = new ThreadBuilder("u").Load(TestWorlds.Page(200)).Compute(2_000_000).Build(new CoreId(1));
        return TestWorlds.RunThreads(TestWorlds.Scenario(2, giver, user), protocol: protocol);
    }

    /// <summary>A core runs another process while the first gives back what was touched there; then it goes on with the first.</summary>
    private static ScenarioSpec Visited()
    {
        ThreadProgram giver = new ThreadBuilder("g").Compute(300_000).Advise(TestWorlds.Page(0), 2, Advice.DontNeed)
            .Compute(900_000).Build(new CoreId(0));
        ThreadProgram user = new ThreadBuilder("u").Touch(TestWorlds.Page(0), 2).Control(ControlKind.Sleep, 500_000)
            .Touch(TestWorlds.Page(8), 1).Build(new CoreId(1));
        ThreadProgram visitor = new ThreadBuilder("v").Touch(TestWorlds.Page(0), 1).Compute(450_000).Build(new CoreId(1));
        return With(TestWorlds.Scenario(2, giver, user), visitor);
    }

    private static ScenarioSpec With(ScenarioSpec scenario, ThreadProgram program) => scenario with
    {
        Processes = [.. scenario.Processes, new ProcessSpec { Name = "q", Program = _ => TestWorlds.Image(program) }],
    };

    /// <summary>Processes that take turns on two cores.</summary>
    private static ScenarioSpec Crowd(int processes) => TestWorlds.Scenario(2) with
    {
        Kernel = new() { TimeSliceCycles = 9_000 },
        Processes = [.. Enumerable.Range(0, processes).Select(number =>
        {
            ThreadBuilder thread = new("t");
            for (int i = 0; i < 20; i++)
            {
                thread.Touch(TestWorlds.Page(0), 3).Compute(4_000).Advise(TestWorlds.Page(i % 3), 1, Advice.DontNeed);
            }

            ThreadProgram program = thread.Build(new CoreId(number % 2));
            return new ProcessSpec { Name = $"p{number}", Program = _ => TestWorlds.Image(program) };
        })],
    };
}
