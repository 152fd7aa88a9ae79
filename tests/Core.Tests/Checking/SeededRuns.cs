using VmSim.Core.Addresses;
using VmSim.Core.Checking;
using VmSim.Core.Engine;
using VmSim.Core.Machine;
using VmSim.Core.Programs;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Settings;
using VmSim.Core.Shootdown;
using VmSim.Testing;

namespace VmSim.Core.Tests.Checking;

/// <summary>One run for each seeded bug: what runs, and which rule the bug breaks.</summary>
internal static class SeededRuns
{
    private const int FilePages = 4;
    private static readonly ulong File = TestWorlds.Page(300);

    /// <summary>Tags of the machine for every space at once, but only one of them.</summary>
    private static readonly OwnSettings Eager = new([new("sample", "1"), new("active-cores", "2"), new("tags", "1")]);

    /// <summary>A kernel whose calls take no time but for the least delays.</summary>
    private static KernelProfile Instant { get; } = new()
    {
        UnmapCycles = 0,
        AdviseCycles = 0,
        ZapPageCycles = 0,
        AreaCycles = 0,
        PageTableLockCycles = 0,
        LruLockCycles = 0,
        ZoneLockCycles = 0,
        AtomicCycles = 0,
    };

    /// <summary>A kernel with page-table isolation.</summary>
    private static KernelProfile Isolated { get; } = new() { PageTableIsolation = true };

