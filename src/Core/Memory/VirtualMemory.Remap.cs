using VmSim.Core.Addresses;
using VmSim.Core.Mapping;
using VmSim.Core.Programs;

namespace VmSim.Core.Memory;

/// <summary>mremap: shrinks, grows in place or moves.</summary>
public sealed partial class VirtualMemory
{
    private bool TryRemap(SystemCall call, out MappingError<VirtAddr> error)
    {
        error = default;
        if (!TryRange(call.Start, call.Length, out ulong oldSize) || !TryRange(call.NewStart, call.NewLength, out ulong newSize))
        {
            return Fails(MappingErrorKind.InvalidParam, call.Start, call.Length, out error);
        }

        if (!_set.TryFind(call.Start, out AreaSet.Area area) || area.Last.Value - call.Start.Value < oldSize - 1)
        {
            return Fails(MappingErrorKind.BadState, call.Start, oldSize, out error);
        }

        if (call.NewStart != call.Start)
        {
            return TryMoveArea(area with { Start = call.Start, Size = oldSize }, call.NewStart, newSize, out error);
        }

        return newSize < oldSize ? TryUnmap(call.Start + newSize, oldSize - newSize, out error)
            : newSize == oldSize || TryGrowInPlace(area, call.Start + oldSize, newSize - oldSize, out error);
    }

    /// <summary>Extends an area whose end is the old range's end, if nothing is in the way.</summary>
    private bool TryGrowInPlace(in AreaSet.Area area, VirtAddr end, ulong bytes, out MappingError<VirtAddr> error)
    {
        AreaSet.Area more = area with { Start = end, Size = bytes };
        return area.Last + 1 != end || _set.Overlaps(more.Range)
            ? Fails(MappingErrorKind.NoMemory, end, bytes, out error)
            : _set.TryMap(more, _memory, out error);
    }

    /// <summary>Moves the pages of a part of an area to a new place, which is emptied first.</summary>
    private bool TryMoveArea(in AreaSet.Area old, VirtAddr target, ulong newSize, out MappingError<VirtAddr> error)
    {
        AddrRange<VirtAddr> goal = AddrRange.Of(target, newSize);
        if (goal.Overlaps(old.Range))
        {
            return Fails(MappingErrorKind.InvalidParam, target, newSize, out error);
        }

        List<AreaSet.Area> touched = [.. Touching(old.Range), .. Touching(goal)];
        bool done = TryMoveArea(old, goal, out error);
        if (!done)
        {
            Restore(touched);
        }

        return done;
    }

    private bool TryMoveArea(in AreaSet.Area old, AddrRange<VirtAddr> goal, out MappingError<VirtAddr> error)
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

        if (!TryUnmap(old.Start, moved, out error))
        {
            return false;
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
