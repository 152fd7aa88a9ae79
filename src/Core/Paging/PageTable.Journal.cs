using System.Diagnostics;
using System.Runtime.InteropServices;
using VmSim.Core.Addresses;

namespace VmSim.Core.Paging;

/// <summary>A point to which a page table can be rolled back.</summary>
/// <param name="Record">The number of the first journal record after the mark.</param>
/// <param name="Depth">How many marks were open with this one.</param>
/// <param name="Change">The length of the change log at the mark.</param>
public readonly record struct UndoMark(long Record, int Depth, int Change);

/// <summary>
/// The journal of old values. It serves walkers at times before a store is visible: <see cref="Fold"/> drops the oldest records when nobody
/// can ask for them any more. It serves undo too: the newest records are taken back first.
/// </summary>
/// <remarks>
/// Old values lie beside the table and not in it. So entries keep the bits of the real format, and a walker that asks for the present pays
/// one compare. One journal serves both uses, because an undo must take back what earlier walkers see too: two logs could disagree about
/// it. A record belongs to a table page: a walker that asks for an earlier time reads one entry, and must not search what happened to all
/// others.
/// </remarks>
public sealed unsafe partial class PageTable
{
    private const long NoRecord = -1;

    private readonly RingQueue<Record> _journal = new();
    private readonly RingQueue<ulong> _images = new();

    // Walks at or after this read every entry as it is. Kept "never" while freed tables still hold old entries.
    private long _pendingUntil;
    private long _visibleAt;
    private long _foldedTo;
    private int _openMarks;
    private int _retiredCount;
    private bool _recording;

    private enum RecordKind : ushort
    {
        /// <summary>A run of entries that all held <see cref="Record.Old"/>.</summary>
        Uniform = 0,

        /// <summary>A run of entries whose old values are in the images, from <see cref="Record.Old"/> on.</summary>
        Image = 1,

        /// <summary>The page was allocated; <see cref="Record.Old"/> is 1 if it had been used before.</summary>
        Allocated = 2,

        /// <summary>The page was freed with its entries left in place.</summary>
        Retired = 3,
    }

