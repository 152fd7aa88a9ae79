using VmSim.Core.Addresses;
using VmSim.Core.Engine;
using VmSim.Core.Kernel;
using VmSim.Core.Shootdown;
using VmSim.Core.Statistics;

namespace VmSim.Core.Reports;

/// <summary>
/// What a run found, in the shape of <c>report.json</c>. Everything but <see cref="Host"/> depends on the scenario and seed alone;
/// <see cref="Checker"/> also on whether the checker ran.
/// </summary>
public sealed record RunReport
{
    /// <summary>Version of the shape; grows when a reader must change.</summary>
    public int SchemaVersion { get; init; } = 1;

    /// <summary>Name of the scenario that was run.</summary>
    public required string Scenario { get; init; }

    /// <summary>The seed that everything drawn at random came from.</summary>
    public required ulong Seed { get; init; }

    /// <summary>
    /// Hex digest over everything but <see cref="Checker"/> and <see cref="Host"/>; empty for a run that was stopped before its end.
    /// </summary>
    public string Fingerprint { get; init; } = "";

    /// <summary>Why the run ended: completed, until, stopped, deadlock, out-of-memory, violation.</summary>
    public required string Outcome { get; init; }

    /// <summary>One line a finding, such as what each thread waits for in a deadlock, or faults on addresses never mapped.</summary>
    public IReadOnlyList<string> Findings { get; init; } = [];

    /// <summary>Name of the shootdown protocol, as in settings.</summary>
    public required string Protocol { get; init; }

    /// <summary>Machine, kernel and their costs; outside the fingerprint, which has what they lead to.</summary>
    public MachineFacts Facts { get; init; } = MachineFacts.None;

    /// <summary>Clock of the machine in GHz, by which cycles become time.</summary>
    public required double Ghz { get; init; }

    /// <summary>The longest window the declared delays allow.</summary>
    public required Cycles WindowBound { get; init; }

    /// <summary>What the counters are; not in <c>report.json</c>, and a report that is read from one has the built-in ones.</summary>
    public CounterCatalog Catalog { get; init; } = CounterCatalog.BuiltIn;

    /// <summary>Sums over the run, by counter name, in the order of declaration.</summary>
    public required IReadOnlyList<KeyValuePair<string, long>> Totals { get; init; }

    /// <summary>How far figures can be off because accesses were sampled; outside the fingerprint; null if they were not.</summary>
    public SamplingReport? Sampling { get; init; }

    /// <summary>Distributions of latencies in cycles, by name, without sums.</summary>
    public required IReadOnlyList<KeyValuePair<string, Distribution>> LatencyCycles { get; init; }

    /// <summary>What shootdowns were and cost, by name of the figure, in the order of declaration.</summary>
    public IReadOnlyList<KeyValuePair<string, Distribution>> Shootdowns { get; init; } = [];

    /// <summary>
    /// Shootdowns, one by one, in the order of time, space and number, where they were asked for; not in <c>report.json</c>.
    /// </summary>
    public IReadOnlyList<ShootdownRecord> ShootdownRecords { get; init; } = [];

    /// <summary>Shootdowns that were not recorded because their space had too many; they are in no distribution.</summary>
    public long ShootdownsLeftOut { get; init; }

    /// <summary>
    /// What the run counted in each interval of virtual time; outside the fingerprint, since it adds up to totals that are in it.
    /// Null for a report of a version that had none.
    /// </summary>
    public RunIntervals? Intervals { get; init; }

    /// <summary>Where each core's cycles went in each interval; outside the fingerprint; null in reports of versions without it.</summary>
    public RunCoreTime? CoreTime { get; init; }

    /// <summary>Which cores interrupted which for shootdowns; outside the fingerprint; null if none did.</summary>
    public RunInterrupts? Interrupts { get; init; }

    /// <summary>
    /// Faults and calls, one by one, in the order of time, space and number, where they were asked for; not in <c>report.json</c>.
    /// </summary>
    public IReadOnlyList<OperationRecord> OperationRecords { get; init; } = [];

    /// <summary>Faults and calls that were asked for and not recorded because their space had too many.</summary>
    public long OperationsLeftOut { get; init; }

    /// <summary>What the cores did when; null if nobody asked, and not in <c>report.json</c>.</summary>
    public RunTimeline? Timeline { get; init; }

    /// <summary>
    /// Whose calls and faults cost what, by space, the dearest first; outside the fingerprint, since what is in it adds up to totals that
    /// are in it.
    /// </summary>
    public IReadOnlyList<CauseReport> Causes { get; init; } = [];

    /// <summary>One entry a core.</summary>
    public required IReadOnlyList<CoreReport> Cores { get; init; }

    /// <summary>One entry an address space.</summary>
    public required IReadOnlyList<AddressSpaceReport> AddressSpaces { get; init; }

    /// <summary>One entry a thread.</summary>
    public required IReadOnlyList<ThreadReport> Threads { get; init; }

    /// <summary>
    /// What the translation checker measured of a protocol by whose design dead translations may be used late. It is null if the checker
    /// did not run or nothing may be late. Outside the fingerprint, which is the same with and without the checker.
    /// </summary>
    public CheckerReport? Checker { get; init; }

    /// <summary>Which program and which files it is of; outside the fingerprint; null where nobody has said.</summary>
    public RunProvenance? Provenance { get; init; }

