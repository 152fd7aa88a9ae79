using VmSim.Core.Programs;
using VmSim.Core.Settings;
using VmSim.Core.Statistics;

namespace VmSim.Core.Workloads.Synthetic.Behaviours;

/// <summary>
/// A just-in-time compiler that patches code while others run it. The compiler (thread 0) makes one page of the code cache writable,
/// stores, and takes the write right away again, which every executing core must hear of. Source: the W^X scheme of JavaScript engines
/// before protection keys (de Mooij, "W^X JIT-code enabled in Firefox", 2015), with execution allowed throughout as patching live code
/// needs.
/// </summary>
public sealed record JitPatching : SyntheticProgram
{
    /// <summary>Pages of the code cache.</summary>
    [Setting("Pages of the code cache.", Unit = SettingUnit.Pages, Min = 1, Max = 1_048_576)]
    public int Pages { get; init; } = 256;

    /// <summary>How often the compiler patches a page.</summary>
    [Setting("Patches that the compiler makes.", Min = 1, Max = 1e9)]
    public long Iterations { get; init; } = 500;

    /// <summary>Cycles of compiling before each patch.</summary>
    [Setting("Compiling before each patch.", Unit = SettingUnit.Cycles, Min = 0, Max = 1e12)]
    public long Compute { get; init; } = 10_000;

    /// <summary>Fetch runs of each executing thread.</summary>
    [Setting("Stays on a page of each executing thread, 64 fetches each.", Min = 1, Max = 1e12)]
    public long Accesses { get; init; } = 50_000;

    /// <inheritdoc/>
    public override ProgramImage Build(ProgramContext context)
    {
        int threads = ThreadCount(context);
        ulong start = Regions.Start(0, 1, (ulong)Pages);
        ThreadProgram[] programs = new ThreadProgram[threads];
        programs[0] = BuildCompiler(context, start);
        for (int thread = 1; thread < threads; thread++)
        {
            ulong seed = SeededRandom.Derive(context.Seed, context.Copy, thread);
            programs[thread] = new ThreadScript().Thread($"{context.Name}/{thread}", () => Execute(start, seed));
        }

        return new ProgramImage
        {
            Name = context.Name,
            InitialMappings = [ThreadScript.Mapping(start, (ulong)Pages, Protection.Read | Protection.Execute)],
            Threads = programs,
        };
    }

    private ThreadProgram BuildCompiler(ProgramContext context, ulong start)
    {
        ThreadScript script = new ThreadScript();
        const Protection Executable = Protection.Read | Protection.Execute;
        ulong[] open =
            [.. Enumerable.Range(0, Pages).Select(page => script.Protect(start + ((ulong)page << 12), 1, Executable | Protection.Write))];
        ulong[] close = [.. Enumerable.Range(0, Pages).Select(page => script.Protect(start + ((ulong)page << 12), 1, Executable))];
        ulong seed = SeededRandom.Derive(context.Seed, context.Copy, 0);
        return script.Thread($"{context.Name}/compiler", Body);

        IEnumerable<ulong> Body()
        {
            SeededRandom random = new SeededRandom(seed);
            for (long patch = 0; patch < Iterations; patch++)
            {
                if (Compute > 0)
                {
                    yield return ThreadScript.Control(ControlKind.Compute, Compute);
                }

                ulong page = random.Below((ulong)Pages);
                yield return open[page];
                yield return ThreadScript.Store(start + (page << 12));
                yield return close[page];
            }
        }
    }

    private IEnumerable<ulong> Execute(ulong start, ulong seed)
    {
        SeededRandom random = new SeededRandom(seed);
        ZipfTable functions = ZipfTable.Of((uint)Pages);
        for (long stay = 0; stay < Accesses; stay++)
        {
            yield return ThreadScript.Fetch(start + ((ulong)functions.Rank(random.Next()) << 12), 64);
        }
    }
}
