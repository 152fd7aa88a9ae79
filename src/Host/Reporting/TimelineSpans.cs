using VmSim.Core.Addresses;
using VmSim.Core.Engine;
using VmSim.Core.Kernel;
using VmSim.Core.Reports;
using VmSim.Core.Shootdown;

namespace VmSim.Host.Reporting;

/// <summary>
/// What a timeline shows, put together from a report's lists: the faults and calls of each thread with their shootdowns, and the handlers
/// that each shootdown led to.
/// </summary>
internal sealed class TimelineSpans
{
    private readonly ILookup<(int Space, long Operation), ShootdownRecord> _shootdowns;
    private readonly Dictionary<(int Space, int Cause), CauseReport> _causes;

    /// <summary>The operations of each thread, by the time they came.</summary>
    private readonly Dictionary<int, OperationRecord[]> _ofThread;
    private readonly CauseNamesOf _names;

    /// <summary>Puts a report's lists together.</summary>
    /// <exception cref="ArgumentException">The report has no timeline.</exception>
    public TimelineSpans(RunReport report)
    {
        Timeline = report.Timeline ?? throw new ArgumentException("the report has no timeline", nameof(report));
        _names = new CauseNamesOf(report);
        Operations = [.. report.OperationRecords.Where(IsShown)];
        _ofThread = Operations.GroupBy(operation => operation.Thread.Value).ToDictionary(group => group.Key, group => group.ToArray());
        _shootdowns = report.ShootdownRecords.ToLookup(record => (record.Space.Value, record.Operation));
        _causes = report.Causes.ToDictionary(cause => (cause.AddressSpace.Value, cause.Number));
        End = Timeline.Cores.SelectMany(slices => slices).Select(slice => slice.End.Value)
            .Concat(Operations.Select(operation => operation.ReturnedAt.Value))
            .DefaultIfEmpty().Max();
        Handlers = Timeline.Cores.SelectMany((slices, core) => slices.Select((slice, at) => (Core: core, At: at, Slice: slice)))
            .Where(found => found.Slice.Kind == CoreSliceKind.Invalidation)
            .ToLookup(found => (found.Slice.Space.Value, found.Slice.Shootdown), found => (found.Core, found.At));
    }

    /// <summary>What the cores did.</summary>
    public RunTimeline Timeline { get; }

    /// <summary>Faults and calls of which a part lies in the timeline, by the time they came.</summary>
    public IReadOnlyList<OperationRecord> Operations { get; }

    /// <summary>The end of the last thing that is shown, in cycles.</summary>
    public long End { get; }

    /// <summary>The handlers of a shootdown, by core and place among the core's slices.</summary>
    public ILookup<(int Space, long Shootdown), (int Core, int At)> Handlers { get; }

    /// <summary>The shootdowns that an operation led to, by the time they began.</summary>
    public IEnumerable<ShootdownRecord> ShootdownsOf(in OperationRecord operation) =>
        _shootdowns[(operation.Space.Value, operation.Id)].OrderBy(record => record.BegunAt);

    /// <summary>Whose an operation is; null if it had not started.</summary>
    public CauseReport? CauseOf(in OperationRecord operation) => _causes.GetValueOrDefault((operation.Space.Value, operation.Cause));

    /// <summary>What to call an operation.</summary>
    public string NameOf(in OperationRecord operation) => CauseOf(operation)?.Row.Call ?? (operation.IsFault ? "fault" : "call");

    /// <summary>What to call a slice of a core: its thread, the call or fault that its thread is in, or what the core does.</summary>
    public string NameOf(in CoreSlice slice) => slice.Kind switch
    {
        CoreSliceKind.Thread => _names.Thread(slice.Thread),
        CoreSliceKind.Fault or CoreSliceKind.Call => OperationOf(slice) is { } operation ? NameOf(operation) : TimelineNames.Of(slice.Kind),
        _ => TimelineNames.Of(slice.Kind),
    };

    /// <summary>The operation whose trap reached the kernel in a slice of its thread's core; a thread is in one trap at a time.</summary>
    private OperationRecord? OperationOf(in CoreSlice slice)
    {
        OperationRecord[] known = _ofThread.GetValueOrDefault(slice.Thread.Value, []);
        (int low, int high) = (0, known.Length);
        while (low < high)
        {
            int middle = (low + high) / 2;
            (low, high) = known[middle].EnteredAt < slice.Begin ? (middle + 1, high) : (low, middle);
        }

        return low < known.Length && known[low].EnteredAt <= slice.End ? known[low] : null;
    }

    /// <summary>When an operation ends, or what is shown of it.</summary>
    public Cycles EndOf(in OperationRecord operation) =>
        operation.ReturnedAt < 0 ? Cycles.Max(End, operation.EnteredAt) : operation.ReturnedAt;

    private bool IsShown(OperationRecord operation) =>
        operation.EnteredAt < Timeline.End && (operation.ReturnedAt < 0 || operation.ReturnedAt >= Timeline.From)
            && Timeline.Shows(operation.Core);
}
