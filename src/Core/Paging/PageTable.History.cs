using System.Runtime.CompilerServices;
using VmSim.Core.Addresses;

namespace VmSim.Core.Paging;

/// <content>What walkers see of stores that are on their way, freed table pages, and undo.</content>
public sealed unsafe partial class PageTable
{
    private const long None = -1;
    private readonly List<int> _freed = [];
    private readonly List<UndoRecord> _undo = [];
    private HistoryRecord[] _history = [];
    private long _historyFirst;
    private long _historyEnd;
    private long _folded;
    private int _recording;

    private enum UndoKind : byte
    {
        Write,
        Allocate,
        Free,
    }

    /// <summary>Time from which walkers see the stores made from now on, in cycles; never decreases.</summary>
    public long VisibleAt { get; set; }

    /// <summary>Table pages that have become empty since <see cref="TakeFreedTables"/>.</summary>
    public int FreedTableCount => _freed.Count;

    /// <summary>Drops the history that nobody can ask for any more.</summary>
    /// <param name="now">No walker reads as of an earlier time any more, in cycles.</param>
    public void Fold(long now)
    {
        _folded = Math.Max(_folded, now);
        while (_historyFirst < _historyEnd && At(_historyFirst).VisibleAt <= now)
        {
            ref HistoryRecord record = ref At(_historyFirst);
            ref TableMeta meta = ref _meta[record.Page];
            meta.HistoryHead = record.NextOfPage;
            if (record.NextOfPage == None)
            {
                meta.HistoryTail = None;
            }

            _historyFirst++;
        }
    }

    /// <summary>The table pages that have become empty; they stay readable until <see cref="ReleaseTables"/>.</summary>
    public FreedTableBatch TakeFreedTables()
    {
        if (_freed.Count == 0)
        {
            return default;
        }

        FreedTableBatch batch = new([.. _freed]);
        _freed.Clear();
        return batch;
    }

    /// <summary>Nobody can reach these table pages any more; they may be used again.</summary>
    public void ReleaseTables(FreedTableBatch batch)
    {
        for (int i = 0; i < batch.Count; i++)
        {
            TablePages--;
            _free.Push(batch.Pages![i]);
        }
    }

    /// <summary>Begins to record changes so that they can be taken back. Marks nest.</summary>
    public UndoMark Mark()
    {
        _recording++;
        return new UndoMark(_undo.Count);
    }

    /// <summary>Takes back every change since the mark.</summary>
    public void Rollback(UndoMark mark)
    {
        int outer = _recording - 1;
        _recording = 0;
        for (int i = _undo.Count - 1; i >= mark.Position; i--)
        {
            UndoRecord record = _undo[i];
            switch (record.Kind)
            {
                case UndoKind.Write:
                    Write(record.Page, record.Index, record.Old);
                    break;
                case UndoKind.Allocate:
                    _levelCounts[_meta[record.Page].Level]--;
                    TablePages--;
                    _free.Push(record.Page);
                    break;
                default:
                    _levelCounts[_meta[record.Page].Level]++;
                    _freed.Remove(record.Page);
                    break;
            }
        }

        _undo.RemoveRange(mark.Position, _undo.Count - mark.Position);
        _recording = outer;
    }

    /// <summary>Keeps the changes since the mark; an outer mark can still take them back.</summary>
    public void Commit(UndoMark mark)
    {
        if (--_recording == 0)
        {
            _undo.Clear();
        }
    }

    private void Remember(int page, int index, ulong old)
    {
        if (_historyEnd - _historyFirst == _history.Length)
        {
            GrowHistory();
        }

        long number = _historyEnd++;
        At(number) = new HistoryRecord { VisibleAt = VisibleAt, Old = old, Page = page, Index = index, NextOfPage = None };
        ref TableMeta meta = ref _meta[page];
        if (meta.HistoryTail == None)
        {
            meta.HistoryHead = number;
        }
        else
        {
            At(meta.HistoryTail).NextOfPage = number;
        }

        meta.HistoryTail = number;
        meta.PendingUntil = VisibleAt;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private ulong ReadPending(int page, int index, long time)
    {
        for (long number = _meta[page].HistoryHead; number != None;)
        {
            ref HistoryRecord record = ref At(number);
            if (record.Index == index && record.VisibleAt > time)
            {
                return record.Old;
            }

            number = record.NextOfPage;
        }

        return Entries(page)[index];
    }

    private ref HistoryRecord At(long number) => ref _history[number & (_history.Length - 1)];

    private void GrowHistory()
    {
        HistoryRecord[] larger = new HistoryRecord[Math.Max(16, _history.Length * 2)];
        for (long number = _historyFirst; number < _historyEnd; number++)
        {
            larger[number & (larger.Length - 1)] = At(number);
        }

        _history = larger;
    }

    private struct HistoryRecord
    {
        public long VisibleAt;
        public ulong Old;
        public long NextOfPage;
        public int Page;
        public int Index;
    }

    private readonly record struct UndoRecord(UndoKind Kind, int Page, int Index, ulong Old);
}
