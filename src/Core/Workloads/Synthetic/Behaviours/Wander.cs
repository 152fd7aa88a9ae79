using VmSim.Core.Programs;
using VmSim.Core.Settings;
using VmSim.Core.Statistics;

namespace VmSim.Core.Workloads.Synthetic.Behaviours;

/// <summary>
/// Threads that use one region and move to the next core now and then, as a scheduler that balances load moves them. Each move leaves a
/// core that may hold translations of the space, and begins with a cold TLB.
/// </summary>
public sealed record Wander : RepeatingProgram
{
    /// <summary>References of a thread between two moves.</summary>
    [Setting("References of a thread between two moves.", Min = 1, Max = 1e12)]
    public long Accesses { get; init; } = 2_000;

    /// <summary>Share of references that store.</summary>
    [Setting("Share of references that store.", Min = 0, Max = 1)]
    public double StoreFraction { get; init; } = 0.3;

    /// <summary>Pages that a thread gives back after each move.</summary>
    [Setting("Pages that a thread gives back (MADV_DONTNEED) behind each move, at most those of the region; every core that has been "
        + "visited may hold them.", Unit = SettingUnit.Pages, Min = 0, Max = 4_294_967_296)]
    public long ChurnPages { get; init; } = 1;

    /// <inheritdoc/>
    public override ProgramImage Build(ProgramContext context)
    {
        int threads = ThreadCount(context);
        ulong start = Regions.Start(0, 1, (ulong)Pages);
        return new ProgramImage
        {
            Name = context.Name,
            MayMigrate = true,
            InitialMappings = [ThreadScript.Mapping(start, (ulong)Pages)],
            Threads = [.. Enumerable.Range(0, threads).Select(thread => BuildThread(context, start, thread))],
        };
    }

    private ThreadProgram BuildThread(ProgramContext context, ulong start, int thread)
    {
        ThreadScript script = new();
        ulong churned = (ulong)Math.Min(ChurnPages, Pages);
        ulong advise = churned == 0 ? 0 : script.Advise(start, churned, Advice.DontNeed);
        ulong seed = SeededRandom.Derive(context.Seed, context.Copy, thread);
        return script.Thread($"{context.Name}/{thread}", () => Body(start, thread, context.Cores, advise, seed));
    }

    private IEnumerable<ulong> Body(ulong start, int thread, int cores, ulong advise, ulong seed)
    {
        SeededRandom random = new(seed);
        ulong storeLimit = (ulong)(StoreFraction * 4294967296.0);
        for (long round = 0; round < Iterations; round++)
        {
            yield return ThreadScript.Control(ControlKind.Migrate, (thread + round) % cores);
            if (advise != 0)
            {
                yield return advise;
            }

            for (long access = 0; access < Accesses; access++)
            {
                ulong address = start + (random.Below((ulong)Pages) << 12);
                yield return random.Next() >> 32 < storeLimit ? ThreadScript.Store(address) : ThreadScript.Load(address);
            }

            if (Compute > 0)
            {
                yield return ThreadScript.Control(ControlKind.Compute, Compute);
            }
        }
    }
}
