using VmSim.Core.Addresses;
using VmSim.Core.Mapping;
using VmSim.Core.Memory.Backends;
using VmSim.Core.Programs;

namespace VmSim.Core.Memory;

/// <summary>Memory-management system calls, each of which happens wholly or not at all.</summary>
public sealed partial class VirtualMemory
{
    private Errno _answer;
    private bool _meetsWidth;

    /// <summary>Does one memory-management system call, wholly or not at all.</summary>
    /// <param name="call">The call; lengths are rounded up to pages, addresses must be multiples of 4 KiB.</param>
    /// <returns>What it did, or why it did nothing.</returns>
    public MmResult Apply(SystemCall call)
    {
        ArgumentNullException.ThrowIfNull(call);
        _memory.Begin();
        _answer = Errno.None;
        _meetsWidth = false;
        _meetsPromises = false;
        int before = _set.Count;
        bool done;
        MappingError<VirtAddr> error;
        try
        {
            done = CountsPromises ? TryDispatchCounted(call, out error) : TryDispatch(call, out error);
        }
        catch
        {
            _memory.Rollback();
            throw;
        }

        if (!done)
        {
            bool ranOut = _memory.RanOut;
            _memory.Rollback();
            Errno answer = ranOut ? Errno.NoMemory : _answer == Errno.None ? AnswerOf(error.Kind) : _answer;
            return new MmResult
            {
                Error = ranOut ? error with { Kind = MappingErrorKind.NoMemory } : error,
                Errno = answer,
                Limit = ranOut ? MemoryLimit.Frames : LimitOf(answer),
            };
        }

        return _memory.EndCall(Math.Max(1, Math.Abs(_set.Count - before)), errno: _answer);
    }

    /// <summary>The limit behind an answer. A call needs up to three areas more than there are.</summary>
    private MemoryLimit LimitOf(Errno answer) =>
        _meetsWidth ? MemoryLimit.Addresses
            : _meetsPromises ? MemoryLimit.Promises
            : answer is Errno.NoMemory or Errno.TryAgain && _set.Count > _memory.Options.MaxAreas - AreasToMove ? MemoryLimit.Areas
            : MemoryLimit.None;

    private static Errno AnswerOf(MappingErrorKind kind) => kind switch
    {
        MappingErrorKind.NoMemory => Errno.NoMemory,
        MappingErrorKind.AlreadyExists => Errno.AlreadyExists,
        _ => Errno.InvalidArgument,
    };

    private bool TryDispatch(SystemCall call, out MappingError<VirtAddr> error)
    {
        error = default;
        return call.Kind switch
        {
            SystemCallKind.Map => TryMap(call, out error),
            SystemCallKind.Unmap => TryUnmap(call, out error),
            SystemCallKind.Protect => TryProtect(call, out error),
            SystemCallKind.SetBreak => TrySetBreak(call.Start, out error),
            SystemCallKind.Remap => TryRemap(call, out error),
            SystemCallKind.Advise => TryAdvise(call, out error),
            SystemCallKind.Sync => TrySync(call, out error),
            SystemCallKind.Lock => TryLock(call, out error),
            SystemCallKind.Unlock => TryUnlock(call, out error),
            SystemCallKind.LockAll => TryLockAll(call, out error),
            SystemCallKind.UnlockAll => TryUnlockAll(out error),
            SystemCallKind.QueryResident => TryQueryResident(call, out error),
            SystemCallKind.Seal => TrySeal(call, out error),
            SystemCallKind.RemapFilePages => TryRemapFilePages(call, out error),
            SystemCallKind.Detach => TryDetach(call, out error),
            _ => true,
        };
    }

    private bool TryMap(SystemCall call, out MappingError<VirtAddr> error)
    {
        Errno refusal = MapError(call, out ulong size);
        if (refusal != Errno.None)
        {
            return Fails(refusal, call.Start, call.Length, out error);
        }

        if (!TryMakeBackend(call, size, out MemoryBackend backend))
        {
            return Fails(MappingErrorKind.InvalidParam, call.Start, size, out error);
        }

        if (MapsTooMuch(call, size))
        {
            return Fails(Errno.NoMemory, call.Start, size, out error);
        }

        FreeTablesAround(call.Start, size);
        RemoveGuards(call.Start, size);
        AreaFlags flags = FlagsOf(call);
        bool populates = (call.Populate && (call.MappingFlags & MappingFlags.NonBlocking) == 0)
            || (flags & AreaFlags.Locks) == AreaFlags.Locked;
        if (backend.Granule != PageSize.Size4K)
        {
            // Huge pages of MAP_HUGETLB stay in memory anyway, and their areas are not marked as locked (__mmap_complete, mm/vma.c).
            flags = (flags & ~AreaFlags.Locks) | AreaFlags.HugeTlb;
        }

        if (!_set.TryMapOver(new AreaSet.Area(call.Start, size, flags, backend), _memory, out error))
        {
            return false;
        }

        PromiseObject(call, backend, size);
        if (populates)
        {
            // A mapping whose pages cannot all be made is a mapping all the same (Linux: mm_populate, mm/gup.c, ignores errors).
            _ = Populate(call.Start, size);
        }

        return true;
    }

