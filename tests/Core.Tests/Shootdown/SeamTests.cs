using CsCheck;
using VmSim.Core.Addresses;
using VmSim.Core.Engine;
using VmSim.Core.Machine;
using VmSim.Core.Mmu;
using VmSim.Core.Paging;
using VmSim.Core.Programs;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Shootdown;
using VmSim.Core.VirtualTime;
using VmSim.Testing;
using VmSim.Tests.Shared;

namespace VmSim.Core.Tests.Shootdown;

/// <summary>The seam between engine and protocols: each hook is called when, and with what, it says.</summary>
public sealed class SeamTests
{
    public static TheoryData<string> Protocols => [.. ShootdownProtocols.All.Names];

    public static TheoryData<ProbeFeatures> Features =>
        [
            .. Enum.GetValues<ProbeFeatures>().Where(feature => feature != ProbeFeatures.OnDemand),
            ProbeFeatures.Copies | ProbeFeatures.OnDemand,
            ProbeFeatures.EarlyAck | ProbeFeatures.Tell,
        ];

    [Theory]
    [MemberData(nameof(Features))]
    public void RandomPrograms_AnyWindow_GiveOneFingerprintUnderTheChecker(ProbeFeatures features) =>
        CompareWindows(features, scenarios: features == ProbeFeatures.All ? 40 : 12);

    [Theory]
    [Trait("Category", "Long")]
    [MemberData(nameof(Features))]
    public void ManyRandomPrograms_AnyWindow_GiveOneFingerprintUnderTheChecker(ProbeFeatures features) =>
        CompareWindows(features, scenarios: 300);

    private static void CompareWindows(ProbeFeatures features, int scenarios) => RandomPrograms.Scenario.Sample(
        scenario =>
        {
            string expected = Run(scenario, features).Fingerprint;
            foreach (long window in Windows(BoundOf(scenario, features)))
            {
                Assert.Equal(expected, Run(scenario, features, window).Fingerprint);
            }

            using World unwatched = new(scenario, check: false, new ProbeProtocol(features));
            Assert.Equal(expected, ReportBuilder.Build(unwatched, new SequentialEngine(unwatched).Run()).Fingerprint);
        },
        iter: scenarios);

    [Fact]
    public void WindowBound_DeclaredKinds_AreTakenIntoAccount()
    {
        MachineSpec machine = new();
        KernelProfile kernel = new();
        long basic = new Delays(machine, kernel).WindowBound.Value;
        long service = kernel.ServiceCycles;
        Assert.Equal(basic - kernel.AckCycles + 90, Bound(new ProtocolMessage("a", MessageDirection.CoreToSpace, 90)));
        Assert.Equal(basic - kernel.TrapReturnCycles + 120, Bound(new ProtocolMessage("a", MessageDirection.SpaceToCore, 120)));
        Assert.Equal(90 + service + 120, Bound(new("a", MessageDirection.CoreToSpace, 90), new("b", MessageDirection.SpaceToCore, 120)));
        Assert.Equal(300, Bound(new ProtocolMessage("a", MessageDirection.CoreToCore, 300)));
        Assert.Equal(basic, Bound(new ProtocolMessage("a", MessageDirection.CoreToCore, 1_000_000)));
        Assert.Throws<ArgumentException>(() => Bound(new ProtocolMessage("a", MessageDirection.CoreToCore, 0)));

        long Bound(params ProtocolMessage[] kinds) => new Delays(machine, kernel, kinds).WindowBound.Value;
    }

    [Theory]
    [InlineData(ProbeProtocol.Note, MessageDirection.CoreToSpace, ProbeProtocol.NoteDelay - 1)]
    [InlineData(ProbeProtocol.Note, MessageDirection.SpaceToCore, 10_000)]
    [InlineData(4, MessageDirection.CoreToSpace, 10_000)]
    [InlineData(-1, MessageDirection.CoreToSpace, 10_000)]
    public void Checked_NotAsDeclared_Throws(int kind, MessageDirection direction, long delay)
    {
        MachineSpec machine = new();
        KernelProfile kernel = new();
        Delays delays = new(machine, kernel, new ProbeProtocol(ProbeFeatures.None).Messages(machine, kernel));
        Assert.Throws<InvalidOperationException>(() => delays.Checked(kind, direction, delay));
        Assert.Equal(ProbeProtocol.NoteDelay, delays.Checked(ProbeProtocol.Note, MessageDirection.CoreToSpace, ProbeProtocol.NoteDelay));
    }

