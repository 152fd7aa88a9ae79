using System.Runtime.CompilerServices;
using VmSim.Core.Addresses;

namespace VmSim.Core.Paging;

/// <summary>Walks over the leaves of a range without changing them.</summary>
public sealed unsafe partial class PageTable
{
    /// <summary>The leaves that map a range or a part of it, held ones included, in address order. The table must not change meanwhile.</summary>
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
        private readonly PageTable table;
        private readonly ulong start;
        private readonly ulong bytes;

        internal LeafRange(PageTable table, ulong start, ulong bytes)
        {
            this.table = table;
            this.start = start;
            this.bytes = bytes;
        }

        /// <summary>A cursor before the first leaf.</summary>
        public LeafCursor GetEnumerator() => new(table, start, bytes);
    }

    /// <summary>A place in a walk over leaves.</summary>
    public struct LeafCursor
    {
        private readonly PageTable table;
        private readonly ulong last;
        private PathPages path;
        private ulong next;
        private int level;
        private int leafLevel;
        private bool done;

        internal LeafCursor(PageTable table, ulong start, ulong bytes)
        {
            this.table = table;
            next = start;
            last = start + (bytes - 1);
            done = bytes == 0;
            level = table.format.Levels - 1;
            path[level] = table.Root;
        }

        /// <summary>The leaf the cursor stands on.</summary>
        public MappedLeaf Current { get; private set; }

        /// <summary>Goes to the next leaf.</summary>
        /// <returns>False if there is none.</returns>
        public bool MoveNext()
        {
            while (!done)
            {
                ulong at = next;
                ulong entry = table.Entries(path[level])[EntryLayout.Index(at, level)];
                if (entry != 0 && !table.layout.IsLeaf(entry, level))
                {
                    level--;
                    path[level] = table.layout.ChildTable(entry);
                    continue;
                }

                Advance(at);
                if (entry != 0)
                {
                    ulong first = at & ~((1UL << EntryLayout.LevelShift(leafLevel)) - 1);
                    Current = new MappedLeaf(new VirtAddr(first), table.Describe(entry, leafLevel));
                    return true;
                }
            }

            return false;
        }

        /// <summary>Steps over the entry at the cursor and climbs while the next one is in another table.</summary>
        private void Advance(ulong at)
        {
            leafLevel = level;
            ulong entryLast = at | ((1UL << EntryLayout.LevelShift(level)) - 1);
            if (entryLast >= last)
            {
                done = true;
                return;
            }

            next = entryLast + 1;
            while (level < table.format.Levels - 1 && EntryLayout.Index(next, level) == 0)
            {
                level++;
            }
        }
    }

    [InlineArray(5)]
    private struct PathPages
    {
        private int first;
    }
}
