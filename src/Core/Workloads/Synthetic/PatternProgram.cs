using VmSim.Core.Programs;
using VmSim.Core.Settings;
using VmSim.Core.Statistics;

namespace VmSim.Core.Workloads.Synthetic;

/// <summary>Threads that walk memory in a pattern.</summary>
public sealed record PatternProgram : SyntheticProgram
{
    /// <summary>Order in which a thread uses its pages, by name.</summary>
    [Setting("Order in which pages are used.", ChoicesOf = typeof(PagePatterns))]
    public string Pattern { get; init; } = "uniform";

    /// <summary>Pages of a region.</summary>
    [Setting("Pages of a region.", Unit = SettingUnit.Pages, Min = 1, Max = 4_294_967_296)]
    public long Pages { get; init; } = 16_384;

    /// <summary>References of each thread.</summary>
    [Setting("References of each thread.", Min = 1, Max = 1e15)]
    public long Accesses { get; init; } = 1_000_000;

    /// <summary>Longest run of references to one page.</summary>
    [Setting("Longest run of references to one page; lengths are drawn from 1 to this.", Min = 1, Max = Operation.MaxCount)]
    public int RunLength { get; init; } = 1;

    /// <summary>Share of runs that store.</summary>
    [Setting("Share of runs that store.", Min = 0, Max = 1)]
    public double StoreFraction { get; init; } = 0.3;

    /// <summary>Cycles computed after each run.</summary>
    [Setting("Computing after each run of references.", Unit = SettingUnit.Cycles, Min = 0, Max = 1e12)]
    public long Compute { get; init; }

    /// <summary>Step of the strided pattern in pages.</summary>
    [Setting("Step of the strided pattern.", Unit = SettingUnit.Pages, Min = 1, Max = 4_294_967_296)]
    public long Stride { get; init; } = 33;

    /// <summary>Whether all threads use one region.</summary>
    [Setting("Whether the threads share one region instead of having one each.")]
    public bool Shared { get; init; } = true;

    /// <summary>Whether the memory is mapped before the program starts.</summary>
    [Setting("Whether all pages are mapped before the program starts.")]
    public bool Populate { get; init; }

    /// <summary>Whether the program asks for huge pages.</summary>
    [Setting("Whether the program asks for huge pages (madvise MADV_HUGEPAGE) first.")]
    public bool Huge { get; init; }

    /// <inheritdoc/>
    public override ProgramImage Build(ProgramContext context)
    {
        int threads = ThreadCount(context);
        bool isSparse = Pattern == "sparse";
        ulong mapped = isSparse ? PagePattern.SparsePages : (ulong)Pages;
        int regions = Shared ? 1 : threads;
        if (isSparse && Populate)
        {
            throw new ArgumentException(
                "populate: a sparse pattern spans 32 TiB, which cannot be mapped in full; turn populate off", nameof(context));
        }

        ulong StartOf(int thread) => isSparse && Shared ? 0 : Regions.Start(Shared ? 0 : thread, regions, mapped);
        return new ProgramImage
        {
            Name = context.Name,
            InitialMappings =
                [.. Enumerable.Range(0, regions)
                    .Select(region => ThreadScript.Mapping(StartOf(region), mapped) with { Populate = Populate })],
            Threads = [.. Enumerable.Range(0, threads).Select(thread => BuildThread(context, thread, StartOf(thread), mapped))],
        };
    }

    private ThreadProgram BuildThread(ProgramContext context, int thread, ulong start, ulong mapped)
    {
        ThreadScript script = new ThreadScript();
        ulong advise = Huge && (!Shared || thread == 0) ? script.Advise(start, mapped, Advice.HugePage) : 0;
        ulong seed = SeededRandom.Derive(context.Seed, context.Copy, thread);
        PatternShape shape = new PatternShape(start, Accesses, RunLength, StoreFraction, Compute, seed + 1);
        return script.Thread($"{context.Name}/{thread}", () =>
        {
            PatternStream stream = new PatternStream(PagePatterns.Create(Pattern, (ulong)Pages, seed, (ulong)Stride), shape);
            return advise == 0 ? stream : new PrefixedOperations(advise, stream);
        });
    }

    /// <summary>One operation, then a stream.</summary>
    private sealed class PrefixedOperations(ulong first, PatternStream rest) : ISkippingStream
    {
        private bool _isFirst = true;

        public SkippedPages Pages => rest.Pages;

        public long Skippable => _isFirst ? 0 : rest.Skippable;

        public long Skip(long accesses, out long operations) => rest.Skip(accesses, out operations);

        public int Read(Span<ulong> operations)
        {
            if (_isFirst && operations.Length > 0)
            {
                _isFirst = false;
                operations[0] = first;
                return 1;
            }

            return rest.Read(operations);
        }
    }
}
