using VmSim.Core.Addresses;
using VmSim.Core.Checking;
using VmSim.Core.Engine;
using VmSim.Core.Machine;
using VmSim.Core.Programs;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Shootdown;
using VmSim.Testing;
using Xunit.Abstractions;

namespace VmSim.Core.Tests.Checking;

/// <summary>Races from public reports: the model does not have them, and with the bug built in the checker finds them.</summary>
public sealed class ReportedRaceTests(ITestOutputHelper output)
{
    private static readonly ulong File = TestWorlds.Page(300);

    /// <summary>
    /// Two madvise calls at once on the same pages. Linux flushes for the second one too (mm_tlb_flush_nested), so that its thread faults
    /// afterwards.
    /// </summary>
    [Theory]
    [InlineData("broadcast", Advice.DontNeed, false)]
    [InlineData("linux", Advice.DontNeed, false)]
    [InlineData("latr", Advice.DontNeed, false)]
    [InlineData("linux", Advice.DontNeed, true)]
    [InlineData("linux", Advice.PageOut, true)]
    public void Nested_SecondCall_FlushesToo(string protocol, Advice first, bool isFile)
    {
        RunReport report = TestWorlds.RunThreads(NestedScenario(first, isFile), protocol: ShootdownProtocols.All.Find(protocol));
        Assert.Equal(isFile ? 2 : 3, report.Total("minorFaults"));
        Assert.Equal(2, report.Total("shootdowns"));
    }

    [Theory]
    [InlineData(ReportedBug.FullFlushIsLocal, "broadcast", CheckRule.WiderRights)]
    [InlineData(ReportedBug.FullFlushIsLocal, "linux", CheckRule.WiderRights)]
    [InlineData(ReportedBug.WrongTag, "broadcast", CheckRule.EarlyRelease)]
    [InlineData(ReportedBug.WrongTag, "linux", CheckRule.EarlyRelease)]
    [InlineData(ReportedBug.NoFlushBeforeMap, "latr", CheckRule.DeadTranslation)]
    [InlineData(ReportedBug.NoFlushOfDevice, "broadcast", CheckRule.EarlyTableRelease)]
    [InlineData(ReportedBug.NoFlushOfDevice, "linux", CheckRule.EarlyTableRelease)]
    [InlineData(ReportedBug.NoFlushOfMove, "broadcast", CheckRule.EarlyRelease)]
    [InlineData(ReportedBug.NoFlushOfNested, "broadcast", CheckRule.DeadTranslation)]
    [InlineData(ReportedBug.NoFlushOfNested, "linux", CheckRule.DeadTranslation)]
    [InlineData(ReportedBug.NoFlushOfCollapse, "broadcast", CheckRule.EarlyRelease)]
    [InlineData(ReportedBug.NoFlushOfCollapse, "linux", CheckRule.EarlyRelease)]
    [InlineData(ReportedBug.AcknowledgesFreedTablesFirst, "broadcast", CheckRule.EarlyTableRelease)]
    [InlineData(ReportedBug.AcknowledgesFreedTablesFirst, "linux", CheckRule.EarlyTableRelease)]
    [InlineData(ReportedBug.LazyCoreGoesOn, "linux", CheckRule.EarlyRelease)]
    [InlineData(ReportedBug.StaleMaskBit, "linux", CheckRule.EarlyRelease)]
    [InlineData(ReportedBug.TagsRollOver, "linux", CheckRule.UnknownTranslation)]
    [InlineData(ReportedBug.BatchForgetsACore, "linux", CheckRule.EarlyRelease)]
    // Under linux the flush of the munmap behind a move finds that the core has missed one, and drops all: NoFlushOfMove is healed.
    public void Seeded_BreaksItsRule_AndNothingWithoutTheBug(ReportedBug bug, string protocol, CheckRule rule)
    {
        IShootdownProtocol right = ShootdownProtocols.All.Find(protocol)!;
        ScenarioSpec scenario = ScenarioOf(bug);
        using World clean = new(scenario, check: true, right);
        RunReport report = ReportBuilder.Build(clean, new SequentialEngine(clean).Run());
        Assert.True(report.Outcome == RunOutcomes.Completed, $"without the bug: {string.Join('\n', report.Findings)}");

        using World seeded = new(scenario, check: true, new ReportedProtocol(right, bug));
        new SequentialEngine(seeded).Run();
        Assert.NotEmpty(seeded.Checker!.Violations);
        Violation first = seeded.Checker.Violations[0];
        output.WriteLine(string.Join('\n', first.Lines()));
        Assert.Equal(rule, first.Rule);
        Assert.InRange(first.Trace.Count, 1, 8);
    }

