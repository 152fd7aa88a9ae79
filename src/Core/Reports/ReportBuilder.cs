using VmSim.Core.Checking;
using VmSim.Core.Engine;
using VmSim.Core.Kernel;
using VmSim.Core.Memory;
using VmSim.Core.Statistics;

namespace VmSim.Core.Reports;

/// <summary>How a run ended.</summary>
public static class RunOutcomes
{
    /// <summary>Outcome of a run whose threads have all ended, and their processes with them.</summary>
    public const string Completed = "completed";

    /// <summary>The scenario's end of virtual time was reached.</summary>
    public const string Until = "until";

    /// <summary>The user stopped it.</summary>
    public const string Stopped = "stopped";

    /// <summary>Threads wait for each other and none can go on.</summary>
    public const string Deadlock = "deadlock";

    /// <summary>A thread was refused an access because the simulated memory had run out.</summary>
    public const string OutOfMemory = "out-of-memory";

    /// <summary>The translation checker found a violation.</summary>
    public const string Violation = "violation";
}

/// <summary>Makes the report of a run from its world. Everything is read in the order of numbers.</summary>
public static class ReportBuilder
{
    /// <summary>Most refused accesses that are listed for each address space.</summary>
    internal const int FindingsMax = 100;

    /// <summary>Reports on a world that has stopped at a window's end.</summary>
    /// <param name="world">The world.</param>
    /// <param name="finished">Whether the run came to its end; false if it was stopped.</param>
    public static RunReport Build(World world, bool finished)
    {
        RunPart whole = RunPart.Whole(world);
        RunEnd end = RunEnd.Of(whole);
        return Build(
            world,
            finished,
            end,
            RunStatistics.Collect(whole, end.Time(world.Scenario.Until, finished), stopped: !finished));
    }

    /// <summary>Reports on a run whose parts have stopped, wherever they were simulated.</summary>
    /// <param name="world">The world, for what does not change in a run.</param>
    /// <param name="finished">Whether the run came to its end; false if it was stopped.</param>
    /// <param name="end">How far it came.</param>
    /// <param name="statistics">What all parts have counted.</param>
    public static RunReport Build(World world, bool finished, RunEnd end, RunStatistics statistics)
    {
        ArgumentNullException.ThrowIfNull(world);
        ArgumentNullException.ThrowIfNull(statistics);
        long cycles = Math.Max(0, end.Time(world.Scenario.Until, finished).Value - world.Scenario.Warmup);
        List<string> findings = [.. Violation.InOrder(statistics.Violations.Values).SelectMany(violation => violation.Lines())];
        string outcome = Outcome(world, finished, end, statistics, findings);
        findings.AddRange(statistics.Findings.Values.SelectMany(lines => lines));
        findings.AddRange(statistics.UnusedDelays.Values.SelectMany(lines => lines));
        CounterCatalog catalog = CounterCatalog.Of(world);
        RunIntervals intervals = RunIntervals.Of(statistics.Intervals, statistics.SpaceIntervals);
        KeyValuePair<string, long>[] totals = Totals(catalog, statistics, cycles);
        RunReport report = new()
        {
            Scenario = world.Scenario.Name,
            Seed = world.Scenario.Seed,
            Outcome = outcome,
            Findings = findings,
            Protocol = world.Protocol.Name,
            Facts = MachineFacts.Of(world.Scenario.Machine, world.Scenario.Kernel),
            Ghz = world.Scenario.Machine.Ghz,
            WindowBound = world.Delays.WindowBound,
            Catalog = catalog,
            Totals = totals,
            Sampling = SamplingIntervals.Of(statistics, totals, isCut: !finished || !end.AllThreadsEnded),
            LatencyCycles = [.. LatencyKind.All.Select(kind => new KeyValuePair<string, Distribution>(
                kind.Info.Name, statistics.Histograms[kind.Index].Describe() with { Sum = null }))],
            Shootdowns = ShootdownFigures.Of(statistics, statistics.Shootdowns.Keys),
            ShootdownsLeftOut = statistics.ShootdownsLeftOut,
            Causes = CauseReport.Of(statistics),
            ShootdownRecords = world.Lists.KeepsShootdowns ? ShootdownFigures.List(statistics) : [],
            Intervals = intervals,
            CoreTime = RunCoreTime.Of(world.Cores.Count, statistics.CoreTime, intervals),
            Interrupts = RunInterrupts.Of(world.Scenario.Machine.Cores, statistics.Interrupts.Values),
            OperationRecords = Operations(statistics),
            OperationsLeftOut = statistics.OperationsLeftOut,
            Timeline = world.Lists.Timeline ? RunTimeline.Of(world.Lists, statistics) : null,
            Cores = [.. world.Cores.Select(core => OfCore(catalog, core, statistics.Cores[core.Core.Value], cycles))],
            AddressSpaces = [.. world.Spaces.Select(space => OfSpace(catalog, space, statistics))],
            Threads = [.. statistics.Threads.Values],
            Checker = world.Checker is { AllowedStaleness.Value: > 0 } checker
                ? new CheckerReport(checker.AllowedStaleness, statistics.LongestStaleness)
                : null,
        };
        // Where a run is stopped, it stops at another place each time: its figures are nobody else's.
        return finished ? report with { Fingerprint = ReportFingerprint.Of(report) } : report;
    }

