using VmSim.Core.Addresses;

namespace VmSim.Core.Paging;

/// <summary>As a copy of another table that holds a part of its leaves, in table pages of its own.</summary>
public sealed unsafe partial class PageTable
{
    /// <summary>Copies the leaf that maps an address from another table of the same format.</summary>
    /// <param name="source">The other table.</param>
    /// <param name="va">A canonical address.</param>
    /// <param name="written">Whether an entry was written; false if this table has it.</param>
    /// <returns>
    /// Size of the page that maps the address here: of the leaf, or of its piece where a table page stands in its place. Null if no leaf
    /// maps the address there.
    /// </returns>
    /// <exception cref="InvalidOperationException">The table can have no more table pages.</exception>
    internal PageSize? CopyLeaf(PageTable source, VirtAddr va, out bool written)
    {
        written = false;
        if (!source.Locate(va.Value, out int from, out int fromIndex, out int level))
        {
            return null;
        }

        ulong leaf = source.Entries(from)[fromIndex];
        int page = TableFor(va.Value, level);
        if (page < 0)
        {
            throw new InvalidOperationException($"A copy of a page table has no room for the table pages above {va}.");
        }

        // Table pages stay when their leaves have gone, because a core may have them in its paging-structure caches.
        int index = EntryLayout.Index(va.Value, level);
        while (Entries(page)[index] is var entry && entry != 0 && !_layout.IsLeaf(entry, level))
        {
            ulong offset = va.Value & ((1UL << EntryLayout.LevelShift(level)) - 1) & ~((1UL << EntryLayout.LevelShift(level - 1)) - 1);
            leaf = _format.EncodeLeaf(_layout.LeafFrame(leaf, level) + offset, _format.LeafFlags(leaf, level), level - 1);
            page = _layout.ChildTable(entry);
            index = EntryLayout.Index(va.Value, --level);
        }

        if (Entries(page)[index] != leaf)
        {
            Store(page, index, leaf);
            written = true;
        }

        return PageTableFormat.SizeOf(level);
    }

    /// <summary>
    /// A leaf of the table whose copy this is has been written. What this one has of it stays if it allows nothing that the leaf does not;
    /// it gets the leaf's accessed and dirty bits where it has the page whole.
    /// </summary>
    /// <param name="first">The first address of the leaf's page.</param>
    /// <param name="level">The leaf's level.</param>
    /// <param name="leaf">The leaf.</param>
    /// <returns>Entries written.</returns>
    internal long FollowLeaf(VirtAddr first, int level, ulong leaf)
    {
        const PageFlags Bits = PageFlags.Accessed | PageFlags.Dirty;
        PhysAddr frame = _layout.LeafFrame(leaf, level);
        PageFlags flags = _format.LeafFlags(leaf, level);
        if (Locate(first.Value, out int page, out int index, out int found) && found == level)
        {
            PageFlags held = _format.LeafFlags(Entries(page)[index], level);
            if (_layout.LeafFrame(Entries(page)[index], level) == frame && (held & PageTableFormat.Rights & ~flags) == 0)
            {
                PageFlags now = (held & ~Bits) | (flags & Bits);
                if (now == held)
                {
                    return 0;
                }

                Store(page, index, _format.EncodeLeaf(frame, now, level));
                return 1;
            }
        }

        ulong bytes = 1UL << EntryLayout.LevelShift(level);
        foreach (MappedLeaf piece in Leaves(first, bytes))
        {
            if (piece.Entry.Frame != frame + (piece.Address.Value - first.Value)
                || (piece.Entry.Flags & PageTableFormat.Rights & ~flags) != 0)
            {
                return DropLeaves(first, bytes);
            }
        }

        return 0;
    }

    /// <summary>Takes the leaves of a range out and keeps their table pages.</summary>
    /// <param name="first">The first address.</param>
    /// <param name="bytes">A multiple of 4 KiB.</param>
    /// <returns>Entries written.</returns>
    internal long DropLeaves(VirtAddr first, ulong bytes)
    {
        SilentVisitor visitor = default;
        return UnmapRange(first, bytes, ref visitor, TableFreeing.Never);
    }
}
