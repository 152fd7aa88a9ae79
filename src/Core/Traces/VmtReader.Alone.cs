using VmSim.Core.Addresses;
using VmSim.Core.Programs;

namespace VmSim.Core.Traces;

/// <content>
/// What the first thread did while it was alone. It matters for the order of pages once there is another: a page that it stored to is
/// stored to first whatever comes. Most traces have one thread, so its uses are looked up when the second one starts, and not noted before.
/// </content>
public sealed partial class VmtReader
{
    /// <summary>Changes of mappings by the only thread: the operation's place, the first page, the end page.</summary>
    private readonly List<(long Place, ulong First, ulong End)> _changesAlone = [];

    private void NoteUsesAlone()
    {
        PackedOperations operations = _threads[0].Operations;
        ReadingBudget kernel = new() { Records = _records };
        bool allowsKernel = true;
        int change = 0;
        for (long place = 0; place < operations.Count; place++)
        {
            Operation operation = new(operations[place]);
            if (!operation.IsControl)
            {
                _order.UseAlone(operation.PageAddress >> PageSizes.BaseShift, operation.Kind == AccessKind.Store, place);
            }
            else if (allowsKernel && operation.Control is (ControlKind.KernelLoad or ControlKind.KernelStore))
            {
                allowsKernel = NoteKernelUse(operation, operations.KernelPagesAt(place), place, kernel);
            }

            for (; change < _changesAlone.Count && _changesAlone[change].Place == place; change++)
            {
                _order.ChangeAlone(_changesAlone[change].First, _changesAlone[change].End);
            }
        }

        _changesAlone.Clear();
    }

    /// <summary>
    /// A few bytes of a trace can have the kernel use half a million pages; what is beyond the budget is not noted, and may be waited for.
    /// </summary>
    private bool NoteKernelUse(Operation operation, ulong pages, long place, ReadingBudget kernel)
    {
        bool isStore = operation.Control == ControlKind.KernelStore;
        bool allowed = kernel.AllowsKernelPages(pages);
        for (ulong i = 0; allowed && i < pages; i++)
        {
            allowed = !_order.UseAlone(operation.Argument + i, isStore, place) || kernel.AllowsKernelUse();
        }

        return allowed;
    }
}
