using VmSim.Core.Addresses;
using VmSim.Core.Memory;
using VmSim.Core.Programs;

namespace VmSim.Core.Kernel;

/// <content>Locks of the areas that an operation changes, and of the table pages that it goes through.</content>
public sealed partial class AddressSpace
{
    /// <summary>Areas whose locks the operation that begins now writes.</summary>
    private readonly List<AddrRange<VirtAddr>> _areasOfOperation = [];

    /// <summary>Table pages whose locks it takes, by their first addresses over the bytes that they span.</summary>
    private readonly List<ulong> _tablesOfOperation = [];

    /// <summary>Notes the areas and table pages of an operation that concerns the whole space, before it changes them.</summary>
    private void NoteAll(bool changesAreas)
    {
        Forget();
        Table.ListTables(default, CallScope.TopOfSpace, _tablesOfOperation);
        if (changesAreas && Kernel.LocksAreas)
        {
            _memory!.ListAreas(default, CallScope.TopOfSpace, _areasOfOperation);
        }
    }

    /// <summary>Notes the areas and table pages of a call, before it changes them.</summary>
    private void Note(KernelOperation operation, SystemCall call)
    {
        Forget();
        VirtAddr oldBreak = _memory!.Break;
        foreach ((VirtAddr start, VirtAddr end) in CallScope.EntriesOf(call, oldBreak))
        {
            Table.ListTables(start, end, _tablesOfOperation);
        }

        if (operation.Exclusive && Kernel.LocksAreas)
        {
            foreach ((VirtAddr start, VirtAddr end) in CallScope.AreasOf(call, oldBreak))
            {
                _memory.ListAreas(start, end, _areasOfOperation);
            }
        }
    }

    /// <summary>Notes what a call has made: table pages that it filled or moved entries to, and an area that it made longer.</summary>
    private void NoteMade(KernelOperation operation, SystemCall call, MmResult result)
    {
        bool hasPages = result.PagesZapped + result.PagesMoved + result.PagesPopulated > 0;
        if (result.Error is not null || (call.Kind is SystemCallKind.Map or SystemCallKind.Remap && !hasPages))
        {
            _tablesOfOperation.Clear();
        }

        if (result.Error is not null)
        {
            _areasOfOperation.Clear();
            return;
        }

        if (result.PagesPopulated > 0)
        {
            _tablesOfOperation.Clear();
            Table.ListTables(call.Start, call.Start + call.Length, _tablesOfOperation);
        }

        if (result.PagesMoved > 0)
        {
            Table.ListTables(call.NewStart, call.NewStart + call.NewLength, _tablesOfOperation);
        }

        if (operation.LockedAreas is { } locked && call.Kind == SystemCallKind.Map)
        {
            // it may have become one with its neighbours
            int count = locked.Count;
            _memory!.ListAreas(call.Start, call.Start + call.Length, locked);
            _areasOfOperation.AddRange(locked.Skip(count).Where(area => area.Start < call.Start));
        }
    }

    private void Forget()
    {
        _areasOfOperation.Clear();
        _tablesOfOperation.Clear();
    }

    /// <summary>Takes them.</summary>
    /// <returns>Cycles spent waiting.</returns>
    private long EnterNoted(CoreId core, long now)
    {
        long delay = 0;
        foreach (AddrRange<VirtAddr> area in _areasOfOperation)
        {
            delay += _locks.WriteArea(area.Start.PageNumber, core, now + delay);
        }

        foreach (ulong table in _tablesOfOperation)
        {
            delay += _locks.EnterTable(table, core, now + delay);
        }

        return delay;
    }
}
