using CsCheck;
using VmSim.Core.Addresses;
using VmSim.Core.Engine;
using VmSim.Core.Machine;
using VmSim.Core.Programs;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Shootdown;
using VmSim.Core.VirtualTime;
using VmSim.Tests.Shared;

namespace VmSim.Core.Tests.Shootdown;

/// <summary>What every protocol that can be named in a scenario must do.</summary>
public sealed class ShootdownProtocolContract
{
    private const int SpacesThatOverflowTags = LinuxProtocol.Slots + 3;

    public static TheoryData<string> Protocols => [.. ShootdownProtocols.All.Names];

    [Theory]
    [MemberData(nameof(Protocols))]
    public void AnyRun_EveryShootdownFinishesOnceAndEveryAckHasItsInterrupt(string protocol) => RandomPrograms.Scenario.Sample(
        scenario =>
        {
            RecordedRun run = RecordedRun.Of(protocol, Under(protocol, scenario));
            (int, long)[] begun = Shootdowns(run, SpaceEvent.Begins);
            Assert.Equal(begun.Order(), [.. Shootdowns(run, SpaceEvent.Finishes).Concat(Shootdowns(run, SpaceEvent.Defers)).Order()]);
            Assert.Equal(Shootdowns(run, SpaceEvent.Defers).Order(), Shootdowns(run, SpaceEvent.Releases).Order());
            Assert.Equal(Targets(run, SpaceEvent.Interrupts), Targets(run, SpaceEvent.Acknowledged));
            Assert.True(run.LongestStaleness <= run.AllowedStaleness);
        },
        iter: 60);

    [Theory]
    [MemberData(nameof(Protocols))]
    public void AnyRun_WindowsOfTheBoundAndASeventh_GiveOneFingerprint(string protocol) => RandomPrograms.Scenario.Sample(
        scenario =>
        {
            ScenarioSpec under = Under(protocol, scenario);
            long bound = WorldParts.DelaysOf(under).WindowBound;
            Assert.Equal(TestWorlds.Run(under).Fingerprint, TestWorlds.Run(under, bound / 7).Fingerprint);
        },
        iter: 40);

    [Theory]
    [MemberData(nameof(Protocols))]
    public void AnyRun_AnyWindow_GivesOneLongestStaleness(string protocol) => CompareStaleness(protocol, scenarios: 60);

    [Theory]
    [Trait("Category", "Long")]
    [MemberData(nameof(Protocols))]
    public void ManyRuns_AnyWindow_GiveOneLongestStaleness(string protocol) => CompareStaleness(protocol, scenarios: 1_000);

    private static void CompareStaleness(string protocol, int scenarios) => RandomPrograms.Scenario.Sample(
        scenario =>
        {
            ScenarioSpec under = Under(protocol, scenario);
            long bound = new Delays(scenario.Machine, scenario.Kernel).WindowBound;
            CheckerReport? expected = TestWorlds.Run(under).Checker;
            Assert.Equal(expected, TestWorlds.Run(under, bound / 3).Checker);
            Assert.Equal(expected, TestWorlds.Run(under, 17).Checker);
            Assert.Equal(
                ShootdownProtocols.All.Find(protocol)!.AllowedStaleness(scenario.Machine, scenario.Kernel),
                expected?.AllowedStaleness ?? 0);
        },
        iter: scenarios);

    /// <summary>A core that waits takes such ticks late, and nobody waits for them.</summary>
    [Theory]
    [MemberData(nameof(Protocols))]
    public void AnyTick_WithoutWork_DoesNothing(string protocol) => RandomPrograms.Scenario.Sample(
        scenario =>
        {
            using World world = new(Under(protocol, scenario), check: true, new TickWatch(ShootdownProtocols.All.Find(protocol)!));
            Assert.True(new SequentialEngine(world).Run());
        },
        iter: 40);

    [Theory]
    [MemberData(nameof(Protocols))]
    public void EverythingUnmapped_GivesEveryFrameBack(string protocol)
    {
        ThreadProgram toucher = new ThreadBuilder("t").Touch(TestWorlds.Page(0), 40).Compute(200_000).Touch(TestWorlds.Page(0), 40)
            .Compute(400_000).Build();
        ThreadProgram giver = new ThreadBuilder("g").Touch(TestWorlds.Page(20), 40).Compute(700_000).Unmap(TestWorlds.Page(0), 7)
            .Unmap(TestWorlds.Page(7), 249).Build();
        RecordedRun run = RecordedRun.Of(protocol, Under(protocol, TestWorlds.Scenario(3, giver, toucher, toucher)));
        Assert.Equal(60, run.Report.Total("framesAllocated"));
        Assert.Equal(60, run.Report.Total("framesFreed"));
        Assert.Equal(0, run.FramesInUse);
    }

