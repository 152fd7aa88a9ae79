using VmSim.Core.Programs;

namespace VmSim.Core.Workloads.Synthetic.Behaviours;

/// <summary>Every thread maps a region of its own, touches each page and unmaps it, again and again.</summary>
public record MapTouchUnmap : RepeatingProgram
{
    /// <inheritdoc/>
    public override ProgramImage Build(ProgramContext context) =>
        PerThread.Build(context, ThreadCount(context), (ulong)Pages, (script, start) =>
    {
        ulong map = script.Map(start, (ulong)Pages);
        ulong unmap = script.Unmap(start, (ulong)Pages);
        return Body;

        IEnumerable<ulong> Body()
        {
            for (long round = 0; round < Iterations; round++)
            {
                yield return map;
                for (ulong page = 0; page < (ulong)Pages; page++)
                {
                    yield return ThreadScript.Store(start + (page << 12));
                }

                yield return unmap;
                if (Compute > 0)
                {
                    yield return ThreadScript.Control(ControlKind.Compute, Compute);
                }
            }
        }
    });
}

/// <summary>
/// Every thread makes a region of its own read-only, loads from it, makes it writable, and stores to it, again and again.
/// </summary>
public sealed record ProtectLoop : RepeatingProgram
{
    /// <inheritdoc/>
    public override ProgramImage Build(ProgramContext context) =>
        PerThread.Build(context, ThreadCount(context), (ulong)Pages, (script, start) =>
    {
        ulong map = script.Map(start, (ulong)Pages);
        ulong tighten = script.Protect(start, (ulong)Pages, Protection.Read);
        ulong widen = script.Protect(start, (ulong)Pages, Protection.Read | Protection.Write);
        return Body;

        IEnumerable<ulong> Body()
        {
            yield return map;
            for (long round = 0; round < Iterations; round++)
            {
                for (ulong page = 0; page < (ulong)Pages; page++)
                {
                    yield return ThreadScript.Store(start + (page << 12));
                }

                yield return tighten;
                for (ulong page = 0; page < (ulong)Pages; page++)
                {
                    yield return ThreadScript.Load(start + (page << 12));
                }

                yield return widen;
                if (Compute > 0)
                {
                    yield return ThreadScript.Control(ControlKind.Compute, Compute);
                }
            }
        }
    });
}

/// <summary>Builds programs whose threads each work on a region of their own and never wait for each other.</summary>
internal static class PerThread
{
    /// <summary>Writes a thread: registers its calls in the script and gives its body.</summary>
    public delegate Func<IEnumerable<ulong>> Writer(ThreadScript script, ulong start);

    /// <summary>The program of <paramref name="threads"/> such threads.</summary>
    public static ProgramImage Build(
        ProgramContext context, int threads, ulong pages, Writer write, IReadOnlyList<ProgramFile>? files = null)
    {
        ThreadProgram[] programs = new ThreadProgram[threads];
        for (int thread = 0; thread < threads; thread++)
        {
            ThreadScript script = new ThreadScript();
            programs[thread] = script.Thread($"{context.Name}/{thread}", write(script, Regions.Start(thread, threads, pages)));
        }

        return new ProgramImage { Name = context.Name, Threads = programs, Files = files ?? [] };
    }
}
