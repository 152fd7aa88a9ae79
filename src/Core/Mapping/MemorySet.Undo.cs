namespace VmSim.Core.Mapping;

/// <content>
/// Calls of backends, taken back on a refusal or an exception: by the page table's journal if it has one, otherwise by inverse calls, last
/// piece first. The areas have not changed meanwhile, so they say what to call.
/// </content>
public partial class MemorySet<TAddr, TFlags, TPageTable, TBackend>
{
    private static bool MapOne(in Area area, TPageTable pageTable)
    {
        if (pageTable is not IUndoablePageTable undoable)
        {
            return area.Backend.Map(area.Start, area.Size, area.Flags, pageTable);
        }

        int mark = undoable.Mark();
        bool agreed = false;
        try
        {
            agreed = area.Backend.Map(area.Start, area.Size, area.Flags, pageTable);
        }
        finally
        {
            Close(undoable, mark, agreed);
        }

        return agreed;
    }

    private static void Close(IUndoablePageTable undoable, int mark, bool keep)
    {
        if (keep)
        {
            undoable.Commit(mark);
        }
        else
        {
            undoable.Rollback(mark);
        }
    }

    private static bool Fails(MappingErrorKind kind, ulong start, ulong size, out MappingError<TAddr> error)
    {
        error = new MappingError<TAddr>(kind, TAddr.FromValue(start), size);
        return false;
    }

    /// <summary>Fails at the part of an area that lies in [start, last].</summary>
    private bool Fails(MappingErrorKind kind, AreaPosition position, ulong start, ulong last, out MappingError<TAddr> error)
    {
        ulong first = Math.Max(start, _tree.StartAt(position));
        return Fails(kind, first, Math.Min(last, _tree.LastAt(position)) - first + 1, out error);
    }

    private static bool Refused(ulong start, ulong last, out MappingError<TAddr> error) =>
        Fails(MappingErrorKind.BadState, start, last - start + 1, out error);

    /// <summary>Unmaps the parts of areas in [start, last].</summary>
    private bool UnmapPieces(AreaPosition first, ulong start, ulong last, TPageTable pageTable, out MappingError<TAddr> error)
    {
        IUndoablePageTable? undoable = pageTable as IUndoablePageTable;
        int mark = undoable?.Mark() ?? 0;
        AreaPosition reached = first;
        bool agreed = false;
        try
        {
            agreed = UnmapUntilRefused(ref reached, start, last, pageTable);
        }
        finally
        {
            if (undoable is not null)
            {
                Close(undoable, mark, agreed);
            }
            else if (!agreed)
            {
                RemapBefore(reached, start, last, pageTable);
            }
        }

        error = default;
        return agreed || RefusedAt(reached, start, last, out error);
    }

    /// <summary>Unmaps the parts of areas in an area's range and maps the area there.</summary>
    private bool ReplacePieces(AreaPosition first, in Area area, ulong last, TPageTable pageTable, out MappingError<TAddr> error)
    {
        ulong start = area.Start.Value;
        IUndoablePageTable? undoable = pageTable as IUndoablePageTable;
        int mark = undoable?.Mark() ?? 0;
        AreaPosition reached = first;
        bool unmapped = false;
        bool agreed = false;
        try
        {
            unmapped = UnmapUntilRefused(ref reached, start, last, pageTable);
            agreed = unmapped && area.Backend.Map(area.Start, area.Size, area.Flags, pageTable);
        }
        finally
        {
            if (undoable is not null)
            {
                Close(undoable, mark, agreed);
            }
            else if (!agreed)
            {
                RemapBefore(unmapped ? _tree.Next(_tree.Floor(last)) : reached, start, last, pageTable);
            }
        }

        error = default;
        return agreed || (unmapped ? Refused(start, last, out error) : RefusedAt(reached, start, last, out error));
    }

    /// <summary>Puts an area in the place of another of the same range.</summary>
    private bool ReplaceOne(AreaPosition position, in Area area, TPageTable pageTable, out MappingError<TAddr> error)
    {
        AreaSlot<TFlags, TBackend> old = _tree.SlotAt(position);
        int version = _version;
        bool unmapped = old.Backend.Unmap(area.Start, area.Size, pageTable);
        bool agreed = false;
        try
        {
            agreed = unmapped && area.Backend.Map(area.Start, area.Size, area.Flags, pageTable);
        }
        finally
        {
            if (unmapped && !agreed)
            {
                MustAgree(old.Backend.Map(area.Start, area.Size, old.Flags, pageTable), area.Start.Value);
            }
        }

        if (!agreed)
        {
            return Refused(area.Start.Value, area.Last.Value, out error);
        }

        Changed(version);
        _tree.SlotAt(position) = SlotOf(area);
        Merge(area.Start.Value, area.Last.Value);
        error = default;
        return true;
    }

    private bool RefusedAt(AreaPosition position, ulong start, ulong last, out MappingError<TAddr> error) =>
        Fails(MappingErrorKind.BadState, position, start, last, out error);

    /// <summary>Calls Unmap for each piece; on a refusal the position is that of its area.</summary>
    private bool UnmapUntilRefused(ref AreaPosition position, ulong start, ulong last, TPageTable pageTable)
    {
        while (position.Exists)
        {
            AreaTree<TFlags, TBackend>.AreaRun run = _tree.RunFrom(position);
            for (int i = 0; i < run.Count; i++)
            {
                ulong from = Math.Max(run.StartAt(i), start);
                if (from > last)
                {
                    return true;
                }

                ulong to = Math.Min(run.LastAt(i), last);
                if (!run.SlotAt(i).Backend.Unmap(TAddr.FromValue(from), to - from + 1, pageTable))
                {
                    return false;
                }

                position = new AreaPosition(position.Leaf, position.Index + 1);
            }

            position = _tree.Next(new AreaPosition(position.Leaf, position.Index - 1));
        }

        return true;
    }

    /// <summary>
    /// Maps again what was unmapped: the pieces of [start, last] below, not including, a position; none stands for the end.
    /// </summary>
    private void RemapBefore(AreaPosition end, ulong start, ulong last, TPageTable pageTable)
    {
        AreaPosition position = end.Exists ? _tree.Previous(end) : _tree.Floor(TAddr.MaxValue);
        for (; position.Exists && position.Index >= 0; position = _tree.Previous(position))
        {
            ref AreaSlot<TFlags, TBackend> slot = ref _tree.SlotAt(position);
            if (_tree.LastAt(position) < start)
            {
                return;
            }

            ulong from = Math.Max(start, _tree.StartAt(position));
            ulong size = Math.Min(_tree.LastAt(position), last) - from + 1;
            MustAgree(slot.Backend.Map(TAddr.FromValue(from), size, slot.Flags, pageTable), from);
        }
    }

    private static void MustAgree(bool agreed, ulong address)
    {
        if (!agreed)
        {
            throw new InvalidOperationException(
                $"The backend at {TAddr.FromValue(address)} refused to take back what it had just done; the page table is in an "
                    + $"unknown state.");
        }
    }
}
