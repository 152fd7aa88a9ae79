using VmSim.Core.Programs;
using VmSim.Core.Settings;
using VmSim.Core.Statistics;

namespace VmSim.Core.Workloads.Synthetic.Behaviours;

/// <summary>
/// Memory compaction or migration seen from a process. A daemon (thread 0) takes batches of pages out of the page table, copies them and
/// puts them back, while the others use the memory. A thread that touches a page on its way faults. Taking out is madvise(MADV_DONTNEED)
/// and putting back MADV_POPULATE_WRITE, which have the same effect on translations as migration entries. Source: Linux mm/migrate.c
/// (batches of up to 32 pages, SWAP_CLUSTER_MAX, are isolated at a time by mm/compaction.c).
/// </summary>
public sealed record Compaction : SyntheticProgram
{
    /// <summary>Pages of the region.</summary>
    [Setting("Pages of the region.", Unit = SettingUnit.Pages, Min = 1, Max = 16_777_216)]
    public long Pages { get; init; } = 4096;

    /// <summary>Pages of one batch.</summary>
    [Setting("Pages migrated at a time.", Unit = SettingUnit.Pages, Min = 1, Max = 4096)]
    public int Batch { get; init; } = 32;

    /// <summary>Times the whole region is migrated.</summary>
    [Setting("Times the whole region is migrated.", Min = 1, Max = 1e6)]
    public int Iterations { get; init; } = 1;

    /// <summary>Cycles to copy a page.</summary>
    [Setting("Copying one page.", Unit = SettingUnit.Cycles, Min = 0, Max = 1e9)]
    public long CopyCycles { get; init; } = 600;

    /// <summary>References of each user thread.</summary>
    [Setting("References of each user thread.", Min = 1, Max = 1e12)]
    public long Accesses { get; init; } = 200_000;

    /// <inheritdoc/>
    public override ProgramImage Build(ProgramContext context)
    {
        int threads = ThreadCount(context);
        ulong start = Regions.Start(0, 1, (ulong)Pages);
        ThreadProgram[] programs = new ThreadProgram[threads];
        programs[0] = BuildDaemon(context, start);
        for (int thread = 1; thread < threads; thread++)
        {
            ulong seed = SeededRandom.Derive(context.Seed, context.Copy, thread);
            PatternShape shape = new PatternShape(start, Accesses, 1, 0.5, 0, seed + 1);
            programs[thread] = new ThreadScript().Thread(
                $"{context.Name}/{thread}", () => new PatternStream(PagePatterns.Create("uniform", (ulong)Pages, seed, 1), shape));
        }

        return new ProgramImage { Name = context.Name, InitialMappings = [ThreadScript.Mapping(start, (ulong)Pages)], Threads = programs };
    }

    private ThreadProgram BuildDaemon(ProgramContext context, ulong start)
    {
        ThreadScript script = new ThreadScript();
        int batches = (int)((Pages + Batch - 1) / Batch);
        ulong SizeOf(int batch) => (ulong)Math.Min(Batch, Pages - ((long)batch * Batch));
        ulong StartOf(int batch) => start + ((ulong)batch * (ulong)Batch << 12);
        ulong[] take = [.. Enumerable.Range(0, batches).Select(batch => script.Advise(StartOf(batch), SizeOf(batch), Advice.DontNeed))];
        ulong[] put = [.. Enumerable.Range(0, batches).Select(batch => script.Advise(StartOf(batch), SizeOf(batch), Advice.PopulateWrite))];
        return script.Thread($"{context.Name}/daemon", Body);

        IEnumerable<ulong> Body()
        {
            for (int round = 0; round < Iterations; round++)
            {
                for (int batch = 0; batch < batches; batch++)
                {
                    yield return take[batch];
                    if (CopyCycles > 0)
                    {
                        yield return ThreadScript.Control(ControlKind.Compute, CopyCycles * (long)SizeOf(batch));
                    }

                    yield return put[batch];
                }
            }
        }
    }
}