    /// <summary>The accused access is told with the call whose return forbade it.</summary>
    [Fact]
    public void NoFlushBeforeMap_Trace_NamesTheMapping()
    {
        using World world = new(
            ScenarioOf(ReportedBug.NoFlushBeforeMap),
            check: true,
            new ReportedProtocol(ShootdownProtocols.All.Find("latr")!, ReportedBug.NoFlushBeforeMap));
        new SequentialEngine(world).Run();
        Violation violation = world.Checker!.Violations[0];
        Assert.Contains("after mmap(", violation.Message, StringComparison.Ordinal);
        Assert.Contains("which munmap(", violation.Message, StringComparison.Ordinal);
    }

    /// <summary>
    /// Core 0 advises, core 1, which holds the translations, a little later; core 2 is far away and slows the first call down.
    /// </summary>
    private static ScenarioSpec NestedScenario(Advice first, bool isFile)
    {
        ulong start = isFile ? File : TestWorlds.Page(0);
        ThreadBuilder one = new("first");
        one.Load(start, 1).Load(start + 4096).Compute(300_000).Advise(start, 4, first).Compute(1_000_000);
        ThreadBuilder two = new("second");
        two.Load(start).Load(start + 4096).Compute(301_500).Advise(start, 4, Advice.DontNeed);
        for (int i = 0; i < 40; i++)
        {
            two.Load(start).Compute(200);
        }

        two.Compute(2_000_000);
        ThreadBuilder far = new("far");
        for (int i = 0; i < 50; i++)
        {
            far.Load(start).Compute(2_000);
        }

        far.Compute(2_000_000);
        return Scenario(3, one.Build(new CoreId(0)), two.Build(new CoreId(1)), far.Build(new CoreId(2))) with
        {
            Machine = new MachineSpec { Cores = 3, Sockets = 3, IpiRemoteCycles = 60_000 },
        };
    }

    private static ScenarioSpec ScenarioOf(ReportedBug bug) => bug switch
    {
        ReportedBug.FullFlushIsLocal => LargeProtect(),
        ReportedBug.NoFlushBeforeMap => MapAgain(),
        ReportedBug.NoFlushOfDevice => DeviceUnmap(),
        ReportedBug.NoFlushOfMove => MoveAndGiveBack(),
        ReportedBug.NoFlushOfNested => NestedScenario(Advice.DontNeed, isFile: true),
        ReportedBug.NoFlushOfCollapse => Collapse(),
        ReportedBug.AcknowledgesFreedTablesFirst => FreedTables(),
        ReportedBug.LazyCoreGoesOn => Sleeper(),
        ReportedBug.TagsRollOver => ThreeProcesses(),
        ReportedBug.BatchForgetsACore => Reclaim(),
        _ => Unmap(),
    };

    /// <summary>64 pages, more than the ceiling of 33, made read-only while another core stores to one.</summary>
    private static ScenarioSpec LargeProtect()
    {
        ThreadBuilder writer = new("writer");
        for (int i = 0; i < 200; i++)
        {
            writer.Store(TestWorlds.Page(5)).Compute(5_000);
        }

        ThreadProgram protector = new ThreadBuilder("protector").Touch(TestWorlds.Page(0), 64).Compute(400_000)
            .Protect(TestWorlds.Page(0), 64, Protection.Read).Build(new CoreId(0));
        return Scenario(2, protector, writer.Build(new CoreId(1)));
    }

