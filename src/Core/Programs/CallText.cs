using VmSim.Core.Addresses;

namespace VmSim.Core.Programs;

/// <summary>Memory-management calls in words.</summary>
public static class CallText
{
    /// <summary>A call's name, as Linux has it.</summary>
    public static string NameOf(SystemCall call)
    {
        ArgumentNullException.ThrowIfNull(call);
        return call.Kind switch
        {
            SystemCallKind.Map => "mmap",
            SystemCallKind.Unmap => "munmap",
            SystemCallKind.Protect => "mprotect",
            SystemCallKind.SetBreak => "brk",
            SystemCallKind.Remap => "mremap",
            SystemCallKind.Advise => call.MoreRanges.Count > 0 ? "process_madvise" : "madvise",
            SystemCallKind.Sync => "msync",
            SystemCallKind.Lock => "mlock",
            SystemCallKind.Unlock => "munlock",
            SystemCallKind.LockAll => "mlockall",
            SystemCallKind.UnlockAll => "munlockall",
            SystemCallKind.QueryResident => "mincore",
            SystemCallKind.Seal => "mseal",
            SystemCallKind.RemapFilePages => "remap_file_pages",
            SystemCallKind.Detach => "shmdt",
            _ => call.Kind.ToString(),
        };
    }

    /// <summary>
    /// An advice's name, as Linux has it: the words without underscores, but for a few (include/uapi/asm-generic/mman-common.h).
    /// </summary>
    public static string NameOf(Advice advice) => "MADV_" + advice switch
    {
        Advice.PopulateRead => "POPULATE_READ",
        Advice.PopulateWrite => "POPULATE_WRITE",
        Advice.DontNeedLocked => "DONTNEED_LOCKED",
        Advice.HardwarePoison => "HWPOISON",
        Advice.SoftOffline => "SOFT_OFFLINE",
        Advice.GuardInstall => "GUARD_INSTALL",
        Advice.GuardRemove => "GUARD_REMOVE",
        _ => advice.ToString().ToUpperInvariant(),
    };

    /// <summary>A call with its arguments.</summary>
    public static string Describe(SystemCall call)
    {
        ArgumentNullException.ThrowIfNull(call);
        string range = $"{call.Start}, {Pages(call.Length)}";
        string arguments = call.Kind switch
        {
            SystemCallKind.Protect => $"{range}, {call.Protection}",
            SystemCallKind.SetBreak or SystemCallKind.Detach => $"{call.Start}",
            SystemCallKind.Remap => $"{range}, {Pages(call.NewLength)}, {call.NewStart}",
            SystemCallKind.Advise when call.MoreRanges.Count > 0 => $"{range} and {call.MoreRanges.Count} more ranges, {call.Advice}",
            SystemCallKind.Advise => $"{range}, {call.Advice}",
            SystemCallKind.LockAll => $"{call.Locking}",
            SystemCallKind.UnlockAll => "",
            SystemCallKind.RemapFilePages => $"{range}, {call.Offset >> PageSizes.BaseShift}",
            _ => range,
        };
        return $"{NameOf(call)}({arguments})";
    }

    private static string Pages(ulong bytes)
    {
        ulong pages = (bytes + PageSizes.BaseBytes - 1) >> PageSizes.BaseShift;
        return pages == 1 ? "1 page" : $"{pages} pages";
    }
}
