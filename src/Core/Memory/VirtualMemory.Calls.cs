using VmSim.Core.Addresses;
using VmSim.Core.Mapping;
using VmSim.Core.Memory.Backends;
using VmSim.Core.Programs;

namespace VmSim.Core.Memory;

/// <summary>Memory-management system calls, each of which happens wholly or not at all.</summary>
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
        bool done;
        MappingError<VirtAddr> error;
        try
        {
            done = TryDispatch(call, out error);
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
            return new MmResult { Error = ranOut ? error with { Kind = MappingErrorKind.NoMemory } : error };
        }

        return _memory.EndCall(Math.Max(1, Math.Abs(_set.Count - before)));
    }

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
            _ => true,
        };
    }

    private bool TryMap(SystemCall call, out MappingError<VirtAddr> error)
    {
        if (!TryRange(call.Start, call.Length, out ulong size) || (call.Offset & (PageSizes.BaseBytes - 1)) != 0)
        {
            return Fails(MappingErrorKind.InvalidParam, call.Start, call.Length, out error);
        }

        if (!TryMakeBackend(call, size, out MemoryBackend backend))
        {
            return Fails(MappingErrorKind.InvalidParam, call.Start, size, out error);
        }

        FreeTablesAround(call.Start, size);
        AreaFlags flags = FlagsOf(call);
        if (!_set.TryMapOver(new AreaSet.Area(call.Start, size, flags, backend), _memory, out error))
        {
            return false;
        }

        if (call.Populate)
        {
            // A mapping whose pages cannot all be made is a mapping all the same (Linux: mm_populate, mm/gup.c, ignores errors).
            _ = Populate(call.Start, size, write: (flags & (AreaFlags.Write | AreaFlags.Shared)) == AreaFlags.Write);
        }

        return true;
    }

    private bool TryUnmap(SystemCall call, out MappingError<VirtAddr> error) =>
        TryRange(call.Start, call.Length, out ulong size)
            ? TryUnmap(call.Start, size, out error)
            : Fails(MappingErrorKind.InvalidParam, call.Start, call.Length, out error);

    private bool TryUnmap(VirtAddr start, ulong size, out MappingError<VirtAddr> error)
    {
        FreeTablesAround(start, size);
        return _set.TryUnmap(start, size, _memory, out error);
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

    private bool TryProtect(SystemCall call, out MappingError<VirtAddr> error)
    {
        if (call.Length == 0 && IsPageAligned(call.Start))
        {
            error = default;
            return true;
        }

        if (!TryRange(call.Start, call.Length, out ulong size))
        {
            return Fails(MappingErrorKind.InvalidParam, call.Start, call.Length, out error);
        }

        if (!_set.Covers(call.Start, size))
        {
            return Fails(MappingErrorKind.NoMemory, call.Start, size, out error);
        }

        AreaFlags rights = call.Protection.ToAreaFlags();
        return _set.TryProtect(call.Start, size, old => (old & ~AreaFlags.Rights) | rights, _memory, out error);
    }

    /// <summary>Moves the end of the heap (Linux: brk, mm/mmap.c). A break below the heap's beginning changes nothing.</summary>
    private bool TrySetBreak(VirtAddr target, out MappingError<VirtAddr> error)
    {
        error = default;
        if (_breakStart.Value == 0)
        {
            SetInitialBreak(target);
            return true;
        }

        if (target < _breakStart || target.Value > ulong.MaxValue - PageSizes.BaseBytes)
        {
            return true;
        }

        VirtAddr oldEnd = PageUp(Break);
        VirtAddr newEnd = PageUp(target);
        bool done = true;
        if (newEnd < oldEnd)
        {
            done = TryUnmap(newEnd, oldEnd.Value - newEnd.Value, out error);
        }
        else if (newEnd > oldEnd)
        {
            MemoryBackend backend = _memory.Options.Anonymous == MemoryBackends.Populate ? PopulateBackend.Instance : LazyBackend.Instance;
            AreaSet.Area heap = new(oldEnd, newEnd.Value - oldEnd.Value, AreaFlags.Read | AreaFlags.Write, backend);
            done = _set.Overlaps(heap.Range)
                ? Fails(MappingErrorKind.NoMemory, heap.Start, heap.Size, out error)
                : _set.TryMap(heap, _memory, out error);
        }

        if (done)
        {
            Break = target;
        }

        return done;
    }

    private static AreaFlags FlagsOf(SystemCall call)
    {
        AreaFlags flags = call.Protection.ToAreaFlags();
        flags |= call.Shared ? AreaFlags.Shared : AreaFlags.None;
        return flags | (call.Name == "[stack]" ? AreaFlags.GrowsDown : AreaFlags.None);
    }

    /// <summary>Makes the backend of a mapping.</summary>
    /// <returns>False if the call names a file that the program does not have.</returns>
    private bool TryMakeBackend(SystemCall call, ulong size, out MemoryBackend backend)
    {
        MemoryObject? source = (uint)call.FileId < (uint)_files.Length ? _files[call.FileId] : null;
        ulong offset = call.Offset;
        backend = LazyBackend.Instance;
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

    /// <summary>Rounds a length up to pages and checks that the range exists.</summary>
    private bool TryRange(VirtAddr start, ulong length, out ulong size)
    {
        size = (length + (PageSizes.BaseBytes - 1)) & ~(PageSizes.BaseBytes - 1);
        return IsPageAligned(start) && length > 0 && size >= length && start.Value + (size - 1) >= start.Value
            && _memory.Table.Format.IsCanonical(start) && _memory.Table.Format.IsCanonical(start + (size - 1));
    }
}
