using VmSim.Core.Programs;
using VmSim.Core.Settings;
using VmSim.Core.Statistics;

namespace VmSim.Core.Workloads.Synthetic;

/// <summary>
/// Threads that do steps drawn at random on the same pages, of the kinds that are named. Accesses may hit what another thread has unmapped
/// or protected: those are refused and the thread goes on. For searches after violations and differences, not a model of any load.
/// </summary>
public sealed record RandomProgram : SyntheticProgram
{
    /// <summary>Most processes that the forks of one process make.</summary>
    private const int ForksMax = 3;

    /// <summary>Steps from one barrier to the next, if barriers are named.</summary>
    private const int BarrierEvery = 16;

    /// <summary>Most pages, or repetitions, of one step.</summary>
    private const int CountMax = 30;

    /// <summary>Steps of each thread.</summary>
    [Setting("Steps of each thread.", Min = 1, Max = 1_000_000)]
    public int Iterations { get; init; } = 60;

    /// <summary>Pages that the steps begin at.</summary>
    [Setting("Pages that steps begin at; a step works on at most 30 from there.", Unit = SettingUnit.Pages, Min = 1, Max = 65_536)]
    public long Pages { get; init; } = 40;

    /// <summary>Kinds of steps, separated by blanks.</summary>
    [Setting("Kinds of steps, separated by blanks: load, store, touch, compute, map, unmap, protect, unprotect, advise, remap, file, "
        + "lock, sleep, yield, migrate, fork, barrier; exec, hugetlb, hugepage, collapse, pageout, cold, guard, mlock, break.")]
    public string Operations { get; init; } =
        "load store touch compute map unmap protect unprotect advise remap file lock sleep yield migrate fork barrier";

    /// <inheritdoc/>
    public override ProgramImage Build(ProgramContext context)
    {
        int threads = ThreadCount(context);
        HashSet<RandomStep> kinds = Kinds(context);
        List<ProgramImage> children = [];
        return BuildProcess(context.Name, context, threads, kinds, 0, children);
    }

    private ulong Start => Regions.Start(0, 1, (ulong)Pages + CountMax);

    private HashSet<RandomStep> Kinds(ProgramContext context)
    {
        HashSet<RandomStep> kinds = [];
        foreach (string name in Operations.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            kinds.Add(Enum.GetValues<RandomStep>().Where(step => Name(step) == name).Select(step => (RandomStep?)step).FirstOrDefault()
                ?? throw new ArgumentException(
                    $"operations: \"{name}\" found; {string.Join(", ", Enum.GetValues<RandomStep>().Select(Name))} are allowed",
                    nameof(context)));
        }

        return kinds.Overlaps(RandomSteps.Weighted) || kinds.Overlaps(RandomSteps.Rare)
            ? kinds
            : throw new ArgumentException(
                $"operations: \"{Operations}\" found; at least one kind other than fork and barrier is needed", nameof(context));
    }

    private static string Name(RandomStep step) => step.ToString().ToLowerInvariant();

    /// <summary>Builds the process, or one that it forks.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="context">What the program is built for.</param>
    /// <param name="threads">Its threads.</param>
    /// <param name="kinds">Kinds of steps.</param>
    /// <param name="number">0 for the process, from 1 for those that it forks: each draws steps of its own.</param>
    /// <param name="children">Takes the processes that its forks make; null if it must not fork.</param>
    private ProgramImage BuildProcess(
        string name, ProgramContext context, int threads, HashSet<RandomStep> kinds, int number, List<ProgramImage>? children)
    {
        ulong seed = SeededRandom.Derive(context.Seed, context.Copy, number);
        return new ProgramImage
        {
            Name = name,
            MayMigrate = kinds.Contains(RandomStep.Migrate),
            Files = [RandomSteps.SharedFile],
            InitialBreak = RandomSteps.HeapOf(Start),
            InitialMappings = children is null ? [] : [ThreadScript.Mapping(Start, (ulong)Pages + CountMax)],
            Threads =
                [.. Enumerable.Range(0, threads).Select(thread => BuildThread($"{name}/{thread}", context, kinds, seed, thread, children))],
            Children = children ?? [],
            BarrierParties = [threads],
            MutexCount = 1,
        };
    }

    private ThreadProgram BuildThread(
        string name, ProgramContext context, HashSet<RandomStep> kinds, ulong seed, int number, List<ProgramImage>? children)
    {
        RandomStep[] drawn = [.. RandomSteps.Weighted.Concat(RandomSteps.Rare).Where(kinds.Contains)];
        RandomSteps steps = new(Start, context.Cores);
        SeededRandom random = new(SeededRandom.Mix(seed) + (ulong)number);
        ThreadBuilder thread = new(name);
        for (int i = 0; i < Iterations; i++)
        {
            // All threads of a process come to its barriers at the same steps.
            if (kinds.Contains(RandomStep.Barrier) && SeededRandom.Mix(seed + (ulong)i) % BarrierEvery == 0)
            {
                thread.Control(ControlKind.Barrier, 0);
            }

            if (kinds.Contains(RandomStep.Fork) && children is not null && children.Count < ForksMax
                && random.Below((ulong)Iterations) < ForksMax)
            {
                thread.Control(ControlKind.Fork, (ulong)children.Count);
                children.Add(
                    BuildProcess($"{context.Name}.child{children.Count}", context, threads: 2, kinds, children.Count + 1, children: null));
            }

            RandomStep step = drawn[random.Below((ulong)drawn.Length)];
            steps.Write(thread, step, (int)random.Below((ulong)Pages), 1 + (int)random.Below(CountMax));
        }

        return thread.Build();
    }
}
