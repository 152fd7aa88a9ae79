using VmSim.Core.Addresses;

namespace VmSim.Core.Mapping;

/// <content>Operations that change areas and page table together.</content>
public sealed partial class MemorySet<TAddr, TFlags, TPageTable, TBackend>
{
    private readonly List<Step> _steps = [];

    private enum StepKind
    {
        Unmapped,
        Protected,
    }

    /// <summary>Adds an area and maps it.</summary>
    /// <param name="area">The area.</param>
    /// <param name="pageTable">The page table.</param>
    /// <param name="unmapOverlap">Whether what is in its range is unmapped first; otherwise an overlap is an error.</param>
    /// <returns>Null, or why nothing was done.</returns>
    public MappingError? Map(MemoryArea<TAddr, TFlags, TBackend> area, TPageTable pageTable, bool unmapOverlap)
    {
        ulong start = area.Start.Value;
        if (area.Size == 0 || !IsRange(start, area.Size))
        {
            return new MappingError(MappingErrorKind.InvalidParam, start, area.Size);
        }

        int first = _areas.FirstEndingAfter(start);
        bool overlaps = first < _areas.Count && _areas[first].Start.Value < start + area.Size;
        if (overlaps && !unmapOverlap)
        {
            MemoryArea<TAddr, TFlags, TBackend> other = _areas[first].Cut(start, start + area.Size);
            return new MappingError(MappingErrorKind.AlreadyExists, other.Start.Value, other.Size);
        }

        int? mark = Begin(pageTable);
        if (overlaps && UnmapPieces(start, start + area.Size, pageTable) is { } refusal)
        {
            return Undo(mark, pageTable, refusal);
        }

        if (!area.Backend.Map(area.Start, area.Size, area.Flags, pageTable))
        {
            return Undo(mark, pageTable, new MappingError(MappingErrorKind.BadState, start, area.Size));
        }

        Keep(mark, pageTable);
        if (overlaps)
        {
            CutOut(start, start + area.Size);
        }

        Adopt(area);
        return null;
    }

    /// <summary>Unmaps a range and removes it from its areas; areas are shortened or split at its ends.</summary>
    /// <returns>Null, or why nothing was done.</returns>
    public MappingError? Unmap(TAddr start, ulong size, TPageTable pageTable)
    {
        if (!IsRange(start.Value, size))
        {
            return new MappingError(MappingErrorKind.InvalidParam, start.Value, size);
        }

        if (size == 0)
        {
            return null;
        }

        int? mark = Begin(pageTable);
        if (UnmapPieces(start.Value, start.Value + size, pageTable) is { } refusal)
        {
            return Undo(mark, pageTable, refusal);
        }

        Keep(mark, pageTable);
        CutOut(start.Value, start.Value + size);
        return null;
    }

    /// <summary>Gives the areas of a range new flags; areas are split at its ends.</summary>
    /// <param name="start">First address.</param>
    /// <param name="size">Bytes.</param>
    /// <param name="updateFlags">New flags from old ones; null leaves an area alone.</param>
    /// <param name="pageTable">The page table.</param>
    /// <returns>Null, or why nothing was done.</returns>
    public MappingError? Protect(TAddr start, ulong size, Func<TFlags, TFlags?> updateFlags, TPageTable pageTable)
    {
        ArgumentNullException.ThrowIfNull(updateFlags);
        if (!IsRange(start.Value, size))
        {
            return new MappingError(MappingErrorKind.InvalidParam, start.Value, size);
        }

        if (size == 0)
        {
            return null;
        }

        int? mark = Begin(pageTable);
        ulong end = start.Value + size;
        for (int index = _areas.FirstEndingAfter(start.Value); index < _areas.Count && _areas[index].Start.Value < end; index++)
        {
            MemoryArea<TAddr, TFlags, TBackend> piece = _areas[index].Cut(start.Value, end);
            if (updateFlags(piece.Flags) is not { } flags)
            {
                continue;
            }

            if (!piece.Backend.Protect(piece.Start, piece.Size, flags, pageTable))
            {
                return Undo(mark, pageTable, new MappingError(MappingErrorKind.BadState, piece.Start.Value, piece.Size));
            }

            _steps.Add(new Step(StepKind.Protected, piece, flags));
        }

        ApplyProtects();
        Keep(mark, pageTable);
        return null;
    }

    /// <summary>Unmaps everything and removes all areas.</summary>
    /// <returns>Null, or why nothing was done.</returns>
    public MappingError? Clear(TPageTable pageTable)
    {
        int? mark = Begin(pageTable);
        if (UnmapPieces(0, ulong.MaxValue, pageTable) is { } refusal)
        {
            return Undo(mark, pageTable, refusal);
        }

        Keep(mark, pageTable);
        _areas.Clear();
        return null;
    }