    private static ScenarioSpec Unmap() => Scenario(
        2,
        new ThreadBuilder("giver").Compute(400_000).Unmap(TestWorlds.Page(0), 4).Compute(100_000).Build(new CoreId(0)),
        new ThreadBuilder("user").Touch(TestWorlds.Page(0), 4).Compute(1_500_000).Build(new CoreId(1)));

    /// <summary>The giver unmaps, maps the place again and stores to the new pages; the user goes on reading it.</summary>
    private static ScenarioSpec MapAgain()
    {
        ThreadBuilder user = new("user");
        for (int i = 0; i < 300; i++)
        {
            user.Load(TestWorlds.Page(0)).Compute(4_000);
        }

        ThreadProgram giver = new ThreadBuilder("giver").Touch(TestWorlds.Page(0), 4).Compute(300_000).Unmap(TestWorlds.Page(0), 4)
            .Map(TestWorlds.Page(0), 4).Touch(TestWorlds.Page(0), 4).Compute(1_000_000).Build(new CoreId(0));
        return Scenario(2, giver, user.Build(new CoreId(1))) with { Kernel = new KernelProfile { TickCycles = 600_000 } };
    }

    private static ScenarioSpec DeviceUnmap()
    {
        SystemCall device = new()
        {
            Kind = SystemCallKind.Map,
            Start = new VirtAddr(TestWorlds.Page(1024)),
            Length = 4 << 12,
            Protection = Protection.Read,
            Source = MappingSource.Device,
            Offset = 0xF000_0000,
        };
        ThreadProgram giver = new ThreadBuilder("giver").Call(device).Compute(400_000).Unmap(TestWorlds.Page(1024), 4).Compute(100_000)
            .Build(new CoreId(0));
        ThreadBuilder user = new("user");
        user.Compute(100_000).Load(TestWorlds.Page(1024)).Load(TestWorlds.Page(1025)).Compute(1_500_000);
        return Scenario(2, giver, user.Build(new CoreId(1)));
    }

    /// <summary>Pages move, then their new place is given back; a core that had them at the old place does nothing more.</summary>
    private static ScenarioSpec MoveAndGiveBack()
    {
        SystemCall move = new()
        {
            Kind = SystemCallKind.Remap,
            Start = new VirtAddr(TestWorlds.Page(0)),
            Length = 4 << 12,
            NewStart = new VirtAddr(TestWorlds.Page(600)),
            NewLength = 4 << 12,
            RemapFlags = RemapFlags.MayMove | RemapFlags.Fixed,
        };
        ThreadProgram giver = new ThreadBuilder("giver").Compute(400_000).Call(move).Advise(TestWorlds.Page(600), 4, Advice.DontNeed)
            .Compute(200_000).Build(new CoreId(0));
        return Scenario(2, giver, new ThreadBuilder("user").Touch(TestWorlds.Page(0), 4).Compute(1_500_000).Build(new CoreId(1))) with
        {
            Machine = new MachineSpec { Cores = 2, Sockets = 2, IpiRemoteCycles = 30_000 },
        };
    }

    /// <summary>512 pages of a 2 MiB place that another core uses become a huge page.</summary>
    private static ScenarioSpec Collapse()
    {
        ulong start = TestWorlds.Page(1024);
        SystemCall map = new()
        {
            Kind = SystemCallKind.Map,
            Start = new VirtAddr(start),
            Length = 512 << 12,
            Protection = Protection.Read | Protection.Write,
        };
        ThreadProgram collapser = new ThreadBuilder("collapser").Call(map).Touch(start, 512).Compute(3_000_000)
            .Advise(start, 512, Advice.Collapse).Compute(500_000).Build(new CoreId(0));
        ThreadBuilder user = new("user");
        user.Compute(2_500_000).Load(start + 0x3000).Load(start + 0x5000).Compute(9_000_000);
        return Scenario(2, collapser, user.Build(new CoreId(1)));
    }

