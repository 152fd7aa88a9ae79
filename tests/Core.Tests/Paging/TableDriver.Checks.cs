using VmSim.Core.Addresses;
using VmSim.Core.Paging;

namespace VmSim.Core.Tests.Paging;

/// <summary>What must hold after every step.</summary>
internal sealed partial class TableDriver
{
    public void Check()
    {
        CheckLeaves();
        CheckCounts();
        CheckFreedTables();
        bool updated = _marks.Count == 0;
        if (updated)
        {
            UpdateReplica();
        }

        foreach (long time in _model.Times.ToArray())
        {
            CheckView(_table, time);
            if (updated)
            {
                CheckView(_replica, time);
            }
        }
    }

    private void CheckVisited(KeyValuePair<ulong, TableModel.Leaf>[] expected, List<MappedLeaf> visited)
    {
        Assert.Equal(expected.Length, visited.Count);
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.Equal(new MappedLeaf(VirtAddr.OfPage(expected[i].Key), InfoOf(expected[i].Value)), visited[i]);
        }
    }

    private EntryInfo InfoOf(TableModel.Leaf leaf)
        =>
            new(
                true,
                (leaf.Flags & PageTableFormat.Rights) != PageFlags.None,
                PhysAddr.OfPage(leaf.Frame),
                PageTableFormat.SizeOf(leaf.Level),
                leaf.Flags);

    private void CheckLeaves()
    {
        List<MappedLeaf> found = [];
        foreach (MappedLeaf leaf in _table.Leaves(default, 1UL << (_format.VirtualBits - 1)))
        {
            found.Add(leaf);
        }

        CheckVisited([.. _model.Leaves], found);
        for (ulong page = Base; page < Base + WindowPages; page += 61)
        {
            EntryInfo expected = TableModel.Find(_model.Leaves, page, out _, out TableModel.Leaf leaf) ? InfoOf(leaf) : default;
            Assert.Equal(expected, _table.Query(VirtAddr.OfPage(page)));
        }
    }

    /// <summary>The counts are those of a walk over the whole tree.</summary>
    private void CheckCounts()
    {
        int[] pages = new int[_format.Levels];
        CountTables(_table.Root, _format.Levels - 1, pages);
        Assert.Equal(pages.Sum(), _table.TablePages);
        for (int level = 0; level < _format.Levels; level++)
        {
            Assert.Equal(pages[level], _table.TablePagesAt(level));
        }
    }

    /// <summary>Freed tables read as empty from the time at which the last operation is visible, whether folded or not.</summary>
    private void CheckFreedTables()
    {
        foreach (int page in _table.FreedTables)
        {
            for (int index = 0; index < EntryLayout.EntriesPerTable; index += 7)
            {
                Assert.Equal(0UL, _table.ReadEntry(page, index, Math.Max(_table.VisibleAt.Value, _now)));
            }
        }
    }

    private void CountTables(int page, int level, int[] pages)
    {
        pages[level]++;
        Assert.Equal(level, _table.LevelOf(page));
        int used = 0;
        for (int index = 0; index < EntryLayout.EntriesPerTable; index++)
        {
            ulong entry = _table.ReadEntryNow(page, index);
            if (entry == 0)
            {
                continue;
            }

            used++;
            if (!_format.IsLeaf(entry, level))
            {
                CountTables(_format.ChildTable(entry), level - 1, pages);
            }
        }

        Assert.Equal(used, _table.EntriesUsed(page));
    }

    private void CheckView(PageTable view, long time)
    {
        SortedDictionary<ulong, TableModel.Leaf> leaves = _model.AsOf(Math.Max(time, _now));
        for (ulong page = Base; page < Base + WindowPages; page += 37)
        {
            CheckWalk(view, page, Math.Max(time, _now), leaves);
            CheckWalk(view, _second + (page - Base), Math.Max(time, _now), leaves);
        }
    }

    private void CheckWalk(PageTable view, ulong page, long time, SortedDictionary<ulong, TableModel.Leaf> leaves)
    {
        int tablePage = view.Root;
        int level = _format.Levels - 1;
        ulong entry;
        while (true)
        {
            entry = view.ReadEntry(tablePage, EntryLayout.Index(page << 12, level), time);
            if (!_format.IsPresent(entry) || _format.IsLeaf(entry, level))
            {
                break;
            }

            tablePage = _format.ChildTable(entry);
            level--;
        }

        bool mapped = TableModel.Find(leaves, page, out _, out TableModel.Leaf leaf);
        bool present = mapped && (leaf.Flags & PageTableFormat.Rights) != PageFlags.None;
        Assert.Equal(present, _format.IsPresent(entry));
        if (present)
        {
            Assert.Equal(leaf, new TableModel.Leaf(_format.LeafFrame(entry, level).PageNumber, level, _format.LeafFlags(entry, level)));
        }
    }

    private static void CheckSameCounts(PageTable replica, PageTable table)
    {
        Assert.Equal(table.TablePages, replica.TablePages);
        Assert.Equal(table.FreedTablePages, replica.FreedTablePages);
        Assert.Equal(table.FreedTables.ToArray(), replica.FreedTables.ToArray());
        for (int page = 0; page < table.TablePageLimit; page++)
        {
            Assert.Equal(table.EntriesUsed(page), replica.EntriesUsed(page));
        }
    }
}
