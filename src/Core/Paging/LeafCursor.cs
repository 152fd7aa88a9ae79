using VmSim.Core.Addresses;

namespace VmSim.Core.Paging;

/// <summary>Goes through the leaves of a range by rising address, walking the table once. The current leaf may be changed, removed or split.</summary>
public unsafe struct LeafCursor
{
    private readonly PageTable _table;
    private readonly ulong _last;
    private ulong _next;
    private int _leafTable;
    private bool _ended;

    internal LeafCursor(PageTable table, ulong start, ulong bytes)
    {
        _table = table;
        _next = start;
        _last = start + (bytes - 1);
        _leafTable = -1;
        _ended = bytes == 0;
    }

    /// <summary>First address of the current leaf.</summary>
    public VirtAddr Address { get; private set; }

    /// <summary>The current leaf.</summary>
    public EntryInfo Current { get; private set; }

    /// <summary>Goes to the next leaf.</summary>
    /// <returns>False when there is none.</returns>
    public bool MoveNext()
    {
        while (!_ended)
        {
            int level = 0;
            int page = _leafTable;
            if (page < 0)
            {
                page = Find(out level);
            }

            _leafTable = level == 0 ? page : -1;
            ulong entry = _table.Entries(page)[PageTableFormat.IndexOf(_next, level)];
            ulong first = _next & ~((1UL << PageTableFormat.ShiftOf(level)) - 1);
            Advance(first, level);
            if (entry != 0)
            {
                Address = new VirtAddr(first);
                Current = _table.Decode(entry, level);
                return true;
            }
        }

        return false;
    }

    /// <summary>The table page that decides about the next address: at the level of a leaf, or where nothing is mapped.</summary>
    private readonly int Find(out int level)
    {
        int page = _table.Root;
        for (level = _table.Format.Levels - 1; level > 0; level--)
        {
            ulong entry = _table.Entries(page)[PageTableFormat.IndexOf(_next, level)];
            if (entry == 0 || _table.Layout.IsLeaf(entry, level))
            {
                break;
            }

            page = _table.Child(entry);
        }

        return page;
    }

    private void Advance(ulong first, int level)
    {
        ulong size = 1UL << PageTableFormat.ShiftOf(level);
        ulong entryLast = first + (size - 1);
        if (entryLast >= _last)
        {
            _ended = true;
            return;
        }

        _next = entryLast + 1;
        if (PageTableFormat.IndexOf(_next, 0) == 0)
        {
            _leafTable = -1;
        }
    }
}
