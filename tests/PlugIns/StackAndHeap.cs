using VmSim.Core.Programs;
using VmSim.Core.Settings;
using VmSim.Core.Statistics;
using VmSim.Core.Workloads.Synthetic;

namespace SamplePlugIns;

// docs/plug-ins.md shows this file from here on.

/// <summary>Each thread stores to its stack, and now and then to a page of a heap that all share.</summary>
public sealed record StackAndHeap : SyntheticProgram
{
    private const ulong StackPages = 8;

    [Setting("Stores of each thread.", Min = 1, Max = 1e9)]
    public int Stores { get; init; } = 1_000;

    [Setting("Pages of the heap.", Unit = SettingUnit.Pages, Min = 8, Max = 1_048_576)]
    public long HeapPages { get; init; } = 256;

    [Setting("Share of the stores that go to the heap.", Min = 0, Max = 1)]
    public double HeapFraction { get; init; } = 0.25;

    public override string Summary => "Threads that store to their stacks and to a heap that they share.";

    public override ProgramImage Build(ProgramContext context)
    {
        int threads = ThreadCount(context);
        ulong heap = Regions.Start(threads, threads + 1, (ulong)HeapPages);
        return new ProgramImage
        {
            Name = context.Name,
            InitialMappings = [ThreadScript.Mapping(heap, (ulong)HeapPages)],
            Threads = [.. Enumerable.Range(0, threads).Select(thread => BuildThread(context, thread, StackOf(thread), heap))],
        };

        ulong StackOf(int thread) => Regions.Start(thread, threads + 1, (ulong)HeapPages);
    }

    private ThreadProgram BuildThread(ProgramContext context, int thread, ulong stack, ulong heap)
    {
        ThreadScript script = new();
        ulong map = script.Map(stack, StackPages);
        ulong seed = SeededRandom.Derive(context.Seed, context.Copy, thread);
        return script.Thread($"{context.Name}/{thread}", () => Run(seed, map, stack, heap));
    }

    private IEnumerable<ulong> Run(ulong seed, ulong map, ulong stack, ulong heap)
    {
        SeededRandom random = new(seed);
        yield return map;
        for (int i = 0; i < Stores; i++)
        {
            bool isHeap = random.Below(1_000) < HeapFraction * 1_000;
            ulong page = isHeap ? random.Below((ulong)HeapPages) : random.Below(StackPages);
            yield return ThreadScript.Store((isHeap ? heap : stack) + (page << 12));
        }
    }
}
