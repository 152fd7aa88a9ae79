using VmSim.Core.Addresses;

namespace VmSim.Core.Paging;

/// <content>Copies that are filled on demand: what goes into them, and what goes out when the space's own table changes.</content>
public sealed partial class PageTableSet
{
    /// <summary>
    /// The place of a table page to which no entry leads yet: that of a split is filled before it hangs in the tree.
    /// </summary>
    private const ulong Nowhere = ulong.MaxValue;

    /// <summary>Of each table page of the space's own table, the first address that it spans. The root's is 0.</summary>
    private ulong[] _places = [0];

    /// <summary>
    /// Puts the leaf that maps an address into a copy that is filled on demand, and makes the table pages above it. Where the copy has a
    /// table page in the place of a large leaf, the leaf's piece of the next smaller size that fits goes in.
    /// </summary>
    /// <param name="table">A copy.</param>
    /// <param name="address">A canonical address.</param>
    /// <param name="visibleAt">When walkers see it; not before what the space's own table did last becomes visible.</param>
    /// <exception cref="InvalidOperationException">Copies hold every leaf, or the copy can have no more table pages.</exception>
    public TableFill Fill(int table, VirtAddr address, Cycles visibleAt)
    {
        PageTable copy = CopyOf(table);
        Update();
        copy.VisibleAt = visibleAt;
        int before = copy.TablePages;
        PageSize? size = copy.CopyLeaf(Own, address, out bool written);
        return new TableFill(size, written, copy.TablePages - before);
    }

    /// <summary>Whether a copy that is filled on demand has a leaf for an address now.</summary>
    /// <param name="table">A copy.</param>
    /// <param name="address">A canonical address.</param>
    /// <exception cref="InvalidOperationException">Copies hold every leaf.</exception>
    public bool Holds(int table, VirtAddr address)
    {
        PageTable copy = CopyOf(table);
        Update();
        return copy.Query(address).Mapped;
    }

    private PageTable CopyOf(int table)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(table, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(table, Count);
        return _onDemand ? _tables[table] : throw new InvalidOperationException("page tables that hold every leaf are not filled");
    }

    /// <summary>Takes out of every copy what has gone or changed in the space's own table.</summary>
    /// <param name="changes">The change log of the space's own table.</param>
    /// <returns>Entries written in copies.</returns>
    private long Follow(ReadOnlySpan<byte> changes)
    {
        ChangeReader reader = new(changes);
        long written = 0;
        long visibleAt = 0;
        while (!reader.IsAtEnd)
        {
            ChangeKind kind = reader.ReadKind();
            switch (kind)
            {
                case ChangeKind.VisibleAt:
                    visibleAt = (long)reader.ReadNumber();
                    break;
                case ChangeKind.Uniform or ChangeKind.Stepped or ChangeKind.Values:
                    written += FollowRun(ref reader, kind, visibleAt);
                    break;
                case ChangeKind.Allocated:
                    PlaceOf(reader.ReadNumber(int.MaxValue)) = Nowhere;
                    reader.ReadNumber();
                    reader.ReadNumber();
                    break;
                case ChangeKind.Node:
                    reader.ReadNumber();
                    reader.ReadNumber();
                    break;
                case ChangeKind.Taken:
                    break;
                default:
                    // What is retired or released hangs in the tree no more: the entry that led to it says so.
                    reader.ReadNumber();
                    break;
            }
        }

        return written;
    }

    private long FollowRun(ref ChangeReader reader, ChangeKind kind, long visibleAt)
    {
        int page = reader.ReadNumber(int.MaxValue);
        int index = reader.ReadNumber(EntryLayout.EntriesPerTable - 1);
        Span<ulong> entries = stackalloc ulong[reader.ReadNumber(EntryLayout.EntriesPerTable)];
        reader.ReadRun(kind, entries);
        if (PlaceOf(page) == Nowhere)
        {
            return 0;
        }

        int level = Own.LevelOf(page);
        int shift = EntryLayout.LevelShift(level);
        ulong start = PlaceOf(page) + ((ulong)index << shift);
        if (level > 0)
        {
            Place(entries, start, level);
        }

        long written = 0;
        for (int table = 1; table < _tables.Length; table++)
        {
            PageTable copy = _tables[table];
            if (copy.TablePages == 1)
            {
                continue;
            }

            copy.VisibleAt = visibleAt;
            for (int at = 0; at < entries.Length;)
            {
                int count = 1;
                VirtAddr first = Canonical(start + ((ulong)at << shift));
                if (entries[at] != 0 && Own.Format.Layout.IsLeaf(entries[at], level))
                {
                    written += copy.FollowLeaf(first, level, entries[at]);
                }
                else
                {
                    while (entries[at] == 0 && at + count < entries.Length && entries[at + count] == 0)
                    {
                        count++;
                    }

                    written += copy.DropLeaves(first, (ulong)count << shift);
                }

                at += count;
            }
        }

        return written;
    }

    /// <summary>Notes where the table pages stand to which entries lead, and those below them: a move takes whole tables along.</summary>
    private void Place(ReadOnlySpan<ulong> entries, ulong start, int level)
    {
        for (int i = 0; i < entries.Length; i++)
        {
            ulong entry = entries[i];
            if (entry == 0 || Own.Format.Layout.IsLeaf(entry, level))
            {
                continue;
            }

            int child = Own.Format.Layout.ChildTable(entry);
            ulong place = start + ((ulong)i << EntryLayout.LevelShift(level));
            bool moved = PlaceOf(child) != place;
            PlaceOf(child) = place;
            for (int below = 0; moved && level > 1 && below < EntryLayout.EntriesPerTable; below++)
            {
                ulong next = Own.ReadEntryNow(child, below);
                Place([next], place + ((ulong)below << EntryLayout.LevelShift(level - 1)), level - 1);
            }
        }
    }

    private ref ulong PlaceOf(int page)
    {
        if (page >= _places.Length)
        {
            Array.Resize(ref _places, Math.Max(page + 1, 2 * _places.Length));
        }

        return ref _places[page];
    }

    private VirtAddr Canonical(ulong address) =>
        new(address >> Own.Format.RangeBits != 0 ? address | (ulong.MaxValue << Own.Format.RangeBits) : address);
}

/// <summary>What a fill of a page table that is filled on demand did.</summary>
/// <param name="Size">Size of the page that the table has there now; null if no leaf maps the address.</param>
/// <param name="Written">Whether an entry was written; false if the table had it.</param>
/// <param name="TablePages">Table pages that were made for it.</param>
public readonly record struct TableFill(PageSize? Size, bool Written, int TablePages);