    [Fact]
    public void SendDirect_ToItselfOrAnotherDomain_Throws()
    {
        ScenarioSpec scenario = TestWorlds.Scenario(2, TestWorlds.Toucher("a", 0, 1));
        ThreadProgram other = new ThreadBuilder("b").Touch(TestWorlds.Page(0), 1).Build(new CoreId(1));
        scenario =
            scenario with { Processes = [.. scenario.Processes, new ProcessSpec { Name = "q", Program = _ => TestWorlds.Image(other) }] };
        using World world = new(scenario, check: false, new ProbeProtocol(ProbeFeatures.None));
        CoreModel core = world.Cores[0];
        foreach (int target in new[] { 0, 1, 2, -1 })
        {
            Assert.Throws<InvalidOperationException>(
                () => core.SendDirect(new CoreId(target), 10_000, new ProtocolPayload(ProbeProtocol.Direct)));
        }

        Assert.Throws<InvalidOperationException>(() => core.SendProtocol(new SpaceId(1), 10_000, new ProtocolPayload(ProbeProtocol.Note)));
        Assert.Throws<InvalidOperationException>(
            () => world.Spaces[0].SendProtocol(new CoreId(1), 10_000, new ProtocolPayload(ProbeProtocol.Order)));
    }

    [Fact]
    public void Direct_TargetTellsInitiator_WhoTellsTheSpace()
    {
        List<string> log = Unmap(ProbeFeatures.Direct, cores: 2);
        long handled = TimeOf(Assert.Single(log, line => line.StartsWith("invalidation core=1 ", StringComparison.Ordinal)));
        string direct = Assert.Single(log, line => line.StartsWith("direct ", StringComparison.Ordinal));
        Assert.StartsWith(
            $"direct core=0 from=1 kind={ProbeProtocol.Direct} space=0 shootdown=1 sent={handled} ", direct, StringComparison.Ordinal);
        Assert.InRange(TimeOf(direct), handled + ProbeProtocol.DirectDelay, handled + ProbeProtocol.DirectDelay + 8);
        string note = Assert.Single(log, line => line.StartsWith("note ", StringComparison.Ordinal));
        Assert.StartsWith($"note core=0 kind={ProbeProtocol.Note} what=1 rest=2,3,4 ", note, StringComparison.Ordinal);
        Assert.Equal(TimeOf(direct) + ProbeProtocol.NoteDelay, TimeOf(note));
        Assert.Contains($"order core=0 kind={ProbeProtocol.Order} what=1", log);
    }

    [Fact]
    public void Watch_FirstTouch_WalksFaultsWalksAndFills()
    {
        List<string> log = [];
        Run(TestWorlds.Scenario(1, new ThreadBuilder("t").Store(TestWorlds.Page(3)).Build()), ProbeFeatures.Watch, log: log);
        string page = $"page={TestWorlds.Page(3):x}";
        Assert.Equal(
            [
                $"walk core=0 {page} access=Store faulted=True size=0 bits=None",
                $"fault core=0 {page} access=Store word=0",
                $"walk core=0 {page} access=Store faulted=False size={PageSize.Size4K} bits=None",
                $"fill core=0 tag=1 {page} size={PageSize.Size4K}",
            ],
            log.Where(line => !line.StartsWith("accessed", StringComparison.Ordinal)));
    }

    [Fact]
    public void Watch_MorePagesThanTheTlbsHold_EvictsWhatLeavesTheLastOne()
    {
        MmuSpec mmu = new() { Data4K = new TlbSpec { Entries = 4, Ways = 4 }, Second = new TlbSpec { Entries = 8, Ways = 8 } };
        List<string> log = [];
        ScenarioSpec scenario = TestWorlds.Scenario(1, new ThreadBuilder("t").Touch(TestWorlds.Page(0), 12).Build());
        Run(scenario with { Machine = scenario.Machine with { Mmu = mmu } }, ProbeFeatures.Watch, log: log);

        // Of twelve pages, the last eight are held; the first level holds none that the second does not.
        Assert.Equal(
            Enumerable.Range(0, 4).Select(page => $"evict core=0 tag=1 page={TestWorlds.Page(page):x} size={PageSize.Size4K}"),
            log.Where(line => line.StartsWith("evict", StringComparison.Ordinal)));
        Assert.Equal(12, log.Count(line => line.StartsWith("fill", StringComparison.Ordinal)));
    }

