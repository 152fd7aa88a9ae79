using VmSim.Core.Addresses;
using VmSim.Core.Paging;

namespace VmSim.Core.Tests.Paging;

/// <summary>Does each step on a page table and on the model, and compares the two.</summary>
internal sealed partial class TableDriver : IDisposable
{
    // The 12 MiB around the boundary of two 1 GiB entries, and a second window for moves, where it can be around a boundary of the next level.
    private const ulong Base = (1UL << 18) - 1024;
    private const ulong WindowPages = 3072;
    private const ulong FrameBase = 1UL << 20;

    private readonly PageTableFormat format;
    private readonly ulong second;
    private readonly TableModel model;
    private readonly Stack<UndoMark> marks = [];
    private readonly List<FreedTableBatch> taken = [];
    private readonly PageTable replica;
    private PageTable table;
    private long now;

    public TableDriver(PageTableFormat format)
    {
        this.format = format;
        second = (format.Levels == 3 ? 5UL << 18 : 1UL << 27) - 1024;
        model = new TableModel(format);
        table = new PageTable(format) { LogsChanges = true };
        replica = new PageTable(format);
    }

    public void Dispose()
    {
        table.Dispose();
        replica.Dispose();
    }

    public void Run(PageTableModelTests.Step step)
    {
        ulong page = Base + (ulong)step.Page;
        ulong pages = Math.Min((ulong)step.Pages, Base + WindowPages - page);
        bool changed = true;
        switch (step.Kind)
        {
            case 0 or 1:
                MapOne(page, step.Pages % 3, step.Flags);
                break;
            case 2 or 3:
                MapRange(page, pages, step.Flags, step.Pages % 2);
                break;
            case 4:
                MapEmpty(page, pages, step.Flags);
                break;
            case 5 or 6:
                Unmap(page, pages, step.Pages % 3);
                break;
            case 7 or 8:
                Protect(page, pages, step.Flags);
                break;
            case 9:
                SetOne(page, step.Flags);
                break;
            case 10:
                Split(page);
                break;
            case 11:
                Move(page, pages, second + (ulong)(step.Flags == PageFlags.None ? step.Page : (step.Page + (int)step.Flags) % 512));
                break;
            default:
                changed = false;
                RunTime(step);
                break;
        }

        if (changed)
        {
            model.Publish(table.VisibleAt);
        }
    }

    private void RunTime(PageTableModelTests.Step step)
    {
        switch (step.Kind)
        {
            case 12:
                table.VisibleAt += step.Pages;
                model.Publish(table.VisibleAt);
                break;
            case 13 when marks.Count == 0:
                now += step.Pages;
                table.Fold(now);
                model.Forget(now);
                Release();
                break;
            case 14 when step.Page % 3 != 0 || marks.Count > 0:
                EndMark(step);
                break;
            case 15 when marks.Count == 0 && step.Page % 2 == 0:
                ExportImport();
                break;
            default:
                marks.Push(table.Mark());
                model.Mark();
                break;
        }
    }

    private void EndMark(PageTableModelTests.Step step)
    {
        if (marks.Count == 0)
        {
            return;
        }

        if (step.Pages % 2 == 0)
        {
            table.Commit(marks.Pop());
            model.Commit();
        }
        else
        {
            long visibleAt = table.VisibleAt;
            table.Rollback(marks.Pop());
            model.Rollback();
            Assert.Equal(visibleAt, table.VisibleAt);
        }
    }

    private void ExportImport()
    {
        using MemoryStream stream = new();
        table.Export(stream);
        stream.Position = 0;
        PageTable copy = PageTable.Import(stream);
        Assert.Equal(stream.Length, stream.Position);
        using MemoryStream again = new();
        copy.Export(again);
        Assert.Equal(stream.ToArray(), again.ToArray());
        UpdateReplica();
        table.Dispose();
        table = copy;
        table.LogsChanges = true;
    }

    private void UpdateReplica()
    {
        replica.ApplyChanges(table.TakeChanges());
        replica.Fold(now);
        CheckSameCounts(replica, table);
    }

