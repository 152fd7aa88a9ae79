using VmSim.Core.Programs;
using VmSim.Core.Settings;

namespace VmSim.Core.Workloads.Synthetic.Behaviours;

/// <summary>will-it-scale's tlb_flush1 to 3: every task maps a region and, page by page, stores, gives the page back with
/// madvise(MADV_DONTNEED) and loads it again. Source: github.com/antonblanchard/will-it-scale, tests/tlb_flush*.c.</summary>
public abstract record TlbFlush : SyntheticProgram
{
    /// <summary>What the test maps: anonymous memory or a file.</summary>
    protected abstract MappedObject Object { get; }

    /// <summary>Rounds of each task over its region.</summary>
    [Setting("Rounds of each task over its region.", Min = 1, Max = 1e12)]
    public long Iterations { get; init; } = 4;

    /// <summary>Pages of each task's region.</summary>
    [Setting("Pages of each task's region; the tests' own values are 32768 (128 MiB) for files and 256 (1 MiB) for anonymous memory.",
        Unit = SettingUnit.Pages, Min = 1, Max = 1_048_576)]
    public long Pages { get; init; } = 256;

    /// <inheritdoc/>
    public override ProgramImage Build(ProgramContext context)
    {
        int threads = ThreadCount(context);
        int next = 0;
        return PerThread.Build(
            context, threads, (ulong)Pages, Write, Object == MappedObject.Anonymous ? [] : TestFiles.Of(context, threads, (ulong)Pages));

        Func<IEnumerable<ulong>> Write(ThreadScript script, ulong start)
        {
            int file = next++;
            ulong map = Object == MappedObject.Anonymous
                ? script.Map(start, (ulong)Pages)
                : script.MapFile(start, (ulong)Pages, file, Object == MappedObject.SharedFile);
            ulong unmap = script.Unmap(start, (ulong)Pages);
            ulong[] release =
                [.. Enumerable.Range(0, (int)Pages).Select(page => script.Advise(start + ((ulong)page << 12), 1, Advice.DontNeed))];
            return () => Body(start, map, unmap, release);
        }
    }

    private IEnumerable<ulong> Body(ulong start, ulong map, ulong unmap, ulong[] release)
    {
        for (long round = 0; round < Iterations; round++)
        {
            yield return map;
            for (ulong page = 0; page < (ulong)Pages; page++)
            {
                yield return ThreadScript.Store(start + (page << 12));
                yield return release[page];
                yield return ThreadScript.Load(start + (page << 12));
            }

            yield return unmap;
        }
    }
}

/// <summary>tlb_flush1: a private mapping of a file of each task.</summary>
public sealed record TlbFlush1 : TlbFlush
{
    /// <inheritdoc/>
    protected override MappedObject Object => MappedObject.PrivateFile;
}

/// <summary>The test tlb_flush2, on anonymous memory.</summary>
public sealed record TlbFlush2 : TlbFlush
{
    /// <inheritdoc/>
    protected override MappedObject Object => MappedObject.Anonymous;
}

/// <summary>tlb_flush3: a shared mapping of a file of each task.</summary>
public sealed record TlbFlush3 : TlbFlush
{
    /// <inheritdoc/>
    protected override MappedObject Object => MappedObject.SharedFile;
}
