using VmSim.Core.Addresses;
using VmSim.Core.Programs;
using VmSim.Core.Settings;

namespace VmSim.Core.Workloads.Synthetic.Behaviours;

/// <summary>will-it-scale's context_switch1: pairs of tasks on one core hand a byte back and forth through pipes. Each hand-over is a
/// write and a read that finds the pipe empty and gives up the core. Source: github.com/antonblanchard/will-it-scale,
/// tests/context_switch1.c.
/// With threads the pair shares an address space; count = 2 and one thread makes the partners separate processes on core 0.</summary>
public sealed record ContextSwitch1 : SyntheticProgram
{
    /// <summary>Hand-overs of each task.</summary>
    [Setting("Hand-overs of each task.", Min = 1, Max = 1e12)]
    public long Iterations { get; init; } = 10_000;

    /// <summary>Pages a task touches between two hand-overs.</summary>
    [Setting("Pages a task loads between two hand-overs, to see what a switch costs its TLB.", Unit = SettingUnit.Pages, Min = 0,
        Max = 1_048_576)]
    public long Pages { get; init; } = 4;

    /// <inheritdoc/>
    public override ProgramImage Build(ProgramContext context)
    {
        int threads = ThreadCount(context);
        ulong pages = (ulong)Math.Max(Pages, 1);
        ThreadProgram[] programs = new ThreadProgram[threads];
        for (int thread = 0; thread < threads; thread++)
        {
            ThreadScript script = new ThreadScript();
            ulong start = Regions.Start(thread, threads, pages);
            ulong map = script.Map(start, pages);
            ulong pipe = script.Call(ThreadScript.NoMapping);
            CoreId core = new(thread / 2 % context.Cores);
            programs[thread] = script.Thread($"{context.Name}/{thread}", () => Body(start, map, pipe), core: core);
        }

        return new ProgramImage { Name = context.Name, Threads = programs };
    }

    private IEnumerable<ulong> Body(ulong start, ulong map, ulong pipe)
    {
        yield return map;
        for (long round = 0; round < Iterations; round++)
        {
            for (ulong page = 0; page < (ulong)Pages; page++)
            {
                yield return ThreadScript.Load(start + (page << 12));
            }

            yield return pipe;
            yield return pipe;
            yield return ThreadScript.Control(ControlKind.Yield);
        }
    }
}