    private void Release()
    {
        taken.Add(table.TakeFreedTables());
        if (table.VisibleAt <= now)
        {
            foreach (FreedTableBatch batch in taken)
            {
                table.ReleaseTables(batch);
            }

            taken.Clear();
            Assert.Equal(0, table.FreedTablePages);
        }
    }

    private void MapOne(ulong page, int level, PageFlags flags)
    {
        ulong pages = 1UL << (9 * level);
        page &= ~(pages - 1);
        ulong frame = (FrameBase + (page * 7)) & ~(pages - 1);
        bool done = table.Map(VirtAddr.OfPage(page), PhysAddr.OfPage(frame), PageTableFormat.SizeOf(level), flags);
        if (!model.IsEmpty(page, Math.Min(pages, 8192)) || model.In(page, pages).Any())
        {
            Assert.False(done);
        }
        else if (level == 0)
        {
            Assert.True(done);
        }

        if (done)
        {
            model.Add(page, frame, level, flags);
        }
    }

    private void MapRange(ulong page, ulong pages, PageFlags flags, int level)
    {
        ulong frame = FrameBase + (page % 512) + (2048 * (page % 5));
        long mapped = table.MapRange(VirtAddr.OfPage(page), PhysAddr.OfPage(frame), pages << 12, flags, PageTableFormat.SizeOf(level));
        ulong expected = 0;
        while (expected < pages && model.IsEmpty(page + expected, 1))
        {
            expected++;
        }

        Assert.Equal((long)expected, mapped);
        AddMapped(page, expected, frame, flags);
    }

    /// <summary>Takes over which sizes the table chose: which ones depends on tables left over from before.</summary>
    private void AddMapped(ulong page, ulong pages, ulong frame, PageFlags flags)
    {
        foreach (MappedLeaf leaf in table.Leaves(VirtAddr.OfPage(page), pages << 12))
        {
            ulong first = leaf.Address.PageNumber;
            model.Add(first, frame + (first - page), PageTableFormat.LevelOf(leaf.Entry.Size), flags);
        }
    }

    private void MapEmpty(ulong page, ulong pages, PageFlags flags)
    {
        EvenPages source = new(flags);
        Assert.True(table.MapEmpty(VirtAddr.OfPage(page), pages << 12, ref source, out long mapped));
        long expected = 0;
        for (ulong at = page; at < page + pages; at++)
        {
            if (at % 2 == 0 && model.IsEmpty(at, 1))
            {
                model.Add(at, FrameBase + at, 0, flags);
                expected++;
            }
        }

        Assert.Equal(expected, mapped);
    }

    private void Unmap(ulong page, ulong pages, int freeing)
    {
        TableFreeing mode = freeing switch
        {
            0 => TableFreeing.WhenEmpty,
            1 => TableFreeing.Never,
            _ => TableFreeing.Within(AddrRange.Of(VirtAddr.OfPage(page), Math.Max(pages, 1) << PageSizes.BaseShift)),
        };
        LeafCollector collector = new([]);
        int freedBefore = table.FreedTablePages;
        long leaves = table.UnmapRange(VirtAddr.OfPage(page), pages << 12, ref collector, mode);
        SplitEnds(page, pages);
        KeyValuePair<ulong, TableModel.Leaf>[] gone = model.In(page, pages).ToArray();
        Assert.Equal(gone.Length, leaves);
        CheckVisited(gone, collector.Leaves);
        foreach (KeyValuePair<ulong, TableModel.Leaf> leaf in gone)
        {
            model.Leaves.Remove(leaf.Key);
        }

        if (freeing == 1)
        {
            Assert.Equal(freedBefore, table.FreedTablePages);
        }
    }

    private void Protect(ulong page, ulong pages, PageFlags flags)
    {
        long leaves = table.ProtectRange(VirtAddr.OfPage(page), pages << 12, flags);
        SplitEnds(page, pages);
        KeyValuePair<ulong, TableModel.Leaf>[] all = model.In(page, pages).ToArray();
        Assert.Equal(all.Length, leaves);
        foreach ((ulong first, TableModel.Leaf leaf) in all)
        {
            PageFlags after = (leaf.Flags & ~PageTableFormat.Rights) | (flags & PageTableFormat.Rights);
            model.Leaves[first] = leaf with { Flags = format.Effective(after) };
        }
    }