    /// <summary>What mmap answers by its arguments and what is mapped already (Linux: do_mmap, mm/mmap.c).</summary>
    private Errno MapError(SystemCall call, out ulong size)
    {
        bool isHugeTlb = IsHugeTlb(call);
        bool isInvalid = false;
        PageSize granule = PageSize.Size4K;
        if (isHugeTlb)
        {
            isInvalid = !TryHugeTlbSize(call, out granule) || (call.Start.Value & (granule.Bytes() - 1)) != 0;
        }

        size = (call.Length + (granule.Bytes() - 1)) & ~(granule.Bytes() - 1);
        isInvalid |= call.Length == 0 || !IsPageAligned(call.Start) || (call.Offset & (PageSizes.BaseBytes - 1)) != 0
            || (call is { Shared: true, Source: MappingSource.Anonymous } && (call.MappingFlags & MappingFlags.GrowsDown) != 0);
        if (isInvalid)
        {
            return Errno.InvalidArgument;
        }

        if (size == 0 || RangeError(call.Start, size, out _) != Errno.None)
        {
            return Errno.NoMemory;
        }

        return (call.MappingFlags & MappingFlags.FixedNoReplace) != 0 && _set.Overlaps(AddrRange.Of(call.Start, size))
            ? Errno.AlreadyExists
            : IsSealed(call.Start, size) ? Errno.PermissionDenied
            : DividesHugeTlb(call.Start, size) ? Errno.InvalidArgument
            : Errno.None;
    }

    private bool TryUnmap(SystemCall call, out MappingError<VirtAddr> error)
    {
        if (!TryRange(call.Start, call.Length, out ulong size))
        {
            return Fails(MappingErrorKind.InvalidParam, call.Start, call.Length, out error);
        }

        if (call.Start.Value == 0 && !_set.TryFindNext(call.Start + size, out _))
        {
            // Address 0 is never mapped: this is an exec, which gives the process a new space without locks and seals.
            _futureLocks = AreaFlags.None;
            _hasSealedAreas = false;
            _hasHugeTlb = false;
        }

        return TryUnmap(call.Start, size, out error);
    }

    private bool TryUnmap(VirtAddr start, ulong size, out MappingError<VirtAddr> error)
    {
        if (IsSealed(start, size))
        {
            return Fails(Errno.PermissionDenied, start, size, out error);
        }

        if (DividesHugeTlb(start, size))
        {
            return Fails(Errno.InvalidArgument, start, size, out error);
        }

        FreeTablesAround(start, size);
        RemoveGuards(start, size);
        return _set.TryUnmap(start, size, _memory, out error);
    }

    /// <summary>An unmapping takes the guard pages of its range away, and a new area has none.</summary>
    private void RemoveGuards(VirtAddr start, ulong size)
    {
        if (!_memory.Guards.IsEmpty)
        {
            _memory.Guards.Remove(start.PageNumber, size >> PageSizes.BaseShift);
        }
    }

    /// <summary>Says which page-table pages an unmapping may free: those between the neighbouring areas (Linux: free_pgtables,
    /// mm/memory.c).</summary>
    private void FreeTablesAround(VirtAddr start, ulong size)
    {
        VirtAddr end = start + size;
        bool joinsBelow = start.Value > 0 && _set.TryFind(start - 1, out _);
        VirtAddr floor = joinsBelow ? start : _set.TryFindPrevious(start, out AreaSet.Area below) ? below.Last + 1 : default;
        VirtAddr ceiling = end.Value == 0 || _set.TryFind(end, out _)
            ? end
            : _set.TryFindNext(end, out AreaSet.Area above) ? above.Start : default;
        _memory.FreeTablesIn(new AddrRange<VirtAddr>(floor, ceiling - 1), start);
    }

    private static bool Fails(MappingErrorKind kind, VirtAddr start, ulong size, out MappingError<VirtAddr> error)
    {
        error = new MappingError<VirtAddr>(kind, start, size);
        return false;
    }

