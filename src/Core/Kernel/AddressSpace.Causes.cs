using VmSim.Core.Addresses;
using VmSim.Core.Kernel.Causes;
using VmSim.Core.Memory;
using VmSim.Core.Programs;

namespace VmSim.Core.Kernel;

/// <content>Whose calls and faults cost what.</content>
public sealed partial class AddressSpace
{
    private readonly CauseLedger _causes = new();

    /// <summary>Faults and calls one by one; null if nobody wants them.</summary>
    private readonly OperationLog? _listed;

    /// <summary>The area of the last fault, and what lies there; null when areas have changed since.</summary>
    private VirtAddr? _faultArea;
    private string _faultContent = "";

    /// <summary>Whose calls and faults have cost what since counting began, in an order that is the same in every run.</summary>
    internal CauseRow[] Causes => _causes.Rows();

    /// <summary>The number in <see cref="Causes"/> of each shootdown's cause, by the shootdown's number from 1.</summary>
    internal int[] CausesOfShootdowns => _causes.RowsOfShootdowns();

    /// <summary>Faults and calls one by one, those that are not over last; empty if nobody wants them.</summary>
    internal OperationRecord[] OperationRecords => _listed?.Records(_operations.Values.OrderBy(operation => operation.Id)) ?? [];

    /// <summary>Faults and calls of which no record was kept, though they were wanted.</summary>
    internal long OperationsLeftOut => _listed?.LeftOut ?? 0;

    private int CauseOf(KernelOperation operation, in FaultResult fault)
    {
        if (fault.AreaStart is not { } start)
        {
            return _causes.RowOf(operation.Thread, CauseNames.Of(fault.Kind), area: null, "", site: null);
        }

        if (_faultArea != start)
        {
            _faultArea = start;
            _faultContent = _memory!.PlaceOf(start).Content;
        }

        return _causes.RowOf(operation.Thread, CauseNames.Of(fault.Kind), start, _faultContent, site: null);
    }

    /// <summary>A mapping's place is where it comes to lie; of other calls it is the area in which their range begins.</summary>
    private int CauseOf(KernelOperation operation, SystemCall call)
    {
        (VirtAddr? area, string content) = call.Kind switch
        {
            SystemCallKind.Map => (call.Start, call.Source == MappingSource.File ? Image.Files[call.FileId].Path : call.Name ?? "[anon]"),
            SystemCallKind.SetBreak => _memory!.PlaceOf(_memory.Break - 1) is { Content: "[heap]" } heap ? heap : (null, "[heap]"),
            _ => _memory!.PlaceOf(call.Start),
        };
        return _causes.RowOf(operation.Thread, CauseNames.Of(call), area, content, call.Site);
    }

    /// <summary>An operation is answered.</summary>
    private void CountCause(KernelOperation operation, long due)
    {
        _causes.Add(operation.Cause, CauseFigure.Count, 1);
        _causes.Add(operation.Cause, CauseFigure.Cycles, due - operation.EnteredAt);
        _causes.Add(operation.Cause, CauseFigure.LockCycles, operation.StartedAt - operation.EnteredAt);
        _causes.Add(operation.Cause, CauseFigure.WaitCycles, operation.ShootdownWait);
    }
}