    [Fact]
    public void OnAccessed_WalkThatSetsBits_TellsTheSpace()
    {
        List<string> log = [];
        ThreadProgram thread = new ThreadBuilder("t").Load(TestWorlds.Page(0)).Protect(TestWorlds.Page(0), 1, Protection.Read)
            .Protect(TestWorlds.Page(0), 1, Protection.Read | Protection.Write).Load(TestWorlds.Page(0)).Store(TestWorlds.Page(0))
                .Store(TestWorlds.Page(0)).Build();
        Run(TestWorlds.Scenario(1, thread), ProbeFeatures.Watch, log: log);
        string[] bits =
            [.. log.Where(line => line.StartsWith("walk", StringComparison.Ordinal)
                && !line.EndsWith("bits=None", StringComparison.Ordinal))
            .Select(line => line[line.IndexOf("bits=", StringComparison.Ordinal)..])];
        Assert.Equal(
            bits,
            log.Where(line => line.StartsWith("accessed core=0 ", StringComparison.Ordinal))
                .Select(line => line[line.IndexOf("bits=", StringComparison.Ordinal)..]));
    }

    [Fact]
    public void Words_TrapsAndAnswers_CarryThem()
    {
        List<string> log = [];
        ScenarioSpec scenario = TestWorlds.UpToItsLastThread(
            TestWorlds.Scenario(1, new ThreadBuilder("t").Touch(TestWorlds.Page(0), 2).Unmap(TestWorlds.Page(0), 1).Compute(1).Build()),
            new ProbeProtocol(ProbeFeatures.Words));
        RunReport report = Run(scenario, ProbeFeatures.Words, log: log);
        long traps = report.Total("minorFaults") + report.Total("systemCalls");
        Assert.Equal(3, traps);
        Assert.Equal(traps, log.Count(line => line.StartsWith("trapword core=0 word=", StringComparison.Ordinal)));
        Assert.Equal(traps, log.Count(line => line.StartsWith("returnword core=0 space=0 word=", StringComparison.Ordinal)));
        foreach (int at in log.Select((line, index) => (line, index)).Where(item => item.line.StartsWith("fault", StringComparison.Ordinal))
            .Select(item => item.index))
        {
            Assert.Equal(
                log[at - 1][log[at - 1].IndexOf("word=", StringComparison.Ordinal)..],
                log[at][log[at].IndexOf("word=", StringComparison.Ordinal)..]);
        }
    }

    [Fact]
    public void EarlyAck_CoreInUserMode_AcksWhenItReturnsToIt()
    {
        List<string> early = Unmap(ProbeFeatures.EarlyAck, cores: 2);
        string handled = Assert.Single(early, line => line.StartsWith("invalidation core=1 ", StringComparison.Ordinal));
        Assert.Contains("state=Running", handled, StringComparison.Ordinal);
        string user = Assert.Single(early, line => line.StartsWith("user core=1 deferred=1 ", StringComparison.Ordinal));
        Assert.Equal(TimeOf(handled) + new KernelProfile().HandlerCycles, TimeOf(user));
        Assert.Equal(
            TimeOf(user) + new KernelProfile().AckCycles,
            TimeOf(Assert.Single(early, line => line.StartsWith("acked core=1 ", StringComparison.Ordinal))));
    }

