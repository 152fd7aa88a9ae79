using VmSim.Core.Programs;
using VmSim.Core.Settings;

namespace VmSim.Core.Workloads.Synthetic.Behaviours;

/// <summary>
/// One thread maps pages, all touch them, and the one unmaps them while the others compute: every core has to be told. Each round uses the
/// next of several places, as a kernel that chooses addresses does. Source: the munmap microbenchmark of Kumar et al., "LATR: Lazy
/// translation coherence", ASPLOS 2018, section 6.2. What threads do between the rounds is calibrated so that all of them run when the
/// unmap comes.
/// </summary>
public sealed record MunmapShared : RepeatingProgram
{
    private const long UnmapAfter = 20_000;

    /// <summary>Places that rounds take in turn.</summary>
    [Setting("Places in the address space that rounds take in turn.", Min = 1, Max = 65_536)]
    public int Places { get; init; } = 512;

    /// <inheritdoc/>
    public override ProgramImage Build(ProgramContext context)
    {
        int threads = ThreadCount(context);
        ulong[] places = [.. Enumerable.Range(0, Places).Select(place => Regions.Start(place, Places, (ulong)Pages))];
        ThreadScript owner = new ThreadScript();
        ulong[] maps = [.. places.Select(place => owner.Map(place, (ulong)Pages))];
        ulong[] unmaps = [.. places.Select(place => owner.Unmap(place, (ulong)Pages))];
        ThreadProgram[] programs = new ThreadProgram[threads];
        programs[0] = owner.Thread($"{context.Name}/0", () => Own(places, maps, unmaps));
        for (int thread = 1; thread < threads; thread++)
        {
            programs[thread] = new ThreadScript().Thread($"{context.Name}/{thread}", () => Use(places));
        }

        // barrier 0: the pages are mapped; barrier 1: all have touched them
        return new ProgramImage { Name = context.Name, Threads = programs, BarrierParties = [threads, threads] };
    }

    private IEnumerable<ulong> Own(ulong[] places, ulong[] maps, ulong[] unmaps)
    {
        for (long round = 0; round < Iterations; round++)
        {
            int place = (int)(round % places.Length);
            yield return maps[place];
            yield return ThreadScript.Control(ControlKind.Barrier, 0);
            foreach (ulong store in Stores(places[place]))
            {
                yield return store;
            }

            yield return ThreadScript.Control(ControlKind.Barrier, 1);
            yield return ThreadScript.Control(ControlKind.Compute, UnmapAfter);
            yield return unmaps[place];
            if (Compute > 0)
            {
                yield return ThreadScript.Control(ControlKind.Compute, Compute);
            }
        }
    }

    private IEnumerable<ulong> Use(ulong[] places)
    {
        for (long round = 0; round < Iterations; round++)
        {
            yield return ThreadScript.Control(ControlKind.Barrier, 0);
            foreach (ulong store in Stores(places[round % places.Length]))
            {
                yield return store;
            }

            yield return ThreadScript.Control(ControlKind.Barrier, 1);
            yield return ThreadScript.Control(ControlKind.Compute, 2 * UnmapAfter);
        }
    }

    private IEnumerable<ulong> Stores(ulong start)
    {
        for (ulong page = 0; page < (ulong)Pages; page++)
        {
            yield return ThreadScript.Store(start + (page << 12));
        }
    }
}
