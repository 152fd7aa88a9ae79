using VmSim.Core.Programs;
using VmSim.Core.Settings;

namespace VmSim.Core.Workloads.Synthetic.Behaviours;

/// <summary>
/// Threads that allocate from arenas of their own as glibc's malloc does. An arena reserves 64 MiB without rights, widens rights in steps
/// of 132 KiB as it grows, and gives its top back with madvise when it is trimmed. Blocks above 128 KiB are mapped and unmapped one by one.
/// Source: glibc malloc/arena.c (HEAP_MAX_SIZE, grow_heap, shrink_heap) and malloc.c (DEFAULT_MMAP_THRESHOLD).
/// </summary>
public sealed record MallocArena : SyntheticProgram
{
    private const ulong HeapPages = 16_384;
    private const ulong StepPages = 33;

    /// <summary>Rounds of each thread.</summary>
    [Setting("Rounds of each thread: grow the arena, use it, trim it, and take a few large blocks.", Min = 1, Max = 1e9)]
    public long Iterations { get; init; } = 20;

    /// <summary>Growth steps of a round.</summary>
    [Setting("Steps of 132 KiB by which an arena grows in a round.", Min = 1, Max = 400)]
    public int Steps { get; init; } = 8;

    /// <summary>Large blocks of a round.</summary>
    [Setting("Blocks above the mmap threshold that a thread takes and frees in a round.", Min = 0, Max = 1_000_000)]
    public int LargeBlocks { get; init; } = 4;

    /// <summary>Pages of a large block.</summary>
    [Setting("Pages of a large block.", Unit = SettingUnit.Pages, Min = 1, Max = 1_048_576)]
    public int LargePages { get; init; } = 40;

    /// <inheritdoc/>
    public override ProgramImage Build(ProgramContext context) =>
        PerThread.Build(context, ThreadCount(context), HeapPages + (ulong)LargePages, (script, start) =>
    {
        ulong large = start + (HeapPages << 12);
        ulong reserve = script.Map(start, HeapPages, Protection.None);
        ulong[] grow =
            [.. Enumerable.Range(0, Steps)
                .Select(step => script.Protect(start + ((ulong)step * StepPages << 12), StepPages, Protection.Read | Protection.Write))];
        ulong trim = script.Advise(start + (StepPages << 12), Math.Max(1, (ulong)(Steps - 1)) * StepPages, Advice.DontNeed);
        ulong map = script.Map(large, (ulong)LargePages);
        ulong unmap = script.Unmap(large, (ulong)LargePages);
        return () => Body(start, large, reserve, grow, trim, map, unmap);
    });

    private IEnumerable<ulong> Body(ulong start, ulong large, ulong reserve, ulong[] grow, ulong trim, ulong map, ulong unmap)
    {
        yield return reserve;
        for (long round = 0; round < Iterations; round++)
        {
            for (int step = 0; step < Steps; step++)
            {
                // rights stay after the first round; a trimmed page faults again
                if (round == 0)
                {
                    yield return grow[step];
                }

                for (ulong page = 0; page < StepPages; page++)
                {
                    yield return ThreadScript.Store(start + (((ulong)step * StepPages) + page << 12));
                }
            }

            for (int block = 0; block < LargeBlocks; block++)
            {
                yield return map;
                for (ulong page = 0; page < (ulong)LargePages; page++)
                {
                    yield return ThreadScript.Store(large + (page << 12));
                }

                yield return unmap;
            }

            yield return trim;
        }
    }
}
