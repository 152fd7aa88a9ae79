using VmSim.Core.Addresses;
using VmSim.Core.Checking;
using VmSim.Core.Engine;
using VmSim.Core.Kernel;
using VmSim.Core.Shootdown;
using VmSim.Core.Statistics;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Reports;

/// <summary>How far a run, or a node's part of one, has come when it stops.</summary>
/// <param name="Clock">Time of the core that has come farthest.</param>
/// <param name="AllThreadsEnded">Whether every thread that ever ran has ended, and with the last of a process the process.</param>
/// <param name="HasWorkLeft">Whether a core or a memory set still has something to do.</param>
public readonly record struct RunEnd(Cycles Clock, bool AllThreadsEnded, bool HasWorkLeft)
{
    /// <summary>The end of some cores and groups.</summary>
    public static RunEnd Of(RunPart part)
    {
        ArgumentNullException.ThrowIfNull(part);
        return new RunEnd(
            part.Cores.Count == 0 ? 0 : part.Cores.Max(core => core.Clock),
            part.Threads.All(thread => thread.Started < 0 || (thread.Ended >= 0 && thread.Trap == TrapKind.None))
                && part.Cores.All(core => core.State == CoreState.Idle),
            part.Cores.Any(core => core.NextTime != Cycles.Never) || part.Groups.Any(group => group.NextDue != Cycles.Never));
    }

    /// <summary>The end of both parts.</summary>
    public RunEnd Merge(RunEnd other) =>
        new(Cycles.Max(Clock, other.Clock), AllThreadsEnded && other.AllThreadsEnded, HasWorkLeft || other.HasWorkLeft);

    /// <summary>
    /// Virtual time at which the run ends: of the last operation if all threads ended or the run was stopped early, else not
    /// before <paramref name="until"/>.
    /// </summary>
    /// <param name="until">The scenario's end; 0 for none.</param>
    /// <param name="finished">Whether the run came to its end; false if it was stopped.</param>
    public Cycles Time(Cycles until, bool finished) => finished && !AllThreadsEnded ? Cycles.Max(until, Clock) : Clock;
}

/// <summary>
/// What a run, or a node's part of one, has counted: plain numbers, in the order of their declarations. The parts of a run add up to the
/// statistics that one node would have.
/// </summary>
public sealed class RunStatistics
{
    /// <summary>For each core, the cycles of <see cref="CoreCycles"/> and then its counters, by core number.</summary>
    public SortedDictionary<int, long[]> Cores { get; } = [];

    /// <summary>For each address space its counters, by number.</summary>
    public SortedDictionary<int, long[]> Spaces { get; } = [];

    /// <summary>For each memory pool its counters, by number.</summary>
    public SortedDictionary<int, long[]> Pools { get; } = [];

    /// <summary>The threads that ran or ended here, by their numbers in the run.</summary>
    public SortedDictionary<int, ThreadReport> Threads { get; } = [];

    /// <summary>
    /// What the samples of each thread came to, by its number: the core it ran on last, and <see cref="SampleFigures.Export"/>; empty if
    /// accesses were not sampled.
    /// </summary>
    public SortedDictionary<int, long[]> Samples { get; } = [];

    /// <summary>Latency distributions, in the order of <see cref="LatencyKind.All"/>.</summary>
    public IReadOnlyList<LatencyHistogram> Histograms { get; } = [.. LatencyKind.All.Select(_ => new LatencyHistogram())];

    /// <summary>Failed calls and refused accesses of each space, as lines, by number.</summary>
    public SortedDictionary<int, string[]> Findings { get; } = [];

    /// <summary>The rules that the checker saw broken, by domain.</summary>
    public SortedDictionary<int, Violation[]> Violations { get; } = [];

    /// <summary>How long after its call had returned a dead translation was last used, at most, where the checker watched.</summary>
    public Cycles LongestStaleness { get; set; }

    /// <summary>Delays of the run's schedule by which no message came late, as lines, by sender: cores first, then spaces.</summary>
    public SortedDictionary<int, string[]> UnusedDelays { get; } = [];

    /// <summary>What each thread of a group waits for, as lines, by the group's number.</summary>
    public SortedDictionary<int, string[]> Waits { get; } = [];

    /// <summary>What holds each core that is held, as lines, by number.</summary>
    public SortedDictionary<int, string[]> CoreWaits { get; } = [];

    /// <summary>Each address space's shootdowns, by its number; refill misses are not in them.</summary>
    public SortedDictionary<int, ShootdownTally> Shootdowns { get; } = [];

    /// <summary>Shootdowns of which no record was kept.</summary>
    public long ShootdownsLeftOut { get; set; }