    [Fact]
    public void EarlyAck_CoreInATrap_AcksAtEntryAndInvalidatesBeforeUserMode()
    {
        // Core 1 makes one call after another when core 0 tightens the rights of a page that both use.
        List<string> log = [];
        ThreadBuilder trapped = new ThreadBuilder("b").Touch(TestWorlds.Page(0), 1).Compute(95_000);
        for (int i = 0; i < 200; i++)
        {
            trapped.Map(0x10_0000_0000 + ((ulong)i << 21), 1);
        }

        ThreadProgram giver = new ThreadBuilder("a").Touch(TestWorlds.Page(8), 1).Compute(100_000)
            .Protect(TestWorlds.Page(0), 1, Protection.Read).Build();
        Run(TestWorlds.Scenario(2, giver, trapped.Build()), ProbeFeatures.EarlyAck, log: log);
        string handled = Assert.Single(log, line => line.StartsWith("invalidation core=1 ", StringComparison.Ordinal));
        Assert.Contains("state=Trapped", handled, StringComparison.Ordinal);
        Assert.Equal(
            TimeOf(handled) + new KernelProfile().AckCycles,
            TimeOf(Assert.Single(log, line => line.StartsWith("acked core=1 ", StringComparison.Ordinal))));
        Assert.True(
            TimeOf(Assert.Single(log, line => line.StartsWith("user core=1 deferred=1 ", StringComparison.Ordinal))) >= TimeOf(handled));
    }

    [Theory]
    [InlineData(2, true)]
    [InlineData(4, false)]
    public void Tell_CountsTheTargetButNoInterrupt(int cores, bool awaited)
    {
        ThreadProgram giver = Giver();
        ThreadProgram user = new ThreadBuilder("u").Touch(TestWorlds.Page(0), 60).Compute(400_000).Touch(TestWorlds.Page(40), 20)
            .Build(new CoreId(cores - 1));
        ProbeProtocol probe = new(ProbeFeatures.Tell);
        ScenarioSpec scenario = TestWorlds.UpToItsLastThread(TestWorlds.Scenario(cores, giver, user), probe);
        using World world = new(scenario, check: true, probe);
        RunReport report = ReportBuilder.Build(world, new SequentialEngine(world).Run());
        Assert.Equal(RunOutcomes.Until, report.Outcome);
        ShootdownRecord record = Assert.Single(ShootdownFigures.List(RunStatistics.Collect(RunPart.Whole(world), 0)));
        Assert.Equal(1, record.Targets);
        Assert.Equal(0, record.Interrupts + record.SpuriousInterrupts);
        Assert.Equal(new KernelProfile().InvalidateAllCycles, record.HandlerCycles.Value);
        Assert.Equal(20, record.RefillMisses);
        Assert.Equal(awaited, record.Wait > 0);
        Assert.Equal(0, report.Total("ipisSent") + report.Total("invalidationsHandled"));
    }

    [Fact]
    public void Copies_OfEachSocket_ShowWhatTheSpacesOwnTableShows() => RandomPrograms.Scenario.Sample(
        scenario =>
        {
            ProbeProtocol probe = new(ProbeFeatures.Copies);
            using World world = new(TestWorlds.UpToItsLastThread(scenario, probe), check: true, probe);
            new SequentialEngine(world).Run();
            Assert.All(world.Spaces, space =>
            {
                Assert.Equal(1 + scenario.Machine.Sockets, space.Tables.Count);
                for (int table = 1; table < space.Tables.Count; table++)
                {
                    Assert.Equal(LeavesOf(space.Table), LeavesOf(space.Tables[table]));
                }
            });
        },
        iter: 40);

    [Fact]
    public void Copies_OnDemand_HoldWhatTheirSocketFaultedOn()
    {
        ThreadProgram first = new ThreadBuilder("a").Touch(TestWorlds.Page(0), 4).Build(new CoreId(0));
        ThreadProgram second = new ThreadBuilder("b").Compute(200_000).Touch(TestWorlds.Page(2), 4).Compute(100_000)
            .Unmap(TestWorlds.Page(3), 1).Build(new CoreId(1));
        ScenarioSpec scenario = TestWorlds.Scenario(2, first, second);
        ProbeProtocol probe = new(ProbeFeatures.Copies | ProbeFeatures.OnDemand);
        scenario = TestWorlds.UpToItsLastThread(scenario with { Machine = scenario.Machine with { Sockets = 2 } }, probe);
        using World world = new(scenario, check: true, probe);
        RunReport report = ReportBuilder.Build(world, new SequentialEngine(world).Run());
        Assert.Equal(RunOutcomes.Until, report.Outcome);
        PageTableSet tables = world.Spaces[0].Tables;
        Assert.Equal([0, 1, 2, 4, 5], PagesOf(tables[0]));
        Assert.Equal([0, 1, 2], PagesOf(tables[1]));
        Assert.Equal([2, 4, 5], PagesOf(tables[2]));
        Assert.Equal(2, report.Total("spuriousFaults"));

        static int[] PagesOf(PageTable table) => [.. LeavesOf(table).Select(leaf => (int)((leaf.Address.Value - TestWorlds.Base) >> 12))];
    }

