using CsCheck;
using VmSim.Core.Addresses;
using VmSim.Core.Engine;
using VmSim.Core.Machine;
using VmSim.Core.Programs;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Shootdown;
using VmSim.Core.VirtualTime;

namespace VmSim.Testing;

/// <summary>
/// What every shootdown protocol must do, under random programs and in small worlds made for one thing, with the checker on. Random
/// programs print the seed with which they fail.
/// </summary>
public abstract class ShootdownProtocolContract : Contract<IShootdownProtocol>
{
    private const int SpacesThatOverflowTags = LinuxProtocol.Slots + 3;

    /// <summary>
    /// A shootdown finishes once, what is deferred is released, who is told acknowledges, and no dead translation is used for longer than
    /// allowed.
    /// </summary>
    /// <param name="protocol">Its name.</param>
    [Theory]
    [Subjects]
    public void AnyRun_EveryShootdownFinishesOnceAndEveryAckHasItsInterrupt(string protocol) => RandomPrograms.Scenario.Sample(
        scenario =>
        {
            RecordedRun run = RecordedRun.Of(Subject(protocol), scenario);
            (int, long)[] begun = Shootdowns(run, SpaceEvent.Begins);
            Assert.Equal(begun.Order(), [.. Shootdowns(run, SpaceEvent.Finishes).Concat(Shootdowns(run, SpaceEvent.Defers)).Order()]);
            Assert.Equal(Shootdowns(run, SpaceEvent.Defers).Order(), Shootdowns(run, SpaceEvent.Releases).Order());
            Assert.Equal(Targets(run, SpaceEvent.Interrupts), Targets(run, SpaceEvent.Acknowledged));
            Assert.True(run.LongestStaleness <= run.AllowedStaleness);
        },
        iter: 60);

    /// <summary>The report does not depend on the length of windows.</summary>
    /// <param name="protocol">Its name.</param>
    [Theory]
    [Subjects]
    public void AnyRun_WindowsOfTheBoundAndASeventh_GiveOneFingerprint(string protocol) => RandomPrograms.Scenario.Sample(
        scenario =>
        {
            IShootdownProtocol tested = Subject(protocol);
            long bound = BoundOf(scenario, tested);
            Assert.Equal(TestWorlds.Run(scenario, protocol: tested).Fingerprint, TestWorlds.Run(scenario, bound / 7, tested).Fingerprint);
        },
        iter: 40);

    /// <summary>Neither does the longest use of a dead translation.</summary>
    /// <param name="protocol">Its name.</param>
    [Theory]
    [Subjects]
    public void AnyRun_AnyWindow_GivesOneLongestStaleness(string protocol) => CompareStaleness(Subject(protocol), scenarios: 60);

    /// <summary>A core that waits takes such ticks late, and nobody waits for them.</summary>
    /// <param name="protocol">Its name.</param>
    [Theory]
    [Subjects]
    public void AnyTick_WithoutWork_DoesNothing(string protocol) => RandomPrograms.Scenario.Sample(
        scenario =>
        {
            using World world = new(scenario, check: true, new TickWatch(Subject(protocol)));
            Assert.True(new SequentialEngine(world).Run());
        },
        iter: 40);

    /// <summary>When all is unmapped no frame is in use.</summary>
    /// <param name="protocol">Its name.</param>
    [Theory]
    [Subjects]
    public void EverythingUnmapped_GivesEveryFrameBack(string protocol)
    {
        ThreadProgram toucher = new ThreadBuilder("t").Touch(TestWorlds.Page(0), 40).Compute(200_000).Touch(TestWorlds.Page(0), 40)
            .Compute(400_000).Build();
        ThreadProgram giver = new ThreadBuilder("g").Touch(TestWorlds.Page(20), 40).Compute(700_000).Unmap(TestWorlds.Page(0), 7)
            .Unmap(TestWorlds.Page(7), 249).Compute(5_000_000).Build();
        RecordedRun run = RecordedRun.OfThreads(Subject(protocol), TestWorlds.Scenario(3, giver, toucher, toucher));
        Assert.Equal(60, run.Report.Total("framesAllocated"));
        Assert.Equal(60, run.Report.Total("framesFreed"));
        Assert.Equal(0, run.FramesInUse);
    }

    /// <summary>Cores that never loaded the space hear of none of its shootdowns.</summary>
    /// <param name="protocol">Its name.</param>
    [Theory]
    [Subjects]
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