    /// <summary>Refill misses, by address space and shootdown; those without any are left out.</summary>
    public SortedDictionary<int, Dictionary<int, int>> RefillMisses { get; } = [];

    /// <summary>Whose calls and faults have cost each address space what, by its number; without refill misses.</summary>
    public SortedDictionary<int, SpaceCauses> Causes { get; } = [];

    /// <summary>What all cores counted in each interval of virtual time, by <see cref="CoreIntervals.All"/>.</summary>
    public IntervalSeries Intervals { get; } = new(CoreIntervals.All.Count);

    /// <summary>By how much figures of all address spaces grew in each interval, by <see cref="SpaceIntervals.All"/>.</summary>
    public IntervalSeries SpaceIntervals { get; } = new(Kernel.SpaceIntervals.All.Count);

    /// <summary>Where the cycles of each block of cores went (<see cref="RunCoreTime"/>), by number of the block.</summary>
    public SortedDictionary<int, IntervalSeries> CoreTime { get; } = [];

    /// <summary>For each address space who interrupted whom (<see cref="InterruptMatrix"/>); empty if nobody did.</summary>
    public SortedDictionary<int, long[]> Interrupts { get; } = [];

    /// <summary>Each address space's faults and calls one by one, by its number; empty where nobody wanted them.</summary>
    public SortedDictionary<int, OperationRecord[]> Operations { get; } = [];

    /// <summary>Faults and calls of which no record was kept, though they were wanted.</summary>
    public long OperationsLeftOut { get; set; }

    /// <summary>What each core did when, by its number; empty where nobody wanted to know.</summary>
    public SortedDictionary<int, CoreSlice[]> Slices { get; } = [];

    /// <summary>What cores did and is not in <see cref="Slices"/>, because there was too much of it.</summary>
    public long SlicesLeftOut { get; set; }

    /// <summary>Reads the counters of a part that has stopped.</summary>
    /// <param name="part">The part.</param>
    /// <param name="end">Virtual time at which the run ends; waiting is counted up to there.</param>
    /// <param name="stopped">
    /// Whether the run was stopped before its end, so that waiting is counted no farther than its own domain has come.
    /// </param>
    public static RunStatistics Collect(RunPart part, Cycles end, bool stopped = false)
    {
        ArgumentNullException.ThrowIfNull(part);
        RunStatistics statistics = new();
        statistics.AddVerdict(part);
        foreach (CoreModel core in part.Cores)
        {
            string[] waits = [.. core.DescribeWaits()];
            if (waits.Length > 0)
            {
                statistics.CoreWaits.Add(core.Core.Value, waits);
            }

            statistics.AddUnusedDelays(core.Outbox, part.World);
            core.FinishAt(stopped && core.Domain is { } domain ? Math.Min(end.Value, domain.Reached) : end.Value);
            statistics.Cores.Add(core.Core.Value, [.. core.Cycles.Values, .. core.CounterSets.SelectMany(set => set.Values)]);
            statistics.Add(core.Latencies);
            statistics.Intervals.Add(core.Intervals);
            int perBlock = InterruptMatrix.CoresPerBlock(part.World.Cores.Count);
            statistics.AddCoreTime(core.Core.Value / perBlock, RunCoreTime.OfCore(core.Intervals));
            statistics.Slices.Add(core.Core.Value, core.Slices);
            statistics.SlicesLeftOut += core.SlicesLeftOut;
        }

        foreach (SpaceGroup group in part.Groups)
        {
            group.FinishAt(stopped ? Math.Min(end.Value, part.World.Domains[group.DomainIndex].Reached) : end.Value);
            foreach (MemoryPool pool in group.Pools)
            {
                statistics.Pools.Add(pool.Index, [.. pool.CounterSets.SelectMany(set => set.Values)]);
            }

            statistics.Waits.Add(group.Index, [.. group.Members.SelectMany(member => member.DescribeWaits())]);
            foreach (AddressSpace space in group.Members)
            {
                int number = space.Space.Value;
                statistics.Spaces.Add(number, [.. space.CounterSets.SelectMany(set => set.Values)]);
                statistics.Findings.Add(number, [.. space.DescribeFindings().Take(ReportBuilder.FindingsMax)]);
                statistics.AddUnusedDelays(space.Outbox, part.World);
                statistics.Add(space.Latencies);
                statistics.Shootdowns.Add(number, space.ShootdownLog.Tally);
                statistics.Causes.Add(number, new SpaceCauses(space.Causes, space.CausesOfShootdowns));
                statistics.ShootdownsLeftOut += space.ShootdownLog.LeftOut;
                statistics.Interrupts.Add(number, [.. space.Interrupts]);
                space.FinishIntervals();
                statistics.SpaceIntervals.Add(space.Intervals);
                statistics.Operations.Add(number, space.OperationRecords);
                statistics.OperationsLeftOut += space.OperationsLeftOut;
            }
        }

        for (int space = 0; space < part.World.SpaceCount; space++)
        {
            statistics.AddRefillMisses(space, part.World.RefillMisses.Of(space));
        }

        foreach (SimThread thread in part.Threads)
        {
            statistics.Threads.Add(thread.Id.Value, OfThread(thread));
            if (thread.Sampling is { } sampling)
            {
                statistics.Samples.Add(thread.Id.Value, [thread.Core.Value, .. sampling.Finish().Export()]);
            }
        }

        return statistics;
    }

