using VmSim.Core.Addresses;
using VmSim.Core.Programs;

namespace VmSim.Core.Traces;

/// <summary>Turns records into system calls. Flag values are Linux's (include/uapi/linux/mman.h and asm-generic/mman*.h).</summary>
internal static class TraceCalls
{
    /// <summary>Bytes of user space on x86-64 with four levels (TASK_SIZE, 2^47 less a page).</summary>
    public const ulong UserBytes = 0x7FFF_FFFF_F000;

    private const ulong StackLimit = 8UL << 20;
    private const ulong MapTypeMask = 0xF;
    private const ulong MapPrivate = 0x2;
    private const ulong MapAnonymous = 0x20;
    private const ulong MapPopulate = 0x8000;
    private const ulong LockOnFault = 1;
    private const int HugeShift = 26;
    private const ulong HugeMask = 0x3F;

    private const MappingFlags KnownFlags = MappingFlags.Fixed | MappingFlags.Below2G | MappingFlags.GrowsDown | MappingFlags.Locked
        | MappingFlags.NoReserve | MappingFlags.NonBlocking | MappingFlags.HugePages | MappingFlags.FixedNoReplace;

    /// <summary>A call that is kept and changes nothing: it enters the kernel and leaves it.</summary>
    public static SystemCall Kept { get; } = new() { Kind = SystemCallKind.Other };

    /// <summary>An i or m record.</summary>
    public static SystemCall Map(ref VmtRecord record, int file)
    {
        bool isFile = file >= 0 && (record.Flags & MapAnonymous) == 0;
        return new SystemCall
        {
            Kind = SystemCallKind.Map,
            Start = new VirtAddr(record.Start),
            Length = record.Bytes,
            Protection = (Protection)(record.Rights & 7),
            Source = isFile ? MappingSource.File : MappingSource.Anonymous,
            Shared = (record.Flags & MapTypeMask) is not MapPrivate and not 0,
            Populate = (record.Flags & MapPopulate) != 0,
            MappingFlags = (MappingFlags)(record.Flags & (ulong)KnownFlags),
            HugePageShift = (record.Flags & (ulong)MappingFlags.HugePages) == 0 ? 0 : (int)((record.Flags >> HugeShift) & HugeMask),
            FileId = isFile ? file : -1,
            Offset = isFile ? record.Offset : 0,
            Name = record.Text,
            Recorded = Errno.None,
        };
    }

    /// <summary>An m, u, p or d record.</summary>
    public static SystemCall Simple(ref VmtRecord record, int file) => record.Kind switch
    {
        VmtKind.Map => Map(ref record, file),
        VmtKind.Unmap => Range(SystemCallKind.Unmap, ref record),
        VmtKind.Protect => Range(SystemCallKind.Protect, ref record) with { Protection = (Protection)(record.Rights & 7) },
        VmtKind.Advise => Range(SystemCallKind.Advise, ref record) with { Advice = AdviceOf(record.Advice) },
        _ => throw new ArgumentOutOfRangeException(nameof(record), record.Kind, "not a call on one range"),
    };

    /// <summary>The call of an r record: mremap.</summary>
    public static SystemCall Remap(ref VmtRecord record) => Range(SystemCallKind.Remap, ref record) with
    {
        NewStart = new VirtAddr(record.NewStart),
        NewLength = record.NewBytes,
        RemapFlags = (RemapFlags)FlagsOf(record.Flags),
    };

    /// <summary>The call of a c record.</summary>
    public static SystemCall Other(ref VmtRecord record)
    {
        ulong flags = record.Flags;
        return record.Call switch
        {
            VmtCall.Lock => Range(SystemCallKind.Lock, ref record) with { Locking = LockingOf(flags) },
            VmtCall.Unlock => Range(SystemCallKind.Unlock, ref record),
            VmtCall.LockAll => Range(SystemCallKind.LockAll, ref record) with { Locking = (Locking)FlagsOf(flags) },
            VmtCall.UnlockAll => Range(SystemCallKind.UnlockAll, ref record),
            VmtCall.Sync => Range(SystemCallKind.Sync, ref record) with { SyncFlags = (SyncFlags)FlagsOf(flags) },
            VmtCall.QueryResident => Range(SystemCallKind.QueryResident, ref record),
            VmtCall.Seal => Range(SystemCallKind.Seal, ref record),
            VmtCall.RemapFilePages => Range(SystemCallKind.RemapFilePages, ref record) with
            {
                Offset = record.Offset,
                MappingFlags = (MappingFlags)flags & MappingFlags.NonBlocking,
            },
            VmtCall.Detach => Range(SystemCallKind.Detach, ref record),
            VmtCall.AdviseRanges => Range(SystemCallKind.Advise, ref record) with
            {
                Advice = AdviceOf(record.Advice),
                MoreRanges = record.MoreRanges,
            },
            _ => throw new ArgumentOutOfRangeException(nameof(record), record.Call, "not a call"),
        };
    }

    /// <summary>Flags as the program gave them: those that the kernel does not know are refused where the call is done.</summary>
    private static int FlagsOf(ulong flags) => (int)Math.Min(flags, int.MaxValue);

    /// <summary>Flags of mlock2, whose one flag has another value than mlockall's for the same.</summary>
    private static Locking LockingOf(ulong flags) => flags == 0 ? Locking.None
        : flags == LockOnFault ? Locking.OnFault
        : (Locking)FlagsOf(flags) | Locking.Current;

    private static Advice AdviceOf(ulong number) => (Advice)(int)Math.Min(number, int.MaxValue);

    /// <summary>A change of the break, written as a mapping or an unmapping.</summary>
    public static SystemCall MoveBreak(ulong old, ulong value) => value > old
        ? new SystemCall
        {
            Kind = SystemCallKind.Map,
            Start = new VirtAddr(old),
            Length = value - old,
            Protection = Protection.Read | Protection.Write,
            Name = "[heap]",
            Recorded = Errno.None,
        }
        : new SystemCall { Kind = SystemCallKind.Unmap, Start = new VirtAddr(value), Length = old - value, Recorded = Errno.None };

    /// <summary>A mapping that may grow down, as long as it may become above the mappings already there.</summary>
    public static SystemCall GrowDown(SystemCall call, bool growsDown, IReadOnlyList<SystemCall> others)
    {
        ulong end = call.Start.Value + call.Length;
        if (!growsDown || call.Length >= StackLimit)
        {
            return call;
        }

        ulong start = end > StackLimit ? end - StackLimit : 0;
        foreach (SystemCall other in others)
        {
            ulong otherEnd = other.Start.Value + other.Length;
            if (otherEnd <= call.Start.Value)
            {
                start = Math.Max(start, otherEnd);
            }
        }

        start = (start + 4095) & ~4095UL;
        return call with { Start = new VirtAddr(start), Length = end - start };
    }

    private static SystemCall Range(SystemCallKind kind, ref VmtRecord record) =>
        new() { Kind = kind, Start = new VirtAddr(record.Start), Length = record.Bytes, Recorded = record.Errno };
}