    /// <summary>The bugs with the protocol they are built into, the scenario and the rule.</summary>
    public static IReadOnlyDictionary<SeededBug, SeededRun> All { get; } = new Dictionary<SeededBug, SeededRun>
    {
        [SeededBug.DropsOneInterrupt] = new("broadcast", CheckRule.DeadTranslation, FileScenario()),
        [SeededBug.AcknowledgesWithoutInvalidating] = new("linux", CheckRule.DeadTranslation, FileScenario()),
        [SeededBug.LeavesOutTheLastPage] = new("broadcast", CheckRule.DeadTranslation, FileScenario()),
        [SeededBug.ForgetsTheInitiator] = new("broadcast", CheckRule.DeadTranslation, FileScenario()),
        [SeededBug.ReturnsAtFirstAck] = new("broadcast", CheckRule.DeadTranslation, FarScenario()),
        [SeededBug.NeverSweeps] = new("latr", CheckRule.DeadTranslation, LazyScenario()),
        [SeededBug.DropsOneInterruptOfAProtect] = new("broadcast", CheckRule.WiderRights, ProtectScenario()),
        [SeededBug.SharesTags] = new("linux", CheckRule.UnknownTranslation, TwoProcesses()),
        [SeededBug.ReleasesAtOnce] = new("broadcast", CheckRule.EarlyRelease, UnmapScenario()),
        [SeededBug.ReleasesBeforeTheStoresAreVisible] = new("broadcast", CheckRule.EarlyRelease, UnmapScenario() with { Kernel = Instant }),
        [SeededBug.ReleasesDeferredAtOnce] = new("latr", CheckRule.EarlyRelease, UnmapScenario()),
        [SeededBug.ForgetsGenerations] = new("linux", CheckRule.EarlyRelease, SleeperScenario()),
        [SeededBug.IgnoresFreedTables] = new("broadcast", CheckRule.EarlyTableRelease, TableScenario()),
        [SeededBug.AcknowledgesTwice] = new("broadcast", CheckRule.StrayAcknowledgement, FileScenario()),
        [SeededBug.AcknowledgesAnother] = new("broadcast", CheckRule.StrayAcknowledgement, FileScenario()),
        [SeededBug.LeavesAPageMapped] = new("broadcast", CheckRule.TableDisagrees, WithBackend<LeavesAPageMappedBackend>(UnmapScenario())),
        [SeededBug.MapsMoreRights] = new("broadcast", CheckRule.TableDisagrees, WithBackend<MapsMoreRightsBackend>(UnmapScenario())),
        [SeededBug.AreasOverlap] = new("broadcast", CheckRule.TableDisagrees, ProtectScenario()),
        [SeededBug.LosesAFrame] = new("broadcast", CheckRule.FramesLost, WithBackend<LosesAFrameBackend>(UnmapScenario())),
        [SeededBug.NeverReleases] = new("latr", CheckRule.FramesLost, UnmapScenario()),
        [SeededBug.GivesATagTwice] = new("linux-invlpgb", CheckRule.UnknownTranslation, TwoProcesses()),
        [SeededBug.ForgetsStragglers] = new("linux-invlpgb", CheckRule.DeadTranslation, StragglerScenario()) { Settings = Eager },
        [SeededBug.RollsOverWithoutFlush] = new("linux-invlpgb", CheckRule.EarlyRelease, RollOverScenario()) { Settings = Eager },
        [SeededBug.IgnoresNewGenerations] = new("arm-tlbi", CheckRule.UnknownTranslation, ManyProcesses())
        {
            Settings = new([new("asids", "2")]),
        },
        [SeededBug.ForgetsStaleTags] = new("freebsd", CheckRule.EarlyRelease, SleeperScenario()),
        [SeededBug.KeepsFreedTables] = new("arm-tlbi", CheckRule.EarlyTableRelease, TableScenario()),
        [SeededBug.NamesPagesWhereTablesAreFreed] = new("riscv-sbi", CheckRule.EarlyTableRelease, TableScenario()),
        [SeededBug.ForgetsWhatCoresOwe] = new("riscv-sbi", CheckRule.EarlyRelease, SleeperScenario())
        {
            Settings = new([new("deferred", "on")]),
        },
        [SeededBug.AcknowledgesFreedTablesEarly] = new("early-ack", CheckRule.EarlyTableRelease, TableScenario()),
        [SeededBug.ForgetsCoresThatLeft] = new("riscv-sbi", CheckRule.EarlyRelease, VisitorScenario()),
        [SeededBug.ForgetsACoreOfThePage] = new("radixvm", CheckRule.DeadTranslation, FileScenario()),
        [SeededBug.ForgetsFillsBehindAnUnmap] = new("radixvm", CheckRule.EarlyRelease, CopyScenario()),
        [SeededBug.ClearsTheTableAlone] = new("radixvm", CheckRule.DeadTranslation, FileScenario()),
        [SeededBug.KeepsTheFirstHolder] = new("abis", CheckRule.EarlyRelease, SecondHolderScenario()),
        [SeededBug.ForgetsPrimedFills] = new("abis", CheckRule.EarlyRelease, UnmapScenario()),
        [SeededBug.TakesColdPagesForUncached] = new("abis", CheckRule.EarlyRelease, ColdScenario()),
        [SeededBug.AsksBeforeNoticesCome] = new("abis", CheckRule.EarlyRelease, LateWalkScenario() with { Kernel = Instant }),
        [SeededBug.ForgetsHoldersThatIdle] = new("abis", CheckRule.EarlyRelease, SleeperScenario()),
        [SeededBug.ForgetsProtectedPages] = new(
            "broadcast", CheckRule.WrongValue, WithValues<ForgetsProtectedPagesBackend>(ProtectScenario())),
        [SeededBug.ForgetsTheUsersHalf] = new("linux", CheckRule.DeadTranslation, FileScenario() with { Kernel = Isolated }),
        [SeededBug.ForgetsWhatTheUsersHalfOwes] = new("early-ack", CheckRule.DeadTranslation, FileScenario() with { Kernel = Isolated }),
        [SeededBug.TakesATagOverInHalf] = new(
            "linux",
            CheckRule.UnknownTranslation,
            ManyProcesses(LinuxProtocol.Slots + 3) with { Kernel = Isolated with { TimeSliceCycles = 50_000 } }),
    };

    /// <summary>Runs the scenario of a bug.</summary>
    /// <param name="bug">The bug.</param>
    /// <param name="seeded">Whether the bug is there.</param>
    /// <param name="check">Whether the checker watches.</param>
    public static (RunReport Report, IReadOnlyList<Violation> Violations) Run(SeededBug bug, bool seeded, bool check = true)
    {
        SeededRun run = All[bug];
        ScenarioSpec scenario = seeded
            ? run.Scenario
            : run.Scenario with { Memory = new MemorySpec { Shared = run.Scenario.Memory.Shared } };
        IShootdownProtocol right = run.Settings.ApplyTo(ShootdownProtocols.All.Find(run.Protocol)!, "", ghz: 1);
        IShootdownProtocol protocol = !seeded
            ? right
            : new BuggyProtocol(right, bug);
        using World world = new(scenario, check, protocol);
        bool finished = new SequentialEngine(world).Run();
        return (ReportBuilder.Build(world, finished), world.Checker?.Violations ?? []);
    }

