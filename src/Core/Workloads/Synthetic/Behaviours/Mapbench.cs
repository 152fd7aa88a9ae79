using VmSim.Core.Programs;
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

/// <summary>
/// RadixVM's pipeline microbenchmark. Every thread maps a region, writes each page and hands it to the next thread, which writes each page
/// too and unmaps it. Exactly one other core has to be told. Source as for <see cref="MapbenchLocal"/>.
/// </summary>
public sealed record MapbenchPipeline : RepeatingProgram
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

            yield return ThreadScript.Control(ControlKind.Barrier, 0);
            for (ulong page = 0; page < (ulong)Pages; page++)
            {
                yield return ThreadScript.Store(other + (page << 12));
            }

            yield return unmap;
            yield return ThreadScript.Control(ControlKind.Barrier, 1);
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
public sealed record MapbenchGlobal : RepeatingProgram
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
            yield return ThreadScript.Control(ControlKind.Barrier, 0);
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

            yield return ThreadScript.Control(ControlKind.Barrier, 1);
            yield return unmap;
            yield return ThreadScript.Control(ControlKind.Barrier, 2);
            if (Compute > 0)
            {
                yield return ThreadScript.Control(ControlKind.Compute, Compute);
            }
        }
    }
}