    private static string Outcome(World world, bool finished, RunEnd end, RunStatistics statistics, List<string> findings)
    {
        string outcome = !finished ? RunOutcomes.Stopped
            : end.AllThreadsEnded ? RunOutcomes.Completed
            : end.HasWorkLeft ? RunOutcomes.Until
            : RunOutcomes.Deadlock;
        bool violated = findings.Count > 0;
        if (outcome is RunOutcomes.Completed or RunOutcomes.Until && statistics.Findings.Values.Any(lines => lines.Any(IsOutOfMemory)))
        {
            outcome = RunOutcomes.OutOfMemory;
        }

        if (outcome == RunOutcomes.Deadlock)
        {
            // What is never given back because of it is a violation; what each thread waits for explains it.
            findings.AddRange(Waits(world, statistics));
        }

        return violated ? RunOutcomes.Violation : outcome;
    }

    /// <summary>Whether a finding says that an access found no memory left: a kernel would have ended a process.</summary>
    private static bool IsOutOfMemory(string finding) =>
        finding.Contains($" {FaultKind.OutOfMemory.Refusal()} (", StringComparison.Ordinal);

    /// <summary>What each thread waits for, which cores are held, and which threads nobody has started.</summary>
    private static IEnumerable<string> Waits(World world, RunStatistics statistics)
    {
        IEnumerable<string> threads = world.Threads
            .Where(thread => statistics.Threads[thread.Id.Value].Started < 0 && !world.IsRunnableAtStart(thread))
            .Select(thread => $"{world.Spaces[thread.Space.Value].Name}: thread {thread.Id} ({thread.Name}) was never started");
        return world.Domains.SelectMany(domain => domain.Groups).SelectMany(group => statistics.Waits[group.Index])
            .Concat(statistics.CoreWaits.Values.SelectMany(lines => lines))
            .Concat(threads);
    }

    /// <summary>Faults and calls by the time they came, space and number.</summary>
    private static OperationRecord[] Operations(RunStatistics statistics) =>
    [
        .. statistics.Operations.Values.SelectMany(records => records)
            .OrderBy(record => record.EnteredAt).ThenBy(record => record.Space.Value).ThenBy(record => record.Id),
    ];

    private static KeyValuePair<string, long>[] Totals(CounterCatalog catalog, RunStatistics statistics, long cycles)
    {
        Dictionary<string, long> sums = new(StringComparer.Ordinal) { [CoreCycles.OfRun.Name] = cycles };
        Add(catalog.Core, statistics.Cores, CoreCycles.All.Count);
        Add(catalog.Space, statistics.Spaces, 0);
        Add(catalog.Group, statistics.Pools, 0);
        return [.. catalog.Totals.Select(counter => new KeyValuePair<string, long>(counter.Name, sums[counter.Name]))];

        void Add(IReadOnlyList<CounterInfo> counters, SortedDictionary<int, long[]> values, int first)
        {
            for (int i = 0; i < counters.Count; i++)
            {
                sums.Add(counters[i].Name, values.Values.Sum(item => item[first + i]));
            }
        }
    }

    private static CoreReport OfCore(CounterCatalog catalog, CoreModel core, long[] values, long cycles)
    {
        int classes = CoreCycles.All.Count;
        return new CoreReport
        {
            Id = core.Core,
            Socket = core.Machine.SocketOf(core.Core),
            Cycles = [.. Named(CoreCycles.All, values), new(CoreCycles.Idle.Name, Math.Max(0, cycles - values[..classes].Sum()))],
            Counters = Named(catalog.Core, values.AsSpan(classes)),
        };
    }

    private static AddressSpaceReport OfSpace(CounterCatalog catalog, AddressSpace space, RunStatistics statistics) => new()
    {
        Id = space.Space,
        Name = space.Name,
        Counters = Named(catalog.Space, statistics.Spaces[space.Space.Value]),
        Shootdowns = ShootdownFigures.Of(statistics, [space.Space.Value]),
    };

    private static KeyValuePair<string, long>[] Named(IReadOnlyList<CounterInfo> counters, ReadOnlySpan<long> values)
    {
        KeyValuePair<string, long>[] named = new KeyValuePair<string, long>[counters.Count];
        for (int i = 0; i < named.Length; i++)
        {
            named[i] = new(counters[i].Name, values[i]);
        }

        return named;
    }
}
