using VmSim.Core.Paging;

namespace VmSim.Core.Tests.Paging;

/// <summary>What a page table must do, as a plain dictionary of leaves by their first 4 KiB page.</summary>
internal sealed class TableModel(PageTableFormat format)
{
    private readonly List<(long VisibleAt, SortedDictionary<ulong, Leaf> Leaves)> _versions = [(0, [])];
    private readonly Stack<(SortedDictionary<ulong, Leaf> Leaves, int Versions, (long, SortedDictionary<ulong, Leaf>) Last)> _marks = [];

    internal readonly record struct Leaf(ulong Frame, int Level, PageFlags Flags)
    {
        public ulong Pages => 1UL << (EntryLayout.BitsPerLevel * Level);
    }

    public SortedDictionary<ulong, Leaf> Leaves { get; private set; } = [];

    public IEnumerable<long> Times => _versions.Select(version => version.VisibleAt);

    /// <summary>The leaf that maps a page, and its first page.</summary>
    public static bool Find(SortedDictionary<ulong, Leaf> leaves, ulong page, out ulong first, out Leaf leaf)
    {
        for (int level = 0; level < 4; level++)
        {
            first = page & ~((1UL << (EntryLayout.BitsPerLevel * level)) - 1);
            if (leaves.TryGetValue(first, out leaf) && leaf.Level >= level)
            {
                return true;
            }
        }

        first = 0;
        leaf = default;
        return false;
    }

    public SortedDictionary<ulong, Leaf> AsOf(long time) => _versions.FindLast(version => version.VisibleAt <= time).Leaves;

    /// <summary>Takes the state after an operation as what walkers see from a time on.</summary>
    public void Publish(long visibleAt)
    {
        if (_versions[^1].VisibleAt == visibleAt)
        {
            _versions.RemoveAt(_versions.Count - 1);
        }

        _versions.Add((visibleAt, new SortedDictionary<ulong, Leaf>(Leaves)));
    }

    public void Forget(long before)
    {
        while (_versions.Count > 1 && _versions[1].VisibleAt <= before)
        {
            _versions.RemoveAt(0);
        }
    }

    public void Mark() => _marks.Push((new SortedDictionary<ulong, Leaf>(Leaves), _versions.Count, _versions[^1]));

    public void Commit() => _marks.Pop();

    public void Rollback()
    {
        (Leaves, int count, (long, SortedDictionary<ulong, Leaf>) last) = _marks.Pop();
        _versions.RemoveRange(count, _versions.Count - count);
        _versions[^1] = last;
    }

    public bool IsEmpty(ulong page, ulong pages)
    {
        for (ulong at = page; at < page + pages; at++)
        {
            if (Find(Leaves, at, out _, out _))
            {
                return false;
            }
        }

        return true;
    }

    public void Add(ulong page, ulong frame, int level, PageFlags flags) => Leaves[page] = new Leaf(frame, level, format.Effective(flags));

    public IEnumerable<KeyValuePair<ulong, Leaf>> In(ulong page, ulong pages)
        => Leaves.Where(leaf => pages > 0 && leaf.Key < page + pages && leaf.Key + leaf.Value.Pages > page);

    /// <summary>Splits leaves until none has a boundary in its inside.</summary>
    public void SplitAt(ulong boundary)
    {
        while (Find(Leaves, boundary, out ulong first, out Leaf leaf) && first != boundary)
        {
            Split(first, leaf);
        }
    }

    public void Split(ulong first, Leaf leaf)
    {
        Leaves.Remove(first);
        Leaf piece = leaf with { Level = leaf.Level - 1 };
        for (ulong i = 0; i < EntryLayout.EntriesPerTable; i++)
        {
            Leaves[first + (i * piece.Pages)] = piece with { Frame = leaf.Frame + (i * piece.Pages) };
        }
    }
}