        ScenarioSpec scenario = TestWorlds.Scenario(6, giver.Build(new CoreId(0)), user.Build(new CoreId(3)));
        ThreadProgram stranger = new ThreadBuilder("s").Touch(TestWorlds.Page(0), 4).Compute(1_000_000).Build(new CoreId(4));
        scenario =
            scenario with
            {
                Processes = [.. scenario.Processes,
                new ProcessSpec { Name = "other", Program = _ => TestWorlds.Image(stranger) }]
            };
        RecordedRun run = RecordedRun.Of(Subject(protocol), scenario);
        int[] told =
            [.. run.Protocol.Steps.Where(step => step.Kind is SpaceEvent.Interrupts or SpaceEvent.Tells).Select(step => step.Core)
                .Distinct()];
        Assert.All(told, core => Assert.Equal(3, core));
    }

    /// <summary>Nothing is shot down where nothing was touched.</summary>
    /// <param name="protocol">Its name.</param>
    [Theory]
    [Subjects]
    public void MemoryThatNobodyTouched_IsUnmappedWithoutAMessage(string protocol)
    {
        ThreadProgram giver = new ThreadBuilder("g").Compute(100_000).Unmap(TestWorlds.Page(0), 100).Map(TestWorlds.Page(0), 50)
            .Unmap(TestWorlds.Page(0), 50).Build();
        ThreadProgram user = new ThreadBuilder("u").Touch(TestWorlds.Page(100), 100).Compute(1_000_000).Build();
        RecordedRun run = RecordedRun.OfThreads(Subject(protocol), TestWorlds.Scenario(3, giver, user, user));
        Assert.Empty(run.Protocol.Steps);
        Assert.Equal(2, run.Report.Total("unmapOperations"));
    }

    /// <summary>A page-table page that a core may still walk is not used for anything else.</summary>
    /// <param name="protocol">Its name.</param>
    [Theory]
    [Subjects]
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
        RecordedRun run = RecordedRun.OfThreads(Subject(protocol), scenario);
        Assert.Equal(RunOutcomes.Until, run.Report.Outcome);
        Assert.Equal(10, run.Protocol.Steps.Count(step => step is { Kind: SpaceEvent.Begins, TablesFreed: true }));
        Assert.Equal(0, run.Report.Total("segmentationFaults"));
    }

    /// <summary>A machine with one core has nobody to interrupt.</summary>
    /// <param name="protocol">Its name.</param>
    [Theory]
    [Subjects]
    public void OneCore_NeverInterrupts(string protocol)
    {
        RecordedRun run = RecordedRun.Of(Subject(protocol), Crowd(cores: 1, processes: 1, threads: 5));
        Assert.Equal(RunOutcomes.Completed, run.Report.Outcome);
        Assert.True(run.Report.Total("shootdowns") > 0);
        Assert.Equal(0, run.Protocol.Count(SpaceEvent.Interrupts) + run.Protocol.Count(SpaceEvent.Tells));
    }

    /// <summary>Threads that share cores end.</summary>
    /// <param name="protocol">Its name.</param>
    [Theory]
    [Subjects]
    public void MoreThreadsThanCores_Completes(string protocol)
    {
        RecordedRun run = RecordedRun.Of(Subject(protocol), Crowd(cores: 3, processes: 1, threads: 11));
        Assert.Equal(RunOutcomes.Completed, run.Report.Outcome);
        Assert.True(run.Report.Total("contextSwitches") > 11);
    }

    /// <summary>So do more spaces than there are tags.</summary>
    /// <param name="protocol">Its name.</param>
    [Theory]
    [Subjects]
    public void MoreSpacesThanTags_Completes(string protocol)
    {
        RecordedRun run = RecordedRun.Of(Subject(protocol), Crowd(cores: 2, processes: SpacesThatOverflowTags, threads: 2));
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

    private static long BoundOf(ScenarioSpec scenario, IShootdownProtocol protocol) =>
        new Delays(scenario.Machine, scenario.Kernel, protocol.Messages(scenario.Machine, scenario.Kernel)).WindowBound.Value;

    /// <summary>
    /// The longest use of a dead translation after its call is one for all windows, and no longer than the protocol allows.
    /// </summary>
    /// <param name="protocol">The protocol.</param>
    /// <param name="scenarios">How many random scenarios.</param>
    protected static void CompareStaleness(IShootdownProtocol protocol, int scenarios) => RandomPrograms.Scenario.Sample(
        scenario =>
        {
            long bound = BoundOf(scenario, protocol);
            CheckerReport? expected = TestWorlds.Run(scenario, protocol: protocol).Checker;
            Assert.Equal(expected, TestWorlds.Run(scenario, bound / 3, protocol).Checker);
            Assert.Equal(expected, TestWorlds.Run(scenario, 17, protocol).Checker);
            Assert.Equal(protocol.AllowedStaleness(scenario.Machine, scenario.Kernel), expected?.AllowedStaleness ?? Cycles.Zero);
        },
        iter: scenarios);

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
            public override Cycles OnTick()
            {
                bool works = HasTickWork;
                int sent = core.Outbox.Count;
                Cycles cycles = base.OnTick();
                Assert.True(works || (cycles == 0 && core.Outbox.Count == sent));
                Assert.False(works && HasTickWork);
                return cycles;
            }
        }
    }
}
