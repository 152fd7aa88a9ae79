using VmSim.Core.Addresses;
using VmSim.Core.Paging;

namespace VmSim.Core.Tests.Paging;

/// <summary>Does each step on a page table and on the model, and compares the two.</summary>
internal sealed partial class TableDriver : IDisposable
{
    // The 12 MiB around the boundary of two 1 GiB entries, and a second window for moves, where it can be around a boundary of the next
    // level.
    private const ulong Base = (1UL << 18) - 1024;
    private const ulong WindowPages = 3072;
    private const ulong FrameBase = 1UL << 20;

    private readonly PageTableFormat _format;
    private readonly ulong _second;
    private readonly TableModel _model;
    private readonly Stack<UndoMark> _marks = [];
    private readonly List<FreedTableBatch> _taken = [];
    private readonly PageTable _replica;
    private PageTable _table;
    private long _now;

    public TableDriver(PageTableFormat format)
    {
        _format = format;
        _second = (format.Levels == 3 ? 5UL << 18 : 1UL << 27) - 1024;
        _model = new TableModel(format);
        _table = new PageTable(format) { LogsChanges = true };
        _replica = new PageTable(format);
    }

    public void Dispose()
    {
        _table.Dispose();
        _replica.Dispose();
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
                Move(page, pages, _second + (ulong)(step.Flags == PageFlags.None ? step.Page : (step.Page + (int)step.Flags) % 512));
                break;
            default:
                changed = false;
                RunTime(step);
                break;
        }

