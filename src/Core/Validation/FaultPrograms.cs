using VmSim.Core.Programs;
using VmSim.Core.Statistics;
using VmSim.Core.Workloads.Synthetic;

namespace VmSim.Core.Validation;

/// <summary>First touches of memory of many kinds, and operations on parts of huge pages.</summary>
internal static class FaultPrograms
{
    private const string Family = "faults";
    private const string Prepare = "prepare";
    private const string Touch = "touch";
    private const string Unmap = "munmap";
    private const ulong Start = ProgramMemory.Large;

    /// <summary>Pages of a huge page.</summary>
    private const long HugePages = 512;

    /// <summary>Huge pages of which a part is changed in one measured loop.</summary>
    private const int Parts = 4;

    /// <summary>All of them.</summary>
    public static IReadOnlyList<MeasuredProgram> All { get; } =
    [
        Touching("anon-private-write", Stores),
        Touching("anon-private-read-zero-page", Loads),
        Touching("anon-private-write-after-zero-read", Stores, before: Loads),
        Touching("anon-private-write-stride16", Stores, stride: 16),
        Touching("anon-shared-write", Stores, map: call => call with { Shared = true }),
        Touching("anon-shared-read", Loads, map: call => call with { Shared = true }),
        Populating("anon-populate-write", Stores, call => call with { Populate = true }),
        Touching("anon-madv-populate-write", Stores, advice: Advice.PopulateWrite, isAdviceTimed: true),
        Touching("file-private-read-seq", Loads, map: ReadFile),
        Touching("file-private-read-stride16", Loads, map: ReadFile, stride: 16),
        Touching("file-private-read-madv-random", Loads, map: ReadFile, advice: Advice.Random),
        Touching("file-private-write", Stores, map: File),
        Touching("file-private-write-after-read", Stores, before: Loads, map: File),
        Touching("file-shared-read-seq", Loads, map: SharedFile),
        Touching("file-shared-write", Stores, map: SharedFile),
        Touching("file-shared-write-after-read", Stores, before: Loads, map: SharedFile),
        Populating("file-populate-read", Loads, call => ReadFile(call) with { Populate = true }),
        Touching("file-private-read-random-order", Shuffled, map: ReadFile),
        Touching("anon-thp-write-every-4k", Stores, advice: Advice.HugePage),
        Touching("anon-thp-write-every-2m", Stores, advice: Advice.HugePage, stride: HugePages),
        Touching("anon-thp-read-every-4k", Loads, advice: Advice.HugePage),
        Touching("anon-thp-write-after-huge-zero-read", Stores, before: Loads, advice: Advice.HugePage),
        Touching("anon-nothp-advice-write", Stores, advice: Advice.NoHugePage),
        OnHugePages("thp-protect-part", "split", 1, (context, page) => context.Script.Protect(page, context.Pages, Protection.Read)),
        OnHugePages("thp-dontneed-part", "split", 1, (context, page) => context.Script.Advise(page, context.Pages, Advice.DontNeed)),
        OnHugePages("thp-munmap-part", "split", 1, (context, page) => context.Script.Unmap(page, context.Pages)),
        OnHugePages("thp-protect-whole", "protect", HugePages, (context, page) =>
            context.Script.Protect(page - (8 * ProgramMemory.PageBytes), context.Pages, Protection.Read)),
        OnHugePages("thp-fork-write-part", "split", 1, (_, page) => ThreadScript.Store(page), forks: true),
    ];

    private static LoopProgram Touching(
        string name,
        Func<long, long, IEnumerable<ulong>> touch,
        Func<long, long, IEnumerable<ulong>>? before = null,
        Func<SystemCall, SystemCall>? map = null,
        Advice? advice = null,
        bool isAdviceTimed = false,
        long stride = 1) => new(name, Family, Prepare, Touch, Unmap)
        {
            FirstMeasured = 1,
            Operations = 2,
            FaultPhase = Touch,
            Loop = context =>
            {
                ulong pages = context.Pages * (ulong)stride;
                SystemCall call = ThreadScript.Mapping(Start, pages);
                ulong[] advise = advice is { } given ? [context.Script.Advise(Start, pages, given)] : [];
                IReadOnlyList<IEnumerable<ulong>> phases =
                [
                    [
                        context.Script.Call(map is null ? call : map(call)),
                        .. isAdviceTimed ? [] : advise,
                        .. before is null ? [] : before((long)context.Pages, stride),
                    ],
                    [.. isAdviceTimed ? advise : [], .. touch((long)context.Pages, stride)],
                    [context.Script.Unmap(Start, pages)],
                ];
                return _ => phases;
            },
        };

    /// <summary>MAP_POPULATE: the call that maps is timed together with the touches.</summary>
    private static LoopProgram Populating(
        string name, Func<long, long, IEnumerable<ulong>> touch, Func<SystemCall, SystemCall> map) =>
        new(name, Family, Prepare, Touch, Unmap)
        {
            FirstMeasured = 1,
            Operations = 2,
            FaultPhase = Touch,
            Loop = context =>
            {
                IReadOnlyList<IEnumerable<ulong>> phases =
                [
                    [],
                    [context.Script.Call(map(ThreadScript.Mapping(Start, context.Pages))), .. touch((long)context.Pages, 1)],
                    [context.Script.Unmap(Start, context.Pages)],
                ];
                return _ => phases;
            },
        };

    /// <summary>One operation on each of four huge pages, on some pages from the ninth on.</summary>
    private static LoopProgram OnHugePages(
        string name, string phase, long mostPages, Func<LoopContext, ulong, ulong> part, bool forks = false) =>
        new(name, Family, Prepare, phase, Unmap)
        {
            FirstMeasured = 1,
            Operations = 2,
            Repeats = Parts,
            MostPages = mostPages,
            Forks = forks,
            Loop = context =>
            {
                const ulong Pages = Parts * (ulong)HugePages;
                ulong[] first =
                [
                    context.Script.Map(Start, Pages),
                    context.Script.Advise(Start, Pages, Advice.HugePage),
                    .. Stores(Parts, HugePages),
                ];
                ulong[] parts =
                    [.. Enumerable.Range(0, Parts).Select(i => part(context, Start + (ulong)(((i * HugePages) + 8) << 12)))];
                ulong[] last = [.. forks ? [ThreadScript.Control(ControlKind.Sleep, 1)] : (ulong[])[], context.Script.Unmap(Start, Pages)];
                return operation =>
                [
                    [.. first, .. forks ? [ThreadScript.Control(ControlKind.Fork, operation)] : (ulong[])[]],
                    parts,
                    last,
                ];
            },
        };

    private static IEnumerable<ulong> Stores(long pages, long stride) => ProgramMemory.Touch(Start, pages, stride);

    private static IEnumerable<ulong> Loads(long pages, long stride) => ProgramMemory.Read(Start, pages, stride);

    private static ulong[] Shuffled(long pages, long stride)
    {
        ulong[] loads = [.. Loads(pages, stride)];
        SeededRandom random = new(3);
        for (int i = loads.Length - 1; i > 0; i--)
        {
            int other = (int)(random.Next() % (ulong)(i + 1));
            (loads[i], loads[other]) = (loads[other], loads[i]);
        }

        return loads;
    }

    private static SystemCall File(SystemCall call) => call with { Source = MappingSource.File, FileId = 0 };

    private static SystemCall SharedFile(SystemCall call) => File(call) with { Shared = true };

    private static SystemCall ReadFile(SystemCall call) => File(call) with { Protection = Protection.Read };
}
