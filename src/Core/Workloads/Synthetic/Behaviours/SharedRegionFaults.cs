using VmSim.Core.Programs;
using VmSim.Core.Settings;

namespace VmSim.Core.Workloads.Synthetic.Behaviours;

/// <summary>Many threads store to the pages of one fresh region at once, each its share, interleaved: every fault takes the same locks and
/// page tables. The pages of a thread are <c>threads</c> apart, so neighbours fault on different cores.</summary>
public sealed record SharedRegionFaults : SyntheticProgram
{
    /// <summary>Pages of the region.</summary>
    [Setting("Pages of the region.", Unit = SettingUnit.Pages, Min = 1, Max = 4_294_967_296)]
    public long Pages { get; init; } = 65_536;

    /// <summary>Times the region is released and faulted in again.</summary>
    [Setting("Times the region is faulted in; between two, the first thread gives it back (MADV_DONTNEED).", Min = 1, Max = 1e9)]
    public long Iterations { get; init; } = 1;

    /// <inheritdoc/>
    public override ProgramImage Build(ProgramContext context)
    {
        int threads = ThreadCount(context);
        ulong start = Regions.Start(0, 1, (ulong)Pages);
        ThreadProgram[] programs = new ThreadProgram[threads];
        for (int thread = 0; thread < threads; thread++)
        {
            ThreadScript script = new ThreadScript();
            ulong release = script.Advise(start, (ulong)Pages, Advice.DontNeed);
            int number = thread;
            programs[thread] = script.Thread($"{context.Name}/{thread}", () => Body(start, number, threads, release));
        }

        return new ProgramImage
        {
            Name = context.Name,
            InitialMappings = [ThreadScript.Mapping(start, (ulong)Pages)],
            Threads = programs,
            BarrierParties = [threads, threads],
        };
    }

    private IEnumerable<ulong> Body(ulong start, int thread, int threads, ulong release)
    {
        for (long round = 0; round < Iterations; round++)
        {
            for (ulong page = (ulong)thread; page < (ulong)Pages; page += (ulong)threads)
            {
                yield return ThreadScript.Store(start + (page << 12));
            }

            if (round + 1 < Iterations)
            {
                yield return ThreadScript.Control(ControlKind.Barrier, 0);
                if (thread == 0)
                {
                    yield return release;
                }

                yield return ThreadScript.Control(ControlKind.Barrier, 1);
            }
        }
    }
}
