namespace VmSim.Core.Paging;

/// <summary>
/// The change log: what a replica of the table on another cluster node needs to show its walkers the same entries at the same times. A
/// replica starts as a table that was imported, or as an empty one if the log began with the table. From then on it is only read and
/// folded.
/// </summary>
public sealed unsafe partial class PageTable
{
    private ChangeWriter? _changes;

    /// <summary>
    /// Whether changes are logged for <see cref="TakeChanges"/>. Off to start with; turning it off drops what was logged.
    /// </summary>
    /// <exception cref="InvalidOperationException">A mark is open.</exception>
    public bool LogsChanges
    {
        get => _changes is not null;
        set
        {
            CheckNoMark();
            _changes = value ? _changes ?? new ChangeWriter() : null;
        }
    }

    /// <summary>
    /// Hands over the changes since the last call, with their visible times, in a compact form for <see cref="ApplyChanges"/>.
    /// </summary>
    /// <returns>Empty if nothing changed.</returns>
    /// <exception cref="InvalidOperationException">Changes are not logged, or a mark is open.</exception>
    public byte[] TakeChanges()
    {
        if (_changes is null)
        {
            throw new InvalidOperationException("The changes of this page table are not logged.");
        }

        CheckNoMark();
        return _changes.Length == 0 ? [] : _changes.Take();
    }

    /// <summary>Makes the changes of another table here, so that walkers see the same entries at the same times.</summary>
    /// <param name="taken">What <see cref="TakeChanges"/> gave; every batch once, in order.</param>
    /// <returns>Entries written.</returns>
    /// <exception cref="InvalidDataException">
    /// The data are damaged or do not belong to this table; the table is of no use any more.
    /// </exception>
    public long ApplyChanges(ReadOnlySpan<byte> taken)
    {
        CheckNoMark();
        ChangeReader reader = new(taken);
        long written = 0;
        while (!reader.IsAtEnd)
        {
            written += ApplyChange(ref reader);
        }

        return written;
    }

    private void LogRun(int page, int index, int count)
        => _changes?.WriteEntries(_visibleAt, page, index, new ReadOnlySpan<ulong>(Entries(page) + index, count));

    private int ApplyChange(ref ChangeReader reader)
    {
        ChangeKind kind = reader.ReadKind();
        switch (kind)
        {
            case ChangeKind.VisibleAt:
                ulong time = reader.ReadNumber();
                RequireChange(time <= long.MaxValue && (long)time >= _visibleAt, "visible times never decrease");
                VisibleAt = (long)time;
                break;
            case ChangeKind.Uniform or ChangeKind.Stepped or ChangeKind.Values:
                return ApplyRun(ref reader, kind);
            case ChangeKind.Allocated:
                ApplyAllocation(reader.ReadNumber(_nextPage), reader.ReadNumber(_format.Levels - 2), reader.ReadNumber(byte.MaxValue));
                break;
            case ChangeKind.Retired:
                int retired = ReadPage(ref reader, TableState.Live);
                RequireChange(retired != Root, "the root stays");
                RetireTable(retired);
                break;
            case ChangeKind.Taken:
                _freedPages.Clear();
                _changes?.Write(ChangeKind.Taken);
                break;
            case ChangeKind.Released:
                int released = reader.ReadNumber(_nextPage - 1);
                RequireChange(
                    _infos[released].State is TableState.Retired or TableState.Cleared, $"table page {released} waits for release");
                ReleaseTables(new FreedTableBatch([released]));
                break;
            case ChangeKind.Node:
                SetNode(reader.ReadNumber(_nextPage - 1), reader.ReadNumber(byte.MaxValue));
                break;
            default:
                throw new InvalidDataException($"Page-table changes: kind {(int)kind} is unknown.");
        }

        return 0;
    }

    private int ApplyRun(ref ChangeReader reader, ChangeKind kind)
    {
        int page = ReadPage(ref reader, TableState.Live);
        int index = reader.ReadNumber(EntriesPerTable - 1);
        int count = reader.ReadNumber(EntriesPerTable - index);
        RequireChange(count > 0, "a run has entries");
        Span<ulong> entries = stackalloc ulong[count];
        reader.ReadRun(kind, entries);
        RequireEntries(entries, _infos[page].Level);
        Span<ulong> run = new(Entries(page) + index, count);
        RecordRun(page, index, count);
        int used = CountUsed(run);
        entries.CopyTo(run);
        _infos[page].Live += (short)(CountUsed(run) - used);
        LogRun(page, index, count);
        return count;
    }

    /// <summary>
    /// Sees to it that entries above the lowest level lead to table pages that there are, of the level below, or are leaves of a size that
    /// the format has: walks follow them without a look.
    /// </summary>
    private void RequireEntries(ReadOnlySpan<ulong> entries, int level)
    {
        foreach (ulong entry in level > 0 ? entries : [])
        {
            if (entry == 0)
            {
                continue;
            }

            if (_layout.IsLeaf(entry, level))
            {
                RequireChange(level <= _format.LargestLeafLevel, $"leaves are at most at level {_format.LargestLeafLevel}");
                continue;
            }

            int child = _layout.ChildTable(entry);
            bool isThere = (uint)child < (uint)_nextPage && _infos[child].State == TableState.Live && _infos[child].Level == level - 1;
            RequireChange(isThere, $"an entry leads to table page {child}");
        }
    }

    private void ApplyAllocation(int page, int level, int node)
    {
        bool reused = page < _nextPage;
        RequireChange(!reused || _infos[page].State == TableState.Free, $"table page {page} is free");
        if (reused)
        {
            _freePages.Remove(page);
        }

        TakeTable(page, level, node, reused);
    }

    private int ReadPage(ref ChangeReader reader, TableState state)
    {
        int page = reader.ReadNumber(_nextPage - 1);
        RequireChange(_infos[page].State == state, $"table page {page} is {state}");
        return page;
    }

    private static void RequireChange(bool holds, string what)
    {
        if (!holds)
        {
            throw new InvalidDataException($"Page-table changes: {what}, but not here.");
        }
    }
}
