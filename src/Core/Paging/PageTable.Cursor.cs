using System.Runtime.CompilerServices;
using VmSim.Core.Addresses;

namespace VmSim.Core.Paging;

/// <summary>Walks over the leaves of a range without changing them.</summary>
public sealed unsafe partial class PageTable
{
    /// <summary>
    /// The leaves that map a range or a part of it, held ones included, in address order. The table must not change meanwhile.
    /// </summary>
    /// <param name="start">The first page's first byte.</param>
    /// <param name="bytes">A multiple of 4 KiB.</param>
    public LeafRange Leaves(VirtAddr start, ulong bytes)
    {
        CheckRange(start, bytes);
        return new LeafRange(this, start.Value, bytes);
    }

    /// <summary>The leaves of a range, for <c>foreach</c>.</summary>
    public readonly struct LeafRange
    {
        private readonly PageTable _table;
        private readonly ulong _start;
        private readonly ulong _bytes;

        internal LeafRange(PageTable table, ulong start, ulong bytes)
        {
            _table = table;
            _start = start;
            _bytes = bytes;
        }

        /// <summary>A cursor before the first leaf.</summary>
        public LeafCursor GetEnumerator() => new(_table, _start, _bytes);
    }

    /// <summary>A place in a walk over leaves.</summary>
    public struct LeafCursor
    {
        private readonly PageTable _table;
        private readonly ulong _last;
        private PathPages _path;
        private ulong _next;
        private int _level;
        private int _leafLevel;
        private bool _done;

        internal LeafCursor(PageTable table, ulong start, ulong bytes)
        {
            _table = table;
            _next = start;
            _last = start + (bytes - 1);
            _done = bytes == 0;
            _level = table._format.Levels - 1;
            _path[_level] = table.Root;
        }

        /// <summary>The leaf the cursor stands on.</summary>
        public MappedLeaf Current { get; private set; }

        /// <summary>Goes to the next leaf.</summary>
        /// <returns>False if there is none.</returns>
        public bool MoveNext()
        {
            while (!_done)
            {
                ulong at = _next;
                ulong entry = _table.Entries(_path[_level])[EntryLayout.Index(at, _level)];
                if (entry != 0 && !_table._layout.IsLeaf(entry, _level))
                {
                    _level--;
                    _path[_level] = _table._layout.ChildTable(entry);
                    continue;
                }

                Advance(at);
                if (entry != 0)
                {
                    ulong first = at & ~((1UL << EntryLayout.LevelShift(_leafLevel)) - 1);
                    Current = new MappedLeaf(new VirtAddr(first), _table.Describe(entry, _leafLevel));
                    return true;
                }
            }

            return false;
        }

        /// <summary>Steps over the entry at the cursor and climbs while the next one is in another table.</summary>
        private void Advance(ulong at)
        {
            _leafLevel = _level;
            ulong entryLast = at | ((1UL << EntryLayout.LevelShift(_level)) - 1);
            if (entryLast >= _last)
            {
                _done = true;
                return;
            }

            _next = entryLast + 1;
            while (_level < _table._format.Levels - 1 && EntryLayout.Index(_next, _level) == 0)
            {
                _level++;
            }
        }
    }

    [InlineArray(5)]
    private struct PathPages
    {
        private int _first;
    }
}
