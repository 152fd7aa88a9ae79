using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace VmSim.Core.Mapping;

/// <content>Changing the flags of a range.</content>
public partial class MemorySet<TAddr, TFlags, TPageTable, TBackend>
{
    // One per area of the operation under way; kept for the next one, so that protecting allocates nothing.
    private Decision[] _decisions = [];

    /// <summary>Gives the areas of a range new flags; areas are split at its ends. O(log n + areas touched).</summary>
    /// <param name="start">First address.</param>
    /// <param name="size">Bytes; 0 does nothing.</param>
    /// <param name="updateFlags">New flags from old ones; null leaves an area alone and whole.</param>
    /// <param name="pageTable">The page table.</param>
    /// <param name="error">
    /// Why nothing was done: InvalidParam, BadState with the range a backend refused, NoMemory if there would be too many areas.
    /// </param>
    /// <returns>Whether it was done.</returns>
    public bool TryProtect(TAddr start, ulong size, Func<TFlags, TFlags?> updateFlags, TPageTable pageTable, out MappingError<TAddr> error)
    {
        ArgumentNullException.ThrowIfNull(updateFlags);
        return TryProtect(start, size, new CalledUpdate(updateFlags), pageTable, out error);
    }

    /// <summary>As above, without allocation.</summary>
    /// <typeparam name="TUpdate">A struct that gives new flags from old ones.</typeparam>
    /// <param name="start">First address.</param>
    /// <param name="size">Bytes; 0 does nothing.</param>
    /// <param name="update">Asked once for each area touched, by rising address, before any backend is called.</param>
    /// <param name="pageTable">The page table.</param>
    /// <param name="error">
    /// Why nothing was done: InvalidParam, BadState with the range a backend refused, NoMemory if there would be too many areas.
    /// </param>
    /// <returns>Whether it was done.</returns>
    public bool TryProtect<TUpdate>(TAddr start, ulong size, TUpdate update, TPageTable pageTable, out MappingError<TAddr> error)
        where TUpdate : struct, IFlagsUpdate<TFlags>
    {
        if (!IsRange(start.Value, size))
        {
            return Fails(MappingErrorKind.InvalidParam, start.Value, size, out error);
        }

        if (size == 0)
        {
            error = default;
            return true;
        }

        ulong last = start.Value + (size - 1);
        AreaPosition floor = _tree.Floor(start.Value);
        return floor.Index >= 0 && _tree.LastAt(floor) >= last && pageTable is not IUndoablePageTable
            ? ProtectOne(floor, start.Value, last, update, pageTable, out error)
            : ProtectAreas(start.Value, last, update, pageTable, out error);
    }

    /// <summary>
    /// Gives the areas of a range new flags that their pages do not show; areas are split at its ends. No backend is called.
    /// O(log n + areas touched).
    /// </summary>
    /// <typeparam name="TUpdate">A struct that gives new flags from old ones.</typeparam>
    /// <param name="start">First address.</param>
    /// <param name="size">Bytes; 0 does nothing.</param>
    /// <param name="update">Asked once for each area touched, by rising address, before any area changes.</param>
    /// <param name="error">Why nothing was done: InvalidParam, or NoMemory if there would be too many areas.</param>
    /// <returns>Whether it was done.</returns>
    public bool TrySetFlags<TUpdate>(TAddr start, ulong size, TUpdate update, out MappingError<TAddr> error)
        where TUpdate : struct, IFlagsUpdate<TFlags>
    {
        error = default;
        if (!IsRange(start.Value, size))
        {
            return Fails(MappingErrorKind.InvalidParam, start.Value, size, out error);
        }

        ulong last = start.Value + (size - 1);
        AreaPosition first = size == 0 ? AreaPosition.None : _tree.FirstReaching(start.Value);
        if (!first.Exists || _tree.StartAt(first) > last)
        {
            return true;
        }

        int version = _version;
        int touched = Decide(first, last, update, out int changing);
        if (changing == 0)
        {
            return true;
        }

        if (!HasRoom(first, start.Value, last, touched))
        {
            return Fails(MappingErrorKind.NoMemory, start.Value, size, out error);
        }

        Changed(version);
        ApplyDecisions(first, start.Value, last, touched);
        return true;
    }