    /// <summary>Three cores read a file's pages, also after one of them has unmapped them. The frames stay in the page cache.</summary>
    private static ScenarioSpec FileScenario()
    {
        ThreadBuilder giver = Reader("giver", 4);
        giver.Compute(300_000).Unmap(File, FilePages);
        for (int i = 0; i < 200; i++)
        {
            giver.Load(File + ((ulong)(i % FilePages) << 12)).Compute(500);
        }

        return Scenario(3, giver.Build(), Reader("reader1", 400).Build(), Reader("reader2", 400).Build());
    }

    /// <summary>As above; the last core is so far away that the other's acknowledgement is there before its interrupt.</summary>
    private static ScenarioSpec FarScenario() =>
        FileScenario() with { Machine = new() { Cores = 3, Sockets = 2, IpiRemoteCycles = 30_000 } };

    /// <summary>A core goes on reading what another has given back and every core sweeps at its tick.</summary>
    private static ScenarioSpec LazyScenario()
    {
        ThreadBuilder user = new("user");
        for (int i = 0; i < 300; i++)
        {
            user.Load(TestWorlds.Page(i % 4)).Compute(5_000);
        }

        ThreadProgram giver = new ThreadBuilder("giver").Touch(TestWorlds.Page(0), 4).Compute(300_000)
            .Advise(TestWorlds.Page(0), 4, Advice.DontNeed).Compute(1_000_000).Build();
        return Scenario(2, giver, user.Build()) with { Kernel = new KernelProfile { TickCycles = 100_000 } };
    }

    /// <summary>
    /// A core has read pages of zeros; another one stores to them, so that its own table has the copies before the shootdown begins, and
    /// gives them back.
    /// </summary>
    private static ScenarioSpec CopyScenario()
    {
        ThreadProgram giver = new ThreadBuilder("giver").Compute(200_000).Touch(TestWorlds.Page(0), 4).Compute(50_000)
            .Advise(TestWorlds.Page(0), 4, Advice.DontNeed).Compute(50_000).Build();
        ThreadBuilder reader = new("reader");
        for (int i = 0; i < 4; i++)
        {
            reader.Load(TestWorlds.Page(i));
        }

        return Scenario(2, giver, reader.Compute(1_000_000).Build());
    }

    /// <summary>A core goes on storing to what another has made read-only.</summary>
    private static ScenarioSpec ProtectScenario()
    {
        ThreadBuilder writer = new("writer");
        for (int i = 0; i < 200; i++)
        {
            writer.Store(TestWorlds.Page(1)).Compute(20_000);
        }

        ThreadProgram protector = new ThreadBuilder("protector").Compute(1_000_000).Protect(TestWorlds.Page(0), 4, Protection.Read).Build();
        return Scenario(2, protector, writer.Build());
    }

    /// <summary>Two processes take turns on one core; the second reads pages that only the first has touched.</summary>
    private static ScenarioSpec TwoProcesses()
    {
        ThreadBuilder first = new("first");
        first.Touch(TestWorlds.Page(0), 4);
        ThreadBuilder second = new("second");
        for (int i = 0; i < 40; i++)
        {
            first.Load(TestWorlds.Page(i % 4)).Compute(20_000);
            second.Compute(20_000).Load(TestWorlds.Page(i % 4));
        }

        return Scenario(1, first.Build(core: new CoreId(0))) with
        {
            Kernel = new KernelProfile { TimeSliceCycles = 100_000 },
            Processes =
            [
                new ProcessSpec { Name = "p", Program = _ => TestWorlds.Image(first.Build(core: new CoreId(0))) },
                new ProcessSpec { Name = "q", Program = _ => TestWorlds.Image(second.Build(core: new CoreId(0))) },
            ],
        };
    }

    /// <summary>A core has touched what another unmaps.</summary>
    private static ScenarioSpec UnmapScenario()
    {
        ThreadProgram giver = new ThreadBuilder("giver").Compute(200_000).Unmap(TestWorlds.Page(0), 4).Build();
        return Scenario(2, giver, new ThreadBuilder("user").Touch(TestWorlds.Page(0), 4).Compute(1_000_000).Build());
    }

