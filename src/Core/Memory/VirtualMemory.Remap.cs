using VmSim.Core.Addresses;
using VmSim.Core.Mapping;
using VmSim.Core.Memory.Backends;
using VmSim.Core.Programs;

namespace VmSim.Core.Memory;

/// <summary>mremap (Linux 6.18: mm/mremap.c): shrinks, grows in place, moves, and maps shared memory a second time.</summary>
public sealed partial class VirtualMemory
{
    private const RemapFlags AllRemapFlags = RemapFlags.MayMove | RemapFlags.Fixed | RemapFlags.DontUnmap;

    /// <summary>Areas that a move may need for a while beside those there are (mremap_to, prep_move_vma).</summary>
    private const int AreasToMove = 3;

    private bool TryRemap(SystemCall call, out MappingError<VirtAddr> error)
    {
        Errno refusal = RemapError(call, out ulong oldSize, out ulong newSize);
        if (refusal != Errno.None)
        {
            return Fails(refusal, call.Start, call.Length, out error);
        }

        bool moves = call.NewStart != call.Start;
        bool movesAsIs = (call.RemapFlags & RemapFlags.Fixed) != 0 && oldSize == newSize && oldSize > 0;
        if (moves && movesAsIs)
        {
            return TryMoveAreas(call, oldSize, out error);
        }

        if (!_set.TryFind(call.Start, out AreaSet.Area area))
        {
            return Fails(Errno.BadAddress, call.Start, oldSize, out error);
        }

        if ((area.Flags & AreaFlags.Sealed) != 0)
        {
            return Fails(Errno.PermissionDenied, call.Start, oldSize, out error);
        }

        refusal = HugeTlbRemapError(area, call, oldSize, newSize);
        if (refusal != Errno.None)
        {
            return Fails(refusal, call.Start, oldSize, out error);
        }

        if (!moves && newSize <= oldSize)
        {
            error = default;
            return newSize == oldSize || TryUnmap(call.Start + newSize, oldSize - newSize, out error);
        }

        refusal = AreaError(area, call, oldSize, newSize);
        if (refusal != Errno.None)
        {
            return Fails(refusal, call.Start, oldSize, out error);
        }

        if (oldSize > 0 && RemapsTooMuch(area, call, oldSize, newSize))
        {
            return Fails(Errno.NoMemory, call.Start, oldSize, out error);
        }

        bool done = oldSize == 0 ? TryMapAgain(area, call, newSize, out error)
            : moves ? TryMoveArea(area with { Start = call.Start, Size = oldSize }, call, newSize, out error)
            : TryGrowInPlace(area, call.Start + oldSize, newSize - oldSize, out error);
        if (done && newSize > oldSize && (area.Flags & AreaFlags.Locks) == AreaFlags.Locked)
        {
            _ = Populate(call.NewStart + oldSize, newSize - oldSize);
        }

        return done;
    }

    private static bool Succeeds(out MappingError<VirtAddr> error)
    {
        error = default;
        return true;
    }

    /// <summary>What mremap answers by its arguments alone (check_mremap_params).</summary>
    private Errno RemapError(SystemCall call, out ulong oldSize, out ulong newSize)
    {
        oldSize = (call.Length + (PageSizes.BaseBytes - 1)) & ~(PageSizes.BaseBytes - 1);
        Errno refusal = RangeError(call.NewStart, call.NewLength, out newSize);
        bool names = (call.RemapFlags & (RemapFlags.Fixed | RemapFlags.DontUnmap)) != 0;
        bool isInvalid = (call.RemapFlags & ~AllRemapFlags) != 0 || !IsPageAligned(call.Start) || oldSize < call.Length
            || refusal != Errno.None
            || ((names || call.NewStart != call.Start) && (call.RemapFlags & RemapFlags.MayMove) == 0)
            || ((call.RemapFlags & RemapFlags.DontUnmap) != 0 && oldSize != newSize);
        if (isInvalid)
        {
            return Errno.InvalidArgument;
        }

        if (oldSize == 0)
        {
            return Errno.None;
        }

        if (RangeError(call.Start, oldSize, out _) != Errno.None)
        {
            return Errno.BadAddress;
        }

        bool mustMove = names || call.NewStart != call.Start;
        return mustMove && AddrRange.Of(call.Start, oldSize).Overlaps(AddrRange.Of(call.NewStart, newSize)) ? Errno.InvalidArgument
            : mustMove && _set.Count > _memory.Options.MaxAreas - AreasToMove ? Errno.NoMemory
            : Errno.None;
    }

    /// <summary>What mremap answers when it looks at the area (check_prep_vma).</summary>
    private static Errno AreaError(in AreaSet.Area area, SystemCall call, ulong oldSize, ulong newSize)
    {
        bool isSpecial = area.Backend.Backing.IsOutside;
        if ((area.Flags & AreaFlags.Sealed) != 0)
        {
            return Errno.PermissionDenied;
        }

        bool isShared = area.Backend.Backing is { IsPrivate: false, IsOutside: false };
        if ((oldSize == 0 && !isShared) || ((call.RemapFlags & RemapFlags.DontUnmap) != 0 && isSpecial))
        {
            return Errno.InvalidArgument;
        }

        return oldSize > 0 && area.Last.Value - call.Start.Value < oldSize - 1 ? Errno.BadAddress : Errno.None;
    }