    /// <summary>Adds another part of the same run.</summary>
    public void Add(RunStatistics other)
    {
        ArgumentNullException.ThrowIfNull(other);
        AddAll(Cores, other.Cores);
        AddAll(Spaces, other.Spaces);
        AddAll(Pools, other.Pools);
        AddAll(Threads, other.Threads);
        AddAll(Samples, other.Samples);
        AddAll(Findings, other.Findings);
        AddAll(Violations, other.Violations);
        LongestStaleness = Cycles.Max(LongestStaleness, other.LongestStaleness);
        AddAll(UnusedDelays, other.UnusedDelays);
        AddAll(Waits, other.Waits);
        AddAll(CoreWaits, other.CoreWaits);
        AddAll(Shootdowns, other.Shootdowns);
        AddAll(Causes, other.Causes);
        Intervals.Add(other.Intervals);
        SpaceIntervals.Add(other.SpaceIntervals);
        foreach ((int block, IntervalSeries series) in other.CoreTime)
        {
            AddCoreTime(block, series);
        }

        AddAll(Interrupts, other.Interrupts);
        AddAll(Operations, other.Operations);
        AddAll(Slices, other.Slices);
        ShootdownsLeftOut += other.ShootdownsLeftOut;
        OperationsLeftOut += other.OperationsLeftOut;
        SlicesLeftOut += other.SlicesLeftOut;
        foreach ((int space, Dictionary<int, int> misses) in other.RefillMisses)
        {
            AddRefillMisses(space, misses);
        }

        for (int i = 0; i < Histograms.Count; i++)
        {
            Histograms[i].Add(other.Histograms[i]);
        }
    }

    private void AddCoreTime(int block, IntervalSeries series)
    {
        if (!CoreTime.TryAdd(block, series))
        {
            CoreTime[block].Add(series);
        }
    }

    private void AddVerdict(RunPart part)
    {
        if (part.World.Checker is not { } checker)
        {
            return;
        }

        checker.Finish(part.Groups);
        LongestStaleness = checker.LongestStaleness;
        foreach (IGrouping<int, Violation> domain in checker.Violations.GroupBy(
            violation => part.World.Spaces[violation.Space.Value].Group.DomainIndex))
        {
            Violations.Add(domain.Key, [.. domain]);
        }
    }

    private void AddUnusedDelays(Outbox outbox, World world)
    {
        int cores = world.Cores.Count;
        string[] lines =
        [
            .. outbox.UnusedDelays.Select(delay => $"schedule: \"{MessageSchedule.ToText(delay, cores)}\" made no message late: "
                + (delay.Sequence < outbox.Sent ? "the model has this one come when it must" : $"its sender sent {outbox.Sent}")),
        ];
        if (lines.Length > 0)
        {
            UnusedDelays.Add(outbox.Sender, lines);
        }
    }

    private void AddRefillMisses(int space, Dictionary<int, int> misses)
    {
        if (!RefillMisses.TryAdd(space, misses))
        {
            Dictionary<int, int> sum = RefillMisses[space];
            foreach ((int shootdown, int count) in misses)
            {
                sum[shootdown] = sum.GetValueOrDefault(shootdown) + count;
            }
        }
    }

    private static void AddAll<T>(SortedDictionary<int, T> to, SortedDictionary<int, T> from)
    {
        foreach ((int number, T item) in from)
        {
            to.Add(number, item);
        }
    }

    private void Add(Latencies latencies)
    {
        foreach (LatencyKind kind in LatencyKind.All)
        {
            if (latencies[kind] is { } histogram)
            {
                Histograms[kind.Index].Add(histogram);
            }
        }
    }

    private static ThreadReport OfThread(SimThread thread) => new()
    {
        Id = thread.Id,
        Name = thread.Name,
        AddressSpace = thread.Space,
        Core = thread.Core,
        Started = thread.Started,
        Ended = thread.Ended,
        Accesses = thread.Accesses,
        Faults = thread.Faults,
    };
}
