using VmSim.Core.Exploring;
using VmSim.Core.Machine;
using VmSim.Core.Scenarios;
using VmSim.Core.Shootdown;
using VmSim.Core.Tests.Checking;
using VmSim.Core.Workloads.Synthetic;

namespace VmSim.Core.Tests.Exploring;

/// <summary>A bug, and the size of worlds that are enough to find it.</summary>
/// <param name="Protocol">The protocol that has it.</param>
/// <param name="Size">The size of worlds.</param>
/// <param name="Base">What they run on.</param>
/// <param name="Delays">Delays of a run.</param>
internal sealed record ExploredBug(Func<IShootdownProtocol> Protocol, WorldSize Size, SmallWorld Base, int Delays);

/// <summary>The bugs of the checker's tests, as small worlds can have them.</summary>
internal static class ExploredBugs
{
    private static readonly WorldSize Smallest = new(2, 1, 1);
    private static readonly KernelProfile Slices = new() { TimeSliceCycles = 12_000 };
    private static readonly KernelProfile IsolatedSlices = Slices with { PageTableIsolation = true };

    /// <summary>
    /// What another process does whose turn comes when the first has ended: it gives back pages until it has a tag of the machine, and once
    /// more, by which cores change over to the tag; then it loads a page.
    /// </summary>
    private const string Successor = "sleep 400000, dontneed 0, store 0, dontneed 0, load 1 | sleep 400000, pause 60000";

    /// <summary>Seeded bugs.</summary>
    public static IReadOnlyDictionary<SeededBug, ExploredBug> Seeded { get; } =
        Enum.GetValues<SeededBug>().ToDictionary(bug => bug, OfSeeded);

    /// <summary>Reported bugs.</summary>
    public static IReadOnlyDictionary<ReportedBug, ExploredBug> Reported { get; } =
        Enum.GetValues<ReportedBug>().ToDictionary(bug => bug, OfReported);

    /// <summary>What worlds run on.</summary>
    public static SmallWorld Base(
        int cores, int pages, int spaces = 1, string memory = "anonymous", KernelProfile? kernel = null, string? others = null)
    {
        ScriptProgram program = new() { Pages = pages, Memory = memory };
        IReadOnlyList<IReadOnlyList<ScriptStep>> turns = others is not null
            ? ScriptStep.Parse(others, pages)
            : [.. Enumerable.Repeat<IReadOnlyList<ScriptStep>>([new(ScriptVerb.Pause, 12_000, 0), new(ScriptVerb.Load, 0, 1)], cores)];
        ScenarioSpec scenario = new()
        {
            Name = "explore",
            Machine = new MachineSpec { Cores = cores },
            Kernel = kernel ?? (spaces > 1 ? Slices : new KernelProfile()),
            Processes =
            [
                .. Enumerable.Range(0, spaces).Select(space => new ProcessSpec
                {
                    Name = space == 0 ? "p" : "q",
                    Program = _ => program.Build(space == 0 ? "p" : "q", turns),
                }),
            ],
        };
        return new SmallWorld(scenario, program, []);
    }

    /// <summary>Explores worlds in order until one fails.</summary>
    public static (OrderFailure? Failure, long Worlds, long Schedules) Find(ExploredBug bug)
    {
        using OrderExplorer explorer = new(bug.Protocol(), new ExploreLimits(bug.Delays));
        long worlds = 0;
        long schedules = 0;
        foreach (IReadOnlyList<IReadOnlyList<ScriptStep>> threads in new WorldGenerator(bug.Size).All())
        {
            OrderResult result = explorer.Explore(bug.Base with { Threads = threads });
            worlds++;
            schedules += result.Schedules;
            if (result.Failure is { } failure)
            {
                return (failure, worlds, schedules);
            }
        }

        return (null, worlds, schedules);
    }

    /// <summary>The same worlds, before whose scripts nobody has used a page.</summary>
    private static SmallWorld Untouched(SmallWorld world) => world with { Program = world.Program with { Touched = false } };