    /// <summary>Protects a range that begins before an area or ends behind it, or with a journal.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool ProtectAreas<TUpdate>(ulong start, ulong last, TUpdate update, TPageTable pageTable, out MappingError<TAddr> error)
        where TUpdate : struct, IFlagsUpdate<TFlags>
    {
        error = default;
        AreaPosition first = _tree.FirstReaching(start);
        if (!first.Exists || _tree.StartAt(first) > last)
        {
            return true;
        }

        if (_tree.LastAt(first) >= last && pageTable is not IUndoablePageTable)
        {
            // An error says what was asked for, unless a backend refused.
            return ProtectOne(first, Math.Max(start, _tree.StartAt(first)), last, update, pageTable, out error)
                || (error.Kind == MappingErrorKind.NoMemory && Fails(error.Kind, start, last - start + 1, out error));
        }

        int version = _version;
        int touched = Decide(first, last, update, out int changing);
        if (changing == 0)
        {
            return true;
        }

        if (!HasRoom(first, start, last, touched))
        {
            return Fails(MappingErrorKind.NoMemory, start, last - start + 1, out error);
        }

        if (!ProtectPieces(first, start, last, touched, pageTable, out error))
        {
            return false;
        }

        Changed(version);
        ApplyDecisions(first, start, last, touched);
        return true;
    }

