using VmSim.Core.Settings;
using VmSim.Core.Workloads.Synthetic;
using VmSim.Core.Workloads.Synthetic.Behaviours;

namespace VmSim.Core.Workloads;

/// <summary>A kind of synthetic program that scenarios name.</summary>
/// <param name="Name">The name, in kebab-case.</param>
/// <param name="Summary">One sentence that says what it does.</param>
/// <param name="CreateDefaults">
/// Makes its settings record with all defaults; the record's <see cref="SettingAttribute"/> properties are its settings and
/// <see cref="SyntheticProgram.Build"/> makes the program.
/// </param>
public sealed record ProgramKind(string Name, string Summary, Func<SyntheticProgram> CreateDefaults) : INamed
{
    /// <summary>The type of the settings record.</summary>
    public Type SettingsType { get; } = CreateDefaults().GetType();

    /// <summary>The kind of a plug-in's class: a record with a public constructor without parameters.</summary>
    internal static ProgramKind Of(PlugInClass found) =>
        new(found.Name, ((SyntheticProgram)found.Create()).Summary, () => (SyntheticProgram)found.Create());
}

/// <summary>All kinds of synthetic programs. A new one is a record and a line here.</summary>
public static class ProgramKinds
{
    /// <summary>Every kind, in order of presentation.</summary>
    public static Registry<ProgramKind> All { get; } = new(
        "program",
        [
            new(
                "pattern",
                "Threads that use memory in a pattern: sequential, strided, uniform, zipf, hot-cold, pointer-chase, phases, sparse.",
                () => new PatternProgram()),
            new(
                "map-touch-unmap",
                "Every thread maps a region, stores to each page and unmaps it, again and again.",
                () => new MapTouchUnmap()),
            new(
                "protect-loop",
                "Every thread takes the write right from its region and gives it back, touching it in between.",
                () => new ProtectLoop()),
            new(
                "throughput-mix",
                "Four patterns side by side with a steady rate of faults and shootdowns: the load on which speed is measured.",
                () => new ThroughputMix()),
            new(
                "page-fault1",
                "will-it-scale page_fault1: map 128 MiB of anonymous memory, store to each page, unmap.",
                () => new PageFault1()),
            new("page-fault2", "will-it-scale page_fault2: the same on a private mapping of a file.", () => new PageFault2()),
            new("page-fault3", "will-it-scale page_fault3: the same on a shared mapping of a file.", () => new PageFault3()),
            new(
                "mmap1",
                "will-it-scale mmap1: map and unmap 128 MiB of anonymous memory, untouched.",
                () => new Mmap1 { Iterations = 1000 }),
            new("mmap2", "will-it-scale mmap2: map and unmap 128 MiB of a file, untouched.", () => new Mmap2 { Iterations = 1000 }),
            new("malloc1", "will-it-scale malloc1: take and free a block of 128 MiB.", () => new Malloc1 { Iterations = 1000 }),
            new(
                "context-switch1",
                "will-it-scale context_switch1: two tasks on one core hand a byte back and forth.",
                () => new ContextSwitch1 { Threads = 2 }),
            new(
                "tlb-flush1",
                "will-it-scale tlb_flush1: store, MADV_DONTNEED and load page by page of a private file mapping.",
                () => new TlbFlush1()),
            new("tlb-flush2", "will-it-scale tlb_flush2: the same on anonymous memory.", () => new TlbFlush2()),
            new("tlb-flush3", "will-it-scale tlb_flush3: the same on a shared file mapping.", () => new TlbFlush3()),
            new(
                "mapbench-local",
                "RadixVM's local benchmark: each thread maps, writes and unmaps pages of its own.",
                () => new MapbenchLocal()),
            new(
                "mapbench-pipeline",
                "RadixVM's pipeline benchmark: each thread hands its region to the next, which unmaps it.",
                () => new MapbenchPipeline()),
            new(
                "mapbench-global",
                "RadixVM's global benchmark: all threads touch all of a region that each mapped a part of.",
                () => new MapbenchGlobal()),
            new(
                "shared-region-faults",
                "Many threads fault in one region at once, neighbouring pages on different cores.",
                () => new SharedRegionFaults { Threads = 128 }),
            new(
                "malloc-arena",
                "Threads that grow, use and trim malloc arenas and take large blocks, as glibc does.",
                () => new MallocArena()),
            new(
                "garbage-collector",
                "A collector that relocates regions while mutators load from them.",
                () => new GarbageCollector { Threads = 8 }),
            new("snapshot", "A key-value store that forks to save itself while it goes on storing.", () => new Snapshot()),
            new(
                "buffer-pool",
                "A database that reads pages at random from a buffer pool in virtual memory, and evicts them in batches.",
                () => new BufferPool { Threads = 8 }),
            new(
                "mapped-writes",
                "Threads that write blocks at random places of mapped files, and write every file back after some.",
                () => new MappedWrites { Threads = 8 }),
            new("web-server", "Workers that map, send and unmap a file for each request.", () => new WebServer { Threads = 8 }),
            new(
                "munmap-shared",
                "LATR's munmap benchmark: one thread unmaps pages that all have touched.",
                () => new MunmapShared { Threads = 16, Pages = 1 }),
            new("compaction", "A daemon that migrates pages while others use them.", () => new Compaction { Threads = 8 }),
            new("jit-patching", "A compiler that patches code pages while others execute them.", () => new JitPatching { Threads = 8 }),
            new("wander", "Threads that move from core to core and give pages back behind each move.", () => new Wander { Threads = 4 }),
            new(
                "random",
                "Threads that do steps drawn at random on the same pages, of the kinds that are named; for searches, not a model of a "
                    + "load.",
                () => new RandomProgram { Threads = 4 }),
            new(
                "script",
                "Threads that do the few steps that are written down for them, on pages that all share: a story to look at.",
                () => new ScriptProgram()),
        ],
        new(typeof(SyntheticProgram), ProgramKind.Of));
}
