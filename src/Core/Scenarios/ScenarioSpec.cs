using VmSim.Core.Machine;
using VmSim.Core.Memory;
using VmSim.Core.Memory.Backends;
using VmSim.Core.Programs;
using VmSim.Core.Settings;
using VmSim.Core.Shootdown;

namespace VmSim.Core.Scenarios;

/// <summary>Everything that decides a run's result: the simulated world, and nothing of the host.</summary>
public sealed record ScenarioSpec
{
    /// <summary>The greatest seed, on the command line as in a file.</summary>
    public const ulong MaxSeed = 9_200_000_000_000_000_000;

    /// <summary>
    /// The greatest end of a run. What a core or a memory set does in one piece takes less than what is left below 2^63 cycles.
    /// </summary>
    public const long MaxUntil = 9_000_000_000_000_000_000;

    /// <summary>A name for reports.</summary>
    [Setting("Name of the scenario, for reports.")]
    public string Name { get; init; } = "scenario";

    /// <summary>The seed of everything that is drawn at random.</summary>
    [Setting("Seed of everything that is drawn at random.", Min = 0, Max = MaxSeed)]
    public ulong Seed { get; init; } = 1;

    /// <summary>Virtual time at which the run stops; 0 for when all processes have ended.</summary>
    [Setting("Virtual time at which the run stops; 0 runs until all processes have ended, or to the most that is allowed.",
        Unit = SettingUnit.Cycles, Min = 0, Max = MaxUntil)]
    public long Until { get; init; }

    /// <summary>Virtual time at which the run stops at the latest.</summary>
    public long LatestEnd => Until == 0 ? MaxUntil : Until;

    /// <summary>Virtual time after which counting begins.</summary>
    [Setting("Virtual time at which counters are reset, so that only what follows is reported.", Unit = SettingUnit.Cycles, Min = 0,
        Max = MaxUntil)]
    public long Warmup { get; init; }

    /// <summary>off, on or values: what the translation checker watches. It changes nothing that the run finds.</summary>
    [Setting("What the translation checker watches: nothing, every translation, as with --check, or also what each page holds. A broken "
        + "rule ends the run with exit code 1.", Choices = "off|on|values")]
    public string Check { get; init; } = "off";

    /// <summary>Whether the translation checker watches.</summary>
    public bool IsChecked => Check != "off";

    /// <summary>Whether the translation checker watches what each page holds, too.</summary>
    public bool ChecksValues => Check == "values";

    /// <summary>Messages that come later than they would: the text of a <see cref="VirtualTime.MessageSchedule"/>.</summary>
    [Setting("Messages between cores and address spaces that come later than they would, each as sender, number and cycles: "
        + "\"core 1/5 +2000, space 0/31 +2600\". `vmsim explore` writes it.")]
    public string Schedule { get; init; } = "";

    /// <summary>Cores, sockets, clock, TLBs and page-table format.</summary>
    public MachineSpec Machine { get; init; } = new();

    /// <summary>What the kernel's work costs.</summary>
    public KernelProfile Kernel { get; init; } = new();

    /// <summary>How dead translations are dropped from all cores.</summary>
    public ShootdownSpec Shootdown { get; init; } = new();

    /// <summary>How memory is handed out.</summary>
    public MemorySpec Memory { get; init; } = new();

    /// <summary>How threads are placed on cores.</summary>
    public ThreadsSpec Threads { get; init; } = new();

    /// <summary>How traces are replayed.</summary>
    public ReplaySpec Replay { get; init; } = new();

    /// <summary>What differs from seed to seed beyond what programs draw.</summary>
    public NoiseSpec Noise { get; init; } = new();

    /// <summary>How much of the accesses is simulated one by one.</summary>
    public SamplingSpec Sampling { get; init; } = new();

    /// <summary>Assemblies with classes that the scenario names.</summary>
    public PlugInSet PlugIns { get; init; } = PlugInSet.None;

    /// <summary>Files that the scenario's own file includes.</summary>
    public IReadOnlyList<string> Includes { get; init; } = [];

    /// <summary>What the report is expected to have. It changes nothing that the run finds.</summary>
    public IReadOnlyList<Expectation> Expect { get; init; } = [];

    /// <summary>The processes, in order; each becomes an address space.</summary>
    public IReadOnlyList<ProcessSpec> Processes { get; init; } = [];
}