    private void SetOne(ulong page, PageFlags flags)
    {
        PageFlags bits = flags & (PageFlags.Accessed | PageFlags.Dirty);
        bool mapped = TableModel.Find(model.Leaves, page, out ulong first, out TableModel.Leaf leaf);
        Assert.Equal(mapped, table.SetAccessedDirty(VirtAddr.OfPage(page), bits));
        if (!mapped)
        {
            Assert.Throws<InvalidOperationException>(() => table.Set(VirtAddr.OfPage(page), default, flags));
            return;
        }

        leaf = leaf with { Flags = format.Effective(leaf.Flags | bits) };
        if ((flags & PageFlags.Global) != PageFlags.None)
        {
            leaf = leaf with { Frame = leaf.Frame + leaf.Pages, Flags = format.Effective(flags) };
            table.Set(VirtAddr.OfPage(page), PhysAddr.OfPage(leaf.Frame), flags);
        }

        model.Leaves[first] = leaf;
    }

    private void Split(ulong page)
    {
        if (TableModel.Find(model.Leaves, page, out ulong first, out TableModel.Leaf leaf) && leaf.Level > 0)
        {
            Assert.True(table.SplitLeaf(VirtAddr.OfPage(page)));
            model.Split(first, leaf);
        }
        else
        {
            Assert.Throws<InvalidOperationException>(() => table.SplitLeaf(VirtAddr.OfPage(page)));
        }
    }

    private void Move(ulong page, ulong pages, ulong to)
    {
        if (model.In(to, pages).Any())
        {
            LeafCollector ignored = new([]);
            table.UnmapRange(VirtAddr.OfPage(second), WindowPages << 12, ref ignored);
            foreach (KeyValuePair<ulong, TableModel.Leaf> old in model.In(second, WindowPages).ToArray())
            {
                model.Leaves.Remove(old.Key);
            }
        }

        LeafCollector collector = new([]);
        long leaves = table.Move(VirtAddr.OfPage(page), VirtAddr.OfPage(to), pages << 12, ref collector);
        Assert.Equal(collector.Leaves.Count, leaves);
        SplitEnds(page, pages);
        KeyValuePair<ulong, TableModel.Leaf>[] gone = model.In(page, pages).ToArray();
        Assert.Equal(gone.Sum(leaf => (long)leaf.Value.Pages), collector.Leaves.Sum(leaf => (long)leaf.Entry.Size.BasePages()));
        foreach (KeyValuePair<ulong, TableModel.Leaf> leaf in gone)
        {
            model.Leaves.Remove(leaf.Key);
        }

        // Large pages stay large where the target is aligned and empty; the model takes the sizes over, not the frames.
        foreach ((ulong first, TableModel.Leaf leaf) in gone)
        {
            ulong target = to + (first - page);
            foreach (MappedLeaf moved in table.Leaves(VirtAddr.OfPage(target), leaf.Pages << 12))
            {
                ulong at = moved.Address.PageNumber;
                model.Leaves[at] = leaf with { Frame = leaf.Frame + (at - target), Level = PageTableFormat.LevelOf(moved.Entry.Size) };
            }
        }
    }

    private void SplitEnds(ulong page, ulong pages)
    {
        if (pages > 0)
        {
            model.SplitAt(page);
            model.SplitAt(page + pages);
        }
    }

    private readonly struct LeafCollector(List<MappedLeaf> leaves) : IUnmapVisitor
    {
        public List<MappedLeaf> Leaves => leaves;

        public void OnUnmapped(VirtAddr address, in EntryInfo entry) => leaves.Add(new MappedLeaf(address, entry));
    }

    private readonly struct EvenPages(PageFlags wanted) : IMapSource
    {
        public bool TryGetFrame(VirtAddr address, out PhysAddr frame, out PageFlags flags)
        {
            frame = PhysAddr.OfPage(FrameBase + address.PageNumber);
            flags = wanted;
            return address.PageNumber % 2 == 0;
        }
    }
}
