using VmSim.Core.Programs;
using VmSim.Core.Settings;
using VmSim.Core.Statistics;

namespace VmSim.Core.Workloads.Synthetic.Behaviours;

/// <summary>
/// A garbage collector that relocates objects while mutators run. The heap is two halves of equal regions. For each region in turn the
/// collector (thread 0) takes the write right from it, copies it to its place in the other half and gives the old pages back to the kernel.
/// Mutators load from the heap by Zipf's law and store to young space of their own. Each region costs two shootdowns to all mutators.
/// Sources: Kermany and Petrank, "The Compressor", PLDI 2006 (protection during relocation); OpenJDK JEP 376 and ZGC's page release.
/// </summary>
public sealed record GarbageCollector : SyntheticProgram
{
    /// <summary>Pages of one region.</summary>
    [Setting("Pages of one region; ZGC's small pages are 2 MiB.", Unit = SettingUnit.Pages, Min = 1, Max = 1_048_576)]
    public int RegionPages { get; init; } = 512;

    /// <summary>Regions of the heap.</summary>
    [Setting("Regions of the heap.", Min = 1, Max = 65_536)]
    public int HeapRegions { get; init; } = 16;

    /// <summary>How often the whole heap is collected.</summary>
    [Setting("Collections of the whole heap.", Min = 1, Max = 1e6)]
    public int Iterations { get; init; } = 1;

    /// <summary>References of each mutator.</summary>
    [Setting("References of each mutator thread.", Min = 1, Max = 1e12)]
    public long Accesses { get; init; } = 200_000;

    /// <inheritdoc/>
    public override ProgramImage Build(ProgramContext context)
    {
        int threads = ThreadCount(context);
        ulong half = (ulong)RegionPages * (ulong)HeapRegions;
        const ulong YoungPages = 64;
        ulong heap = Regions.Start(0, 1, (half * 2) + (YoungPages * (ulong)threads));
        ulong young = heap + (half * 2 << 12);
        ThreadProgram[] programs = new ThreadProgram[threads];
        programs[0] = BuildCollector(context, heap, half);
        for (int thread = 1; thread < threads; thread++)
        {
            ulong seed = SeededRandom.Derive(context.Seed, context.Copy, thread);
            ulong own = young + (YoungPages * (ulong)thread << 12);
            programs[thread] = new ThreadScript()
                .Thread($"{context.Name}/mutator {thread}", () => Mutate(heap, half, own, YoungPages, seed));
        }

        return new ProgramImage
        {
            Name = context.Name,
            InitialMappings =
            [
                ThreadScript.Mapping(heap, half),
                ThreadScript.Mapping(heap + (half << 12), half),
                ThreadScript.Mapping(young, YoungPages * (ulong)threads),
            ],
            Threads = programs,
        };
    }

    private ThreadProgram BuildCollector(ProgramContext context, ulong heap, ulong half)
    {
        ThreadScript script = new ThreadScript();
        ulong[] starts = [.. Enumerable.Range(0, 2 * HeapRegions).Select(region => heap + ((ulong)region * (ulong)RegionPages << 12))];
        ulong[] tighten = [.. starts.Select(start => script.Protect(start, (ulong)RegionPages, Protection.Read))];
        ulong[] widen = [.. starts.Select(start => script.Protect(start, (ulong)RegionPages, Protection.Read | Protection.Write))];
        ulong[] release = [.. starts.Select(start => script.Advise(start, (ulong)RegionPages, Advice.DontNeed))];
        return script.Thread($"{context.Name}/collector", Body);

        IEnumerable<ulong> Body()
        {
            for (ulong page = 0; page < half; page++)
            {
                yield return ThreadScript.Store(heap + (page << 12));
            }

            for (int collection = 0; collection < Iterations; collection++)
            {
                for (int region = 0; region < HeapRegions; region++)
                {
                    int from = (collection % 2 == 0 ? 0 : HeapRegions) + region;
                    ulong to = starts[(from + HeapRegions) % (2 * HeapRegions)];
                    yield return tighten[from];
                    for (ulong page = 0; page < (ulong)RegionPages; page++)
                    {
                        yield return ThreadScript.Load(starts[from] + (page << 12));
                        yield return ThreadScript.Store(to + (page << 12));
                    }

                    yield return release[from];
                    yield return widen[from];
                }
            }
        }
    }

    private IEnumerable<ulong> Mutate(ulong heap, ulong half, ulong young, ulong youngPages, ulong seed)
    {
        SeededRandom random = new SeededRandom(seed);
        ZipfTable objects = ZipfTable.Of((uint)Math.Min(half * 2, 1 << 24));
        ulong allocated = 0;
        for (long access = 0; access < Accesses; access++)
        {
            if (access % 8 == 0)
            {
                yield return ThreadScript.Store(young + (allocated++ / 16 % youngPages << 12));
            }
            else
            {
                yield return ThreadScript.Load(heap + (objects.Rank(random.Next()) * 0x9E3779B1UL % (half * 2) << 12));
            }
        }
    }
}
