using VmSim.Core.Programs;
using VmSim.Core.Settings;
using VmSim.Core.Statistics;

namespace VmSim.Core.Workloads.Synthetic.Behaviours;

/// <summary>
/// A web server that maps a small file for each request, lets the kernel send it from there, and unmaps it. Apache treats static pages up
/// to 4 MiB so. Every request ends in a shootdown to all workers. Source: the Apache load of Kumar et al., "LATR: Lazy translation
/// coherence", ASPLOS 2018, section 6.1 (10 KB page).
/// </summary>
public sealed record WebServer : SyntheticProgram
{
    /// <summary>Requests of each worker.</summary>
    [Setting("Requests of each worker thread.", Min = 1, Max = 1e12)]
    public long Iterations { get; init; } = 500;

    /// <summary>Pages of a served file.</summary>
    [Setting("Pages of a served file.", Unit = SettingUnit.Pages, Min = 1, Max = 1024)]
    public long Pages { get; init; } = 3;

    /// <summary>Cycles to parse and log a request.</summary>
    [Setting("Computing for each request: parsing, logging.", Unit = SettingUnit.Cycles, Min = 0, Max = 1e12)]
    public long Compute { get; init; } = 20_000;

    /// <summary>Different files, drawn by Zipf's law.</summary>
    [Setting("Different files; requests draw them by Zipf's law.", Min = 1, Max = 65_536)]
    public int Files { get; init; } = 64;

    /// <summary>Pages of each worker's own buffers.</summary>
    [Setting("Pages of each worker's own buffers, touched at every request.", Unit = SettingUnit.Pages, Min = 1, Max = 1_048_576)]
    public int BufferPages { get; init; } = 16;

    /// <inheritdoc/>
    public override ProgramImage Build(ProgramContext context)
    {
        int threads = ThreadCount(context);
        ulong slot = (ulong)(Pages + BufferPages);
        ThreadProgram[] programs = new ThreadProgram[threads];
        for (int thread = 0; thread < threads; thread++)
        {
            ThreadScript script = new ThreadScript();
            ulong buffer = Regions.Start(thread, threads, slot);
            ulong window = buffer + ((ulong)BufferPages << 12);
            ulong mapBuffer = script.Map(buffer, (ulong)BufferPages);
            ulong unmap = script.Unmap(window, (ulong)Pages);
            ulong send = script.Call(ThreadScript.NoMapping);
            ulong[] maps =
                [.. Enumerable.Range(0, Files).Select(file => script.MapFile(window, (ulong)Pages, file, shared: true, Protection.Read))];
            ulong seed = SeededRandom.Derive(context.Seed, context.Copy, thread);
            programs[thread] = script.Thread($"{context.Name}/{thread}", () => Body(buffer, window, mapBuffer, maps, send, unmap, seed));
        }

        return new ProgramImage
        {
            Name = context.Name,
            Files = [.. Enumerable.Range(0, Files).Select(file => new ProgramFile($"/srv/www/{file}.html", (ulong)Pages << 12))],
            Threads = programs,
        };
    }

    private IEnumerable<ulong> Body(ulong buffer, ulong window, ulong mapBuffer, ulong[] maps, ulong send, ulong unmap, ulong seed)
    {
        ZipfTable popularity = ZipfTable.Of((uint)Files);
        SeededRandom random = new SeededRandom(seed);
        yield return mapBuffer;
        for (long request = 0; request < Iterations; request++)
        {
            for (ulong page = 0; page < (ulong)BufferPages; page++)
            {
                yield return ThreadScript.Store(buffer + (page << 12));
            }

            if (Compute > 0)
            {
                yield return ThreadScript.Control(ControlKind.Compute, Compute);
            }

            yield return maps[popularity.Rank(random.Next())];
            yield return send;
            for (ulong page = 0; page < (ulong)Pages; page++)
            {
                yield return ThreadScript.Control(ControlKind.KernelLoad, (long)((window >> 12) + page));
            }

            yield return unmap;
        }
    }
}
