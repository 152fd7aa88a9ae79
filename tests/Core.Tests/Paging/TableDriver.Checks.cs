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
        bool updated = marks.Count == 0;
        if (updated)
        {
            UpdateReplica();
        }

        foreach (long time in model.Times.ToArray())
        {
            CheckView(table, time);
            if (updated)
            {
                CheckView(replica, time);
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
        => new(true, (leaf.Flags & PageTableFormat.Rights) != PageFlags.None, PhysAddr.OfPage(leaf.Frame), PageTableFormat.SizeOf(leaf.Level), leaf.Flags);

    private void CheckLeaves()
    {
        List<MappedLeaf> found = [];
        foreach (MappedLeaf leaf in table.Leaves(default, 1UL << (format.VirtualBits - 1)))
        {
            found.Add(leaf);
        }

        CheckVisited([.. model.Leaves], found);
        for (ulong page = Base; page < Base + WindowPages; page += 61)
        {
            EntryInfo expected = TableModel.Find(model.Leaves, page, out _, out TableModel.Leaf leaf) ? InfoOf(leaf) : default;
            Assert.Equal(expected, table.Query(VirtAddr.OfPage(page)));
        }
    }

    /// <summary>The counts are those of a walk over the whole tree.</summary>
    private void CheckCounts()
    {
        int[] pages = new int[format.Levels];
        CountTables(table.Root, format.Levels - 1, pages);
        Assert.Equal(pages.Sum(), table.TablePages);
        for (int level = 0; level < format.Levels; level++)
        {
            Assert.Equal(pages[level], table.TablePagesAt(level));
        }
    }

    /// <summary>Freed tables read as empty from the time at which the last operation is visible, whether folded or not.</summary>
    private void CheckFreedTables()
    {
        foreach (int page in table.FreedTables)
        {
            for (int index = 0; index < EntryLayout.EntriesPerTable; index += 7)
            {
                Assert.Equal(0UL, table.ReadEntry(page, index, Math.Max(table.VisibleAt, now)));
            }
        }
    }

    private void CountTables(int page, int level, int[] pages)
    {
        pages[level]++;
        Assert.Equal(level, table.LevelOf(page));
        int used = 0;
        for (int index = 0; index < EntryLayout.EntriesPerTable; index++)
        {
            ulong entry = table.ReadEntryNow(page, index);
            if (entry == 0)
            {
                continue;
            }

            used++;
            if (!format.IsLeaf(entry, level))
            {
                CountTables(format.ChildTable(entry), level - 1, pages);
            }
        }

        Assert.Equal(used, table.EntriesUsed(page));
    }

    private void CheckView(PageTable view, long time)
    {
        SortedDictionary<ulong, TableModel.Leaf> leaves = model.AsOf(Math.Max(time, now));
        for (ulong page = Base; page < Base + WindowPages; page += 37)
        {
            CheckWalk(view, page, Math.Max(time, now), leaves);
            CheckWalk(view, second + (page - Base), Math.Max(time, now), leaves);
        }
    }

    private void CheckWalk(PageTable view, ulong page, long time, SortedDictionary<ulong, TableModel.Leaf> leaves)
    {
        int tablePage = view.Root;
        int level = format.Levels - 1;
        ulong entry;
        while (true)
        {
            entry = view.ReadEntry(tablePage, EntryLayout.Index(page << 12, level), time);
            if (!format.IsPresent(entry) || format.IsLeaf(entry, level))
            {
                break;
            }

            tablePage = format.ChildTable(entry);
            level--;
        }

        bool mapped = TableModel.Find(leaves, page, out _, out TableModel.Leaf leaf);
        bool present = mapped && (leaf.Flags & PageTableFormat.Rights) != PageFlags.None;
        Assert.Equal(present, format.IsPresent(entry));
        if (present)
        {
            Assert.Equal(leaf, new TableModel.Leaf(format.LeafFrame(entry, level).PageNumber, level, format.LeafFlags(entry, level)));
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
