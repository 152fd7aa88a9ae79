using VmSim.Core.Addresses;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Kernel;

/// <summary>
/// Records of the faults and calls of one address space since counting began, in the order in which they were answered. The first are kept
/// up to a bound, and the others counted.
/// </summary>
/// <param name="space">The space.</param>
/// <param name="lists">Which are wanted.</param>
internal sealed class OperationLog(SpaceId space, RunLists lists)
{
    /// <summary>Records of a space at most: they take 104 MiB.</summary>
    public const int RecordsMax = 1 << 20;

    private readonly SpaceId _space = space;
    private readonly RunLists _lists = lists;
    private readonly List<OperationRecord> _records = [];

    /// <summary>Operations of which no record was kept.</summary>
    public long LeftOut { get; private set; }

    /// <summary>An operation is answered.</summary>
    public void Add(KernelOperation operation)
    {
        if (!IsWanted(operation))
        {
            return;
        }

        if (_records.Count == RecordsMax)
        {
            LeftOut++;
            return;
        }

        _records.Add(Of(operation));
    }

    /// <summary>The records, and those of operations that have not been answered.</summary>
    /// <param name="operations">The space's operations that are not over, by number.</param>
    public OperationRecord[] Records(IEnumerable<KernelOperation> operations) =>
        [.. _records, .. operations.Where(operation => operation.ReturnedAt < 0 && IsWanted(operation)).Select(Of)];

    /// <summary>Forgets all that there were.</summary>
    public void Reset()
    {
        _records.Clear();
        LeftOut = 0;
    }

    private bool IsWanted(KernelOperation operation) =>
        (operation.Kind == OperationKind.Fault ? _lists.Faults : _lists.Calls)
            || (_lists.Shows(operation.EnteredAt, operation.ReturnedAt < 0 ? Cycles.Never : operation.ReturnedAt)
                && _lists.Shows(operation.Core));

    private OperationRecord Of(KernelOperation operation) => new()
    {
        Space = _space,
        Id = operation.Id,
        IsFault = operation.Kind == OperationKind.Fault,
        Thread = operation.Thread,
        Core = operation.Core,
        Address = operation.Call?.Start ?? operation.Address,
        Bytes = operation.Call?.Length ?? 0,
        EnteredAt = operation.EnteredAt,
        StartedAt = operation.HasStarted ? operation.StartedAt : -1,
        ReturnedAt = operation.ReturnedAt,
        ShootdownWait = operation.ShootdownWait,
        Failed = operation.Result is TrapResult.Failed or TrapResult.Segmentation,
        Cause = operation.HasStarted ? operation.Cause : -1,
    };
}
