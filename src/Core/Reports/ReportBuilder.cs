using VmSim.Core.Engine;
using VmSim.Core.Kernel;

namespace VmSim.Core.Reports;

/// <summary>How a run ended.</summary>
public static class RunOutcomes
{
    /// <summary>All threads ended.</summary>
    public const string Completed = "completed";

    /// <summary>The scenario's end of virtual time was reached.</summary>
    public const string Until = "until";

    /// <summary>The user stopped it.</summary>
    public const string Stopped = "stopped";

    /// <summary>Threads wait for each other and none can go on.</summary>
    public const string Deadlock = "deadlock";

    /// <summary>The translation checker found a violation.</summary>
    public const string Violation = "violation";
}

/// <summary>Makes the report of a run from its world. Everything is read in the order of numbers.</summary>
public static class ReportBuilder
{
    private const int FindingsMax = 100;

    /// <summary>Reports on a world that has stopped at a window's end.</summary>
    /// <param name="world">The world.</param>
    /// <param name="finished">Whether the run came to its end, as against having been stopped.</param>
    public static RunReport Build(World world, bool finished)
    {
        ArgumentNullException.ThrowIfNull(world);
        world.Checker?.Finish();
        long end = EndOf(world);
        foreach (CoreModel core in world.Cores)
        {
            core.FinishAt(end);
        }

        long cycles = Math.Max(0, end - world.Scenario.Warmup);
        List<string> findings = [.. world.Checker?.Violations.SelectMany(violation => violation.Lines()) ?? []];
        string outcome = Outcome(world, finished, findings);
        foreach (AddressSpace space in world.Spaces)
        {
            findings.AddRange(space.DescribeBadAccesses().Take(FindingsMax));
        }

        RunReport report = new()
        {
            Scenario = world.Scenario.Name,
            Seed = world.Scenario.Seed,
            Outcome = outcome,
            Findings = findings,
            Protocol = world.Protocol.Name,
            Ghz = world.Scenario.Machine.Ghz,
            WindowBound = world.Delays.WindowBound,
            Totals = Totals(world, cycles),
            LatencyCycles = Latencies(world),
            Shootdowns = ShootdownFigures.Of(world, world.Spaces),
            ShootdownsLeftOut = world.Spaces.Sum(space => space.Counters.ShootdownLog.LeftOut),
            Cores = [.. world.Cores.Select(core => OfCore(core, cycles))],
            AddressSpaces = [.. world.Spaces.Select(space => OfSpace(world, space))],
            Threads = [.. world.Threads.Select(OfThread)],
        };
        return report with { Fingerprint = ReportFingerprint.Of(report) };
    }

    private static string Outcome(World world, bool finished, List<string> findings)
    {
        if (findings.Count > 0)
        {
            return RunOutcomes.Violation;
        }

        if (!finished)
        {
            return RunOutcomes.Stopped;
        }

        if (world.Domains.All(domain => domain.AllThreadsEnded()))
        {
            return RunOutcomes.Completed;
        }

        if (world.Scenario.Until > 0 && world.Domains.Any(HasWorkLeft))
        {
            return RunOutcomes.Until;
        }

        foreach (Domain domain in world.Domains)
        {
            findings.AddRange(domain.DescribeWaits());
        }

        return RunOutcomes.Deadlock;
    }

    /// <summary>Whether a core or a memory set still has something to do: then the end of the run came before the end of the work.</summary>
    private static bool HasWorkLeft(Domain domain) =>
        domain.Cores.Any(core => core.NextTime != long.MaxValue) || domain.Groups.Any(group => group.NextDue != long.MaxValue);

    private static long EndOf(World world)
    {
        long end = world.Scenario.Until;
        foreach (CoreModel core in world.Cores)
        {
            end = Math.Max(end, core.Clock);
        }

        return world.Scenario.Until > 0 && world.Domains.All(domain => domain.AllThreadsEnded())
            ? world.Cores.Max(core => core.Clock)
            : end;
    }

    private static List<KeyValuePair<string, long>> Totals(World world, long cycles)
    {
        List<KeyValuePair<string, long>> totals = [new(CounterCatalog.Cycles, cycles)];
        foreach (CoreCounterInfo counter in CounterCatalog.Core)
        {
            totals.Add(new(counter.Name, world.Cores.Sum(counter.Read)));
        }

        foreach (SpaceCounterInfo counter in CounterCatalog.Space)
        {
            totals.Add(new(counter.Name, world.Spaces.Sum(counter.Read)));
        }

        foreach (GroupCounterInfo counter in CounterCatalog.Group)
        {
            totals.Add(new(counter.Name, world.Groups.Sum(counter.Read)));
        }

        return totals;
    }

    private static List<KeyValuePair<string, LatencySummary>> Latencies(World world)
    {
        List<KeyValuePair<string, LatencySummary>> latencies = [];
        Add("minorFault", LatencyKind.MinorFault);
        Add("majorFault", LatencyKind.MajorFault);
        LatencyHistogram shootdowns = new();
        foreach (AddressSpace space in world.Spaces)
        {
            shootdowns.Add(space.Counters.ShootdownLatency);
        }

        latencies.Add(new("shootdown", shootdowns.Summarize()));
        Add("map", LatencyKind.Map);
        Add("unmap", LatencyKind.Unmap);
        Add("protect", LatencyKind.Protect);
        Add("otherCall", LatencyKind.OtherCall);
        return latencies;

        void Add(string name, LatencyKind kind)
        {
            LatencyHistogram sum = new();
            foreach (CoreModel core in world.Cores)
            {
                if (core.Counters.Latency(kind) is { } histogram)
                {
                    sum.Add(histogram);
                }
            }

            latencies.Add(new(name, sum.Summarize()));
        }
    }

    private static CoreReport OfCore(CoreModel core, long cycles)
    {
        CoreCounters c = core.Counters;
        return new CoreReport
        {
            Id = core.Core.Value,
            Socket = core.Machine.SocketOf(core.Core),
            Cycles = new CycleBreakdown(
                c.UserCycles,
                c.WalkCycles,
                c.FaultCycles,
                c.SyscallCycles,
                c.ShootdownWaitCycles,
                c.InterruptCycles,
                c.SwitchCycles,
                Math.Max(0, cycles - c.BusyCycles)),
            Counters = [.. CounterCatalog.Core.Select(counter => new KeyValuePair<string, long>(counter.Name, counter.Read(core)))],
        };
    }

    private static AddressSpaceReport OfSpace(World world, AddressSpace space) => new()
    {
        Id = space.Space.Value,
        Name = space.Name,
        Counters = [.. CounterCatalog.Space.Select(counter => new KeyValuePair<string, long>(counter.Name, counter.Read(space)))],
        Shootdowns = ShootdownFigures.Of(world, [space]),
    };

    private static ThreadReport OfThread(SimThread thread) => new()
    {
        Id = thread.Id.Value,
        Name = thread.Name,
        AddressSpace = thread.Space.Value,
        Core = thread.Core.Value,
        Started = thread.Started,
        Ended = thread.Ended,
        Accesses = thread.Accesses,
        Faults = thread.Faults,
    };
}