        if (changed)
        {
            _model.Publish(_table.VisibleAt.Value);
        }
    }

    private void RunTime(PageTableModelTests.Step step)
    {
        switch (step.Kind)
        {
            case 12:
                _table.VisibleAt += step.Pages;
                _model.Publish(_table.VisibleAt.Value);
                break;
            case 13 when _marks.Count == 0:
                _now += step.Pages;
                _table.Fold(_now);
                _model.Forget(_now);
                Release();
                break;
            case 14 when step.Page % 3 != 0 || _marks.Count > 0:
                EndMark(step);
                break;
            case 15 when _marks.Count == 0 && step.Page % 2 == 0:
                ExportImport();
                break;
            default:
                _marks.Push(_table.Mark());
                _model.Mark();
                break;
        }
    }

    private void EndMark(PageTableModelTests.Step step)
    {
        if (_marks.Count == 0)
        {
            return;
        }

        if (step.Pages % 2 == 0)
        {
            _table.Commit(_marks.Pop());
            _model.Commit();
        }
        else
        {
            Cycles visibleAt = _table.VisibleAt;
            _table.Rollback(_marks.Pop());
            _model.Rollback();
            Assert.Equal(visibleAt, _table.VisibleAt);
        }
    }

    private void ExportImport()
    {
        using MemoryStream stream = new();
        _table.Export(stream);
        stream.Position = 0;
        PageTable copy = PageTable.Import(stream);
        Assert.Equal(stream.Length, stream.Position);
        using MemoryStream again = new();
        copy.Export(again);
        Assert.Equal(stream.ToArray(), again.ToArray());
        UpdateReplica();
        _table.Dispose();
        _table = copy;
        _table.LogsChanges = true;
    }

    private void UpdateReplica()
    {
        _replica.ApplyChanges(_table.TakeChanges());
        _replica.Fold(_now);
        CheckSameCounts(_replica, _table);
    }

    private void Release()
    {
        _taken.Add(_table.TakeFreedTables());
        if (_table.VisibleAt <= _now)
        {
            foreach (FreedTableBatch batch in _taken)
            {
                _table.ReleaseTables(batch);
            }

            _taken.Clear();
            Assert.Equal(0, _table.FreedTablePages);
        }
    }

    private void MapOne(ulong page, int level, PageFlags flags)
    {
        ulong pages = 1UL << (9 * level);
        page &= ~(pages - 1);
        ulong frame = (FrameBase + (page * 7)) & ~(pages - 1);
        bool done = _table.Map(VirtAddr.OfPage(page), PhysAddr.OfPage(frame), PageTableFormat.SizeOf(level), flags);
        if (!_model.IsEmpty(page, Math.Min(pages, 8192)) || _model.In(page, pages).Any())
        {
            Assert.False(done);
        }
        else if (level == 0)
        {
            Assert.True(done);
        }

        if (done)
        {
            _model.Add(page, frame, level, flags);
        }
    }

    private void MapRange(ulong page, ulong pages, PageFlags flags, int level)
    {
        ulong frame = FrameBase + (page % 512) + (2048 * (page % 5));
        long mapped = _table.MapRange(VirtAddr.OfPage(page), PhysAddr.OfPage(frame), pages << 12, flags, PageTableFormat.SizeOf(level));
        ulong expected = 0;
        while (expected < pages && _model.IsEmpty(page + expected, 1))
        {
            expected++;
        }

        Assert.Equal((long)expected, mapped);
        AddMapped(page, expected, frame, flags);
    }

    /// <summary>Takes over which sizes the table chose: which ones depends on tables left over from before.</summary>
    private void AddMapped(ulong page, ulong pages, ulong frame, PageFlags flags)
    {
        foreach (MappedLeaf leaf in _table.Leaves(VirtAddr.OfPage(page), pages << 12))
        {
            ulong first = leaf.Address.PageNumber;
            _model.Add(first, frame + (first - page), PageTableFormat.LevelOf(leaf.Entry.Size), flags);
        }
    }

    private void MapEmpty(ulong page, ulong pages, PageFlags flags)
    {
        EvenPages source = new(flags);
        Assert.True(_table.MapEmpty(VirtAddr.OfPage(page), pages << 12, ref source, out long mapped));
        long expected = 0;
        for (ulong at = page; at < page + pages; at++)
        {
            if (at % 2 == 0 && _model.IsEmpty(at, 1))
            {
                _model.Add(at, FrameBase + at, 0, flags);
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
        int freedBefore = _table.FreedTablePages;
        long leaves = _table.UnmapRange(VirtAddr.OfPage(page), pages << 12, ref collector, mode);
        SplitEnds(page, pages);
        KeyValuePair<ulong, TableModel.Leaf>[] gone = _model.In(page, pages).ToArray();
        Assert.Equal(gone.Length, leaves);
        CheckVisited(gone, collector.Leaves);
        foreach (KeyValuePair<ulong, TableModel.Leaf> leaf in gone)
        {
            _model.Leaves.Remove(leaf.Key);
        }

        if (freeing == 1)
        {
            Assert.Equal(freedBefore, _table.FreedTablePages);
        }
    }

    private void Protect(ulong page, ulong pages, PageFlags flags)
    {
        long leaves = _table.ProtectRange(VirtAddr.OfPage(page), pages << 12, flags);
        SplitEnds(page, pages);
        KeyValuePair<ulong, TableModel.Leaf>[] all = _model.In(page, pages).ToArray();
        Assert.Equal(all.Length, leaves);
        foreach ((ulong first, TableModel.Leaf leaf) in all)
        {
            PageFlags after = (leaf.Flags & ~PageTableFormat.Rights) | (flags & PageTableFormat.Rights);
            _model.Leaves[first] = leaf with { Flags = _format.Effective(after) };
        }
    }

    private void SetOne(ulong page, PageFlags flags)
    {
        PageFlags bits = flags & (PageFlags.Accessed | PageFlags.Dirty);
        bool mapped = TableModel.Find(_model.Leaves, page, out ulong first, out TableModel.Leaf leaf);
        Assert.Equal(mapped, _table.SetAccessedDirty(VirtAddr.OfPage(page), bits));
        if (!mapped)
        {
            Assert.Throws<InvalidOperationException>(() => _table.Set(VirtAddr.OfPage(page), default, flags));
            return;
        }

        leaf = leaf with { Flags = _format.Effective(leaf.Flags | bits) };
        if ((flags & PageFlags.Global) != PageFlags.None)
        {
            leaf = leaf with { Frame = leaf.Frame + leaf.Pages, Flags = _format.Effective(flags) };
            _table.Set(VirtAddr.OfPage(page), PhysAddr.OfPage(leaf.Frame), flags);
        }

        _model.Leaves[first] = leaf;
    }

    private void Split(ulong page)
    {
        if (TableModel.Find(_model.Leaves, page, out ulong first, out TableModel.Leaf leaf) && leaf.Level > 0)
        {
            Assert.True(_table.SplitLeaf(VirtAddr.OfPage(page)));
            _model.Split(first, leaf);
        }
        else
        {
            Assert.Throws<InvalidOperationException>(() => _table.SplitLeaf(VirtAddr.OfPage(page)));
        }
    }

    private void Move(ulong page, ulong pages, ulong to)
    {
        if (_model.In(to, pages).Any())
        {
            LeafCollector ignored = new([]);
            _table.UnmapRange(VirtAddr.OfPage(_second), WindowPages << 12, ref ignored);
            foreach (KeyValuePair<ulong, TableModel.Leaf> old in _model.In(_second, WindowPages).ToArray())
            {
                _model.Leaves.Remove(old.Key);
            }
        }

        LeafCollector collector = new([]);
        long leaves = _table.Move(VirtAddr.OfPage(page), VirtAddr.OfPage(to), pages << 12, ref collector);
        Assert.Equal(collector.Leaves.Count, leaves);
        SplitEnds(page, pages);
        KeyValuePair<ulong, TableModel.Leaf>[] gone = _model.In(page, pages).ToArray();
        Assert.Equal(gone.Sum(leaf => (long)leaf.Value.Pages), collector.Leaves.Sum(leaf => (long)leaf.Entry.Size.BasePages()));
        foreach (KeyValuePair<ulong, TableModel.Leaf> leaf in gone)
        {
            _model.Leaves.Remove(leaf.Key);
        }

        // Large pages stay large where the target is aligned and empty; the model takes the sizes over, not the frames.
        foreach ((ulong first, TableModel.Leaf leaf) in gone)
        {
            ulong target = to + (first - page);
            foreach (MappedLeaf moved in _table.Leaves(VirtAddr.OfPage(target), leaf.Pages << 12))
            {
                ulong at = moved.Address.PageNumber;
                _model.Leaves[at] = leaf with { Frame = leaf.Frame + (at - target), Level = PageTableFormat.LevelOf(moved.Entry.Size) };
            }
        }
    }

    private void SplitEnds(ulong page, ulong pages)
    {
        if (pages > 0)
        {
            _model.SplitAt(page);
            _model.SplitAt(page + pages);
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
