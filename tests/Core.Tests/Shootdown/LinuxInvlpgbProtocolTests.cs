using VmSim.Core.Addresses;
using VmSim.Core.Engine;
using VmSim.Core.Machine;
using VmSim.Core.Programs;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Settings;
using VmSim.Core.Shootdown;
using VmSim.Testing;

namespace VmSim.Core.Tests.Shootdown;

/// <summary>Tags of the machine and broadcasts. The contract is kept with tags that are given soon and often, and run out.</summary>
public sealed class LinuxInvlpgbProtocolTests : ShootdownProtocolContract
{
    /// <inheritdoc/>
    protected override IEnumerable<IShootdownProtocol> Subjects =>
        [new LinuxInvlpgbProtocol { Sample = 1, ActiveCores = 2, Tags = 2, IssueCycles = 70, StallCycles = 30 }];

    [Theory]
    [InlineData(3, 0)]
    [InlineData(4, 1)]
    public void Space_ActiveOnFourCores_IsGivenATag(int threads, long tags)
    {
        RunReport report = Run(Eager(), Process(threads, rounds: 20));
        Assert.Equal(tags, report.Total("machineTagsTaken"));
        Assert.Equal(tags > 0, report.Total("broadcasts") > 0);
    }

    [Fact]
    public void SpaceWithATag_InterruptsStragglersOnce()
    {
        // all cores have loaded the space before it has its tag: the first broadcast finds three that use tags of their own
        RunReport few = Run(Eager(), Process(4, rounds: 4));
        RunReport many = Run(Eager(), Process(4, rounds: 40));
        Assert.Equal(few.Total("ipisSent"), many.Total("ipisSent"));
        Assert.InRange(few.Total("changesToMachineTags"), 3, 4);
        Assert.True(many.Total("broadcasts") > 30);
    }

    [Fact]
    public void Tag_IsGivenInTheTicksOfTheThread()
    {
        // thread 0 alone flushes; ticks 0, 32, 64, ... of 50,000 cycles are its own
        ThreadBuilder worker = new("w");
        for (int i = 0; i < 100; i++)
        {
            worker.Touch(TestWorlds.Page(0), 1).Advise(TestWorlds.Page(0), 1, Advice.DontNeed).Compute(20_000);
        }

        ThreadProgram[] threads =
            [worker.Build(new CoreId(0)), .. Enumerable.Range(1, 3).Select(core => User(core, 4_000_000))];
        ScenarioSpec scenario = Scenario(4, TestWorlds.Image(threads)) with
        {
            Kernel = new KernelProfile { TickCycles = 50_000 },
        };
        RecordedRun run = RecordedRun.OfThreads(new LinuxInvlpgbProtocol(), scenario);
        long[] flipped = [.. run.Protocol.Steps.Where(step => step.Kind == SpaceEvent.Tells).Select(step => step.Time)];
        long lastInterrupt = run.Protocol.Steps.Where(step => step.Kind == SpaceEvent.Interrupts).Max(step => step.Time);
        Assert.Equal(1, run.Report.Total("machineTagsTaken"));
        Assert.InRange(lastInterrupt, 0, 33 * 50_000);
        Assert.True(flipped.Length > 100);
    }

    [Theory]
    [InlineData(1, 20, 20)]
    [InlineData(8, 20, 3)]
    [InlineData(8, 40, 1)]
    public void Range_TakesAnInstructionForSoManyPages(int each, int pages, long instructions)
    {
        // more than 33 pages are dropped as a whole, by one instruction
        ThreadProgram giver = new ThreadBuilder("g").Compute(200_000).Touch(TestWorlds.Page(0), 1)
            .Advise(TestWorlds.Page(0), 1, Advice.DontNeed).Touch(TestWorlds.Page(0), pages)
            .Advise(TestWorlds.Page(0), pages, Advice.DontNeed).Build(new CoreId(0));
        ThreadProgram[] threads = [giver, .. Enumerable.Range(1, 3).Select(core => User(core, 500_000))];
        RunReport report = Run(Eager(pagesEach: each), TestWorlds.Image(threads));
        Assert.Equal(instructions, report.Total("broadcasts"));
    }

    [Fact]
    public void AllTagsGiven_TheNextOneWaitsUntilEverybodyHasDroppedEverything()
    {
        ScenarioSpec scenario = OneAfterTheOther();
        RunReport report = TestWorlds.Run(scenario, protocol: Eager(tags: 1));
        Assert.Equal(2, report.Total("machineTagsTaken"));
        Assert.Equal(1, report.Total("machineTagRollOvers"));
        Assert.True(report.Total("entriesLostToOthers") > 0);
    }

    [Fact]
    public void NoTagLeft_SpacesGoOnWithInterrupts()
    {
        ScenarioSpec scenario = OneAfterTheOther();
        ProcessSpec second = scenario.Processes[1];
        scenario = scenario with
        {
            // the first process stays to the end
            Processes = [new ProcessSpec { Name = "p", Program = _ => Process(4, rounds: 10, stays: 6_000_000) }, second],
        };
        RunReport report = TestWorlds.Run(scenario, protocol: Eager(tags: 1));
        Assert.Equal(1, report.Total("machineTagsTaken"));
        Assert.Equal(0, report.Total("machineTagRollOvers"));
    }

