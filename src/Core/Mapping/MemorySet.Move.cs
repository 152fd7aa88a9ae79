namespace VmSim.Core.Mapping;

/// <content>Moving and resizing, as mremap and brk need them.</content>
public partial class MemorySet<TAddr, TFlags, TPageTable, TBackend>
{
    private List<MovedPiece>? _pieces;

    private List<MovedPiece> Moved => _pieces ??= [];

    /// <summary>
    /// Moves the areas of a range to other addresses, which are free; areas are split at its ends. A backend that is an
    /// <see cref="IMovableBackend{TAddr, TFlags, TPageTable, TBackend}"/> moves its mappings; another unmaps and maps again. O(log n +
    /// areas touched).
    /// </summary>
    /// <param name="from">First address of the range, which areas cover wholly.</param>
    /// <param name="size">Bytes, 1 or more.</param>
    /// <param name="to">First address of the new range, which does not overlap the old one.</param>
    /// <param name="pageTable">The page table.</param>
    /// <param name="error">
    /// Why nothing was done: InvalidParam (bad or overlapping ranges), AlreadyExists with the lowest overlap, BadState with the hole in the
    /// old range or the range a backend refused, NoMemory if there would be too many areas.
    /// </param>
    /// <returns>Whether it was done.</returns>
    public bool TryMove(TAddr from, ulong size, TAddr to, TPageTable pageTable, out MappingError<TAddr> error) =>
        Move(from, size, to, pageTable, over: false, out error);

    /// <summary>
    /// As <see cref="TryMove"/>, in place of whatever is in the new range, which is unmapped first (Linux: MREMAP_FIXED).
    /// </summary>
    /// <param name="from">First address of the range, which areas cover wholly.</param>
    /// <param name="size">Bytes, 1 or more.</param>
    /// <param name="to">First address of the new range, which does not overlap the old one.</param>
    /// <param name="pageTable">The page table.</param>
    /// <param name="error">As for <see cref="TryMove"/>, but that an overlap with another area is none.</param>
    /// <returns>Whether it was done.</returns>
    public bool TryMoveOver(TAddr from, ulong size, TAddr to, TPageTable pageTable, out MappingError<TAddr> error) =>
        Move(from, size, to, pageTable, over: true, out error);

    /// <summary>Gives an area another size; its start stays. Growing maps the new part, shrinking unmaps the rest. O(log n).</summary>
    /// <param name="start">The start of an area.</param>
    /// <param name="size">Bytes, 1 or more.</param>
    /// <param name="pageTable">The page table.</param>
    /// <param name="error">
    /// Why nothing was done: InvalidParam, AlreadyExists if an area stands in the way, BadState if no area starts there or a backend
    /// refused.
    /// </param>
    /// <returns>Whether it was done.</returns>
    public bool TryResize(TAddr start, ulong size, TPageTable pageTable, out MappingError<TAddr> error)
    {
        error = default;
        ulong first = start.Value;
        if (size == 0 || !IsRange(first, size))
        {
            return Fails(MappingErrorKind.InvalidParam, first, size, out error);
        }

        AreaPosition position = _tree.Floor(first);
        if (position.Index < 0 || _tree.StartAt(position) != first)
        {
            return Fails(MappingErrorKind.BadState, first, size, out error);
        }

        Area area = AreaAt(position);
        if (size <= area.Size)
        {
            return size == area.Size || TryUnmap(TAddr.FromValue(first + size), area.Size - size, pageTable, out error);
        }

        ulong last = first + (size - 1);
        AreaPosition next = _tree.Next(position);
        if (next.Exists && _tree.StartAt(next) <= last)
        {
            return Fails(MappingErrorKind.AlreadyExists, next, first, last, out error);
        }

        int version = _version;
        Area more = area with { Start = TAddr.FromValue(first + area.Size), Size = size - area.Size };
        if (!MapOne(more, pageTable))
        {
            return Fails(MappingErrorKind.BadState, more.Start.Value, more.Size, out error);
        }

        Changed(version);
        _tree.SetLast(position, last);
        Merge(first, last);
        return true;
    }