    [Theory]
    [MemberData(nameof(Protocols))]
    public void CoreThatNeverLoadedTheSpace_IsToldNothing(string protocol)
    {
        ThreadBuilder giver = new("g");
        ThreadBuilder user = new("u");
        for (int i = 0; i < 20; i++)
        {
            giver.Touch(TestWorlds.Page(0), 4).Unmap(TestWorlds.Page(0), 4).Map(TestWorlds.Page(0), 4)
                .Protect(TestWorlds.Page(4), 2, Protection.Read);
            user.Compute(10_000).Store(TestWorlds.Page(200));
        }

        ScenarioSpec scenario = TestWorlds.Scenario(6, giver.Build(0), user.Build(3));
        ThreadProgram stranger = new ThreadBuilder("s").Touch(TestWorlds.Page(0), 4).Compute(1_000_000).Build(4);
        scenario =
            scenario with
            {
                Processes = [.. scenario.Processes,
                new ProcessSpec { Name = "other", Program = _ => TestWorlds.Image(stranger) }]
            };
        RecordedRun run = RecordedRun.Of(protocol, Under(protocol, scenario));
        int[] told =
            [.. run.Protocol.Steps.Where(step => step.Kind is SpaceEvent.Interrupts or SpaceEvent.Tells).Select(step => step.Core)
                .Distinct()];
        Assert.All(told, core => Assert.Equal(3, core));
    }

    [Theory]
    [MemberData(nameof(Protocols))]
    public void MemoryThatNobodyTouched_IsUnmappedWithoutAMessage(string protocol)
    {
        ThreadProgram giver = new ThreadBuilder("g").Compute(100_000).Unmap(TestWorlds.Page(0), 100).Map(TestWorlds.Page(0), 50)
            .Unmap(TestWorlds.Page(0), 50).Build();
        ThreadProgram user = new ThreadBuilder("u").Touch(TestWorlds.Page(100), 100).Compute(1_000_000).Build();
        RecordedRun run = RecordedRun.Of(protocol, Under(protocol, TestWorlds.Scenario(3, giver, user, user)));
        Assert.Empty(run.Protocol.Steps);
        Assert.Equal(2, run.Report.Total("unmapOperations"));
    }

    [Theory]
    [MemberData(nameof(Protocols))]
    public void FreedTables_AreGivenBackWhenNobodyHoldsThem(string protocol)
    {
        // The users' walks leave the table's page in their paging-structure caches; one of them sleeps when it is freed, all go on near by.
        const ulong lonely = 0x10_0000_0000;
        ThreadBuilder giver = new("g");
        ThreadBuilder user = new("u");
        ThreadBuilder sleeper = new("s");
        for (int i = 0; i < 10; i++)
        {
            giver.Map(lonely, 8).Touch(lonely, 8).Control(ControlKind.Barrier, 0).Control(ControlKind.Barrier, 0);
            giver.Unmap(lonely, 8).Control(ControlKind.Barrier, 0).Compute(40_000);
            user.Control(ControlKind.Barrier, 0).Touch(lonely, 8).Control(ControlKind.Barrier, 0).Compute(5_000)
                .Control(ControlKind.Barrier, 0).Touch(TestWorlds.Page(0), 8);
            sleeper.Control(ControlKind.Barrier, 0).Touch(lonely, 8).Control(ControlKind.Barrier, 0).Control(ControlKind.Sleep, 8_000)
                .Control(ControlKind.Barrier, 0);
        }

        ScenarioSpec scenario = TestWorlds.Scenario(4, giver.Build(), user.Build(), user.Build(), sleeper.Build()) with
        {
            Kernel = new KernelProfile { TickCycles = 20_000 },
        };
        RecordedRun run = RecordedRun.Of(protocol, Under(protocol, scenario));
        Assert.Equal(RunOutcomes.Completed, run.Report.Outcome);
        Assert.Equal(10, run.Protocol.Steps.Count(step => step is { Kind: SpaceEvent.Begins, TablesFreed: true }));
        Assert.Equal(0, run.Report.Total("segmentationFaults"));
    }

    [Theory]
    [MemberData(nameof(Protocols))]
    public void Reclaim_ManyPages_InterruptsEachCoreOnceAndWaits(string protocol)
    {
        RecordedRun run = Reclaim(protocol, users: 3, pages: 24, stride: 2);
        Assert.Equal([1, 2, 3], run.Protocol.Steps.Where(step => step.Kind == SpaceEvent.Interrupts).Select(step => step.Core));
        Assert.Equal(3, run.Report.Total("ipisSent"));
        Assert.Equal(4, run.Report.Total("refillMisses"));
        Assert.Equal(24, run.Report.Total("pagesShotDown"));
        Assert.Equal(24, run.Report.Total("framesFreed"));
        Assert.Equal(0, run.Protocol.Count(SpaceEvent.Defers) + run.Protocol.Count(SpaceEvent.Tells));
        Assert.Equal(0, run.LongestStaleness);
    }

    [Theory]
    [MemberData(nameof(Protocols))]
    public void Reclaim_NoOtherCore_DropsTheRange(string protocol)
    {
        RecordedRun run = Reclaim(protocol, users: 0, pages: 24, stride: 1);
        Assert.Equal(24, run.Report.Total("framesFreed"));
        Assert.Equal(0, run.Report.Total("ipisSent") + run.Report.Total("refillMisses"));
    }