    /// <summary>Extends an area whose end is the old range's end, if nothing is in the way.</summary>
    private bool TryGrowInPlace(in AreaSet.Area area, VirtAddr end, ulong bytes, out MappingError<VirtAddr> error)
    {
        AreaSet.Area more = area with { Start = end, Size = bytes };
        return area.Last + 1 != end || _set.Overlaps(more.Range)
            ? Fails(MappingErrorKind.NoMemory, end, bytes, out error)
            : _set.TryMap(more, _memory, out error);
    }

    /// <summary>Maps the pages of a shared area a second time, from the named address on: an old size of 0 asks for that.</summary>
    private bool TryMapAgain(in AreaSet.Area area, SystemCall call, ulong newSize, out MappingError<VirtAddr> error)
    {
        if (IsSealed(call.NewStart, newSize))
        {
            return Fails(Errno.PermissionDenied, call.NewStart, newSize, out error);
        }

        FreeTablesAround(call.NewStart, newSize);
        RemoveGuards(call.NewStart, newSize);
        MemoryBackend backend = area.Backend.MovedBy(unchecked(call.NewStart.Value - call.Start.Value));
        return _set.TryMapOver(new AreaSet.Area(call.NewStart, newSize, area.Flags, backend), _memory, out error);
    }

    /// <summary>
    /// Moves all areas of a range, with the holes between them (from 6.17: remap_move). The first must begin where the range does.
    /// </summary>
    private bool TryMoveAreas(SystemCall call, ulong size, out MappingError<VirtAddr> error)
    {
        List<AreaSet.Area> pieces = [.. _set.Pieces(call.Start, size)];
        if (pieces.Count == 0 || pieces[0].Start != call.Start)
        {
            return Fails(Errno.BadAddress, call.Start, size, out error);
        }

        foreach (AreaSet.Area piece in pieces)
        {
            SystemCall move = call with { Start = piece.Start, NewStart = call.NewStart + (piece.Start.Value - call.Start.Value) };
            Errno refusal = AreaError(piece, move, piece.Size, piece.Size);
            refusal = refusal == Errno.None ? HugeTlbRemapError(piece, move, piece.Size, piece.Size) : refusal;
            if (refusal != Errno.None)
            {
                return Fails(refusal, piece.Start, piece.Size, out error);
            }
        }

        AddrRange<VirtAddr> goal = AddrRange.Of(call.NewStart, size);
        List<AreaSet.Area> touched = [.. Touching(AddrRange.Of(call.Start, size)), .. Touching(goal)];
        foreach (AreaSet.Area piece in pieces)
        {
            VirtAddr target = call.NewStart + (piece.Start.Value - call.Start.Value);
            if (!TryMoveArea(piece, AddrRange.Of(target, piece.Size), call.RemapFlags, out error))
            {
                _set.Disown(goal.Start, goal.Size);
                Restore(touched);
                return false;
            }
        }

        return Succeeds(out error);
    }

    /// <summary>Moves the pages of a part of an area to a new place, which is emptied first.</summary>
    private bool TryMoveArea(in AreaSet.Area old, SystemCall call, ulong newSize, out MappingError<VirtAddr> error)
    {
        AddrRange<VirtAddr> goal = AddrRange.Of(call.NewStart, newSize);
        List<AreaSet.Area> touched = [.. Touching(old.Range), .. Touching(goal)];
        bool done = TryMoveArea(old, goal, call.RemapFlags, out error);
        if (!done)
        {
            Restore(touched);
        }

        return done;
    }

    private bool TryMoveArea(in AreaSet.Area old, AddrRange<VirtAddr> goal, RemapFlags flags, out MappingError<VirtAddr> error)
    {
        ulong moved = Math.Min(old.Size, goal.Size);
        if (!TryUnmap(goal.Start, goal.Size, out error) || (old.Size > moved && !TryUnmap(old.Start + moved, old.Size - moved, out error)))
        {
            return false;
        }

        AreaSet.Area area = new(goal.Start, goal.Size, old.Flags, old.Backend.MovedBy(unchecked(goal.Start.Value - old.Start.Value)));
        if (!_memory.Move(old.Start, goal.Start, moved) || !area.Backend.Arrive(area.Start, moved, _memory)
            || (goal.Size > moved && !area.Backend.Map(area.Start + moved, goal.Size - moved, area.Flags, _memory)))
        {
            return Fails(MappingErrorKind.BadState, old.Start, old.Size, out error);
        }

        if (!_memory.Guards.IsEmpty)
        {
            _memory.Guards.Move(old.Start.PageNumber, goal.Start.PageNumber, moved >> PageSizes.BaseShift);
        }

        if ((flags & RemapFlags.DontUnmap) == 0)
        {
            if (!TryUnmap(old.Start, moved, out error))
            {
                return false;
            }
        }
        else
        {
            // The old range stays, empty and no longer locked (dontunmap_complete).
            _set.Disown(old.Start, moved);
            _set.Adopt(old with { Size = moved, Flags = old.Flags & ~AreaFlags.Locks });
        }

        _set.Adopt(area);
        return true;
    }

    private IEnumerable<AreaSet.Area> Touching(AddrRange<VirtAddr> range) =>
        _set.Pieces(range.Start, range.Size).Select(piece => _set.TryFind(piece.Start, out AreaSet.Area whole) ? whole : piece);

    /// <summary>Puts areas back as they were before a move that failed half way; what backends did is undone elsewhere.</summary>
    private void Restore(List<AreaSet.Area> touched)
    {
        foreach (AreaSet.Area area in touched.Distinct())
        {
            _set.Disown(area.Start, area.Size);
            _set.Adopt(area);
        }
    }
}
