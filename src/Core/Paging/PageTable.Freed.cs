using System.Diagnostics;
using System.Runtime.InteropServices;

namespace VmSim.Core.Paging;

/// <summary>Table pages that left the tree together. They stay readable until <see cref="PageTable.ReleaseTables"/>.</summary>
/// <param name="Pages">The table pages' numbers, in the order in which they were freed; null or empty if there are none.</param>
public readonly record struct FreedTableBatch(int[]? Pages)
{
    /// <summary>How many table pages the batch has.</summary>
    public int Count => Pages?.Length ?? 0;

    /// <summary>Whether there are none.</summary>
    public bool IsEmpty => Count == 0;
}

/// <summary>Table pages that left the tree and wait until nobody can reach them.</summary>
public sealed unsafe partial class PageTable
{
    private readonly List<int> _freedPages = [];

    /// <summary>Table pages freed since the last <see cref="TakeFreedTables"/>, in order.</summary>
    public ReadOnlySpan<int> FreedTables => CollectionsMarshal.AsSpan(_freedPages);

    /// <summary>Table pages freed and not yet released, taken or not.</summary>
    public int FreedTablePages { get; private set; }

    /// <summary>Hands over the table pages freed so far; whoever takes them owes a <see cref="ReleaseTables"/>.</summary>
    /// <exception cref="InvalidOperationException">A mark is open: the freeing may yet be undone.</exception>
    public FreedTableBatch TakeFreedTables()
    {
        if (_freedPages.Count == 0)
        {
            return default;
        }

        CheckNoMark();
        FreedTableBatch batch = new([.. _freedPages]);
        _freedPages.Clear();
        _changes?.Write(ChangeKind.Taken);
        return batch;
    }

    /// <summary>Makes freed table pages free for new tables. Nobody may read them any more.</summary>
    /// <param name="batch">What <see cref="TakeFreedTables"/> gave; each once.</param>
    /// <exception cref="InvalidOperationException">A page is not waiting for release, or a mark is open.</exception>
    public void ReleaseTables(FreedTableBatch batch)
    {
        if (batch.IsEmpty)
        {
            return;
        }

        CheckNoMark();
        foreach (int page in batch.Pages!)
        {
            ref TableInfo info = ref Info(page);
            if (info.State is not (TableState.Retired or TableState.Cleared))
            {
                throw new InvalidOperationException($"Table page {page} does not wait for release.");
            }

            if (info.State == TableState.Retired)
            {
                ClearEntries(page);
                _retiredCount--;
            }

            info.State = TableState.Free;
            _freePages.Add(page);
            FreedTablePages--;
            _changes?.Write(ChangeKind.Released, page);
        }

        UpdatePendingUntil();
    }

    /// <summary>Takes a table page out of the tree. No entry points to it any more; its own entries count as cleared.</summary>
    private void RetireTable(int page)
    {
        ref TableInfo info = ref _infos[page];
        Debug.Assert(info.State == TableState.Live && page != Root, "only tables below the root are freed");
        TablePages--;
        FreedTablePages++;
        _countByLevel[info.Level]--;
        _freedPages.Add(page);
        _changes?.WriteRetired(_visibleAt, page);
        if (_recording)
        {
            info.State = TableState.Retired;
            _retiredCount++;
            AppendRecord(page, RecordKind.Retired, 0, 0, 0);
        }
        else
        {
            info.State = TableState.Cleared;
            ClearEntries(page);
        }
    }

    private void ClearEntries(int page)
    {
        ref TableInfo info = ref _infos[page];
        if (info.Live > 0)
        {
            NativeMemory.Clear(Entries(page), TableBytes);
            info.Live = 0;
        }
    }

    private void UndoRetirement(int page)
    {
        ref TableInfo info = ref _infos[page];
        info.State = TableState.Live;
        _retiredCount--;
        TablePages++;
        FreedTablePages--;
        _countByLevel[info.Level]++;
        Debug.Assert(_freedPages[^1] == page, "freeings are undone in reverse order");
        _freedPages.RemoveAt(_freedPages.Count - 1);
    }

    private void CheckNoMark()
    {
        if (_openMarks > 0)
        {
            throw new InvalidOperationException("Freed tables are taken and released when no mark is open.");
        }
    }
}
