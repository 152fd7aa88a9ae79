using VmSim.Core.Programs;
using VmSim.Core.Settings;

namespace VmSim.Core.Workloads.Synthetic.Behaviours;

/// <summary>What a will-it-scale test maps.</summary>
public enum MappedObject
{
    /// <summary>Private memory without a file.</summary>
    Anonymous,

    /// <summary>A file of the task's own, private.</summary>
    PrivateFile,

    /// <summary>A file of the task's own, shared.</summary>
    SharedFile,
}

/// <summary>
/// will-it-scale's tests that map and unmap a region of 128 MiB in every task. page_fault1 to 3 touch each page, mmap1 and mmap2 none,
/// malloc1 the first. Source: github.com/antonblanchard/will-it-scale, tests/*.c. A task is a thread (threads) or a process (count).
/// </summary>
public abstract record WillItScaleMapping : SyntheticProgram
{
    /// <summary>What the test maps: anonymous memory or a file, private or shared.</summary>
    protected abstract MappedObject Object { get; }

    /// <summary>How many of the region's first pages are stored to.</summary>
    protected abstract ulong TouchedPages { get; }

    /// <summary>Rounds of each task.</summary>
    [Setting("Rounds of each task: map, touch, unmap.", Min = 1, Max = 1e12)]
    public long Iterations { get; init; } = 1;

    /// <summary>Pages of each task's region.</summary>
    [Setting("Pages of each task's region; the test's own value is 32768 (128 MiB).", Unit = SettingUnit.Pages, Min = 1, Max = 268_435_456)]
    public long Pages { get; init; } = 32_768;

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
            return () => Body(start, map, unmap);
        }
    }

    private IEnumerable<ulong> Body(ulong start, ulong map, ulong unmap)
    {
        ulong touched = Math.Min(TouchedPages, (ulong)Pages);
        for (long round = 0; round < Iterations; round++)
        {
            yield return map;
            for (ulong page = 0; page < touched; page++)
            {
                yield return ThreadScript.Store(start + (page << 12));
            }

            yield return unmap;
        }
    }
}

/// <summary>The test page_fault1, on anonymous memory.</summary>
public sealed record PageFault1 : WillItScaleMapping
{
    /// <inheritdoc/>
    protected override MappedObject Object => MappedObject.Anonymous;

    /// <inheritdoc/>
    protected override ulong TouchedPages => ulong.MaxValue;
}

/// <summary>page_fault2: a private mapping of a file of each task.</summary>
public sealed record PageFault2 : WillItScaleMapping
{
    /// <inheritdoc/>
    protected override MappedObject Object => MappedObject.PrivateFile;

    /// <inheritdoc/>
    protected override ulong TouchedPages => ulong.MaxValue;
}

/// <summary>page_fault3: a shared mapping of a file of each task.</summary>
public sealed record PageFault3 : WillItScaleMapping
{
    /// <inheritdoc/>
    protected override MappedObject Object => MappedObject.SharedFile;

    /// <inheritdoc/>
    protected override ulong TouchedPages => ulong.MaxValue;
}

/// <summary>mmap1: anonymous memory is mapped and unmapped untouched.</summary>
public sealed record Mmap1 : WillItScaleMapping
{
    /// <inheritdoc/>
    protected override MappedObject Object => MappedObject.Anonymous;

    /// <inheritdoc/>
    protected override ulong TouchedPages => 0;
}

/// <summary>mmap2: a file of each task is mapped and unmapped untouched.</summary>
public sealed record Mmap2 : WillItScaleMapping
{
    /// <inheritdoc/>
    protected override MappedObject Object => MappedObject.PrivateFile;

    /// <inheritdoc/>
    protected override ulong TouchedPages => 0;
}

/// <summary>
/// malloc1: a block above the allocator's mmap threshold is taken and freed; the allocator writes its header in the first page.
/// </summary>
public sealed record Malloc1 : WillItScaleMapping
{
    /// <inheritdoc/>
    protected override MappedObject Object => MappedObject.Anonymous;

    /// <inheritdoc/>
    protected override ulong TouchedPages => 1;
}

/// <summary>Files of tests, one a task.</summary>
internal static class TestFiles
{
    /// <summary>One file for each thread, long enough for its region.</summary>
    public static IReadOnlyList<ProgramFile> Of(ProgramContext context, int threads, ulong pages) =>
        [.. Enumerable.Range(0, threads).Select(thread => new ProgramFile($"/tmp/{context.Name}.{context.Copy}.{thread}", pages << 12))];
}
