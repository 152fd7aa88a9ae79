using VmSim.Core.Addresses;
using VmSim.Core.Kernel;
using VmSim.Core.Memory;
using VmSim.Core.Programs;

namespace VmSim.Core.Checking;

/// <summary>What an operation is, put into words only when a violation is described.</summary>
internal readonly record struct OperationText
{
    private readonly SystemCall? _call;
    private readonly FaultKind? _fault;
    private readonly AccessKind _access;
    private readonly VirtAddr _address;

    /// <summary>Keeps of an operation what is needed to describe it.</summary>
    public OperationText(KernelOperation operation)
    {
        _call = operation.Call;
        _fault = operation.Fault;
        _access = operation.Access;
        _address = operation.Address;
    }

    /// <inheritdoc/>
    public override string ToString()
    {
        if (_fault is { } fault)
        {
            return $"{_access.ToString().ToLowerInvariant()} fault at {_address} ({fault})";
        }

        return _call is { } call ? Describe(call) : "fork()";
    }

    private static string Describe(SystemCall call) => call.Kind switch
    {
        SystemCallKind.Map => $"mmap({call.Start}, {Pages(call.Length)})",
        SystemCallKind.Unmap => $"munmap({call.Start}, {Pages(call.Length)})",
        SystemCallKind.Protect => $"mprotect({call.Start}, {Pages(call.Length)}, {call.Protection})",
        SystemCallKind.SetBreak => $"brk({call.Start})",
        SystemCallKind.Remap => $"mremap({call.Start}, {Pages(call.Length)}, {Pages(call.NewLength)}, {call.NewStart})",
        SystemCallKind.Advise when call.MoreRanges.Count > 0 =>
            $"process_madvise({call.Start}, {Pages(call.Length)} and {call.MoreRanges.Count} more ranges, {call.Advice})",
        SystemCallKind.Advise => $"madvise({call.Start}, {Pages(call.Length)}, {call.Advice})",
        SystemCallKind.Lock => $"mlock({call.Start}, {Pages(call.Length)})",
        SystemCallKind.Unlock => $"munlock({call.Start}, {Pages(call.Length)})",
        SystemCallKind.LockAll => $"mlockall({call.Locking})",
        SystemCallKind.UnlockAll => "munlockall()",
        SystemCallKind.QueryResident => $"mincore({call.Start}, {Pages(call.Length)})",
        SystemCallKind.Seal => $"mseal({call.Start}, {Pages(call.Length)})",
        SystemCallKind.RemapFilePages => $"remap_file_pages({call.Start}, {Pages(call.Length)}, {call.Offset >> PageSizes.BaseShift})",
        SystemCallKind.Detach => $"shmdt({call.Start})",
        SystemCallKind.Sync => $"msync({call.Start}, {Pages(call.Length)})",
        _ => call.Kind.ToString(),
    };

    private static string Pages(ulong bytes)
    {
        ulong pages = (bytes + PageSizes.BaseBytes - 1) >> PageSizes.BaseShift;
        return pages == 1 ? "1 page" : $"{pages} pages";
    }
}
