using VmSim.Core.Addresses;
using VmSim.Core.Mapping;
using VmSim.Core.Programs;
using Area = VmSim.Core.Mapping.MemoryArea<VmSim.Core.Addresses.VirtAddr, VmSim.Core.Memory.Backends.AreaFlags, VmSim.Core.Memory.Backends.MemoryBackend>;

namespace VmSim.Core.Memory;

/// <summary>mremap: shrinks, grows in place or moves.</summary>
public sealed partial class VirtualMemory
{
    private MappingError? Remap(SystemCall call)
    {
        if (!TryRange(call.Start, call.Length, out ulong oldSize) || !TryRange(call.NewStart, call.NewLength, out ulong newSize))
        {
            return Invalid(call.Start, call.Length);
        }

        if (!_set.TryFind(call.Start, out Area area) || area.End.Value - call.Start.Value < oldSize)
        {
            return MappingError.Of(MappingErrorKind.BadState, call.Start, oldSize);
        }

        if (call.NewStart != call.Start)
        {
            return MoveArea(area with { Start = call.Start, Size = oldSize }, call.NewStart, newSize);
        }

        return newSize < oldSize ? UnmapRange(call.Start + newSize, oldSize - newSize)
            : newSize > oldSize ? GrowInPlace(area, call.Start + oldSize, newSize - oldSize)
            : null;
    }

    /// <summary>Extends an area whose end is the old range's end, if nothing is in the way.</summary>
    private MappingError? GrowInPlace(in Area area, VirtAddr end, ulong bytes)
    {
        Area more = area with { Start = end, Size = bytes };
        if (area.End != end || _set.Overlaps(more.Range))
        {
            return MappingError.Of(MappingErrorKind.NoMemory, end, bytes);
        }

        return _set.Map(more, _memory, unmapOverlap: false);
    }

    /// <summary>Moves the pages of a part of an area to a new place, which is emptied first.</summary>
    private MappingError? MoveArea(in Area old, VirtAddr target, ulong newSize)
    {
        AddrRange<VirtAddr> goal = new(target, target + newSize);
        if (goal.Overlaps(old.Range))
        {
            return Invalid(target, newSize);
        }

        List<Area> touched = [.. Touching(old.Range), .. Touching(goal)];
        MappingError? error = TryMove(old, goal);
        if (error is not null)
        {
            Restore(touched);
        }

        return error;
    }

    private MappingError? TryMove(in Area old, AddrRange<VirtAddr> goal)
    {
        ulong moved = Math.Min(old.Size, goal.Size);
        MappingError? error = UnmapRange(goal.Start, goal.Size);
        if (error is null && old.Size > moved)
        {
            error = UnmapRange(old.Start + moved, old.Size - moved);
        }

        if (error is not null)
        {
            return error;
        }

        Area area = new(goal.Start, goal.Size, old.Flags, old.Backend.MovedBy(unchecked(goal.Start.Value - old.Start.Value)));
        if (!_memory.Move(old.Start, goal.Start, moved) || !area.Backend.Arrive(area.Start, moved, _memory)
            || (goal.Size > moved && !area.Backend.Map(area.Start + moved, goal.Size - moved, area.Flags, _memory)))
        {
            return MappingError.Of(MappingErrorKind.BadState, old.Start, old.Size);
        }

        error = UnmapRange(old.Start, moved);
        if (error is null)
        {
            _set.Adopt(area);
        }

        return error;
    }

    private IEnumerable<Area> Touching(AddrRange<VirtAddr> range) =>
        _set.Pieces(range.Start, range.Size).Select(piece => _set.TryFind(piece.Start, out Area whole) ? whole : piece);

    /// <summary>Puts areas back as they were before a move that failed half way; what backends did is undone elsewhere.</summary>
    private void Restore(List<Area> touched)
    {
        foreach (Area area in touched.Distinct())
        {
            _set.Disown(area.Start, area.Size);
            _set.Adopt(area);
        }
    }
}