    /// <summary>Adds an area whose pages are mapped already, in a range that is free.</summary>
    public void Adopt(MemoryArea<TAddr, TFlags, TBackend> area)
    {
        int index = _areas.FirstEndingAfter(area.Start.Value);
        _areas.Insert(index, area);
        MergeAround(index, 1);
    }

    private static bool IsRange(ulong start, ulong size) => start <= TAddr.MaxValue && size <= TAddr.MaxValue - start;

    private MappingError? UnmapPieces(ulong start, ulong end, TPageTable pageTable)
    {
        for (int index = _areas.FirstEndingAfter(start); index < _areas.Count && _areas[index].Start.Value < end; index++)
        {
            MemoryArea<TAddr, TFlags, TBackend> piece = _areas[index].Cut(start, end);
            if (!piece.Backend.Unmap(piece.Start, piece.Size, pageTable))
            {
                return new MappingError(MappingErrorKind.BadState, piece.Start.Value, piece.Size);
            }

            _steps.Add(new Step(StepKind.Unmapped, piece, default));
        }

        return null;
    }

    /// <summary>Removes a range from the areas.</summary>
    private void CutOut(ulong start, ulong end)
    {
        int index = _areas.FirstEndingAfter(start);
        if (index == _areas.Count || _areas[index].Start.Value >= end)
        {
            return;
        }

        MemoryArea<TAddr, TFlags, TBackend> first = _areas[index];
        if (first.Start.Value < start)
        {
            _areas[index++] = first.Cut(0, start);
            if (first.End.Value > end)
            {
                _areas.Insert(index, first.Cut(end, ulong.MaxValue));
                return;
            }
        }

        int covered = index;
        while (covered < _areas.Count && _areas[covered].End.Value <= end)
        {
            covered++;
        }

        if (covered < _areas.Count && _areas[covered].Start.Value < end)
        {
            _areas[covered] = _areas[covered].Cut(end, ulong.MaxValue);
        }

        _areas.RemoveRange(index, covered - index);
    }

    private void ApplyProtects()
    {
        foreach (Step step in _steps)
        {
            MemoryArea<TAddr, TFlags, TBackend> piece = step.Piece;
            int index = _areas.FirstEndingAfter(piece.Start.Value);
            MemoryArea<TAddr, TFlags, TBackend> whole = _areas[index];
            if (whole.Start.Value < piece.Start.Value)
            {
                _areas.Insert(index++, whole.Cut(0, piece.Start.Value));
            }

            _areas[index] = piece with { Flags = step.Flags };
            int pieces = 1;
            if (whole.End.Value > piece.End.Value)
            {
                _areas.Insert(index + 1, whole.Cut(piece.End.Value, ulong.MaxValue));
                pieces = 2;
            }

            MergeAround(index, pieces);
        }
    }

    private void MergeAround(int index, int count)
    {
        if (!_merges)
        {
            return;
        }

        for (int right = Math.Min(index + count, _areas.Count - 1); right > 0 && right >= index; right--)
        {
            MemoryArea<TAddr, TFlags, TBackend> left = _areas[right - 1];
            MemoryArea<TAddr, TFlags, TBackend> area = _areas[right];
            if (left.End.Value == area.Start.Value && EqualityComparer<TFlags>.Default.Equals(left.Flags, area.Flags) && left.Backend.Equals(area.Backend))
            {
                _areas[right - 1] = left with { Size = left.Size + area.Size };
                _areas.RemoveRange(right, 1);
            }
        }
    }

    private int? Begin(TPageTable pageTable)
    {
        _steps.Clear();
        return (pageTable as IUndoablePageTable)?.Mark();
    }

    private static void Keep(int? mark, TPageTable pageTable)
    {
        if (mark is { } position)
        {
            ((IUndoablePageTable)pageTable!).Commit(position);
        }
    }

    /// <summary>Takes back what backends have done so far: by the page table's journal, or by inverse calls, last first.</summary>
    private MappingError Undo(int? mark, TPageTable pageTable, MappingError refusal)
    {
        if (mark is { } position)
        {
            ((IUndoablePageTable)pageTable!).Rollback(position);
            return refusal;
        }

        for (int i = _steps.Count - 1; i >= 0; i--)
        {
            MemoryArea<TAddr, TFlags, TBackend> piece = _steps[i].Piece;
            bool undone = _steps[i].Kind == StepKind.Unmapped
                ? piece.Backend.Map(piece.Start, piece.Size, piece.Flags, pageTable)
                : piece.Backend.Protect(piece.Start, piece.Size, piece.Flags, pageTable);
            if (!undone)
            {
                throw new InvalidOperationException($"the backend of {piece.Range} refused to take back what it had just done");
            }
        }

        return refusal;
    }

    private readonly record struct Step(StepKind Kind, MemoryArea<TAddr, TFlags, TBackend> Piece, TFlags Flags);
}
