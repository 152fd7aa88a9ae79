using VmSim.Core.Addresses;
using VmSim.Core.Programs;
using VmSim.Core.Settings;
using VmSim.Core.Statistics;

namespace VmSim.Core.Workloads.Synthetic;

/// <summary>
/// The mix on which speed is measured. Of each four threads, one walks sequentially, one draws from 4,096 pages by Zipf's law, one
/// uniformly from 1,024 and one from 16,384 by Zipf's law. Now and then each gives a few pages of its own back to the kernel and touches
/// them again, so that faults and shootdowns go on all the time. Everything is mapped at the start, so that this rate is steady from the
/// beginning.
/// </summary>
public sealed record ThroughputMix : SyntheticProgram
{
    private const ulong MostPages = 16_384;

    /// <summary>References of each thread.</summary>
    [Setting("References of each thread.", Min = 1, Max = 1e15)]
    public long Accesses { get; init; } = 10_000_000;

    /// <summary>Longest run of references to one page.</summary>
    [Setting("Longest run of references to one page; lengths are drawn from 1 to this.", Min = 1, Max = Operation.MaxCount)]
    public int RunLength { get; init; } = 1;

    /// <summary>Share of runs that store.</summary>
    [Setting("Share of runs that store.", Min = 0, Max = 1)]
    public double StoreFraction { get; init; } = 0.3;

    /// <summary>References between two madvise calls of a thread.</summary>
    [Setting("References of a thread between two of its madvise (MADV_DONTNEED) calls.", Min = 100, Max = 1e12)]
    public long ChurnEvery { get; init; } = 30_000;

    /// <summary>Pages that such a call gives back.</summary>
    [Setting("Pages that each such call gives back and the thread then touches again.", Unit = SettingUnit.Pages, Min = 1, Max = 4096)]
    public int ChurnPages { get; init; } = 16;

    /// <inheritdoc/>
    public override ProgramImage Build(ProgramContext context)
    {
        int threads = ThreadCount(context);
        ulong spacing = MostPages + (ulong)ChurnPages;
        ulong StartOf(int thread) => Regions.Start(thread, threads, spacing);
        return new ProgramImage
        {
            Name = context.Name,
            InitialMappings = [.. Enumerable.Range(0, threads).Select(thread =>
                ThreadScript.Mapping(StartOf(thread), PatternOf(thread).Pages + (ulong)ChurnPages) with { Populate = true })],
            Threads = [.. Enumerable.Range(0, threads).Select(thread => BuildThread(context, thread, StartOf(thread)))],
        };
    }

    private static (string Name, ulong Pages) PatternOf(int thread) => (thread & 3) switch
    {
        0 => ("sequential", MostPages),
        1 => ("zipf", 4096),
        2 => ("uniform", 1024),
        _ => ("zipf", MostPages),
    };

    private ThreadProgram BuildThread(ProgramContext context, int thread, ulong start)
    {
        (string pattern, ulong pages) = PatternOf(thread);
        ThreadScript script = new ThreadScript();
        ulong churn = start + (pages << PageSizes.BaseShift);
        ulong advise = script.Advise(churn, (ulong)ChurnPages, Advice.DontNeed);
        ulong seed = SeededRandom.Derive(context.Seed, context.Copy, thread);
        PatternShape shape = new PatternShape(start, Accesses, RunLength, StoreFraction, 0, seed + 1);

        // threads begin at different points of the period, so that their calls are spread over time
        long first = 1 + (ChurnEvery * (thread + 1) / (ThreadCount(context) + 1));
        return script.Thread($"{context.Name}/{thread}", () => new ChurningStream(
            new PatternStream(
                PagePatterns.Create(pattern, pages, seed, 1), shape), Accesses, RunLength, advise, churn, ChurnPages, first, ChurnEvery));
    }

    /// <summary>A pattern's accesses with a madvise and stores to the pages it gave back every so often.</summary>
    private sealed class ChurningStream(
        PatternStream accesses,
        long totalAccesses,
        int runLength,
        ulong advise,
        ulong start,
        int pages,
        long first,
        long every) : ISkippingStream
    {
        private long _next = totalAccesses - first;
        private int _touch = -1;

        /// <inheritdoc/>
        public SkippedPages Pages => accesses.Pages;

        /// <summary>Up to the next call, less a run that could reach it.</summary>
        public long Skippable => _touch >= 0 ? 0 : Math.Min(accesses.Skippable, Math.Max(0, accesses.Left - _next - runLength));

        /// <inheritdoc/>
        public long Skip(long count, out long operations) => accesses.Skip(count, out operations);

        public int Read(Span<ulong> operations)
        {
            int written = 0;
            while (written < operations.Length)
            {
                if (_touch >= 0)
                {
                    operations[written++] = _touch == 0
                        ? advise
                        : Operation.Access(AccessKind.Store, start + ((ulong)(_touch - 1) << PageSizes.BaseShift));
                    _touch = _touch == pages ? -1 : _touch + 1;
                    continue;
                }

                // a block never holds more references than are left until the next call, but for the last run
                long until = (accesses.Left - _next) / runLength;
                int count = accesses.Read(operations.Slice(written, (int)Math.Clamp(until, 1, operations.Length - written)));
                written += count;
                if (accesses.Left <= _next)
                {
                    _next -= every;
                    _touch = accesses.Left > 0 ? 0 : -1;
                }

                if (count == 0)
                {
                    break;
                }
            }

            return written;
        }
    }
}