    [Fact]
    public void UseTag_LoadedSpace_GoesOnUnderAnotherTag()
    {
        ProbeProtocol probe = new(ProbeFeatures.None);
        using World world = new(
            TestWorlds.UpToItsLastThread(TestWorlds.Scenario(1, TestWorlds.Toucher("a", 0, 4)), probe), check: false, probe);
        CoreModel core = world.Cores[0];
        Assert.Throws<InvalidOperationException>(() => core.UseTag(new Asid(9)));
        SequentialEngine engine = new(world);
        engine.Run();
        core.UseTag(new Asid(9));
        TranslationResult walked = core.Mmu.Translate(AccessKind.Load, TestWorlds.Page(0), user: true, core.Now.Value);
        Assert.Equal(TranslationOutcome.Walked, walked.Outcome);
        Assert.True(core.Mmu.Peek(new Asid(9), TestWorlds.Page(0), out _, out _));
    }

    [Theory]
    [MemberData(nameof(Protocols))]
    public void State_OfEveryProtocol_HoldsNoClosure(string protocol)
    {
        Type type = ShootdownProtocols.All.Find(protocol)!.GetType();
        foreach (Type nested in type.GetNestedTypes(System.Reflection.BindingFlags.NonPublic | System.Reflection.BindingFlags.Public)
            .Where(nested => !nested.Name.Contains('<', StringComparison.Ordinal)))
        {
            Assert.DoesNotContain(
                nested.GetFields(
                    System.Reflection.BindingFlags.Instance | System.Reflection.BindingFlags.NonPublic
                        | System.Reflection.BindingFlags.Public),
                field => typeof(Delegate).IsAssignableFrom(field.FieldType));
        }
    }

    private static IEnumerable<long> Windows(long bound) => [bound / 2, bound / 7, 17];

    private static long BoundOf(ScenarioSpec scenario, ProbeFeatures features) =>
        new Delays(scenario.Machine, scenario.Kernel, new ProbeProtocol(features).Messages(scenario.Machine, scenario.Kernel))
            .WindowBound.Value;

    private static RunReport Run(ScenarioSpec scenario, ProbeFeatures features, long window = 0, List<string>? log = null)
    {
        using World world = new(scenario, check: true, new ProbeProtocol(features, log));
        RunReport report = ReportBuilder.Build(world, new SequentialEngine(world, window).Run());
        Assert.True(report.Outcome is not (RunOutcomes.Violation or RunOutcomes.Deadlock), string.Join('\n', report.Findings));
        return report;
    }

    /// <summary>Touches 60 pages and unmaps 40, more than a ranged flush takes, late.</summary>
    private static ThreadProgram Giver() =>
        new ThreadBuilder("g").Touch(TestWorlds.Page(0), 60).Compute(100_000).Unmap(TestWorlds.Page(0), 40).Build(new CoreId(0));

    private static List<string> Unmap(ProbeFeatures features, int cores)
    {
        List<string> log = [];
        ThreadProgram user = new ThreadBuilder("u").Touch(TestWorlds.Page(0), 60).Compute(400_000).Build(new CoreId(cores - 1));
        Run(TestWorlds.UpToItsLastThread(TestWorlds.Scenario(cores, Giver(), user), new ProbeProtocol(features)), features, log: log);
        return log;
    }

    private static long TimeOf(string line) =>
        long.Parse(line[(line.LastIndexOf('=') + 1)..], System.Globalization.CultureInfo.InvariantCulture);

    private static List<MappedLeaf> LeavesOf(PageTable table)
    {
        List<MappedLeaf> leaves = [];
        foreach (MappedLeaf leaf in table.Leaves(default, 1UL << (table.Format.VirtualBits - 1)))
        {
            leaves.Add(leaf);
        }

        return leaves;
    }
}