    private static ExploredBug OfSeeded(SeededBug bug)
    {
        SeededRun run = SeededRuns.All[bug];
        IShootdownProtocol Protocol() =>
            new BuggyProtocol(run.Settings.ApplyTo(ShootdownProtocols.All.Find(run.Protocol)!, "", ghz: 1), bug);
        SmallWorld plain = Base(2, 1);
        return bug switch
        {
            SeededBug.ReturnsAtFirstAck => new ExploredBug(Protocol, new WorldSize(3, 1, 1), Base(3, 1), 2),
            SeededBug.NeverSweeps =>
                new ExploredBug(Protocol, Smallest, Base(2, 1, kernel: new KernelProfile { TickCycles = 20_000 }), 1),
            SeededBug.ForgetsTheInitiator => new ExploredBug(Protocol, new WorldSize(2, 2, 1), plain, 1),
            SeededBug.LeavesOutTheLastPage => new ExploredBug(Protocol, new WorldSize(2, 1, 2), Base(2, 2), 1),
            SeededBug.SharesTags or SeededBug.ForgetsGenerations => new ExploredBug(Protocol, new WorldSize(2, 2, 1), Base(2, 1, 2), 1),
            SeededBug.ForgetsStaleTags => new ExploredBug(
                Protocol, new WorldSize(2, 2, 1) { Alphabet = [ScriptVerb.Load, ScriptVerb.Dontneed, ScriptVerb.Sleep] }, Base(2, 1), 1),
            SeededBug.ForgetsWhatCoresOwe or SeededBug.ForgetsCoresThatLeft => new ExploredBug(
                Protocol, new WorldSize(2, 2, 1) { Alphabet = [ScriptVerb.Load, ScriptVerb.Dontneed, ScriptVerb.Sleep] }, Base(2, 1, 2), 1),
            SeededBug.IgnoresNewGenerations => new ExploredBug(Protocol, new WorldSize(1, 2, 2), Base(1, 2, 4), 1),
            SeededBug.ForgetsFillsBehindAnUnmap => new ExploredBug(
                Protocol, new WorldSize(2, 2, 1) { Alphabet = [ScriptVerb.Load, ScriptVerb.Store, ScriptVerb.Dontneed] }, plain, 1),
            SeededBug.AreasOverlap => new ExploredBug(Protocol, new WorldSize(2, 1, 2), Base(2, 2), 1),
            SeededBug.RollsOverWithoutFlush => new ExploredBug(
                Protocol,
                new WorldSize(2, 3, 2) { Alphabet = [ScriptVerb.Load, ScriptVerb.Dontneed] },
                Base(2, 2, 2, others: Successor),
                1),
            SeededBug.ForgetsStragglers => new ExploredBug(
                Protocol, new WorldSize(2, 2, 2) { Alphabet = [ScriptVerb.Load, ScriptVerb.Dontneed] }, Base(2, 2), 1),
            SeededBug.ForgetsPrimedFills => new ExploredBug(
                Protocol,
                new WorldSize(2, 3, 2) { Alphabet = [ScriptVerb.Load, ScriptVerb.Dontneed] },
                Untouched(Base(2, 2)),
                2),
            SeededBug.KeepsTheFirstHolder => new ExploredBug(
                Protocol, new WorldSize(2, 3, 1) { Alphabet = [ScriptVerb.Load, ScriptVerb.Dontneed] }, Untouched(plain), 1),
            SeededBug.AsksBeforeNoticesCome => new ExploredBug(
                Protocol,
                new WorldSize(2, 2, 1) { Alphabet = [ScriptVerb.Load, ScriptVerb.Dontneed] },
                Untouched(plain with { Base = plain.Base with { Kernel = run.Scenario.Kernel } }),
                1),
            SeededBug.TakesColdPagesForUncached => new ExploredBug(
                Protocol, new WorldSize(2, 2, 1) { Alphabet = [ScriptVerb.Load, ScriptVerb.Dontneed, ScriptVerb.Cold] }, plain, 1),
            SeededBug.ForgetsHoldersThatIdle => new ExploredBug(
                Protocol,
                new WorldSize(2, 3, 1) { Alphabet = [ScriptVerb.Load, ScriptVerb.Dontneed, ScriptVerb.Sleep] },
                Untouched(plain),
                1),
            SeededBug.TakesATagOverInHalf => new ExploredBug(
                Protocol, new WorldSize(1, 2, 1), Base(1, 1, LinuxProtocol.Slots + 2, kernel: IsolatedSlices), 1),
            SeededBug.ReleasesBeforeTheStoresAreVisible or SeededBug.ForgetsTheUsersHalf or SeededBug.ForgetsWhatTheUsersHalfOwes =>
                new ExploredBug(Protocol, Smallest, plain with { Base = plain.Base with { Kernel = run.Scenario.Kernel } }, 1),
            SeededBug.LeavesAPageMapped or SeededBug.MapsMoreRights or SeededBug.LosesAFrame or SeededBug.ForgetsProtectedPages =>
                new ExploredBug(
                    Protocol,
                    new WorldSize(2, 1, 2),
                    Base(2, 2) with
                    {
                        Base = Base(2, 2).Base with
                        {
                            Memory = new MemorySpec { Anonymous = run.Scenario.Memory.Anonymous },
                            Check = run.Scenario.Check,
                        },
                    },
                    1),
            _ => new ExploredBug(Protocol, Smallest, plain, 1),
        };
    }

