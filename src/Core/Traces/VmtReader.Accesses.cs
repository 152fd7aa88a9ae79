using VmSim.Core.Addresses;
using VmSim.Core.Programs;

namespace VmSim.Core.Traces;

/// <content>References to pages: of the program, one by one or many at once, and of the kernel.</content>
public sealed partial class VmtReader
{
    private void TakeAccesses(ReadOnlySpan<VmtAccess> accesses)
    {
        if (_current.HasEnded)
        {
            Switch(_current.Number);
        }

        bool isAlone = _threads.Count == 1 && _options.Observer is null;
        foreach (ref readonly VmtAccess access in accesses)
        {
            AccessKind kind = access.Kind switch
            {
                VmtKind.Fetch => AccessKind.Fetch,
                VmtKind.Load => AccessKind.Load,
                _ => AccessKind.Store,
            };
            _budget.Records = ++_records;
            if (isAlone)
            {
                _current.Operations.AddAccess(kind, access.Page << PageSizes.BaseShift, access.Count);
                _accesses += (long)access.Count;
            }
            else
            {
                Access(kind, access.Page, access.Count);
            }
        }

        NoteRecord(_current);
        _current.NextSite = null;
    }

    private void Access(AccessKind kind, ulong page, ulong count)
    {
        TraceThread thread = _current;
        long first = thread.Operations.AddAccess(kind, page << PageSizes.BaseShift, count);
        _accesses += (long)count;
        _options.Observer?.Access(kind, page, 1);
        if (_threads.Count > 1)
        {
            _order.Access(thread.Index, page, kind == AccessKind.Store, first, thread.Operations.Count - 1);
        }
    }

    private void KernelAccess(ControlKind kind, ref VmtRecord record)
    {
        ulong page = record.Start >> PageSizes.BaseShift;
        ulong end = ((record.Start + (record.Bytes - 1)) >> PageSizes.BaseShift) + 1;
        long first = _current.Operations.AddKernelAccess(kind, page, end - page);
        bool isStore = kind == ControlKind.KernelStore;
        _options.Observer?.Access(isStore ? AccessKind.Store : AccessKind.Load, page, end - page);
        if (_threads.Count == 1)
        {
            return;
        }

        bool allowed = _budget.AllowsKernelPages(end - page);
        for (; allowed && page < end; page++)
        {
            allowed = !_order.Access(_current.Index, page, isStore, first, _current.Operations.Count - 1) || _budget.AllowsKernelUse();
        }

        if (!allowed)
        {
            throw _source.Bad($"the kernel's accesses to more pages than {_records:N0} records of programs have", "smaller parts");
        }
    }
}