    /// <summary>A core has walked behind the table page that another's unmap frees.</summary>
    private static ScenarioSpec FreedTables() => Scenario(
        2,
        new ThreadBuilder("giver").Touch(TestWorlds.Page(0), 4).Compute(200_000).Unmap(TestWorlds.Page(0), 512).Compute(10_000)
            .Build(new CoreId(0)),
        new ThreadBuilder("walker").Compute(100_000).Load(TestWorlds.Page(400)).Compute(1_000_000).Build(new CoreId(1)));

    /// <summary>A core idles while another gives back what it has touched, and goes on with the same space.</summary>
    private static ScenarioSpec Sleeper() => Scenario(
        2,
        new ThreadBuilder("giver").Compute(200_000).Unmap(TestWorlds.Page(0), 4).Compute(500_000).Build(new CoreId(0)),
        new ThreadBuilder("sleeper").Touch(TestWorlds.Page(0), 4).Control(ControlKind.Sleep, 400_000).Touch(TestWorlds.Page(8), 1)
            .Build(new CoreId(1)));

    /// <summary>Three processes take turns on one core; the last reads pages that only the first has touched.</summary>
    private static ScenarioSpec ThreeProcesses()
    {
        ThreadBuilder first = new("first");
        first.Touch(TestWorlds.Page(0), 4);
        ThreadBuilder last = new("last");
        for (int i = 0; i < 40; i++)
        {
            first.Compute(20_000).Load(TestWorlds.Page(i % 4));
            last.Compute(20_000).Load(TestWorlds.Page(i % 4));
        }

        return Scenario(1, first.Build(new CoreId(0))) with
        {
            Kernel = new KernelProfile { TimeSliceCycles = 100_000 },
            Processes =
            [
                Process("p", first.Build(new CoreId(0))),
                Process("q", new ThreadBuilder("second").Compute(800_000).Build(new CoreId(0))),
                Process("r", last.Build(new CoreId(0))),
            ],
        };
    }

    /// <summary>Reclaim takes pages of a file that other cores have read.</summary>
    private static ScenarioSpec Reclaim()
    {
        ThreadProgram giver = Reader("giver").Compute(300_000).Advise(File, 4, Advice.PageOut).Compute(200_000).Build(new CoreId(0));
        return Scenario(
            3, giver, Reader("user1").Compute(900_000).Build(new CoreId(1)), Reader("user2").Compute(900_000).Build(new CoreId(2)));
    }

    private static ThreadBuilder Reader(string name)
    {
        ThreadBuilder reader = new(name);
        for (ulong page = 0; page < 4; page++)
        {
            reader.Load(File + (page << 12)).Compute(1_000);
        }

        return reader;
    }

    private static ProcessSpec Process(string name, ThreadProgram thread) =>
        new() { Name = name, Program = _ => TestWorlds.Image(thread) };

    private static ScenarioSpec Scenario(int cores, params ThreadProgram[] threads)
    {
        SystemCall file = new()
        {
            Kind = SystemCallKind.Map,
            Start = new VirtAddr(File),
            Length = 4 << 12,
            Protection = Protection.Read,
            Source = MappingSource.File,
            FileId = 0,
        };
        ProgramImage image = TestWorlds.Image(threads);
        ProgramImage withFile = new()
        {
            Name = "p",
            Threads = threads,
            Files = [new ProgramFile("/data", 4 << 12)],
            InitialMappings = [.. image.InitialMappings, file],
        };
        return TestWorlds.Scenario(cores) with { Processes = [new ProcessSpec { Name = "p", Program = _ => withFile }] };
    }
}