    /// <summary>A core gives back what it has touched, another touches it, and the first unmaps it.</summary>
    private static ScenarioSpec SecondHolderScenario()
    {
        ThreadProgram giver = new ThreadBuilder("giver").Touch(TestWorlds.Page(0), 4).Advise(TestWorlds.Page(0), 4, Advice.DontNeed)
            .Compute(600_000).Unmap(TestWorlds.Page(0), 4).Compute(10_000).Build();
        return Scenario(
            2, giver, new ThreadBuilder("user").Compute(300_000).Touch(TestWorlds.Page(0), 4).Compute(1_000_000).Build());
    }

    /// <summary>Two cores have used what a third calls cold, and then unmaps.</summary>
    private static ScenarioSpec ColdScenario()
    {
        ThreadProgram giver = new ThreadBuilder("giver").Compute(300_000).Advise(TestWorlds.Page(0), 4, Advice.Cold).Compute(100_000)
            .Unmap(TestWorlds.Page(0), 4).Compute(10_000).Build();
        ThreadProgram reader = new ThreadBuilder("reader").Compute(100_000).Load(TestWorlds.Page(0)).Compute(1_000_000).Build();
        return Scenario(3, giver, new ThreadBuilder("user").Touch(TestWorlds.Page(0), 4).Compute(1_000_000).Build(), reader);
    }

    /// <summary>A core gives back page after page, and another reads each: a little later than the last.</summary>
    private static ScenarioSpec LateWalkScenario()
    {
        const int Pages = 200;
        ThreadBuilder giver = new ThreadBuilder("giver").Touch(TestWorlds.Page(0), Pages);
        ThreadBuilder reader = new("reader");
        for (int page = 0; page < Pages; page++)
        {
            giver.Control(ControlKind.Barrier, 0).Advise(TestWorlds.Page(page), 1, Advice.DontNeed);
            reader.Control(ControlKind.Barrier, 0).Compute(page * 30).Load(TestWorlds.Page(page));
        }

        return Scenario(2, giver.Build(), reader.Compute(1_000_000).Build());
    }

    /// <summary>
    /// A core sleeps while another gives back what it has touched, and then goes on with the same space under the same tag.
    /// </summary>
    private static ScenarioSpec SleeperScenario()
    {
        ThreadProgram giver = new ThreadBuilder("giver").Compute(200_000).Unmap(TestWorlds.Page(0), 4).Compute(500_000).Build();
        ThreadProgram sleeper = new ThreadBuilder("sleeper").Touch(TestWorlds.Page(0), 4).Control(ControlKind.Sleep, 400_000)
            .Touch(TestWorlds.Page(8), 1).Build();
        return Scenario(2, giver, sleeper);
    }

    /// <summary>
    /// A core runs another process while the first gives back what it has touched there, and then goes on with the first.
    /// </summary>
    private static ScenarioSpec VisitorScenario()
    {
        ThreadProgram giver =
            new ThreadBuilder("giver").Compute(200_000).Unmap(TestWorlds.Page(0), 4).Compute(500_000).Build(new CoreId(0));
        ThreadProgram user = new ThreadBuilder("user").Touch(TestWorlds.Page(0), 4).Control(ControlKind.Sleep, 400_000)
            .Touch(TestWorlds.Page(8), 1).Build(new CoreId(1));
        ThreadProgram visitor = new ThreadBuilder("visitor").Touch(TestWorlds.Page(0), 1).Compute(300_000).Build(new CoreId(1));
        ScenarioSpec scenario = Scenario(2, giver, user);
        return scenario with
        {
            Processes = [.. scenario.Processes, new ProcessSpec { Name = "q", Program = _ => TestWorlds.Image(visitor) }],
        };
    }

    /// <summary>
    /// A core has walked, in vain, behind the table page that another's unmap frees: its paging-structure cache holds it, and its TLB
    /// nothing.
    /// </summary>
    private static ScenarioSpec TableScenario()
    {
        ThreadProgram giver = new ThreadBuilder("giver").Touch(TestWorlds.Page(0), 4).Compute(200_000).Unmap(TestWorlds.Page(0), 512)
            .Compute(10_000).Build();
        return Scenario(2, giver, new ThreadBuilder("walker").Compute(100_000).Load(TestWorlds.Page(400)).Compute(1_000_000).Build());
    }

