using VmSim.Core.Addresses;
using VmSim.Core.Programs;

namespace VmSim.Core.Kernel;

/// <summary>Which pages a memory-management call concerns, and whether it needs the lock of the space for itself.</summary>
internal static class CallScope
{
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
    /// Whether it holds the lock as a writer: not if it leaves all areas as they are (Linux: madvise_lock, mm/madvise.c, msync.c,
    /// mincore.c).
    /// </summary>
    public static bool IsExclusive(SystemCall call) =>
        call.Kind is not (SystemCallKind.Advise or SystemCallKind.Sync or SystemCallKind.QueryResident);

    private static (ulong First, ulong End) PagesOf(VirtAddr start, ulong bytes) =>
        (start.PageNumber, start.PageNumber + (bytes >> PageSizes.BaseShift) + 1);
}
