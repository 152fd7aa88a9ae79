using VmSim.Core.Addresses;
using VmSim.Core.Mapping;
using VmSim.Core.Memory.Backends;
using VmSim.Core.Programs;
using Area = VmSim.Core.Mapping.MemoryArea<VmSim.Core.Addresses.VirtAddr, VmSim.Core.Memory.Backends.AreaFlags, VmSim.Core.Memory.Backends.MemoryBackend>;

namespace VmSim.Core.Memory;

/// <summary>Memory-management system calls.</summary>
public sealed partial class VirtualMemory
{
    private VirtAddr _breakStart;

    /// <summary>The program break: where the heap ends. Set once before the first <see cref="SystemCallKind.SetBreak"/>; the first such
    /// call sets it otherwise.</summary>
    public VirtAddr Break { get; private set; }

    /// <summary>Says where the heap begins, before any call moves the break.</summary>
    public void SetInitialBreak(VirtAddr start)
    {
        _breakStart = start;
        Break = start;
    }

    /// <summary>Does one memory-management system call, wholly or not at all.</summary>
    /// <param name="call">The call; lengths are rounded up to pages, addresses must be multiples of 4 KiB.</param>
    /// <returns>What it did, or why it did nothing.</returns>
    public MmResult Apply(SystemCall call)
    {
        ArgumentNullException.ThrowIfNull(call);
        _memory.Begin();
        int before = _set.Count;
        MappingError? error;
        try
        {
            error = Dispatch(call);
        }
        catch
        {
            _memory.Rollback();
            throw;
        }

        if (error is not null)
        {
            bool ranOut = _memory.RanOut;
            _memory.Rollback();
            return new MmResult { Error = ranOut ? error.Value with { Kind = MappingErrorKind.NoMemory } : error };
        }

        return _memory.EndCall(Math.Max(1, Math.Abs(_set.Count - before)));
    }

    private MappingError? Dispatch(SystemCall call) => call.Kind switch
    {
        SystemCallKind.Map => Map(call),
        SystemCallKind.Unmap => Unmap(call),
        SystemCallKind.Protect => Protect(call),
        SystemCallKind.SetBreak => SetBreak(call.Start),
        SystemCallKind.Remap => Remap(call),
        SystemCallKind.Advise => Advise(call),
        SystemCallKind.Sync => Sync(call),
        _ => null,
    };

    private MappingError? Map(SystemCall call)
    {
        if (!TryRange(call.Start, call.Length, out ulong size) || (call.Offset & (PageSizes.BaseBytes - 1)) != 0)
        {
            return Invalid(call.Start, call.Length);
        }

        if (!TryMakeBackend(call, size, out MemoryBackend backend))
        {
            return Invalid(call.Start, size);
        }

        FreeTablesAround(call.Start, size);
        AreaFlags flags = FlagsOf(call);
        MappingError? error = _set.Map(new Area(call.Start, size, flags, backend), _memory, unmapOverlap: true);
        if (error is null && call.Populate)
        {
            Populate(call.Start, size, write: (flags & (AreaFlags.Write | AreaFlags.Shared)) == AreaFlags.Write);
        }

        return error;
    }

    private MappingError? Unmap(SystemCall call)
    {
        if (!TryRange(call.Start, call.Length, out ulong size))
        {
            return Invalid(call.Start, call.Length);
        }

        return UnmapRange(call.Start, size);
    }

    private MappingError? UnmapRange(VirtAddr start, ulong size)
    {
        FreeTablesAround(start, size);
        return _set.Unmap(start, size, _memory);
    }

    /// <summary>Says which page-table pages an unmapping may free: those between the neighbouring areas (Linux: free_pgtables,
    /// mm/memory.c).</summary>
    private void FreeTablesAround(VirtAddr start, ulong size)
    {
        VirtAddr end = start + size;
        bool joinsBelow = start.Value > 0 && _set.TryFind(start - 1, out _);
        VirtAddr floor = joinsBelow ? start : _set.TryFindPrevious(start, out Area below) ? below.End : default;
        VirtAddr ceiling = end.Value == 0 || _set.TryFind(end, out _) ? end : _set.TryFindNext(end, out Area above) ? above.Start : default;
        _memory.FreeTablesIn(new AddrRange<VirtAddr>(floor, ceiling), start);
    }

    private static MappingError Invalid(VirtAddr start, ulong size) => MappingError.Of(MappingErrorKind.InvalidParam, start, size);