    [Fact]
    public void Reclaim_OfOneProcess_TakesTheEntriesOfAnother()
    {
        ScenarioSpec scenario = WithReclaim();
        RunReport broadcast = TestWorlds.RunThreads(scenario, protocol: new LinuxInvlpgbProtocol());
        RunReport interrupts = TestWorlds.RunThreads(scenario, protocol: new LinuxProtocol());
        Assert.Equal(0, broadcast.Total("ipisSent"));
        Assert.Equal(1, interrupts.Total("ipisSent"));
        Assert.True(broadcast.Total("entriesLostToOthers") >= 20);
        Assert.True(broadcast.Total("walks") >= interrupts.Total("walks") + 20);
    }

    [Fact]
    public void AnotherArchitecture_IsRefusedUnlessItIsMeant()
    {
        ScenarioSpec scenario = TestWorlds.Scenario(1, TestWorlds.Toucher("t", 0, 1)) with
        {
            Machine = new MachineSpec { Cores = 1, PageTable = "aarch64" },
            Shootdown = new ShootdownSpec { Protocol = "linux-invlpgb" },
        };
        ScenarioException error = Assert.Throws<ScenarioException>(() => WorldParts.ProtocolOf(scenario));
        Assert.Equal(
            "shootdown.protocol: linux-invlpgb found on a machine with the page table aarch64; it exists on x86-64; set "
                + "shootdown.hypothetical = on to run it all the same",
            error.Message);
        ScenarioSpec meant = scenario with { Shootdown = scenario.Shootdown with { Hypothetical = true } };
        Assert.Equal("linux-invlpgb", WorldParts.ProtocolOf(meant).Name);
    }

    private static LinuxInvlpgbProtocol Eager(int tags = 100, int pagesEach = 8) =>
        new() { Sample = 1, Tags = tags, PagesEach = pagesEach };

    private static RunReport Run(IShootdownProtocol protocol, ProgramImage image) =>
        TestWorlds.RunThreads(Scenario(image.Threads.Count, image), protocol: protocol);

    private static ScenarioSpec Scenario(int cores, ProgramImage image) => TestWorlds.Scenario(cores) with
    {
        Processes = [new ProcessSpec { Name = "p", Program = _ => image }],
    };

    private static ThreadProgram User(int core, long cycles) =>
        new ThreadBuilder($"u{core}").Touch(TestWorlds.Page(100 + core), 1).Compute(cycles).Build(new CoreId(core));

    /// <summary>Threads on cores of their own give pages back, all at once, a number of times.</summary>
    private static ProgramImage Process(int threads, int rounds, long stays = 0, long waits = 0) => TestWorlds.Image(
        [.. Enumerable.Range(0, threads).Select(number =>
        {
            ThreadBuilder thread = new($"t{number}");
            thread.Control(ControlKind.Sleep, (ulong)waits + 1).Touch(TestWorlds.Page(50), 4).Control(ControlKind.Barrier, 0);
            for (int i = 0; i < rounds; i++)
            {
                thread.Touch(TestWorlds.Page(number), 1).Load(TestWorlds.Page(50)).Compute(60_000);
                _ = number == 0 ? thread.Advise(TestWorlds.Page(number), 1, Advice.DontNeed) : thread.Compute(100);
            }

            return thread.Control(ControlKind.Sleep, (ulong)stays + 1).Build(new CoreId(number));
        })]);

    /// <summary>Two processes on the same cores; the second begins when the first has ended.</summary>
    private static ScenarioSpec OneAfterTheOther() => TestWorlds.Scenario(4) with
    {
        Processes =
        [
            new ProcessSpec { Name = "p", Program = _ => Process(4, rounds: 10) },
            new ProcessSpec { Name = "q", Program = _ => Process(4, rounds: 10, waits: 3_000_000) },
        ],
    };

    /// <summary>A process of two threads reclaims a file's pages while another one uses its memory on a third core.</summary>
    private static ScenarioSpec WithReclaim()
    {
        const ulong place = 0x10_0000_0000;
        SystemCall map = new()
        {
            Kind = SystemCallKind.Map,
            Start = new VirtAddr(place),
            Length = 16 << 12,
            Protection = Protection.Read,
            Source = MappingSource.File,
            FileId = 0,
            Shared = true,
        };
        ThreadBuilder reclaimer = new("r");
        for (int i = 0; i < 16; i++)
        {
            reclaimer.Load(place + ((ulong)i << 12));
        }

        ThreadProgram[] threads =
        [
            reclaimer.Compute(300_000).Advise(place, 16, Advice.PageOut).Compute(10_000).Build(new CoreId(0)),
            new ThreadBuilder("o").Load(TestWorlds.Page(0)).Compute(3_000_000).Build(new CoreId(1)),
        ];
        ThreadBuilder bystander = new("b");
        for (int i = 0; i < 200; i++)
        {
            bystander.Touch(TestWorlds.Page(0), 20).Compute(5_000);
        }

        ProgramImage image = TestWorlds.Image(threads);
        ProgramImage reclaiming = new()
        {
            Name = "p",
            Threads = threads,
            InitialMappings = [.. image.InitialMappings, map],
            Files = [new ProgramFile("/f", 16 << 12)],
        };
        return TestWorlds.Scenario(3) with
        {
            Memory = new MemorySpec { FaultAround = 4096 },
            Processes =
            [
                new ProcessSpec { Name = "p", Program = _ => reclaiming },
                new ProcessSpec { Name = "q", Program = _ => TestWorlds.Image(bystander.Build(new CoreId(2))) },
            ],
        };
    }
}