    private static ExploredBug OfReported(ReportedBug bug)
    {
        bool isLazy = bug == ReportedBug.NoFlushBeforeMap;
        bool isOfLists = bug is ReportedBug.LazyCoreGoesOn or ReportedBug.StaleMaskBit or ReportedBug.BatchForgetsACore
            or ReportedBug.TagsRollOver;
        IShootdownProtocol Protocol() =>
            new ReportedProtocol(ShootdownProtocols.All.Find(isLazy ? "latr" : isOfLists ? "linux" : "broadcast")!, bug);
        return bug switch
        {
            ReportedBug.FullFlushIsLocal =>
                new ExploredBug(Protocol, new WorldSize(2, 1, 2), Base(2, 2, kernel: new KernelProfile { FlushCeilingPages = 1 }), 1),
            ReportedBug.NoFlushBeforeMap => new ExploredBug(Protocol, new WorldSize(2, 2, 1), Base(2, 1), 1),
            ReportedBug.NoFlushOfDevice => new ExploredBug(Protocol, Smallest, Base(2, 1, memory: "device"), 1),
            ReportedBug.NoFlushOfMove => new ExploredBug(
                Protocol, Smallest with { Alphabet = [ScriptVerb.Load, ScriptVerb.Move] }, Base(2, 1), 1),
            ReportedBug.NoFlushOfNested => new ExploredBug(
                Protocol,
                new WorldSize(3, 2, 1) { Alphabet = [ScriptVerb.Load, ScriptVerb.Dontneed] },
                Base(3, 1, memory: "file") with
                {
                    Base = Base(3, 1, memory: "file").Base with
                    {
                        Machine = new MachineSpec { Cores = 3, Sockets = 3, IpiRemoteCycles = 60_000 },
                    },
                },
                1),
            ReportedBug.NoFlushOfCollapse => new ExploredBug(
                Protocol, Smallest with { Alphabet = [ScriptVerb.Load, ScriptVerb.Collapse] }, Base(2, 1), 1),
            ReportedBug.TagsRollOver => new ExploredBug(Protocol, new WorldSize(1, 1, 1), Base(1, 1, 3), 1),
            ReportedBug.LazyCoreGoesOn => new ExploredBug(
                Protocol, new WorldSize(2, 2, 1) { Alphabet = [ScriptVerb.Load, ScriptVerb.Dontneed, ScriptVerb.Sleep] }, Base(2, 1), 1),
            ReportedBug.BatchForgetsACore => new ExploredBug(
                Protocol, Smallest with { Alphabet = [ScriptVerb.Load, ScriptVerb.Pageout] }, Base(2, 1, memory: "file"), 1),
            _ => new ExploredBug(Protocol, Smallest, Base(2, 1), 1),
        };
    }
}
