using VmSim.Core.Addresses;
using VmSim.Core.Mapping;
using VmSim.Core.Memory.Backends;
using VmSim.Core.Programs;

namespace VmSim.Core.Memory;

/// <summary>mlock, mlock2, munlock, mlockall and munlockall (Linux 6.18: mm/mlock.c).</summary>
public sealed partial class VirtualMemory
{
    /// <summary>Flags that mlockall gives to areas that are mapped later.</summary>
    private AreaFlags _futureLocks;

    /// <summary>Locks a range: gives its areas the flags, up to the first hole, and makes its pages unless faults shall.</summary>
    private bool TryLock(SystemCall call, out MappingError<VirtAddr> error)
    {
        if ((call.Locking & ~Locking.OnFault) != 0)
        {
            return Fails(Errno.InvalidArgument, call.Start, call.Length, out error);
        }

        AreaFlags locks = LocksOf(call.Locking);
        if (!TrySetLocks(call, locks, out VirtAddr start, out ulong size, out error))
        {
            return false;
        }

        if (_answer != Errno.None || size == 0)
        {
            return true;
        }

        Errno populated = locks == AreaFlags.Locked ? Populate(start, size) : Errno.None;
        _answer = populated switch
        {
            Errno.BadAddress => Errno.NoMemory, // __mlock_posix_error_return
            Errno.NoMemory => Errno.TryAgain,
            _ => populated,
        };
        return true;
    }

    private bool TryUnlock(SystemCall call, out MappingError<VirtAddr> error) =>
        TrySetLocks(call, AreaFlags.None, out _, out _, out error);

    /// <summary>Locks or unlocks the areas of a range, rounded to pages, up to the first hole (apply_vma_lock_flags).</summary>
    private bool TrySetLocks(SystemCall call, AreaFlags locks, out VirtAddr start, out ulong size, out MappingError<VirtAddr> error)
    {
        ulong skipped = call.Start.Value & (PageSizes.BaseBytes - 1);
        start = new VirtAddr(call.Start.Value - skipped);
        size = 0;
        ulong length = call.Length + skipped;
        if (length < call.Length)
        {
            return Fails(Errno.InvalidArgument, call.Start, call.Length, out error);
        }

        if (call.Length == 0)
        {
            return Succeeds(out error);
        }

        Errno refusal = RangeError(start, length, out size);
        if (refusal != Errno.None)
        {
            return Fails(refusal, start, length, out error);
        }

        Progress progress = UpToRefusal(start, size, out ulong taken);
        return TrySetFlags(start, taken, new FlagChange(AreaFlags.Locks, locks), out error) && Ends(progress, out error);
    }

    private bool TryLockAll(SystemCall call, out MappingError<VirtAddr> error)
    {
        const Locking When = Locking.Current | Locking.Future;
        if ((call.Locking & When) == 0 || (call.Locking & ~(When | Locking.OnFault)) != 0)
        {
            return Fails(Errno.InvalidArgument, default, 0, out error);
        }

        AreaFlags locks = LocksOf(call.Locking);
        _futureLocks = (call.Locking & Locking.Future) != 0 ? locks : AreaFlags.None;
        if ((call.Locking & Locking.Current) != 0)
        {
            LockAreas(locks);
        }

        return Succeeds(out error);
    }

    private bool TryUnlockAll(out MappingError<VirtAddr> error)
    {
        _futureLocks = AreaFlags.None;
        LockAreas(AreaFlags.None);
        return Succeeds(out error);
    }

    /// <summary>
    /// Gives every area its locks, and makes the pages unless faults shall. Pages that cannot be made are passed over
    /// (apply_mlockall_flags, mm_populate).
    /// </summary>
    private void LockAreas(AreaFlags locks)
    {
        // Whole areas get other flags, so none is split and no limit stands in the way.
        _ = _set.TrySetFlags(default, ulong.MaxValue & ~(PageSizes.BaseBytes - 1), new FlagChange(AreaFlags.Locks, locks), out _);
        if (locks != AreaFlags.Locked)
        {
            return;
        }

        AreaSet.Area[] areas = [.. _set];
        foreach (AreaSet.Area area in areas)
        {
            _ = Populate(area.Start, area.Size);
        }
    }

    private static AreaFlags LocksOf(Locking locking) =>
        (locking & Locking.OnFault) != 0 ? AreaFlags.Locks : AreaFlags.Locked;
}
