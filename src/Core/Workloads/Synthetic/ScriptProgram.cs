using VmSim.Core.Addresses;
using VmSim.Core.Programs;
using VmSim.Core.Settings;

namespace VmSim.Core.Workloads.Synthetic;

/// <summary>
/// A few threads that do what is written down for them, on a few pages that all of them share: a story to look at, or to try every order
/// of.
/// </summary>
public sealed record ScriptProgram : SyntheticProgram
{
    /// <summary>
    /// Cycles of computing before a script begins, by when all cores have walked to the pages: longer than loads of a space, locks and
    /// walks of a few pages take under the default profiles. Threads that did the same until then begin within a few thousand cycles.
    /// </summary>
    public const long LeadCycles = 30_000;

    /// <summary>Pages that the threads share.</summary>
    [Setting("Pages that the threads share, mapped from the start.", Unit = SettingUnit.Pages, Min = 1, Max = 4_096)]
    public long Pages { get; init; } = 2;

    /// <summary>What each thread does.</summary>
    [Setting("What each thread does, steps parted by commas and threads by bars: \"munmap 0-1, load 0\". Steps are load, store, munmap, "
        + "mprotect (to reading alone), unprotect, dontneed, map (over what is there), move (behind all pages), pageout, cold and "
        + "collapse (of the 2 MiB that begin at page 0), each with a page or a range of pages, and pause and sleep with cycles. There are "
        + "as many threads as parts; if there are more, they begin again with the first part.")]
    public string Script { get; init; } = "store 0";

    /// <summary>Whether every thread has used all pages before its script begins.</summary>
    [Setting("Whether every thread has used all pages before its script begins, so that its core's TLB has them.")]
    public bool Touched { get; init; } = true;

    /// <summary><c>anonymous</c>, <c>file</c> or <c>device</c>.</summary>
    [Setting("What is mapped.", Choices = "anonymous|file|device")]
    public string Memory { get; init; } = "anonymous";

    /// <inheritdoc/>
    public override ProgramImage Build(ProgramContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        IReadOnlyList<IReadOnlyList<ScriptStep>> parts = ScriptStep.Parse(Script, Pages);
        int threads = Math.Max(ThreadCount(context), parts.Count);
        return Build(context.Name, [.. Enumerable.Range(0, threads).Select(thread => parts[thread % parts.Count])]);
    }

    /// <summary>Builds the process with steps that are at hand.</summary>
    /// <param name="name">The process's name.</param>
    /// <param name="threads">The steps of each thread.</param>
    public ProgramImage Build(string name, IReadOnlyList<IReadOnlyList<ScriptStep>> threads)
    {
        ArgumentNullException.ThrowIfNull(threads);
        ulong start = Regions.Start(0, 1, (ulong)Pages * 2);
        long mapped = MappedPages(threads);
        SystemCall mapping = ThreadScript.Mapping(start, (ulong)mapped) with
        {
            Source = Memory switch
            {
                "file" => MappingSource.File,
                "device" => MappingSource.Device,
                _ => MappingSource.Anonymous,
            },
            FileId = Memory == "file" ? 0 : -1,
            Offset = Memory == "device" ? DeviceStart : 0,
            Shared = Memory != "anonymous",
            Populate = mapped == Pages,
        };
        ThreadProgram[] programs = new ThreadProgram[threads.Count];
        for (int i = 0; i < programs.Length; i++)
        {
            programs[i] = BuildThread($"{name}/{i}", threads[i], start, mapped, mapping);
        }

        return new ProgramImage
        {
            Name = name,
            Threads = programs,
            Files = Memory == "file" ? [new ProgramFile("/script", (ulong)mapped << PageSizes.BaseShift)] : [],
            InitialMappings = [mapping],
        };
    }

    /// <summary>Operations of each thread before its steps.</summary>
    internal int LeadOperations => (Touched ? (int)Pages : 0) + 1;

    /// <summary>Pages that are mapped: those that threads share, or a huge page where one is collapsed.</summary>
    internal long MappedPages(IReadOnlyList<IReadOnlyList<ScriptStep>> threads) =>
        threads.Any(steps => steps.Any(step => step.Verb == ScriptVerb.Collapse))
            ? Math.Max(Pages, (long)PageSize.Size2M.BasePages())
            : Pages;

    /// <summary>Where the device's registers lie: below 4 GiB, as those of PCI devices do, and outside all pools.</summary>
    private const ulong DeviceStart = 0xF000_0000;

    private ThreadProgram BuildThread(string name, IReadOnlyList<ScriptStep> steps, ulong start, long mapped, SystemCall mapping)
    {
        ThreadBuilder thread = new(name);
        for (long page = 0; Touched && page < Pages; page++)
        {
            // Pages of files stay clean, so that reclaim may take them.
            ulong address = start + ((ulong)page << PageSizes.BaseShift);
            _ = Memory == "anonymous" ? thread.Store(address) : thread.Load(address);
        }

        thread.Compute(LeadCycles);
        foreach (ScriptStep step in steps)
        {
            step.AddTo(thread, start, mapped, mapping);
        }

        return thread.Build();
    }
}