/// <summary>Which shootdown protocol runs.</summary>
public sealed record ShootdownSpec
{
    /// <summary>The protocol: a name of <see cref="ShootdownProtocols.All"/>, or a class of a plug-in.</summary>
    [Setting("Shootdown protocol: a name of `vmsim list protocols`, or a class of a plug-in as \"Namespace.Type, Assembly\".")]
    public string Protocol { get; init; } = "linux";

    /// <summary>Whether the protocol may run on a machine of an architecture that does not have what it is made of.</summary>
    [Setting("Whether a protocol may run on a machine of an architecture that does not have what it is made of.")]
    public bool Hypothetical { get; init; }

    /// <summary>What is set of the protocol's own settings.</summary>
    public OwnSettings ProtocolSettings { get; init; } = OwnSettings.None;
}

/// <summary>How the kernel hands out memory.</summary>
public sealed record MemorySpec
{
    /// <summary>Bytes of each process's frame pool, or of the shared one.</summary>
    [Setting("Physical memory of each process's pool, or of the shared one.", Unit = SettingUnit.Bytes, Min = 4096,
        Max = FramePool.MaxBytes)]
    public ulong Bytes { get; init; } = 64UL << 30;

    /// <summary>Whether all processes share one frame pool and one page cache.</summary>
    [Setting("Whether all processes share one frame pool and one page cache; off, each has its own, as in a memory cgroup, and "
        + "processes that share nothing simulate apart.")]
    public bool Shared { get; init; }

    /// <summary>
    /// The backend of private anonymous mappings: a name of <see cref="MemoryBackends.All"/>, or a class of a plug-in.
    /// </summary>
    [Setting("Backend of private anonymous mappings: a name of `vmsim list backends`, or a class of a plug-in as "
        + "\"Namespace.Type, Assembly\".")]
    public string Anonymous { get; init; } = MemoryBackends.Lazy;

    /// <summary>What is set of the backend's own settings.</summary>
    public OwnSettings AnonymousSettings { get; init; } = OwnSettings.None;

    /// <summary>Whether reads of untouched anonymous memory map the shared zero page.</summary>
    [Setting("Whether a first read of anonymous memory maps the shared zero page.")]
    public bool ZeroPage { get; init; } = true;

    /// <summary>The aligned window a file fault maps.</summary>
    [Setting("Aligned window of cached pages that one file fault maps, a power of two; 4 KiB turns fault-around off.",
        Unit = SettingUnit.Bytes, Min = 4096, Max = 2097152)]
    public ulong FaultAround { get; init; } = 65_536;

    /// <summary>Bytes of the folios of cached files that <see cref="Folios"/> does not name.</summary>
    [Setting("Size of the folios in which files lie in the page cache, a power of two: a file fault maps a folio whole where it lies "
        + "within the area. 4 KiB is what files have that faults read in; a file that was written has folios as large as the writes.",
        Unit = SettingUnit.Bytes, Min = 4096, Max = FolioSizes.MaxBytes)]
    public ulong Folio { get; init; } = 4096;

    /// <summary>Folio sizes of files by pattern, the first that fits.</summary>
    [Setting("Folio sizes of files by path, the first that fits: \"*/bin/git=1 MiB, libc.so.*=64 KiB\". A pattern without a slash is "
        + "compared with the file's name. `vmsim trace folios` reads them from this machine.")]
    public string Folios { get; init; } = "";

    /// <summary>Whether files are in the page cache from the start.</summary>
    [Setting("Whether files are in the page cache from the start.")]
    public bool WarmPageCache { get; init; } = true;

    /// <summary>never, madvise or always.</summary>
    [Setting("Transparent huge pages.", Choices = "never|madvise|always")]
    public string TransparentHugePages { get; init; } = "never";

    /// <summary>Areas that a process may have.</summary>
    [Setting("Areas that a process may have; a call that would make more fails with ENOMEM (vm.max_map_count).", Min = 1,
        Max = int.MaxValue)]
    public int MapCountLimit { get; init; } = 65_530;

    /// <summary>heuristic, always or never.</summary>
    [Setting("Memory that calls may promise (vm.overcommit_memory): each call as much as there is in all (heuristic), as much as it likes "
        + "(always), or all together `overcommit-ratio` percent of it (never).", Choices = "heuristic|always|never")]
    public string Overcommit { get; init; } = "heuristic";

