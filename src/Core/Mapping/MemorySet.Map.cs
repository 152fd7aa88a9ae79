using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace VmSim.Core.Mapping;

/// <content>Mapping and unmapping. Backends are called first; the areas change when all have agreed.</content>
public partial class MemorySet<TAddr, TFlags, TPageTable, TBackend>
{
    /// <summary>Adds an area to free addresses and maps it. O(log n).</summary>
    /// <param name="area">The area.</param>
    /// <param name="pageTable">The page table.</param>
    /// <param name="error">
    /// Why nothing was done: InvalidParam (the size is 0, or the range is misaligned or ends too high), AlreadyExists with the lowest
    /// overlap, BadState with the range the backend refused, NoMemory if there would be too many areas.
    /// </param>
    /// <returns>Whether it was done.</returns>
    public bool TryMap(in Area area, TPageTable pageTable, out MappingError<TAddr> error) => Map(area, pageTable, over: false, out error);

    /// <summary>
    /// Adds an area and maps it in place of whatever is in its range, which is unmapped first (Linux: MAP_FIXED). O(log n + areas
    /// overlapped).
    /// </summary>
    /// <param name="area">The area.</param>
    /// <param name="pageTable">The page table.</param>
    /// <param name="error">As for <see cref="TryMap"/>, but that an overlap is none.</param>
    /// <returns>Whether it was done.</returns>
    public bool TryMapOver(in Area area, TPageTable pageTable, out MappingError<TAddr> error) =>
        Map(area, pageTable, over: true, out error);


    /// <summary>Unmaps a range and removes it from its areas; areas are shortened or split at its ends. O(log n + areas touched).</summary>
    /// <param name="start">First address.</param>
    /// <param name="size">Bytes; 0 does nothing. Where no area is, nothing is done.</param>
    /// <param name="pageTable">The page table.</param>
    /// <param name="error">
    /// Why nothing was done: InvalidParam, BadState with the range a backend refused, NoMemory if there would be too many areas.
    /// </param>
    /// <returns>Whether it was done.</returns>
    public bool TryUnmap(TAddr start, ulong size, TPageTable pageTable, out MappingError<TAddr> error)
    {
        error = default;
        if (!IsRange(start.Value, size))
        {
            return Fails(MappingErrorKind.InvalidParam, start.Value, size, out error);
        }

        if (size == 0)
        {
            return true;
        }

        ulong last = start.Value + (size - 1);
        AreaPosition first = _tree.FirstReaching(start.Value);
        if (!first.Exists || _tree.StartAt(first) > last)
        {
            return true;
        }

        if (_maxAreas != int.MaxValue && AreasAfterCut(first, start.Value, last) > _maxAreas)
        {
            return Fails(MappingErrorKind.NoMemory, start.Value, size, out error);
        }

        int version = _version;
        if (pageTable is not IUndoablePageTable && _tree.LastAt(first) >= last)
        {
            // One piece: a refusal leaves nothing to take back.
            ulong from = Math.Max(start.Value, _tree.StartAt(first));
            if (!_tree.SlotAt(first).Backend.Unmap(TAddr.FromValue(from), last - from + 1, pageTable))
            {
                return Refused(from, last, out error);
            }

            Changed(version);
            CutOutOf(first, from, last);
            return true;
        }

        if (!UnmapPieces(first, start.Value, last, pageTable, out error))
        {
            return false;
        }

        Changed(version);
        CutOut(first, start.Value, last);
        return true;
    }

    /// <summary>Unmaps everything and removes all areas. O(n).</summary>
    /// <param name="pageTable">The page table.</param>
    /// <param name="error">Why nothing was done: BadState with the range a backend refused.</param>
    /// <returns>Whether it was done.</returns>
    public bool TryClear(TPageTable pageTable, out MappingError<TAddr> error)
    {
        error = default;
        if (_tree.Count == 0)
        {
            return true;
        }

        int version = _version;
        if (!UnmapPieces(_tree.First(), 0, TAddr.MaxValue, pageTable, out error))
        {
            return false;
        }

        Changed(version);
        _tree.Reset();
        return true;
    }

