using VmSim.Core.Addresses;
using VmSim.Core.Machine;
using VmSim.Core.Mmu;
using VmSim.Core.Programs;
using VmSim.Core.Scenarios;

namespace VmSim.Core.Engine;

/// <summary>
/// Memory of the host that the world of a scenario will take, in bytes, told from the scenario before anything of it is built. What the
/// TLBs of a core take is counted; the other figures per core, thread, space and page are calibrated on the peak memory of runs in which
/// there were thousands of the one and few of the others (docs/performance.md). Lists that the report is to have one by one are left out:
/// they grow with what happens, and not with the scenario.
/// </summary>
public sealed record WorldMemory
{
    /// <summary>Beside its TLBs, a core's model and actor: calibrated on 4,096 and 16,384 cores with one thread.</summary>
    private const long CoreBytes = 20 << 10;

    /// <summary>What the checker keeps of a core: calibrated on 4,096 cores with one thread.</summary>
    private const long CheckedCoreBytes = 50 << 10;

    /// <summary>A thread that waits for its first turn: calibrated on 4,096 threads on 64 cores.</summary>
    private const long ThreadBytes = 3 << 10;

    /// <summary>What a thread takes besides when it has run, its stream above all: calibrated on 4,096 threads on as many cores.</summary>
    private const long RunningThreadBytes = 17 << 10;

    /// <summary>A space in which nothing has run: calibrated on 8,192 processes of a thread on 64 cores.</summary>
    private const long SpaceBytes = 32 << 10;

    /// <summary>What a space takes besides when it runs: calibrated on 4,096 processes of a thread on as many cores.</summary>
    private const long RunningSpaceBytes = 180 << 10;

    /// <summary>A page that is mapped: its entry, its frame and who has it. Calibrated on <c>throughput-1024</c>.</summary>
    private const long PageBytes = 40;

    /// <summary>What the page cache keeps of a file's page besides. Calibrated on <c>mapped-writes</c> of 3 and of 64 GiB.</summary>
    private const long FilePageBytes = 45;

    /// <summary>A page of the largest range that is mapped at once, while it is: calibrated on ranges of 1 and 4 million pages.</summary>
    private const long PopulatedPageBytes = 36;

    /// <summary>What the checker keeps of a page: calibrated on a range of a million pages.</summary>
    private const long CheckedPageBytes = 34;

    /// <summary>Memory of cores with their TLBs.</summary>
    public required long Cores { get; init; }

    /// <summary>Memory of threads.</summary>
    public required long Threads { get; init; }

    /// <summary>Memory of address spaces without their pages.</summary>
    public required long Spaces { get; init; }

    /// <summary>Memory of page tables, frames and what is known of pages.</summary>
    public required long Pages { get; init; }

    /// <summary>All of it.</summary>
    public long Total => Cores + Threads + Spaces + Pages;

    /// <summary>Tells the memory of a scenario's world.</summary>
    /// <param name="scenario">The scenario.</param>
    /// <param name="check">Whether the checker watches, whatever the scenario says.</param>
    /// <exception cref="Settings.ScenarioException">It has more address spaces or threads than a run may have.</exception>
    public static WorldMemory Of(ScenarioSpec scenario, bool check = false)
    {
        ArgumentNullException.ThrowIfNull(scenario);
        bool isChecked = check || scenario.IsChecked;
        MachineSpec machine = scenario.Machine;
        Sum all = new();
        double pages = 0;
        double filePages = 0;
        foreach (ProcessSpec process in scenario.Processes)
        {
            // Copies differ in what they draw, and not in how much.
            Sum one = new();
            Add(one, process.Program(0), inherited: 0);
            all.Spaces += one.Spaces * process.Count;
            all.Threads += one.Threads * process.Count;
            WorldLayout.RequireNumbers(process.Name, all.Spaces, all.Threads);
            all.Populated = Math.Max(all.Populated, one.Populated);
            double turns = Turns(scenario, one.Threads);
            double touched = one.Certain + Math.Min(one.Possible, turns * FaultedPages(scenario) / Math.Max(1, one.Threads));
            double held = Math.Min(touched, scenario.Memory.Bytes >> PageSizes.BaseShift);
            pages += held * process.Count;
            filePages += Math.Min(held, one.FilePages) * process.Count;
        }

        double running = Turns(scenario, all.Threads);
        long corePages = isChecked ? CheckedPageBytes : 0;
        return new WorldMemory
        {
            Cores = machine.Cores * (CoreBytes + TlbBytes(machine.Mmu) + (isChecked ? CheckedCoreBytes : 0)),
            Threads = Bytes((all.Threads * ThreadBytes) + (running * RunningThreadBytes)),
            Spaces = Bytes((all.Spaces * SpaceBytes) + (Math.Min(running, all.Spaces) * RunningSpaceBytes)),
            Pages = Bytes((pages * (PageBytes + corePages)) + (filePages * FilePageBytes) + (all.Populated * PopulatedPageBytes)),
        };
    }

