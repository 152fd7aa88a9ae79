using VmSim.Core.Programs;
using VmSim.Core.Settings;
using VmSim.Core.Statistics;

namespace VmSim.Core.Workloads.Synthetic.Behaviours;

/// <summary>
/// A key-value store that takes snapshots by fork, as Redis does for BGSAVE. The parent goes on storing by Zipf's law, so that every page
/// it hits for the first time is copied. Meanwhile the child reads the whole data set once and exits. Source: the description of BGSAVE and
/// of its copy-on-write cost in Redis's persistence documentation.
/// </summary>
public sealed record Snapshot : SyntheticProgram
{
    /// <summary>Pages of the data set.</summary>
    [Setting("Pages of the data set.", Unit = SettingUnit.Pages, Min = 1, Max = 16_777_216)]
    public long Pages { get; init; } = 8192;

    /// <summary>How many snapshots the parent takes, one after another.</summary>
    [Setting("Snapshots taken one after the other.", Min = 1, Max = 1000)]
    public int Iterations { get; init; } = 2;

    /// <summary>References of each parent thread between two snapshots.</summary>
    [Setting("References of each thread before, between and after the snapshots.", Min = 1, Max = 1e12)]
    public long Accesses { get; init; } = 100_000;

    /// <summary>Share of references that store.</summary>
    [Setting("Share of references that store.", Min = 0, Max = 1)]
    public double StoreFraction { get; init; } = 0.3;

    /// <inheritdoc/>
    public override ProgramImage Build(ProgramContext context)
    {
        int threads = ThreadCount(context);
        ulong start = Regions.Start(0, 1, (ulong)Pages);
        ThreadProgram[] programs = new ThreadProgram[threads];
        for (int thread = 0; thread < threads; thread++)
        {
            int number = thread;
            ulong seed = SeededRandom.Derive(context.Seed, context.Copy, thread);
            programs[thread] = new ThreadScript().Thread($"{context.Name}/{thread}", () => Body(start, number, threads, seed));
        }

        return new ProgramImage
        {
            Name = context.Name,
            InitialMappings = [ThreadScript.Mapping(start, (ulong)Pages)],
            Threads = programs,
            Children = [.. Enumerable.Range(0, Iterations).Select(child => BuildChild($"{context.Name}.save{child}", start))],
            BarrierParties = [threads],
        };
    }

    private ProgramImage BuildChild(string name, ulong start)
    {
        ThreadScript script = new ThreadScript();
        ulong write = script.Call(ThreadScript.NoMapping);
        return new ProgramImage { Name = name, Threads = [script.Thread(name, Save)] };

        IEnumerable<ulong> Save()
        {
            for (ulong page = 0; page < (ulong)Pages; page++)
            {
                yield return ThreadScript.Load(start + (page << 12));
                if (page % 16 == 15)
                {
                    yield return write;
                }
            }
        }
    }

    private IEnumerable<ulong> Body(ulong start, int thread, int threads, ulong seed)
    {
        for (ulong page = (ulong)thread; page < (ulong)Pages; page += (ulong)threads)
        {
            yield return ThreadScript.Store(start + (page << 12));
        }

        yield return ThreadScript.Control(ControlKind.Barrier, 0);
        SeededRandom random = new SeededRandom(seed);
        ZipfTable keys = ZipfTable.Of((uint)Pages);
        ulong storeLimit = (ulong)(StoreFraction * 4294967296.0);
        for (int snapshot = 0; snapshot <= Iterations; snapshot++)
        {
            for (long access = 0; access < Accesses; access++)
            {
                ulong address = start + (keys.Rank(random.Next()) * 0x9E3779B1UL % (ulong)Pages << 12);
                yield return random.Next() >> 32 < storeLimit ? ThreadScript.Store(address) : ThreadScript.Load(address);
            }

            if (snapshot < Iterations && thread == 0)
            {
                yield return ThreadScript.Control(ControlKind.Fork, snapshot);
            }
        }
    }
}
