using System.Runtime.InteropServices;
using VmSim.Core.Addresses;

namespace VmSim.Core.Mapping;

/// <content>Changing the flags of a range.</content>
public sealed partial class MemorySet<TAddr, TFlags, TPageTable, TBackend>
{
    // One per area of the operation under way; kept for the next one, so that protecting allocates nothing.
    private Decision[] _decisions = new Decision[4];

    /// <summary>Gives the areas of a range new flags; areas are split at its ends. O(log n + areas touched).</summary>
    /// <param name="start">First address.</param>
    /// <param name="size">Bytes; 0 does nothing.</param>
    /// <param name="updateFlags">New flags from old ones; null leaves an area alone and whole.</param>
    /// <param name="pageTable">The page table.</param>
    /// <returns>Null, or why nothing was done: InvalidParam, BadState with the range a backend refused, NoMemory if there would be too many areas.</returns>
    public MappingError? Protect(TAddr start, ulong size, Func<TFlags, TFlags?> updateFlags, TPageTable pageTable)
    {
        ArgumentNullException.ThrowIfNull(updateFlags);
        return Protect(start, size, new CalledUpdate(updateFlags), pageTable);
    }

    /// <summary>As above, without allocation.</summary>
    /// <typeparam name="TUpdate">A struct that gives new flags from old ones.</typeparam>
    /// <param name="start">First address.</param>
    /// <param name="size">Bytes; 0 does nothing.</param>
    /// <param name="update">Asked once for each area touched, by rising address.</param>
    /// <param name="pageTable">The page table.</param>
    /// <returns>Null, or why nothing was done: InvalidParam, BadState with the range a backend refused, NoMemory if there would be too many areas.</returns>
    public MappingError? Protect<TUpdate>(TAddr start, ulong size, TUpdate update, TPageTable pageTable)
        where TUpdate : struct, IFlagsUpdate<TFlags>
    {
        if (!IsRange(start.Value, size))
        {
            return new MappingError(MappingErrorKind.InvalidParam, start.Value, size);
        }

        if (size == 0)
        {
            return null;
        }

        ulong last = start.Value + (size - 1);
        AreaPosition first = _tree.FirstReaching(start.Value);
        if (!first.Exists || _tree.StartAt(first) > last)
        {
            return null;
        }

        int version = _version;
        int touched = 0;
        if (ProtectPieces(first, start.Value, last, update, pageTable, ref touched) is { } error)
        {
            return error;
        }

        ApplyDecisions(first, start.Value, last, touched, version);
        return null;
    }

    private MappingError? ProtectPieces<TUpdate>(
        AreaPosition first, ulong start, ulong last, TUpdate update, TPageTable pageTable, ref int touched)
        where TUpdate : struct, IFlagsUpdate<TFlags>
    {
        var undoable = pageTable as IUndoablePageTable;
        int mark = undoable?.Mark() ?? 0;
        AreaPosition reached = first;
        bool agreed = false;
        bool roomy = true;
        try
        {
            agreed = ProtectUntilRefused(ref reached, start, last, update, pageTable, ref touched);
            roomy = _maxAreas == int.MaxValue || !agreed || _tree.Count + Splits(first, start, last, touched) <= _maxAreas;
            agreed &= roomy;
        }
        finally
        {
            if (undoable is not null)
            {
                Close(undoable, mark, agreed);
            }
            else if (!agreed)
            {
                ProtectBack(first, start, last, touched, pageTable);
            }
        }

        return agreed ? null : roomy ? RefusedAt(reached, start, last) : new MappingError(MappingErrorKind.NoMemory, start, last - start + 1);
    }

    /// <summary>Calls Protect for each piece that gets new flags; on a refusal the position is that of its area, which is not counted as touched.</summary>
    private bool ProtectUntilRefused<TUpdate>(
        ref AreaPosition position, ulong start, ulong last, TUpdate update, TPageTable pageTable, ref int touched)
        where TUpdate : struct, IFlagsUpdate<TFlags>
    {
        for (; position.Exists; position = _tree.Next(position))
        {
            ulong from = _tree.StartAt(position);
            if (from > last)
            {
                break;
            }

            from = Math.Max(from, start);
            ref AreaSlot<TFlags, TBackend> slot = ref _tree.SlotAt(position);
            bool changes = update.TryUpdate(slot.Flags, out TFlags updated);
            if (changes && !slot.Backend.Protect(TAddr.FromValue(from), Math.Min(slot.Last, last) - from + 1, updated, pageTable))
            {
                return false;
            }

            if (touched == _decisions.Length)
            {
                Array.Resize(ref _decisions, touched * 2);
            }

            _decisions[touched++] = new Decision { Changes = changes, Flags = updated };
        }

        return true;
    }

    private void ProtectBack(AreaPosition first, ulong start, ulong last, int touched, TPageTable pageTable)
    {
        AreaPosition position = first;
        for (int i = 1; i < touched; i++)
        {
            position = _tree.Next(position);
        }

        for (int i = touched - 1; i >= 0; i--, position = _tree.Previous(position))
        {
            if (_decisions[i].Changes)
            {
                ref AreaSlot<TFlags, TBackend> slot = ref _tree.SlotAt(position);
                ulong from = Math.Max(start, _tree.StartAt(position));
                MustAgree(slot.Backend.Protect(TAddr.FromValue(from), Math.Min(slot.Last, last) - from + 1, slot.Flags, pageTable), from);
            }
        }
    }

    /// <summary>How many areas the ends of a range will split.</summary>
    private int Splits(AreaPosition first, ulong start, ulong last, int touched)
    {
        int low = _decisions[0].Changes && _tree.StartAt(first) < start ? 1 : 0;
        return low + (_decisions[touched - 1].Changes && _tree.SlotAt(_tree.Floor(last)).Last > last ? 1 : 0);
    }

    private void ApplyDecisions(AreaPosition position, ulong start, ulong last, int touched, int version)
    {
        ReadOnlySpan<Decision> decisions = _decisions.AsSpan(0, touched);
        int changing = 0;
        foreach (Decision decision in decisions)
        {
            changing += decision.Changes ? 1 : 0;
        }

        if (changing == 0)
        {
            return;
        }

        Changed(version);
        bool splits = false;
        if (decisions[0].Changes && _tree.StartAt(position) < start)
        {
            SplitAt(position, start);
            splits = true;
        }

        if (decisions[^1].Changes)
        {
            AreaPosition end = touched == 1 && !splits ? position : _tree.Floor(last);
            if (_tree.SlotAt(end).Last > last)
            {
                SplitAt(end, last + 1);
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
