using VmSim.Core.Addresses;
using VmSim.Core.Machine;
using VmSim.Core.Programs;

namespace VmSim.Core.Kernel;

/// <summary>Which pages a memory-management call concerns, and whether it needs the lock of the space for itself.</summary>
internal static class CallScope
{
    /// <summary>The highest page of the highest address there is, which ends a range of everything.</summary>
    public static readonly VirtAddr TopOfSpace = new(ulong.MaxValue & ~(PageSizes.BaseBytes - 1));

    private const ulong LastOfPage = PageSizes.BaseBytes - 1;

    /// <summary>Whether it may change any page: its arguments do not say which.</summary>
    public static bool IsWhole(SystemCall call) => call.Kind is SystemCallKind.SetBreak or SystemCallKind.Remap or SystemCallKind.LockAll
        or SystemCallKind.UnlockAll or SystemCallKind.Detach;

    /// <summary>The pages that it concerns, the last one not included.</summary>
    public static (ulong First, ulong End) PagesOf(SystemCall call)
    {
        if (IsWhole(call))
        {
            return (0, ulong.MaxValue);
        }

        (ulong first, ulong end) = PagesOf(call.Start, call.Length);
        foreach (AddrRange<VirtAddr> range in call.MoreRanges)
        {
            (ulong nextFirst, ulong nextEnd) = PagesOf(range.Start, range.Size);
            (first, end) = (Math.Min(first, nextFirst), Math.Max(end, nextEnd));
        }

        return (first, end);
    }

    /// <summary>
    /// The pages that have an address of its ranges, the last one not included: those that it locks where each has a lock.
    /// </summary>
    public static (ulong First, ulong End) LockedPagesOf(SystemCall call)
    {
        (ulong first, ulong end) = PagesOf(call);
        return call.MoreRanges.Count == 0 && !IsWhole(call)
            ? (first, first + (call.Length >> PageSizes.BaseShift) + ((InPage(call.Start.Value) + InPage(call.Length) + LastOfPage)
                >> PageSizes.BaseShift))
            : (first, end);

        static ulong InPage(ulong bytes) => bytes & LastOfPage;
    }

    /// <summary>
    /// Whether it holds the lock as a writer: not if it leaves all areas as they are (Linux: get_lock_mode, mm/madvise.c, msync.c,
    /// mincore.c).
    /// </summary>
    public static bool IsExclusive(SystemCall call) => call.Kind switch
    {
        SystemCallKind.Advise => call.Advice is not (Advice.WillNeed or Advice.DontNeed or Advice.DontNeedLocked or Advice.Free
            or Advice.Remove or Advice.Cold or Advice.PageOut or Advice.PopulateRead or Advice.PopulateWrite or Advice.Collapse
            or Advice.GuardInstall or Advice.GuardRemove),
        SystemCallKind.Sync or SystemCallKind.QueryResident => false,
        _ => true,
    };

    /// <summary>
    /// Whether it goes on as a reader when its areas are gone, while it takes pages and table pages (mmap_write_downgrade in
    /// vms_complete_munmap_vmas, mm/vma.c, and so since Linux 4.20).
    /// </summary>
    /// <param name="call">The call.</param>
    /// <param name="oldBreak">The break before it.</param>
    public static bool Downgrades(SystemCall call, VirtAddr oldBreak) =>
        call.Kind == SystemCallKind.Unmap || (call.Kind == SystemCallKind.SetBreak && call.Start < oldBreak);

    /// <summary>Whether the lock of the one area that it concerns is enough (<see cref="KernelRelease.AreaLocksOfAdvice"/>).</summary>
    public static bool MayLockArea(SystemCall call) =>
        call is { Kind: SystemCallKind.Advise, Advice: Advice.DontNeed or Advice.DontNeedLocked or Advice.Free, MoreRanges.Count: 0 };

    /// <summary>
    /// Whether it collects what it takes out of page tables and flushes once at its end (Linux: tlb_gather_mmu and tlb_finish_mmu).
    /// </summary>
    public static bool Gathers(SystemCall call) => call.Kind switch
    {
        SystemCallKind.Advise => TakesEntries(call.Advice),
        SystemCallKind.Unmap or SystemCallKind.Protect => true,
        _ => false,
    };

    /// <summary>The addresses whose lowest-level table entries it goes through to take or change them, the last not included.</summary>
    /// <param name="call">The call.</param>
    /// <param name="oldBreak">The break before it.</param>
    public static IEnumerable<(VirtAddr Start, VirtAddr End)> EntriesOf(SystemCall call, VirtAddr oldBreak) => call.Kind switch
    {
        SystemCallKind.Map or SystemCallKind.Unmap or SystemCallKind.Protect or SystemCallKind.Remap or SystemCallKind.Detach
            or SystemCallKind.RemapFilePages => [(call.Start, call.Start + call.Length)],
        SystemCallKind.Advise when TakesEntries(call.Advice) =>
            [(call.Start, call.Start + call.Length), .. call.MoreRanges.Select(range => (range.Start, range.Start + range.Size))],
        SystemCallKind.SetBreak => [(call.Start, oldBreak)],
        _ => [],
    };

    /// <summary>The addresses whose areas a call that holds the lock as a writer changes, the last not included.</summary>
    /// <param name="call">The call.</param>
    /// <param name="oldBreak">The break before it.</param>
    public static IEnumerable<(VirtAddr Start, VirtAddr End)> AreasOf(SystemCall call, VirtAddr oldBreak) => call.Kind switch
    {
        SystemCallKind.SetBreak => [(call.Start < oldBreak ? call.Start : oldBreak - 1, oldBreak)],
        SystemCallKind.Remap => [(call.Start, call.Start + call.Length), (call.NewStart, call.NewStart + call.NewLength)],
        SystemCallKind.LockAll or SystemCallKind.UnlockAll => [(default, TopOfSpace)],
        _ => [(call.Start, call.Start + call.Length), .. call.MoreRanges.Select(range => (range.Start, range.Start + range.Size))],
    };

    private static bool TakesEntries(Advice advice) => advice is Advice.DontNeed or Advice.DontNeedLocked or Advice.Free or Advice.Remove
        or Advice.Cold or Advice.PageOut or Advice.GuardInstall;

    private static (ulong First, ulong End) PagesOf(VirtAddr start, ulong bytes) =>
        (start.PageNumber, start.PageNumber + (bytes >> PageSizes.BaseShift) + 1);
}
