using VmSim.Core.Machine;
using VmSim.Core.Memory;
using VmSim.Core.Programs;

namespace VmSim.Core.Kernel;

/// <summary>What operations cost under a kernel profile.</summary>
internal static class OperationCosts
{
    /// <summary>Cycles of the fault handler for a fault, device time apart.</summary>
    public static long OfFault(KernelProfile kernel, in FaultResult fault) =>
        fault.Kind.HandlerCycles(kernel, fault.PagesMapped, fault.Work) + (fault.TablesAllocated * kernel.TablePageCycles);

    /// <summary>Cycles of a system call, shootdowns apart.</summary>
    public static long OfCall(KernelProfile kernel, SystemCall call, MmResult result)
    {
        long cycles = call.Kind switch
        {
            SystemCallKind.Map when call is { Source: MappingSource.Anonymous, Shared: true } => kernel.MapCycles + kernel.MapSharedCycles,
            SystemCallKind.Map or SystemCallKind.RemapFilePages => kernel.MapCycles,
            SystemCallKind.Unmap or SystemCallKind.Detach => kernel.UnmapCycles,
            // mlock and mseal look for areas, split and merge them as mprotect does (mlock_fixup, mm/mlock.c; mseal_apply, mm/mseal.c).
            SystemCallKind.Protect or SystemCallKind.Lock or SystemCallKind.Unlock or SystemCallKind.LockAll or SystemCallKind.UnlockAll
                or SystemCallKind.Seal => kernel.ProtectCycles,
            SystemCallKind.SetBreak => kernel.BreakCycles,
            SystemCallKind.Remap => kernel.RemapCycles,
            SystemCallKind.Advise or SystemCallKind.Sync => kernel.AdviseCycles,
            _ => kernel.OtherCallCycles,
        };
        return cycles + OfPages(kernel, result);
    }

    /// <summary>Cycles of a call before its pages: while it changes areas.</summary>
    public static long OfAreas(KernelProfile kernel, SystemCall call, MmResult result) =>
        (call.Kind == SystemCallKind.SetBreak ? kernel.BreakCycles : kernel.UnmapCycles)
        + (Math.Max(0, result.Areas - 1) * kernel.AreaCycles);

    /// <summary>Cycles of a fork.</summary>
    public static long OfFork(KernelProfile kernel, MmResult result) =>
        kernel.ForkCycles + (result.PagesShared * kernel.ForkPageCycles) + OfPages(kernel, result);

    /// <summary>Cycles of a process's end, shootdowns apart.</summary>
    public static long OfExit(KernelProfile kernel, MmResult result) => kernel.ExitCycles + OfPages(kernel, result);

    private static long OfPages(KernelProfile kernel, MmResult result) =>
        (Math.Max(0, result.Areas - 1) * kernel.AreaCycles)
        + ((result.PagesZapped - result.Work.ZappedUnowned - result.Work.ZappedDirtyShared - result.Work.ZappedLarge)
            * kernel.ZapPageCycles)
        + (result.Work.ZappedUnowned * kernel.ZapUnownedPageCycles)
        + (result.Work.ZappedDirtyShared * kernel.ZapDirtyPageCycles)
        + (result.Work.ZappedLarge * kernel.ZapHugePageCycles)
        + (result.Work.SharedObjectsGone * kernel.UnmapSharedCycles)
        + (result.Work.LargeSplit * kernel.SplitCycles)
        + (result.Work.Cleared * kernel.ClearPageCycles)
        + (result.PagesProtected * kernel.ProtectPageCycles)
        + ((result.PagesPopulated - result.Work.PopulatedFile) * kernel.PopulatePageCycles)
        + (result.Work.PopulatedFile * kernel.PopulateFilePageCycles)
        + (result.PagesMoved * kernel.MovePageCycles)
        + (result.PagesCollapsed * kernel.HugeFaultCycles)
        + ((result.TablesAllocated + result.TablesReleased) * kernel.TablePageCycles);
}