    /// <summary>Percent of memory that may be promised.</summary>
    [Setting("Percent of the memory that may be promised with `overcommit = never` (vm.overcommit_ratio).", Min = 0, Max = 1000)]
    public int OvercommitRatio { get; init; } = 50;

    /// <summary>How far a stack may grow.</summary>
    [Setting("How long the area of a stack may become by faults below it (RLIMIT_STACK).", Unit = SettingUnit.Bytes, Min = 4096,
        Max = 1e18)]
    public ulong StackLimit { get; init; } = 8UL << 20;

    /// <summary>Whether kernel accesses to user buffers are simulated.</summary>
    [Setting("Whether the kernel's accesses to user buffers are simulated and fault like any other.")]
    public bool KernelAccesses { get; init; } = true;
}

/// <summary>How threads are placed on cores.</summary>
public sealed record ThreadsSpec
{
    /// <summary>How threads that name no core are placed: <c>packed</c>, <c>spread</c> or <c>single</c>.</summary>
    [Setting("Placement of threads that name no core: one a core, socket by socket (packed), alternating sockets (spread), or all on "
        + "core 0 (single).", Choices = "packed|spread|single")]
    public string Placement { get; init; } = "packed";
}

/// <summary>How traces are replayed.</summary>
public sealed record ReplaySpec
{
    /// <summary>How much of a trace's order between threads is kept: <c>areas</c>, <c>pages</c> or <c>full</c>.</summary>
    [Setting("Order between the threads of a trace that its replay keeps: of uses and calls (areas), also of a page's first store with "
        + "other threads' first loads (pages), or all of it, so that one thread runs at a time (full).", Choices = "areas|pages|full")]
    public string Order { get; init; } = "pages";
}

/// <summary>What differs from seed to seed beyond what programs draw, as it does from run to run on a real machine.</summary>
public sealed record NoiseSpec
{
    /// <summary>How late threads begin.</summary>
    [Setting("Each thread sleeps before its first operation for a time that is drawn from the seed, from 0 to this; 0 turns it off.",
        Unit = SettingUnit.Cycles, Min = 0, Max = 1e15)]
    public long Start { get; init; }

    /// <summary>How much stretches of computing differ.</summary>
    [Setting("Each stretch of computing takes more or less than it says, by up to so many percent, drawn from the seed; 0 turns it off.",
        Min = 0, Max = 100)]
    public int ComputePercent { get; init; }

    /// <summary>How late interrupts of shootdowns are.</summary>
    [Setting("Each interrupt of a shootdown comes later by a time that is drawn from the seed, from 0 to this; 0 turns it off.",
        Unit = SettingUnit.Cycles, Min = 0, Max = 1e9)]
    public long Interrupt { get; init; }

    /// <summary>Whether cores are numbered anew before threads are placed.</summary>
    [Setting("Whether threads that name no core are placed as if cores were numbered in an order that is drawn from the seed.")]
    public bool Placement { get; init; }

    /// <summary>Whether programs lie at addresses of their own.</summary>
    [Setting("Whether each process lies at addresses that are drawn from the seed, as Linux's address space layout randomization has it: "
        + "a trace's program, heap, mappings and stack each by themselves, as by its setting aslr; a program that is no trace as a whole.")]
    public bool Aslr { get; init; }
}

/// <summary>One process of the scenario, or several alike.</summary>
public sealed record ProcessSpec
{
    /// <summary>A name for reports.</summary>
    public required string Name { get; init; }

    /// <summary>What each copy runs, by copy number from 0.</summary>
    public required Func<int, ProgramImage> Program { get; init; }

    /// <summary>How many copies run.</summary>
    public int Count { get; init; } = 1;

    /// <summary>Whether it runs in a virtual machine; null if that is as the machine says (<see cref="MachineSpec.Virtual"/>).</summary>
    public bool? Virtual { get; init; }

    /// <summary>What the scenario says of the process, key by key.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Settings { get; init; } = [];

    /// <summary>Files that it was read from: a trace and those of the processes that it forks.</summary>
    public IReadOnlyList<string> Files { get; init; } = [];

    /// <summary>
    /// What a person should know of the process before the run: a child's trace that is missing, damage that was passed over.
    /// </summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];
}