    private static long TlbBytes(MmuSpec spec)
    {
        using CoreMmu one = new(spec, seed: 0);
        return one.NativeBytes;
    }

    /// <summary>Threads that have had a turn before the run ends, if each has its whole slice.</summary>
    private static double Turns(ScenarioSpec scenario, double threads) =>
        Math.Min(threads, scenario.Machine.Cores * (1 + ((double)scenario.LatestEnd / scenario.Kernel.TimeSliceCycles)));

    /// <summary>Pages that all faults of a core can map before the run ends.</summary>
    private static double FaultedPages(ScenarioSpec scenario) => (double)scenario.LatestEnd / scenario.Kernel.ZeroFaultCycles;

    private static long Bytes(double bytes) => (long)Math.Min(bytes, long.MaxValue / 8.0);

    private static void Add(Sum sum, ProgramImage image, double inherited)
    {
        sum.Spaces++;
        sum.Threads += image.Threads.Count;
        double certain = inherited;

        // Threads of a trace have one list of calls together.
        IEnumerable<IReadOnlyList<SystemCall>> lists = image.Threads.Select(thread => thread.SystemCalls)
            .Distinct<IReadOnlyList<SystemCall>>(ReferenceEqualityComparer.Instance).Prepend(image.InitialMappings);
        Dictionary<int, double> files = [];
        foreach (SystemCall call in lists.SelectMany(list => list))
        {
            if (call is { Kind: SystemCallKind.Map, Source: MappingSource.File })
            {
                files[call.FileId] = Math.Max(files.GetValueOrDefault(call.FileId), call.Length >> PageSizes.BaseShift);
            }

            double mapped = call.Kind == SystemCallKind.Map ? call.Length >> PageSizes.BaseShift : 0;
            double populated = PopulatedBy(call);
            certain += populated;
            sum.Possible += mapped - populated;
            sum.Populated = Math.Max(sum.Populated, populated);
        }

        sum.Possible = Math.Max(0, sum.Possible);
        sum.Certain += certain;
        sum.FilePages += files.Values.Sum();
        foreach (ProgramImage child in image.Children)
        {
            Add(sum, child, certain);
        }
    }

    /// <summary>Pages that a call maps although nobody touches them.</summary>
    private static double PopulatedBy(SystemCall call)
    {
        bool populates = call.Populate
            || call is { Kind: SystemCallKind.Advise, Advice: Advice.PopulateRead or Advice.PopulateWrite };
        return populates
            ? (call.Length >> PageSizes.BaseShift) + call.MoreRanges.Sum(range => (double)(range.Size >> PageSizes.BaseShift))
            : 0;
    }

    /// <summary>What processes have, as sums that cannot overflow.</summary>
    private sealed class Sum
    {
        /// <summary>Address spaces.</summary>
        public double Spaces { get; set; }

        /// <summary>Threads.</summary>
        public double Threads { get; set; }

        /// <summary>Pages that are mapped before anybody touches them.</summary>
        public double Certain { get; set; }

        /// <summary>Pages that are mapped if somebody touches them.</summary>
        public double Possible { get; set; }

        /// <summary>Pages of files that are mapped, each once however often it is.</summary>
        public double FilePages { get; set; }

        /// <summary>Pages of the largest range that is mapped at once.</summary>
        public double Populated { get; set; }
    }
}