    private bool Move(TAddr from, ulong size, TAddr to, TPageTable pageTable, bool over, out MappingError<TAddr> error)
    {
        if (size == 0 || !IsRange(from.Value, size) || !IsRange(to.Value, size)
            || (from.Value > to.Value ? from.Value - to.Value : to.Value - from.Value) < size)
        {
            return Fails(MappingErrorKind.InvalidParam, to.Value, size, out error);
        }

        ulong sourceLast = from.Value + (size - 1);
        ulong targetLast = to.Value + (size - 1);
        if (FirstHole(from.Value, sourceLast) is { } hole)
        {
            return Refused(hole.First, hole.Last, out error);
        }

        AreaPosition target = _tree.FirstReaching(to.Value);
        bool overlaps = target.Exists && _tree.StartAt(target) <= targetLast;
        if (overlaps && !over)
        {
            return Fails(MappingErrorKind.AlreadyExists, target, to.Value, targetLast, out error);
        }

        ListPieces(from.Value, sourceLast, to);
        if (_maxAreas != int.MaxValue && AreasAfterMove(from.Value, sourceLast, target, to.Value, targetLast) > _maxAreas)
        {
            return Fails(MappingErrorKind.NoMemory, to.Value, size, out error);
        }

        int version = _version;
        if (!MovePieces(overlaps ? target : AreaPosition.None, to.Value, targetLast, pageTable, out error))
        {
            return false;
        }

        Changed(version);
        if (overlaps)
        {
            CutOut(target, to.Value, targetLast);
        }

        CutOut(_tree.FirstReaching(from.Value), from.Value, sourceLast);
        foreach (MovedPiece piece in Moved)
        {
            _tree.InsertAfter(_tree.Floor(piece.New.Start.Value), piece.New.Start.Value, piece.New.Last.Value, SlotOf(piece.New));
        }

        Merge(to.Value, targetLast);
        return true;
    }

    private void ListPieces(ulong first, ulong last, TAddr to)
    {
        Moved.Clear();
        foreach (Area piece in Pieces(TAddr.FromValue(first), last - first + 1))
        {
            TAddr target = TAddr.FromValue(to.Value + (piece.Start.Value - first));
            IMovableBackend<TAddr, TFlags, TPageTable, TBackend>? movable =
                piece.Backend as IMovableBackend<TAddr, TFlags, TPageTable, TBackend>;
            TBackend backend = movable is null ? piece.Backend : movable.MovedTo(piece.Start, target);
            Moved.Add(new MovedPiece(piece, piece with { Start = target, Backend = backend }));
        }
    }

    private int AreasAfterMove(ulong from, ulong sourceLast, AreaPosition target, ulong to, ulong targetLast)
    {
        AreaPosition source = _tree.FirstReaching(from);
        int count = AreasAfterCut(source, from, sourceLast) + Moved.Count;
        return target.Exists ? count + AreasAfterCut(target, to, targetLast) - _tree.Count : count;
    }

    private bool MovePieces(AreaPosition target, ulong to, ulong targetLast, TPageTable pageTable, out MappingError<TAddr> error)
    {
        IUndoablePageTable? undoable = pageTable as IUndoablePageTable;
        int mark = undoable?.Mark() ?? 0;
        AreaPosition reached = target;
        int moved = 0;
        bool unmapped = false;
        bool agreed = false;
        try
        {
            unmapped = UnmapUntilRefused(ref reached, to, targetLast, pageTable);
            agreed = unmapped;
            while (agreed && moved < Moved.Count)
            {
                agreed = MovePiece(Moved[moved].Old, Moved[moved].New, pageTable, canUndo: undoable is not null);
                moved += agreed ? 1 : 0;
            }
        }
        finally
        {
            if (undoable is not null)
            {
                Close(undoable, mark, agreed);
            }
            else if (!agreed)
            {
                for (int i = moved - 1; i >= 0; i--)
                {
                    MustAgree(MovePiece(Moved[i].New, Moved[i].Old, pageTable, canUndo: true), Moved[i].Old.Start.Value);
                }

                if (target.Exists)
                {
                    RemapBefore(unmapped ? _tree.Next(_tree.Floor(targetLast)) : reached, to, targetLast, pageTable);
                }
            }
        }

        error = default;
        return agreed
            || (
                unmapped
                    ? Refused(Moved[moved].Old.Start.Value, Moved[moved].Old.Last.Value, out error)
                    : RefusedAt(reached, to, targetLast, out error));
    }

    /// <summary>Moves one piece. Without a journal a half-done move is taken back here.</summary>
    private static bool MovePiece(
        in Area from, in Area to, TPageTable pageTable, bool canUndo)
    {
        if (from.Backend is IMovableBackend<TAddr, TFlags, TPageTable, TBackend> movable)
        {
            return movable.Move(from.Start, to.Start, from.Size, from.Flags, pageTable);
        }

        if (!from.Backend.Unmap(from.Start, from.Size, pageTable))
        {
            return false;
        }

        bool mapped = to.Backend.Map(to.Start, to.Size, to.Flags, pageTable);
        if (!mapped && !canUndo)
        {
            MustAgree(from.Backend.Map(from.Start, from.Size, from.Flags, pageTable), from.Start.Value);
        }

        return mapped;
    }

    private readonly record struct MovedPiece(Area Old, Area New);
}