    /// <summary>
    /// Threads on cores of their own read pages of a file, every so many; the first has them reclaimed, and all read them again, and a page
    /// that was not reclaimed.
    /// </summary>
    private static RecordedRun Reclaim(string protocol, int users, int pages, int stride)
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
            return thread.Load(TestWorlds.Page(number)).Build(number);
        })];
        ProgramImage image = new()
        {
            Name = "p",
            Threads = threads,
            InitialMappings = [.. TestWorlds.Image(threads).InitialMappings, map],
            Files = [new ProgramFile("/f", 64 << 12)],
            BarrierParties = [threads.Length],
        };
        ScenarioSpec scenario = Under(protocol, TestWorlds.Scenario(users + 1)) with
        {
            Memory = new MemorySpec { FaultAround = 4096 },
            Processes = [new ProcessSpec { Name = "p", Program = _ => image }],
        };
        return RecordedRun.Of(protocol, scenario);

        void Read(ThreadBuilder thread)
        {
            for (int i = 0; i < pages; i++)
            {
                thread.Load(place + ((ulong)(i * stride) << 12));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Protocols))]
    public void OneCore_NeverInterrupts(string protocol)
    {
        RecordedRun run = RecordedRun.Of(protocol, Under(protocol, Crowd(cores: 1, processes: 1, threads: 5)));
        Assert.Equal(RunOutcomes.Completed, run.Report.Outcome);
        Assert.True(run.Report.Total("shootdowns") > 0);
        Assert.Equal(0, run.Protocol.Count(SpaceEvent.Interrupts) + run.Protocol.Count(SpaceEvent.Tells));
    }

    [Theory]
    [MemberData(nameof(Protocols))]
    public void MoreThreadsThanCores_Completes(string protocol)
    {
        RecordedRun run = RecordedRun.Of(protocol, Under(protocol, Crowd(cores: 3, processes: 1, threads: 11)));
        Assert.Equal(RunOutcomes.Completed, run.Report.Outcome);
        Assert.True(run.Report.Total("contextSwitches") > 11);
    }

    [Theory]
    [MemberData(nameof(Protocols))]
    public void MoreSpacesThanTags_Completes(string protocol)
    {
        RecordedRun run = RecordedRun.Of(protocol, Under(protocol, Crowd(cores: 2, processes: SpacesThatOverflowTags, threads: 2)));
        Assert.Equal(RunOutcomes.Completed, run.Report.Outcome);
        Assert.Equal(SpacesThatOverflowTags, run.Report.AddressSpaces.Count);
        Assert.True(run.Report.Total("spaceLoads") > 2 * SpacesThatOverflowTags);
    }

    /// <summary>Processes whose threads all touch, drop and protect the same few pages, on short time slices and ticks.</summary>
    private static ScenarioSpec Crowd(int cores, int processes, int threads)
    {
        ThreadProgram[] programs = [.. Enumerable.Range(0, threads).Select(number =>
        {
            ThreadBuilder thread = new($"t{number}");
            for (int i = 0; i < 12; i++)
            {
                thread.Touch(TestWorlds.Page(0), 6).Compute(3_000 + (700 * number)).Advise(TestWorlds.Page(i % 6), 2, Advice.DontNeed);
                thread.Load(TestWorlds.Page(i % 6))
                    .Protect(TestWorlds.Page(8), 2, i % 2 == 0 ? Protection.Read : Protection.Read | Protection.Write);
            }

            return thread.Build();
        })];
        return TestWorlds.Scenario(cores) with
        {
            Kernel = new KernelProfile { TimeSliceCycles = 9_000, TickCycles = 25_000 },
            Processes =
                [.. Enumerable.Range(0, processes)
                    .Select(number => new ProcessSpec { Name = $"p{number}", Program = _ => TestWorlds.Image(programs) })],
        };
    }

    private static ScenarioSpec Under(string protocol, ScenarioSpec scenario) =>
        scenario with { Shootdown = new ShootdownSpec { Protocol = protocol } };

    private static (int Space, long Shootdown)[] Shootdowns(RecordedRun run, SpaceEvent kind) =>
        [.. run.Protocol.Steps.Where(step => step.Kind == kind).Select(step => (step.Space, step.Shootdown))];

    private static IEnumerable<(int Space, long Shootdown, int Core)> Targets(RecordedRun run, SpaceEvent kind) =>
        run.Protocol.Steps.Where(step => step.Kind == kind).Select(step => (step.Space, step.Shootdown, step.Core)).Order();

    /// <summary>Fails when a tick does something that was not to be done.</summary>
    private sealed class TickWatch(IShootdownProtocol real) : ForwardingProtocol(real)
    {
        public override CoreShootdown CreateCoreHalf(ICoreShootdownContext context) =>
            new Core(base.CreateCoreHalf(context), (CoreModel)context);

        private sealed class Core(CoreShootdown real, CoreModel core) : ForwardingCore(real)
        {
            public override long OnTick()
            {
                bool works = HasTickWork;
                int sent = core.Outbox.Count;
                long cycles = base.OnTick();
                Assert.True(works || (cycles == 0 && core.Outbox.Count == sent));
                Assert.False(works && HasTickWork);
                return cycles;
            }
        }
    }
}