    /// <summary>Protects a range that lies in one area, where a refusal leaves nothing to take back.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool ProtectOne<TUpdate>(
        AreaPosition position, ulong start, ulong last, TUpdate update, TPageTable pageTable, out MappingError<TAddr> error)
        where TUpdate : struct, IFlagsUpdate<TFlags>
    {
        int version = _version;
        ref AreaSlot<TFlags, TBackend> slot = ref _tree.SlotAt(position);
        if (!update.TryUpdate(slot.Flags, out TFlags updated))
        {
            error = default;
            return true;
        }

        ulong areaStart = _tree.StartAt(position);
        ulong areaLast = _tree.LastAt(position);
        bool isWhole = ((areaStart ^ start) | (areaLast ^ last)) == 0;
        if (!isWhole && _tree.Count > _maxAreas - ((areaStart < start ? 1 : 0) + (areaLast > last ? 1 : 0)))
        {
            return Fails(MappingErrorKind.NoMemory, start, last - start + 1, out error);
        }

        if (!slot.Backend.Protect(TAddr.FromValue(start), last - start + 1, updated, pageTable))
        {
            return Refused(start, last, out error);
        }

        Changed(version);
        if (isWhole)
        {
            slot.Flags = updated;
        }
        else
        {
            _tree.SlotAt(_tree.Isolate(position, start, last)).Flags = updated;
        }

        Merge(start, last);
        error = default;
        return true;
    }

    /// <summary>Asks for the new flags of each area in a range.</summary>
    private int Decide<TUpdate>(AreaPosition position, ulong last, TUpdate update, out int changing)
        where TUpdate : struct, IFlagsUpdate<TFlags>
    {
        int touched = 0;
        changing = 0;
        for (; position.Exists && _tree.StartAt(position) <= last; position = _tree.Next(position))
        {
            if (touched == _decisions.Length)
            {
                Array.Resize(ref _decisions, Math.Max(4, touched * 2));
            }

            bool changes = update.TryUpdate(_tree.SlotAt(position).Flags, out TFlags updated);
            changing += changes ? 1 : 0;
            _decisions[touched++] = new Decision { Changes = changes, Flags = updated };
        }

        return touched;
    }

    private bool ProtectPieces(
        AreaPosition first, ulong start, ulong last, int touched, TPageTable pageTable, out MappingError<TAddr> error)
    {
        IUndoablePageTable? undoable = pageTable as IUndoablePageTable;
        int mark = undoable?.Mark() ?? 0;
        AreaPosition reached = first;
        int done = 0;
        try
        {
            for (; done < touched; done++, reached = _tree.Next(reached))
            {
                if (_decisions[done].Changes && !ProtectPiece(reached, start, last, _decisions[done].Flags, pageTable))
                {
                    break;
                }
            }
        }
        finally
        {
            if (undoable is not null)
            {
                Close(undoable, mark, done == touched);
            }
            else if (done < touched)
            {
                ProtectBack(reached, done, start, last, pageTable);
            }
        }

        error = default;
        return done == touched || RefusedAt(reached, start, last, out error);
    }

    private bool ProtectPiece(AreaPosition position, ulong start, ulong last, TFlags flags, TPageTable pageTable)
    {
        ref AreaSlot<TFlags, TBackend> slot = ref _tree.SlotAt(position);
        ulong from = Math.Max(start, _tree.StartAt(position));
        return slot.Backend.Protect(TAddr.FromValue(from), Math.Min(_tree.LastAt(position), last) - from + 1, flags, pageTable);
    }

    /// <summary>Gives the pieces before a position their old flags again, last piece first.</summary>
    private void ProtectBack(AreaPosition position, int done, ulong start, ulong last, TPageTable pageTable)
    {
        for (int i = done - 1; i >= 0; i--)
        {
            position = _tree.Previous(position);
            if (_decisions[i].Changes)
            {
                MustAgree(
                    ProtectPiece(position, start, last, _tree.SlotAt(position).Flags, pageTable), Math.Max(start, _tree.StartAt(position)));
            }
        }
    }

    /// <summary>Whether the set may have the areas that the ends of a range will split.</summary>
    private bool HasRoom(AreaPosition first, ulong start, ulong last, int touched) =>
        _maxAreas == int.MaxValue || _tree.Count + Splits(first, start, last, touched) <= _maxAreas;

    /// <summary>How many areas the ends of a range will split.</summary>
    private int Splits(AreaPosition first, ulong start, ulong last, int touched)
    {
        int low = _decisions[0].Changes && _tree.StartAt(first) < start ? 1 : 0;
        return low + (_decisions[touched - 1].Changes && _tree.LastAt(_tree.Floor(last)) > last ? 1 : 0);
    }

    private void ApplyDecisions(AreaPosition position, ulong start, ulong last, int touched)
    {
        ReadOnlySpan<Decision> decisions = _decisions.AsSpan(0, touched);
        bool splits = false;
        if (decisions[0].Changes && _tree.StartAt(position) < start)
        {
            _tree.Split(position, start);
            splits = true;
        }

        if (decisions[^1].Changes)
        {
            AreaPosition end = touched == 1 && !splits ? position : _tree.Floor(last);
            if (_tree.LastAt(end) > last)
            {
                _tree.Split(end, last + 1);
                splits = true;
            }
        }

        position = splits ? _tree.FirstReaching(start) : position;
        foreach (Decision decision in decisions)
        {
            if (decision.Changes)
            {
                _tree.SlotAt(position).Flags = decision.Flags;
            }

            position = _tree.Next(position);
        }

        Merge(start, last);
    }

    [StructLayout(LayoutKind.Auto)]
    private struct Decision
    {
        public TFlags Flags;
        public bool Changes;
    }

    private readonly struct CalledUpdate(Func<TFlags, TFlags?> update) : IFlagsUpdate<TFlags>
    {
        public bool TryUpdate(TFlags old, out TFlags updated)
        {
            TFlags? result = update(old);
            updated = result.GetValueOrDefault();
            return result.HasValue;
        }
    }
}