    /// <summary>Three cores read a file's pages; one of them gives away a page of its own, and then the file.</summary>
    private static ScenarioSpec StragglerScenario()
    {
        ThreadBuilder giver = Reader("giver", 4).Compute(300_000);
        giver.Touch(TestWorlds.Page(0), 1).Advise(TestWorlds.Page(0), 1, Advice.DontNeed).Unmap(File, FilePages);
        return Scenario(3, giver.Compute(200_000).Build(), Reader("reader1", 600).Build(), Reader("reader2", 600).Build());
    }

    /// <summary>Two processes use the same cores one after the other; the second reads pages that only the first has touched.</summary>
    private static ScenarioSpec RollOverScenario()
    {
        return Scenario(2) with
        {
            Processes =
            [
                new ProcessSpec { Name = "p", Program = _ => TestWorlds.Image(Threads(0, 0)) },
                new ProcessSpec { Name = "q", Program = _ => TestWorlds.Image(Threads(2_000_000, 4)) },
            ],
        };

        // one gives pages away until the process has the tag, and both go on under it
        static ThreadProgram[] Threads(ulong sleep, int first) => [.. Enumerable.Range(0, 2).Select(core =>
        {
            ThreadBuilder thread = new ThreadBuilder($"t{core}").Control(ControlKind.Sleep, sleep + 1).Compute(20_000);
            for (int i = 0; i < 6; i++)
            {
                thread.Touch(TestWorlds.Page(20 + core), 1).Compute(20_000);
                _ = core == 0 ? thread.Advise(TestWorlds.Page(20), 1, Advice.DontNeed) : thread.Compute(2_000);
            }

            return thread.Touch(TestWorlds.Page(first), 4).Compute(100_000).Load(TestWorlds.Page(0)).Build(new CoreId(core));
        })];
    }

    /// <summary>Processes take turns on one core, each with another page.</summary>
    private static ScenarioSpec ManyProcesses(int count = 4) => Scenario(1) with
    {
        Kernel = new KernelProfile { TimeSliceCycles = 50_000 },
        Processes = [.. Enumerable.Range(0, count).Select(number =>
        {
            ThreadBuilder thread = new("t");
            for (int i = 0; i < 30; i++)
            {
                thread.Load(TestWorlds.Page((i + number) % 8)).Compute(20_000);
            }

            ThreadProgram program = thread.Build(new CoreId(0));
            return new ProcessSpec { Name = $"p{number}", Program = _ => TestWorlds.Image(program) };
        })],
    };

    private static ThreadBuilder Reader(string name, int loads)
    {
        ThreadBuilder reader = new(name);
        for (int i = 0; i < loads; i++)
        {
            reader.Load(File + ((ulong)(i % FilePages) << 12)).Compute(1_000);
        }

        return reader;
    }

    private static ScenarioSpec Scenario(int cores, params ThreadProgram[] threads)
    {
        SystemCall file = new()
        {
            Kind = SystemCallKind.Map,
            Start = new VirtAddr(File),
            Length = FilePages << 12,
            Protection = Protection.Read,
            Source = MappingSource.File,
            FileId = 0,
        };
        ProgramImage image = TestWorlds.Image(threads);
        return TestWorlds.Scenario(cores) with
        {
            Processes =
            [
                new ProcessSpec
                {
                    Name = "p",
                    Program = _ => new ProgramImage
                    {
                        Name = "p",
                        Threads = threads,
                        Files = [new ProgramFile("/data", FilePages << 12)],
                        InitialMappings = [.. image.InitialMappings, file],
                        EventCount = image.EventCount,
                        MutexCount = image.MutexCount,
                        BarrierParties = image.BarrierParties,
                    },
                },
            ],
        };
    }

    private static ScenarioSpec WithValues<T>(ScenarioSpec scenario) => WithBackend<T>(scenario) with { Check = "values" };

    private static ScenarioSpec WithBackend<T>(ScenarioSpec scenario) =>
        scenario with { Memory = new MemorySpec { Anonymous = typeof(T).AssemblyQualifiedName! } };
}

/// <summary>A run with a bug in it.</summary>
/// <param name="Protocol">The protocol that the bug is built into, or that runs beside it.</param>
/// <param name="Rule">The rule that is broken, and no other.</param>
/// <param name="Scenario">What runs.</param>
internal sealed record SeededRun(string Protocol, CheckRule Rule, ScenarioSpec Scenario)
{
    /// <summary>The protocol's settings.</summary>
    public OwnSettings Settings { get; init; } = OwnSettings.None;
}
