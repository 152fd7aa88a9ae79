namespace VmSim.Core.Paging;

/// <summary>
/// The change log: what a replica of the table on another cluster node needs to show its walkers the same entries at the same times. A replica
/// starts as a table that was imported, or as an empty one if the log began with the table, and is only read and folded from then on.
/// </summary>
public sealed unsafe partial class PageTable
{
    private ChangeWriter? changes;

    /// <summary>Whether changes are logged for <see cref="TakeChanges"/>. Off to start with; turning it off drops what was logged.</summary>
    /// <exception cref="InvalidOperationException">A mark is open.</exception>
    public bool LogsChanges
    {
        get => changes is not null;
        set
        {
            CheckNoMark();
            changes = value ? changes ?? new ChangeWriter() : null;
        }
    }

    /// <summary>Hands over the changes since the last call, with their visible times, in a compact form for <see cref="ApplyChanges"/>.</summary>
    /// <returns>Empty if nothing changed.</returns>
    /// <exception cref="InvalidOperationException">Changes are not logged, or a mark is open.</exception>
    public byte[] TakeChanges()
    {
        if (changes is null)
        {
            throw new InvalidOperationException("The changes of this page table are not logged.");
        }

        CheckNoMark();
        return changes.Length == 0 ? [] : changes.Take();
    }

    /// <summary>Makes the changes of another table here, so that walkers see the same entries at the same times.</summary>
    /// <param name="taken">What <see cref="TakeChanges"/> gave; every batch once, in order.</param>
    /// <exception cref="InvalidDataException">The data are damaged or do not belong to this table; the table is of no use any more.</exception>
    public void ApplyChanges(ReadOnlySpan<byte> taken)
    {
        CheckNoMark();
        ChangeReader reader = new(taken);
        while (!reader.IsAtEnd)
        {
            ApplyChange(ref reader);
        }
    }

    private void LogRun(int page, int index, int count)
        => changes?.WriteEntries(visibleAt, page, index, new ReadOnlySpan<ulong>(Entries(page) + index, count));

    private void ApplyChange(ref ChangeReader reader)
    {
        ChangeKind kind = reader.ReadKind();
        switch (kind)
        {
            case ChangeKind.VisibleAt:
                ulong time = reader.ReadNumber();
                RequireChange(time <= long.MaxValue && (long)time >= visibleAt, "visible times never decrease");
                VisibleAt = (long)time;
                break;
            case ChangeKind.Uniform or ChangeKind.Stepped or ChangeKind.Values:
                ApplyRun(ref reader, kind);
                break;
            case ChangeKind.Allocated:
                ApplyAllocation(reader.ReadNumber(nextPage), reader.ReadNumber(format.Levels - 2), reader.ReadNumber(byte.MaxValue));
                break;
            case ChangeKind.Retired:
                int retired = ReadPage(ref reader, TableState.Live);
                RequireChange(retired != Root, "the root stays");
                RetireTable(retired);
                break;
            case ChangeKind.Taken:
                freedPages.Clear();
                break;
            case ChangeKind.Released:
                int released = reader.ReadNumber(nextPage - 1);
                RequireChange(infos[released].State is TableState.Retired or TableState.Cleared, $"table page {released} waits for release");
                ReleaseTables(new FreedTableBatch([released]));
                break;
            case ChangeKind.Node:
                SetNode(reader.ReadNumber(nextPage - 1), reader.ReadNumber(byte.MaxValue));
                break;
            default:
                throw new InvalidDataException($"Page-table changes: kind {(int)kind} is unknown.");
        }
    }

    private void ApplyRun(ref ChangeReader reader, ChangeKind kind)
    {
        int page = ReadPage(ref reader, TableState.Live);
        int index = reader.ReadNumber(EntriesPerTable - 1);
        int count = reader.ReadNumber(EntriesPerTable - index);
        RequireChange(count > 0, "a run has entries");
        RecordRun(page, index, count);
        Span<ulong> run = new(Entries(page) + index, count);
        int used = CountUsed(run);
        if (kind == ChangeKind.Values)
        {
            reader.ReadEntries(run);
        }
        else
        {
            ulong entry = reader.ReadEntry();
            ulong step = kind == ChangeKind.Stepped ? reader.ReadEntry() : 0;
            for (int i = 0; i < count; i++)
            {
                run[i] = entry + ((ulong)i * step);
            }
        }

        infos[page].Live += (short)(CountUsed(run) - used);
    }

    private void ApplyAllocation(int page, int level, int node)
    {
        bool reused = page < nextPage;
        RequireChange(!reused || infos[page].State == TableState.Free, $"table page {page} is free");
        if (reused)
        {
            freePages.Remove(page);
        }

        TakeTable(page, level, node, reused);
    }

    private int ReadPage(ref ChangeReader reader, TableState state)
    {
        int page = reader.ReadNumber(nextPage - 1);
        RequireChange(infos[page].State == state, $"table page {page} is {state}");
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