    /// <summary>What the run cost the host; outside the fingerprint.</summary>
    public HostReport? Host { get; init; }

    /// <summary>The total with this name; 0 if there is none.</summary>
    public long Total(string name) => NamedValues.Find(Totals, name);
}

/// <summary>Looks values up by their names.</summary>
internal static class NamedValues
{
    /// <summary>The value with this name; 0 if there is none.</summary>
    public static long Find(IReadOnlyList<KeyValuePair<string, long>> values, string name)
    {
        foreach (KeyValuePair<string, long> value in values)
        {
            if (value.Key == name)
            {
                return value.Value;
            }
        }

        return 0;
    }
}

/// <summary>One core of the report.</summary>
public sealed record CoreReport
{
    /// <summary>The core.</summary>
    public required CoreId Id { get; init; }

    /// <summary>The socket that the core is on, from 0.</summary>
    public required int Socket { get; init; }

    /// <summary>
    /// Where its cycles went, by class, in the order of declaration, those without work last; they add up to the run's length.
    /// </summary>
    public required IReadOnlyList<KeyValuePair<string, long>> Cycles { get; init; }

    /// <summary>Its counters, in the order of declaration.</summary>
    public required IReadOnlyList<KeyValuePair<string, long>> Counters { get; init; }

    /// <summary>Its cycles of a class; 0 if the report has none of this name.</summary>
    public long CyclesOf(CoreCycles.Counter cycles) => CyclesOf(cycles.Info);

    /// <inheritdoc cref="CyclesOf(CoreCycles.Counter)"/>
    public long CyclesOf(CounterInfo cycles)
    {
        ArgumentNullException.ThrowIfNull(cycles);
        return NamedValues.Find(Cycles, cycles.Name);
    }
}

/// <summary>One address space of the report.</summary>
public sealed record AddressSpaceReport
{
    /// <summary>The space.</summary>
    public required SpaceId Id { get; init; }

    /// <summary>The process's name.</summary>
    public required string Name { get; init; }

    /// <summary>Its counters, in the order of declaration.</summary>
    public required IReadOnlyList<KeyValuePair<string, long>> Counters { get; init; }

    /// <summary>What its shootdowns were and cost, by name of the figure, in the order of declaration; empty if it had none.</summary>
    public IReadOnlyList<KeyValuePair<string, Distribution>> Shootdowns { get; init; } = [];
}

/// <summary>One thread of the report.</summary>
public sealed record ThreadReport
{
    /// <summary>The thread.</summary>
    public required ThreadId Id { get; init; }

    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>The address space that the thread runs in.</summary>
    public required SpaceId AddressSpace { get; init; }

    /// <summary>The core it ran on last.</summary>
    public required CoreId Core { get; init; }

    /// <summary>When it began.</summary>
    public required Cycles Started { get; init; }

    /// <summary>When it ended; -1 if it had not.</summary>
    public required Cycles Ended { get; init; }

    /// <summary>Accesses that the thread made, over the whole run.</summary>
    public required long Accesses { get; init; }

    /// <summary>Page faults that the thread took, over the whole run.</summary>
    public required long Faults { get; init; }
}

/// <summary>How late dead translations were used, over the whole run, <c>warmup</c> included.</summary>
/// <param name="AllowedStaleness">
/// How long after an operation returned the protocol's design lets its dead translations be used; above 0.
/// </param>
/// <param name="LongestStaleness">
/// The longest time after an operation had returned at which a translation that it killed was used; 0 if none was.
/// </param>
public sealed record CheckerReport(Cycles AllowedStaleness, Cycles LongestStaleness);

/// <summary>What the run cost the machine it ran on.</summary>
public sealed record HostReport
{
    /// <summary>The command line that led to it; empty where there was none.</summary>
    public string Command { get; init; } = "";

    /// <summary>When the run began, in UTC: <c>2026-01-31T12:00:00Z</c>; empty where nobody has said.</summary>
    public string Started { get; init; } = "";

    /// <summary>Wall time of the simulation loop.</summary>
    public double WallSeconds { get; init; }

    /// <summary>CPU time of the process during the loop.</summary>
    public double CpuSeconds { get; init; }

    /// <summary>Host threads that simulated.</summary>
    public int Threads { get; init; }

    /// <summary>Simulated accesses over wall time.</summary>
    public double AccessesPerSecond { get; init; }

    /// <summary>Peak resident memory of the process.</summary>
    public long PeakMemoryBytes { get; init; }

    /// <summary>The window used.</summary>
    public Cycles WindowCycles { get; init; }

    /// <summary>Windows that were opened, of all domains together.</summary>
    public long Windows { get; init; }

    /// <summary>The nodes of a cluster run; empty for a run in one process.</summary>
    public IReadOnlyList<NodeReport> Nodes { get; init; } = [];
}

/// <summary>One node of a cluster run.</summary>
/// <param name="Address">Its address.</param>
/// <param name="Cores">Simulated cores it held.</param>
/// <param name="Spaces">Address spaces it held.</param>
/// <param name="Envelopes">Envelopes it sent.</param>
/// <param name="Bytes">Bytes it sent in them.</param>
public sealed record NodeReport(string Address, int Cores, int Spaces, long Envelopes, long Bytes);
