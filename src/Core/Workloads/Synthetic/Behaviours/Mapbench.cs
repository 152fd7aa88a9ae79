using VmSim.Core.Programs;
using VmSim.Core.Settings;
using VmSim.Core.Statistics;

namespace VmSim.Core.Workloads.Synthetic.Behaviours;

/// <summary>RadixVM's local microbenchmark: every thread maps a small region in the shared address space, writes each page and unmaps
/// it. Ranges are disjoint, so nothing has to be shared. Source: Clements, Kaashoek, Zeldovich, "RadixVM: Scalable address spaces
/// for multithreaded applications", EuroSys 2013, section 5.3.</summary>
public sealed record MapbenchLocal : MapTouchUnmap
{
    /// <summary>One page a round, as in the paper.</summary>
    public MapbenchLocal() => Pages = 1;
}

/// <summary>A benchmark whose threads wait for each other at barriers.</summary>
public abstract record MapbenchWithBarriers : RepeatingProgram
{
    private const string Spinning = "spin";

    /// <summary>
    /// How a thread waits. RadixVM's program spins in user mode (bin/mapbench.cc of sv6), so that its core is told of every shootdown; one
    /// that sleeps leaves its core idle, which Linux does not interrupt.
    /// </summary>
    [Setting("How a thread waits at a barrier: asleep, its core free, or spinning, so that its core is told of shootdowns.",
        Choices = "sleep|spin")]
    public string Barrier { get; init; } = "sleep";

    /// <summary>The word of a wait at a barrier.</summary>
    private protected ulong Wait(int barrier) =>
        ThreadScript.Control(Barrier == Spinning ? ControlKind.SpinBarrier : ControlKind.Barrier, barrier);
}

/// <summary>
/// RadixVM's pipeline microbenchmark. Every thread maps a region, writes each page and hands it to the next thread, which writes each page
/// too and unmaps it. Exactly one other core has to be told. Source as for <see cref="MapbenchLocal"/>.
/// </summary>
public sealed record MapbenchPipeline : MapbenchWithBarriers
{
    /// <inheritdoc/>
    public override ProgramImage Build(ProgramContext context)
    {
        int threads = ThreadCount(context);
        ThreadProgram[] programs = new ThreadProgram[threads];
        for (int thread = 0; thread < threads; thread++)
        {
            ThreadScript script = new ThreadScript();
            ulong own = Regions.Start(thread, threads, (ulong)Pages);
            ulong other = Regions.Start((thread + threads - 1) % threads, threads, (ulong)Pages);
            ulong map = script.Map(own, (ulong)Pages);
            ulong unmap = script.Unmap(other, (ulong)Pages);
            programs[thread] = script.Thread($"{context.Name}/{thread}", () => Body(own, other, map, unmap));
        }

        // barrier 0: all have mapped and written; barrier 1: all have unmapped
        return new ProgramImage { Name = context.Name, Threads = programs, BarrierParties = [threads, threads] };
    }

    private IEnumerable<ulong> Body(ulong own, ulong other, ulong map, ulong unmap)
    {
        for (long round = 0; round < Iterations; round++)
        {
            yield return map;
            for (ulong page = 0; page < (ulong)Pages; page++)
            {
                yield return ThreadScript.Store(own + (page << 12));
            }

            yield return Wait(0);
            for (ulong page = 0; page < (ulong)Pages; page++)
            {
                yield return ThreadScript.Store(other + (page << 12));
            }

            yield return unmap;
            yield return Wait(1);
            if (Compute > 0)
            {
                yield return ThreadScript.Control(ControlKind.Compute, Compute);
            }
        }
    }
}

/// <summary>
/// RadixVM's global microbenchmark. Every thread maps its part of one large region, then all threads touch every page of the whole in a
/// drawn order, then each unmaps its part. All cores have to be told. Source as for <see cref="MapbenchLocal"/>.
/// </summary>
public sealed record MapbenchGlobal : MapbenchWithBarriers
{
    /// <inheritdoc/>
    public override ProgramImage Build(ProgramContext context)
    {
        int threads = ThreadCount(context);
        ulong whole = (ulong)Pages * (ulong)threads;
        ulong start = Regions.Start(0, 1, whole);
        ThreadProgram[] programs = new ThreadProgram[threads];
        for (int thread = 0; thread < threads; thread++)
        {
            ThreadScript script = new ThreadScript();
            ulong part = start + ((ulong)Pages * (ulong)thread << 12);
            ulong map = script.Map(part, (ulong)Pages);
            ulong unmap = script.Unmap(part, (ulong)Pages);
            ulong seed = SeededRandom.Derive(context.Seed, context.Copy, thread);
            programs[thread] = script.Thread($"{context.Name}/{thread}", () => Body(start, whole, map, unmap, seed));
        }

        return new ProgramImage { Name = context.Name, Threads = programs, BarrierParties = [threads, threads, threads] };
    }

    private IEnumerable<ulong> Body(ulong start, ulong whole, ulong map, ulong unmap, ulong seed)
    {
        PagePattern order = PagePatterns.Create("pointer-chase", whole, seed, 1);
        ulong[] pages = new ulong[(int)Math.Min(whole, 1024)];
        for (long round = 0; round < Iterations; round++)
        {
            yield return map;
            yield return Wait(0);
            for (ulong done = 0; done < whole;)
            {
                int count = (int)Math.Min((ulong)pages.Length, whole - done);
                order.Fill(pages.AsSpan(0, count));
                for (int i = 0; i < count; i++)
                {
                    yield return ThreadScript.Store(start + (pages[i] << 12));
                }

                done += (ulong)count;
            }

            yield return Wait(1);
            yield return unmap;
            yield return Wait(2);
            if (Compute > 0)
            {
                yield return ThreadScript.Control(ControlKind.Compute, Compute);
            }
        }
    }
}