    private MappingError? Protect(SystemCall call)
    {
        if (call.Length == 0 && IsPageAligned(call.Start))
        {
            return null;
        }

        if (!TryRange(call.Start, call.Length, out ulong size))
        {
            return Invalid(call.Start, call.Length);
        }

        if (!_set.Covers(call.Start, size))
        {
            return MappingError.Of(MappingErrorKind.NoMemory, call.Start, size);
        }

        AreaFlags rights = (AreaFlags)call.Protection & AreaFlags.Rights;
        return _set.Protect(call.Start, size, old => (old & ~AreaFlags.Rights) | rights, _memory);
    }

    /// <summary>Moves the end of the heap (Linux: brk, mm/mmap.c). A break below the heap's beginning changes nothing.</summary>
    private MappingError? SetBreak(VirtAddr target)
    {
        if (_breakStart.Value == 0)
        {
            SetInitialBreak(target);
            return null;
        }

        if (target < _breakStart || target.Value > ulong.MaxValue - PageSizes.BaseBytes)
        {
            return null;
        }

        VirtAddr oldEnd = PageUp(Break);
        VirtAddr newEnd = PageUp(target);
        MappingError? error = null;
        if (newEnd < oldEnd)
        {
            error = UnmapRange(newEnd, oldEnd.Value - newEnd.Value);
        }
        else if (newEnd > oldEnd)
        {
            MemoryBackend backend = _memory.Options.AnonymousPopulate ? PopulateBackend.Instance : LazyBackend.Instance;
            Area heap = new(oldEnd, newEnd.Value - oldEnd.Value, AreaFlags.Read | AreaFlags.Write, backend);
            error = _set.Overlaps(heap.Range)
                ? MappingError.Of(MappingErrorKind.NoMemory, heap.Start, heap.Size)
                : _set.Map(heap, _memory, unmapOverlap: false);
        }

        if (error is null)
        {
            Break = target;
        }

        return error;
    }

    private static AreaFlags FlagsOf(SystemCall call)
    {
        AreaFlags flags = (AreaFlags)call.Protection & AreaFlags.Rights;
        flags |= call.Shared ? AreaFlags.Shared : AreaFlags.None;
        return flags | (call.Name == "[stack]" ? AreaFlags.GrowsDown : AreaFlags.None);
    }

    private bool TryMakeBackend(SystemCall call, ulong size, out MemoryBackend backend)
    {
        ulong delta = unchecked(call.Offset - call.Start.Value);
        MemoryObject? file = (uint)call.FileId < (uint)_files.Length ? _files[call.FileId] : null;
        backend = LazyBackend.Instance;
        if (call.Backend is { } name)
        {
            backend = _memory.Options.Backends.Create(name, new BackendRequest(call.Start, call.Offset, file));
            return true;
        }

        switch (call.Source)
        {
            case MappingSource.File when file is not null:
                backend = file.Kind == FrameKind.SharedMemory && call.Shared
                    ? new SharedBackend(file, delta)
                    : new FileBackend(file, delta, isPrivate: !call.Shared);
                return true;
            case MappingSource.Anonymous when call.Shared:
                MemoryObject shared = new("shared anonymous memory", size, FrameKind.SharedMemory);
                backend = new SharedBackend(shared, unchecked(0UL - call.Start.Value));
                return true;
            case MappingSource.Anonymous when _memory.Options.AnonymousBackend is { } plugIn:
                backend = _memory.Options.Backends.Create(plugIn, new BackendRequest(call.Start, call.Offset, file));
                return true;
            case MappingSource.Anonymous:
                backend = _memory.Options.AnonymousPopulate ? PopulateBackend.Instance : LazyBackend.Instance;
                return true;
            case MappingSource.Device:
                backend = new LinearBackend(delta, isDevice: true);
                return true;
            case MappingSource.Linear:
                backend = new LinearBackend(call.Offset);
                return true;
            case MappingSource.Guard:
                backend = GuardBackend.Instance;
                return true;
            default:
                return false;
        }
    }

    private static bool IsPageAligned(VirtAddr address) => (address.Value & (PageSizes.BaseBytes - 1)) == 0;

    private static VirtAddr PageUp(VirtAddr address) => new((address.Value + (PageSizes.BaseBytes - 1)) & ~(PageSizes.BaseBytes - 1));

    /// <summary>Rounds a length up to pages and checks that the range exists.</summary>
    private bool TryRange(VirtAddr start, ulong length, out ulong size)
    {
        size = (length + (PageSizes.BaseBytes - 1)) & ~(PageSizes.BaseBytes - 1);
        return IsPageAligned(start) && length > 0 && size >= length && start.Value + (size - 1) >= start.Value
            && _memory.Table.Format.IsCanonical(start) && _memory.Table.Format.IsCanonical(start + (size - 1));
    }
}