    /// <summary>Refuses the whole call, with what it answers.</summary>
    private bool Fails(Errno errno, VirtAddr start, ulong size, out MappingError<VirtAddr> error)
    {
        _answer = errno;
        return Fails(
            errno switch
            {
                Errno.NoMemory => MappingErrorKind.NoMemory,
                Errno.AlreadyExists => MappingErrorKind.AlreadyExists,
                Errno.InvalidArgument => MappingErrorKind.InvalidParam,
                _ => MappingErrorKind.BadState,
            },
            start,
            size,
            out error);
    }

    /// <summary>Ends a call that goes through areas: it fails if nothing was done, and else answers for the rest.</summary>
    private bool Ends(Progress progress, out MappingError<VirtAddr> error)
    {
        error = default;
        if (progress.Errno != Errno.None && (progress.MustUndo || !progress.IsPartial))
        {
            return Fails(progress.Errno, progress.Start, progress.Size, out error);
        }

        _answer = progress.Errno;
        return true;
    }

    /// <summary>Makes the backend of a mapping.</summary>
    /// <returns>False if the call names a file that the program does not have.</returns>
    private bool TryMakeBackend(SystemCall call, ulong size, out MemoryBackend backend)
    {
        MemoryObject? source = (uint)call.FileId < (uint)_files.Length ? _files[call.FileId] : null;
        ulong offset = call.Offset;
        backend = LazyBackend.Instance;
        if (IsHugeTlb(call) && TryHugeTlbSize(call, out PageSize granule))
        {
            backend = MakeHugeTlb(call, size, granule);
            return true;
        }

        if (call is { Source: MappingSource.Anonymous, Shared: true, Backend: null })
        {
            source = new MemoryObject("shared anonymous memory", size, FrameKind.SharedMemory);
            offset = 0;
        }

        if (NameOfBackend(call, source) is not { } name)
        {
            return false;
        }

        backend = _memory.Options.KindOf(name).BackendOf(new BackendRequest(call.Start, offset, source, call.Shared));
        return true;
    }

    /// <summary>The backend that a mapping names, or else that its source implies; null where the source is missing.</summary>
    private string? NameOfBackend(SystemCall call, MemoryObject? source) => call.Backend ?? call.Source switch
    {
        MappingSource.File when source is null => null,
        MappingSource.File => source.Kind == FrameKind.SharedMemory && call.Shared ? MemoryBackends.Shared : MemoryBackends.File,
        MappingSource.Anonymous => call.Shared ? MemoryBackends.Shared : _memory.Options.Anonymous,
        MappingSource.Device => MemoryBackends.Device,
        MappingSource.Linear => MemoryBackends.Linear,
        MappingSource.Guard => MemoryBackends.Guard,
        _ => null,
    };

    private static bool IsPageAligned(VirtAddr address) => (address.Value & (PageSizes.BaseBytes - 1)) == 0;

    private static VirtAddr PageUp(VirtAddr address) => new((address.Value + (PageSizes.BaseBytes - 1)) & ~(PageSizes.BaseBytes - 1));

    /// <summary>
    /// Rounds a length up to pages, and says what a call answers if it cannot have that range: addresses that the page table cannot hold
    /// are never mapped.
    /// </summary>
    private Errno RangeError(VirtAddr start, ulong length, out ulong size)
    {
        size = (length + (PageSizes.BaseBytes - 1)) & ~(PageSizes.BaseBytes - 1);
        if (!IsPageAligned(start) || length == 0 || size < length || start.Value + (size - 1) < start.Value)
        {
            return Errno.InvalidArgument;
        }

        bool isCanonical = _memory.Table.Format.IsCanonical(start) && _memory.Table.Format.IsCanonical(start + (size - 1));
        _meetsWidth |= !isCanonical;
        return isCanonical ? Errno.None : Errno.NoMemory;
    }

    /// <summary>As <see cref="RangeError"/>, and ENOMEM if the range has a hole. A length of 0 is a range without pages.</summary>
    private Errno CoveredRangeError(SystemCall call, out ulong size)
    {
        size = 0;
        if (call.Length == 0 && IsPageAligned(call.Start))
        {
            return Errno.None;
        }

        Errno refusal = RangeError(call.Start, call.Length, out size);
        return refusal == Errno.None && !_set.Covers(call.Start, size) ? Errno.NoMemory : refusal;
    }

    /// <summary>Rounds a length up to pages and checks that the range exists.</summary>
    private bool TryRange(VirtAddr start, ulong length, out ulong size) => RangeError(start, length, out size) == Errno.None;
}