    /// <summary>Adds an area whose pages are mapped already. No backend is called.</summary>
    /// <exception cref="InvalidOperationException">The range is not legal, or an area is in it.</exception>
    public void Adopt(in Area area)
    {
        ulong start = area.Start.Value;
        AreaPosition floor = _tree.Floor(start);
        AreaPosition next = _tree.Next(floor);
        if (area.Size == 0 || !IsRange(start, area.Size) || (floor.Index >= 0 && _tree.LastAt(floor) >= start)
            || (next.Exists && _tree.StartAt(next) - start < area.Size))
        {
            throw new InvalidOperationException(
                $"An area cannot be adopted at {area.Start}, {area.Size} bytes: the range is not legal or not free.");
        }

        Changed(_version);
        ulong last = start + (area.Size - 1);
        _tree.InsertAfter(floor, start, last, SlotOf(area));
        Merge(start, last);
    }

    /// <summary>Removes a range from its areas and leaves its pages mapped. No backend is called.</summary>
    /// <exception cref="InvalidOperationException">The range is not legal.</exception>
    public void Disown(TAddr start, ulong size)
    {
        if (!IsRange(start.Value, size))
        {
            throw new InvalidOperationException($"No area can be at {start}, {size} bytes.");
        }

        ulong last = start.Value + (size - 1);
        AreaPosition first = _tree.FirstReaching(start.Value);
        if (size > 0 && first.Exists && _tree.StartAt(first) <= last)
        {
            Changed(_version);
            CutOut(first, start.Value, last);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool Map(in Area area, TPageTable pageTable, bool over, out MappingError<TAddr> error)
    {
        ulong start = area.Start.Value;
        if (area.Size == 0 || !IsRange(start, area.Size))
        {
            return Fails(MappingErrorKind.InvalidParam, start, area.Size, out error);
        }

        ulong last = start + (area.Size - 1);
        AreaPosition floor = _tree.Floor(start);
        AreaPosition next = _tree.Next(floor);
        if (floor.Index >= 0 && _tree.LastAt(floor) >= start)
        {
            return over && pageTable is not IUndoablePageTable && _tree.StartAt(floor) == start && _tree.LastAt(floor) == last
                ? ReplaceOne(floor, area, pageTable, out error)
                : MapOver(area, floor, last, pageTable, over, out error);
        }

        if (next.Exists && _tree.StartAt(next) <= last)
        {
            return MapOver(area, next, last, pageTable, over, out error);
        }

        if (_tree.Count >= _maxAreas)
        {
            return Fails(MappingErrorKind.NoMemory, start, area.Size, out error);
        }

        int version = _version;
        if (!MapOne(area, pageTable))
        {
            return Fails(MappingErrorKind.BadState, start, area.Size, out error);
        }

        Changed(version);
        _tree.InsertAfter(floor, start, last, SlotOf(area));
        Merge(start, last);
        error = default;
        return true;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool MapOver(in Area area, AreaPosition first, ulong last, TPageTable pageTable, bool over, out MappingError<TAddr> error)
    {
        ulong start = area.Start.Value;
        if (!over)
        {
            return Fails(MappingErrorKind.AlreadyExists, first, start, last, out error);
        }

        if (_maxAreas != int.MaxValue && AreasAfterCut(first, start, last) >= _maxAreas)
        {
            return Fails(MappingErrorKind.NoMemory, start, area.Size, out error);
        }

        int version = _version;
        if (!ReplacePieces(first, area, last, pageTable, out error))
        {
            return false;
        }

        Changed(version);
        if (_tree.StartAt(first) == start && _tree.LastAt(first) == last)
        {
            _tree.SlotAt(first) = SlotOf(area);
        }
        else
        {
            CutOut(first, start, last);
            _tree.InsertAfter(_tree.Floor(start), start, last, SlotOf(area));
        }

        Merge(start, last);
        return true;
    }

    /// <summary>Removes [start, last], which lies in one area, from it.</summary>
    private void CutOutOf(AreaPosition position, ulong start, ulong last)
    {
        ulong areaLast = _tree.LastAt(position);
        if (_tree.StartAt(position) < start)
        {
            if (areaLast > last)
            {
                _tree.Punch(position, start, last);
            }
            else
            {
                _tree.SetLast(position, start - 1);
            }
        }
        else if (areaLast > last)
        {
            _tree.SetStart(position, last + 1);
        }
        else
        {
            _tree.Remove(position, 1);
        }
    }

    /// <summary>Removes [start, last] from the areas, the first of which is at a position.</summary>
    private void CutOut(AreaPosition position, ulong start, ulong last)
    {
        if (_tree.LastAt(position) >= last)
        {
            CutOutOf(position, start, last);
            return;
        }

        if (_tree.StartAt(position) < start)
        {
            _tree.SetLast(position, start - 1);
            position = _tree.Next(position);
        }

        while (position.Exists && _tree.StartAt(position) <= last)
        {
            int covered = _tree.RunEndingBy(position, last);
            if (covered == 0)
            {
                _tree.SetStart(position, last + 1);
                return;
            }

            bool goesOn = _tree.LastAt(new AreaPosition(position.Leaf, position.Index + covered - 1)) != last;
            _tree.Remove(position, covered);
            if (!goesOn)
            {
                return;
            }

            position = _tree.FirstReaching(start);
        }
    }

    /// <summary>How many areas there would be without [start, last].</summary>
    private int AreasAfterCut(AreaPosition position, ulong start, ulong last)
    {
        int count = _tree.Count;
        if (_tree.StartAt(position) < start && _tree.LastAt(position) > last)
        {
            return count + 1;
        }

        for (; position.Exists && _tree.StartAt(position) <= last; position = _tree.Next(position))
        {
            count -= _tree.StartAt(position) >= start && _tree.LastAt(position) <= last ? 1 : 0;
        }

        return count;
    }

    /// <summary>Makes one area of equal neighbours in a range and at its ends.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Merge(ulong start, ulong last)
    {
        if (_merges)
        {
            MergeNeighbours(start, last);
        }
    }

    private void MergeNeighbours(ulong start, ulong last)
    {
        AreaPosition left = _tree.FirstReaching(start == 0 ? 0 : start - 1);
        while (left.Exists)
        {
            AreaPosition right = _tree.Next(left);
            if (!right.Exists || _tree.StartAt(right) - 1 > last)
            {
                return;
            }

            if (AreEqualNeighbours(left, right))
            {
                ulong first = _tree.StartAt(left);
                ulong end = _tree.LastAt(right);
                _tree.Remove(right, 1);
                left = _tree.Floor(first);
                _tree.SetLast(left, end);
            }
            else
            {
                left = right;
            }
        }
    }

    private bool AreEqualNeighbours(AreaPosition left, AreaPosition right)
    {
        ref AreaSlot<TFlags, TBackend> lower = ref _tree.SlotAt(left);
        ref AreaSlot<TFlags, TBackend> upper = ref _tree.SlotAt(right);

        // The whole of a 64-bit space has no size in 64 bits, so it stays two areas.
        return _tree.LastAt(left) + 1 == _tree.StartAt(right) && _tree.LastAt(right) - _tree.StartAt(left) != ulong.MaxValue
            && EqualityComparer<TFlags>.Default.Equals(lower.Flags, upper.Flags)
            && EqualityComparer<TBackend>.Default.Equals(lower.Backend, upper.Backend);
    }

    private static AreaSlot<TFlags, TBackend> SlotOf(in Area area) =>
        new() { Flags = area.Flags, Backend = area.Backend };

    private bool IsRange(ulong start, ulong size)
    {
        if (_granuleMask == 0)
        {
            return start <= TAddr.MaxValue && size <= TAddr.MaxValue - start;
        }

        return ((start | size) & _granuleMask) == 0 && start <= TAddr.MaxValue && (size == 0 || size - 1 <= TAddr.MaxValue - start);
    }

    /// <summary>Notes that the areas are about to change, and that nobody else has changed them.</summary>
    private void Changed(int expectedVersion)
    {
        if (_version != expectedVersion)
        {
            ThrowChanged();
        }

        _version++;
    }

    [DoesNotReturn]
    private static void ThrowChanged() =>
        throw new InvalidOperationException("A backend or a flags update changed the memory set that called it.");
}