    /// <summary>
    /// The virtual time at which stores made from now on become visible to walkers; 0 is at once. It never decreases.
    /// </summary>
    public Cycles VisibleAt
    {
        get => _visibleAt;
        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, new Cycles(_visibleAt));
            _visibleAt = value.Value;
            UpdateRecording();
        }
    }

    /// <summary>Whether stores are pending that walkers before some time do not see.</summary>
    public bool HasPendingStores => _journal.Count > 0;

    /// <summary>
    /// Drops history that nobody can ask for any more: no walker will ask for a time before <paramref name="now"/> again.
    /// </summary>
    /// <param name="now">Virtual time; earlier than the last one changes nothing.</param>
    public void Fold(Cycles now)
    {
        _foldedTo = Math.Max(_foldedTo, now.Value);
        UpdateRecording();
        if (_journal.Count == 0 || _openMarks > 0)
        {
            return;
        }

        while (_journal.Count > 0 && _journal[_journal.First].VisibleAt <= _foldedTo)
        {
            DropOldest();
        }

        UpdatePendingUntil();
    }

    /// <summary>Opens a mark: until it is committed or rolled back, every change can be undone. Marks nest.</summary>
    public UndoMark Mark()
    {
        _openMarks++;
        _recording = true;
        return new UndoMark(_journal.End, _openMarks, _changes?.Length ?? 0);
    }

    /// <summary>Undoes every change since a mark and closes it, as if nothing had happened.</summary>
    /// <param name="mark">The newest open mark.</param>
    public void Rollback(UndoMark mark)
    {
        CheckNewest(mark);
        while (_journal.End > mark.Record)
        {
            UndoNewest();
        }

        _changes?.Truncate(mark.Change);
        UpdatePendingUntil();
        CloseMark();
    }

    /// <summary>Closes a mark and keeps the changes.</summary>
    /// <param name="mark">The newest open mark.</param>
    public void Commit(UndoMark mark)
    {
        CheckNewest(mark);
        CloseMark();
    }

    private void CheckNewest(UndoMark mark)
    {
        if (_openMarks == 0 || mark.Depth != _openMarks)
        {
            throw new InvalidOperationException("Only the newest open mark can be committed or rolled back.");
        }
    }

    private void CloseMark()
    {
        _openMarks--;
        if (_openMarks == 0)
        {
            Fold(_foldedTo);
        }
    }

    private void UpdateRecording() => _recording = _openMarks > 0 || _visibleAt > _foldedTo;

    private void UpdatePendingUntil()
    {
        if (_retiredCount > 0)
        {
            _pendingUntil = long.MaxValue;
        }
        else
        {
            _pendingUntil = _journal.Count > 0 ? _journal[_journal.End - 1].VisibleAt : 0;
        }
    }

    private ulong ReadEntryAsOf(int page, int index, long time)
    {
        ref TableInfo info = ref Info(page);
        ulong now = Entries(page)[index];
        if (time >= info.PendingUntil)
        {
            return now;
        }

        ulong value = info.State == TableState.Retired ? 0 : now;
        long number = info.LastRecord;
        while (number >= _journal.First)
        {
            ref Record record = ref _journal[number];
            if (record.VisibleAt <= time)
            {
                break;
            }

            uint place = (uint)(index - record.Index);
            switch (record.Kind)
            {
                case RecordKind.Uniform when place < record.Count:
                    value = record.Old;
                    break;
                case RecordKind.Image when place < record.Count:
                    value = _images[(long)record.Old + place];
                    break;
                case RecordKind.Retired:
                    value = now;
                    break;
                default:
                    break;
            }

            number = record.Previous;
        }

        return value;
    }

    /// <summary>Writes one entry, with its old value journalled if anybody may want it.</summary>
    private void Store(int page, int index, ulong value)
    {
        ulong* entry = Entries(page) + index;
        ulong old = *entry;
        if (_recording)
        {
            AppendRecord(page, RecordKind.Uniform, index, 1, old);
        }

        *entry = value;
        _infos[page].Live += (short)((value != 0 ? 1 : 0) - (old != 0 ? 1 : 0));
        LogRun(page, index, 1);
        Debug.Assert(_infos[page].State == TableState.Live, "only tables in the tree are written");
    }

    /// <summary>Journals a run of entries that are about to change.</summary>
    private void RecordRun(int page, int index, int count)
    {
        if (!_recording)
        {
            return;
        }

        ReadOnlySpan<ulong> old = new(Entries(page) + index, count);
        if (old.IndexOfAnyExcept(old[0]) < 0)
        {
            AppendRecord(page, RecordKind.Uniform, index, count, old[0]);
        }
        else
        {
            AppendRecord(page, RecordKind.Image, index, count, (ulong)_images.End);
            _images.Append(old);
        }
    }

    private void AppendRecord(int page, RecordKind kind, int index, int count, ulong old)
    {
        ref TableInfo info = ref _infos[page];
        Record record = new()
        {
            Old = old,
            VisibleAt = _visibleAt,
            Previous = info.LastRecord,
            Page = page,
            Index = (ushort)index,
            CountAndKind = (ushort)(count | ((int)kind << Record.KindShift)),
        };
        info.LastRecord = _journal.End;
        info.PendingUntil = kind == RecordKind.Retired ? long.MaxValue : _visibleAt;
        _pendingUntil = Math.Max(_pendingUntil, info.PendingUntil);
        _journal.Append(record);
    }

    private void DropOldest()
    {
        long number = _journal.First;
        Record record = _journal[number];
        _journal.DropFirst(1);
        if (record.Kind == RecordKind.Image)
        {
            _images.DropFirst(record.Count);
        }
        else if (record.Kind == RecordKind.Retired)
        {
            ref TableInfo info = ref _infos[record.Page];
            if (info.State == TableState.Retired && info.LastRecord == number)
            {
                ClearEntries(record.Page);
                info.State = TableState.Cleared;
                info.PendingUntil = 0;
                _retiredCount--;
            }
        }
    }

    private void UndoNewest()
    {
        Record record = _journal[_journal.End - 1];
        _journal.DropLast(1);
        ref TableInfo info = ref _infos[record.Page];
        info.LastRecord = record.Previous;
        info.PendingUntil = record.Previous >= _journal.First ? _journal[record.Previous].VisibleAt : 0;
        switch (record.Kind)
        {
            case RecordKind.Allocated:
                UndoAllocation(record.Page, reused: record.Old != 0);
                break;
            case RecordKind.Retired:
                UndoRetirement(record.Page);
                break;
            default:
                RestoreRun(record);
                break;
        }
    }

    private void RestoreRun(in Record record)
    {
        Span<ulong> run = new(Entries(record.Page) + record.Index, record.Count);
        int used = CountUsed(run);
        if (record.Kind == RecordKind.Uniform)
        {
            run.Fill(record.Old);
        }
        else
        {
            _images.CopyTo((long)record.Old, run);
            _images.DropLast(record.Count);
        }

        _infos[record.Page].Live += (short)(CountUsed(run) - used);
    }

    private static int CountUsed(ReadOnlySpan<ulong> entries) => entries.Length - entries.Count(0UL);

    private void UndoAllocation(int page, bool reused)
    {
        ref TableInfo info = ref _infos[page];
        Debug.Assert(info.Live == 0, "the stores after an allocation are undone before it");
        info.State = TableState.Free;
        TablePages--;
        _countByLevel[info.Level]--;
        if (reused)
        {
            _freePages.Add(page);
        }
        else
        {
            Debug.Assert(page == _nextPage - 1, "allocations are undone in reverse order");
            _nextPage--;
        }
    }

    /// <summary>One change; 32 bytes.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Record
    {
        public const int KindShift = 12;

        /// <summary>The old value, or where it is; see <see cref="RecordKind"/>.</summary>
        public ulong Old;

        /// <summary>When the change becomes visible, in cycles.</summary>
        public long VisibleAt;

        /// <summary>The record of the same page before this one, or <see cref="NoRecord"/>; it may have been dropped since.</summary>
        public long Previous;

        public int Page;

        public ushort Index;

        public ushort CountAndKind;

        public readonly int Count => CountAndKind & ((1 << KindShift) - 1);

        public readonly RecordKind Kind => (RecordKind)(CountAndKind >> KindShift);
    }
}
