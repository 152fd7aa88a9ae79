using VmSim.Core.Addresses;
using VmSim.Core.Mapping;
using VmSim.Core.Memory.Backends;
using VmSim.Core.Programs;

namespace VmSim.Core.Memory;

/// <summary>mseal, remap_file_pages and shmdt.</summary>
public sealed partial class VirtualMemory
{
    /// <summary>What paths of System V segments begin with, in /proc/PID/maps and so in programs (ipc/shm.c).</summary>
    private const string SegmentPrefix = "/SYSV";

    /// <summary>Whether any area was sealed, so that calls have to look at areas before they change them.</summary>
    private bool _hasSealedAreas;

    /// <summary>mseal: a range without holes can be neither unmapped, moved nor protected from now on (Linux 6.18: mm/mseal.c).</summary>
    private bool TrySeal(SystemCall call, out MappingError<VirtAddr> error)
    {
        Errno refusal = CoveredRangeError(call, out ulong size);
        if (refusal != Errno.None)
        {
            return Fails(refusal, call.Start, call.Length, out error);
        }

        _hasSealedAreas |= size > 0;
        return TrySetFlags(call.Start, size, new FlagChange(AreaFlags.None, AreaFlags.Sealed), out error);
    }

    /// <summary>Whether an area of a range is sealed; then a call that would unmap it answers EPERM and does nothing.</summary>
    private bool IsSealed(VirtAddr start, ulong size)
    {
        if (!_hasSealedAreas)
        {
            return false;
        }

        foreach (AreaSet.Area piece in _set.Pieces(start, size))
        {
            if ((piece.Flags & AreaFlags.Sealed) != 0)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// remap_file_pages, which the kernel does by mapping other pages of the file in place of a part of a shared mapping, and making them
    /// (Linux: mm/mmap.c).
    /// </summary>
    private bool TryRemapFilePages(SystemCall call, out MappingError<VirtAddr> error)
    {
        VirtAddr start = new(call.Start.Value & ~(PageSizes.BaseBytes - 1));
        ulong size = call.Length & ~(PageSizes.BaseBytes - 1);
        bool isRange = size > 0 && RangeError(start, size, out _) == Errno.None && IsPageAligned(new VirtAddr(call.Offset));
        if (!isRange || !_set.TryFind(start, out AreaSet.Area area) || area.Backend.Backing is not { IsPrivate: false, Object: { } source }
            || !IsOneMapping(start, size, source, area.Flags))
        {
            return Fails(Errno.InvalidArgument, call.Start, call.Length, out error);
        }

        if (IsSealed(start, size))
        {
            return Fails(Errno.PermissionDenied, start, size, out error);
        }

        ulong oldOffset = unchecked(start.Value + area.Backend.Backing.Delta);
        MemoryBackend backend = area.Backend.MovedBy(unchecked(oldOffset - call.Offset));
        FreeTablesAround(start, size);
        RemoveGuards(start, size);
        if (!_set.TryMapOver(new AreaSet.Area(start, size, area.Flags, backend), _memory, out error))
        {
            return false;
        }

        if ((call.MappingFlags & MappingFlags.NonBlocking) == 0)
        {
            _ = Populate(start, size);
        }

        return true;
    }

    /// <summary>Whether areas of one object with equal flags cover a range.</summary>
    private bool IsOneMapping(VirtAddr start, ulong size, MemoryObject source, AreaFlags flags)
    {
        foreach (AreaSet.Area piece in _set.Pieces(start, size))
        {
            if (piece.Flags != flags || !ReferenceEquals(piece.Backend.Backing.Object, source))
            {
                return false;
            }
        }

        return _set.Covers(start, size);
    }

    /// <summary>
    /// shmdt: unmaps every area of the segment that is attached at an address; parts of it may have been unmapped or protected since
    /// (Linux: ksys_shmdt, ipc/shm.c).
    /// </summary>
    private bool TryDetach(SystemCall call, out MappingError<VirtAddr> error)
    {
        ulong delta = unchecked(0 - call.Start.Value);
        MemoryObject? segment = null;
        List<AreaSet.Area> attached = [];
        foreach (AreaSet.Area area in _set)
        {
            bool isPart = area.Start >= call.Start && area.Backend.Backing is { Object: { } source } backing && backing.Delta == delta
                && source.Name.StartsWith(SegmentPrefix, StringComparison.Ordinal)
                && (segment is null || ReferenceEquals(segment, source));
            if (isPart)
            {
                segment = area.Backend.Backing.Object;
                attached.Add(area);
            }
        }

        if (segment is null || !IsPageAligned(call.Start))
        {
            return Fails(Errno.InvalidArgument, call.Start, call.Length, out error);
        }

        foreach (AreaSet.Area area in attached)
        {
            if (!TryUnmap(area.Start, area.Size, out error))
            {
                Restore(attached);
                return false;
            }
        }

        return Succeeds(out error);
    }
}
