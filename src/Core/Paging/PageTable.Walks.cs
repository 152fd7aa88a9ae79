using System.Runtime.InteropServices;
using VmSim.Core.Addresses;

namespace VmSim.Core.Paging;

/// <summary>The walks behind unmap and protect: down the tree, over each table once.</summary>
public sealed unsafe partial class PageTable
{
    /// <summary>Whether any address of a range has a lowest-level table page, whatever its entries say.</summary>
    /// <param name="start">The first address.</param>
    /// <param name="end">The address after the last one; what lies above the format's user space is left out.</param>
    public bool HasTables(VirtAddr start, VirtAddr end)
    {
        ulong limit = 1UL << _format.RangeBits;
        return start < end && start.Value < limit
            && HasTables(Root, _format.Levels - 1, start.Value, Math.Min(end.Value, limit) - 1);
    }

    private bool HasTables(int page, int level, ulong first, ulong last)
    {
        if (level == 0)
        {
            return true;
        }

        ulong tableFirst = TableStart(first, level);
        int shift = EntryLayout.LevelShift(level);
        int to = EntryLayout.Index(last, level);
        for (int index = EntryLayout.Index(first, level); index <= to; index++)
        {
            ulong entry = Entries(page)[index];
            if (entry == 0 || _layout.IsLeaf(entry, level))
            {
                continue;
            }

            ulong slotFirst = tableFirst + ((ulong)index << shift);
            ulong slotLast = slotFirst + ((1UL << shift) - 1);
            if (HasTables(_layout.ChildTable(entry), level - 1, Math.Max(first, slotFirst), Math.Min(last, slotLast)))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Adds the lowest-level table pages of a range: for each, its first address over the bytes that it spans.</summary>
    /// <param name="start">The first address.</param>
    /// <param name="end">The address after the last one; what lies above the format's user space is left out.</param>
    /// <param name="tables">Takes them, by rising address.</param>
    public void ListTables(VirtAddr start, VirtAddr end, ICollection<ulong> tables)
    {
        ArgumentNullException.ThrowIfNull(tables);
        ulong limit = 1UL << _format.RangeBits;
        if (start < end && start.Value < limit)
        {
            ListTables(Root, _format.Levels - 1, start.Value, Math.Min(end.Value, limit) - 1, tables);
        }
    }

    private void ListTables(int page, int level, ulong first, ulong last, ICollection<ulong> tables)
    {
        if (level == 0)
        {
            tables.Add(first >> EntryLayout.LevelShift(1));
            return;
        }

        ulong tableFirst = TableStart(first, level);
        int shift = EntryLayout.LevelShift(level);
        int to = EntryLayout.Index(last, level);
        for (int index = EntryLayout.Index(first, level); index <= to; index++)
        {
            ulong entry = Entries(page)[index];
            if (entry != 0 && !_layout.IsLeaf(entry, level))
            {
                ulong slotFirst = tableFirst + ((ulong)index << shift);
                ulong slotLast = slotFirst + ((1UL << shift) - 1);
                ListTables(_layout.ChildTable(entry), level - 1, Math.Max(first, slotFirst), Math.Min(last, slotLast), tables);
            }
        }
    }

    private long UnmapTable<TVisitor>(
        int page, int level, ulong first, ulong last, ref TVisitor visitor, TableFreeing freeing, out bool emptied)
        where TVisitor : struct, IUnmapVisitor
    {
        ulong tableFirst = TableStart(first, level);
        bool mayFree = page != Root && freeing.Allows(tableFirst, tableFirst + TableSpanLess1(level));
        if (level == 0)
        {
            return UnmapLeaves(page, tableFirst, first, last, ref visitor, mayFree, out emptied);
        }

        int shift = EntryLayout.LevelShift(level);
        int to = EntryLayout.Index(last, level);
        long leaves = 0;
        for (int index = EntryLayout.Index(first, level); index <= to; index++)
        {
            ulong entry = Entries(page)[index];
            if (entry == 0)
            {
                continue;
            }

            ulong slotFirst = tableFirst + ((ulong)index << shift);
            if (_layout.IsLeaf(entry, level))
            {
                visitor.OnUnmapped(new VirtAddr(slotFirst), Describe(entry, level));
                Store(page, index, 0);
                leaves++;
                continue;
            }

            int child = _layout.ChildTable(entry);
            ulong slotLast = slotFirst + ((1UL << shift) - 1);
            leaves += UnmapTable(
                child, level - 1, Math.Max(first, slotFirst), Math.Min(last, slotLast), ref visitor, freeing, out bool childEmptied);
            if (childEmptied)
            {
                Store(page, index, 0);
                RetireTable(child);
            }
        }

        emptied = mayFree && _infos[page].Live == 0;
        return leaves;
    }

    /// <summary>
    /// Unmaps leaves of a lowest table. If that empties a table that may be freed, its entries stay for the freeing to take at once.
    /// </summary>
    private long UnmapLeaves<TVisitor>(
        int page, ulong tableFirst, ulong first, ulong last, ref TVisitor visitor, bool mayFree, out bool emptied)
        where TVisitor : struct, IUnmapVisitor
    {
        int from = EntryLayout.Index(first, 0);
        int count = EntryLayout.Index(last, 0) - from + 1;
        ReadOnlySpan<ulong> run = new(Entries(page) + from, count);
        int leaves = 0;
        int firstUsed = 0;
        int lastUsed = -1;
        for (int i = 0; i < run.Length; i++)
        {
            ulong entry = run[i];
            if (entry == 0)
            {
                continue;
            }

            visitor.OnUnmapped(new VirtAddr(tableFirst + ((ulong)(from + i) << PageSizes.BaseShift)), Describe(entry, 0));
            firstUsed = leaves == 0 ? i : firstUsed;
            lastUsed = i;
            leaves++;
        }

        emptied = mayFree && leaves == _infos[page].Live;
        if (!emptied && leaves > 0)
        {
            int used = lastUsed - firstUsed + 1;
            RecordRun(page, from + firstUsed, used);
            NativeMemory.Clear(Entries(page) + from + firstUsed, (nuint)used * sizeof(ulong));
            _infos[page].Live -= (short)leaves;
            LogRun(page, from + firstUsed, used);
        }

        return leaves;
    }

    private long ProtectTable<TVisitor>(int page, int level, ulong first, ulong last, ref TVisitor visitor)
        where TVisitor : struct, IProtectVisitor
    {
        ulong tableFirst = TableStart(first, level);
        int from = EntryLayout.Index(first, level);
        int to = EntryLayout.Index(last, level);
        if (level == 0)
        {
            return ProtectLeaves(page, tableFirst, from, to, ref visitor);
        }

        int shift = EntryLayout.LevelShift(level);
        long leaves = 0;
        for (int index = from; index <= to; index++)
        {
            ulong entry = Entries(page)[index];
            if (entry == 0)
            {
                continue;
            }

            ulong slotFirst = tableFirst + ((ulong)index << shift);
            if (_layout.IsLeaf(entry, level))
            {
                ulong changed = Protected(entry, level, slotFirst, ref visitor);
                if (changed != entry)
                {
                    Store(page, index, changed);
                }

                leaves++;
                continue;
            }

            ulong slotLast = slotFirst + ((1UL << shift) - 1);
            leaves += ProtectTable(_layout.ChildTable(entry), level - 1, Math.Max(first, slotFirst), Math.Min(last, slotLast), ref visitor);
        }

        return leaves;
    }

    private long ProtectLeaves<TVisitor>(int page, ulong tableFirst, int from, int to, ref TVisitor visitor)
        where TVisitor : struct, IProtectVisitor
    {
        ulong* entries = Entries(page);
        int firstChanged = -1;
        long leaves = 0;
        for (int index = from; index <= to; index++)
        {
            ulong entry = entries[index];
            if (entry == 0)
            {
                continue;
            }

            leaves++;
            ulong changed = Protected(entry, 0, tableFirst + ((ulong)index << PageSizes.BaseShift), ref visitor);
            if (changed == entry)
            {
                continue;
            }

            if (firstChanged < 0)
            {
                firstChanged = index;
                RecordRun(page, index, to - index + 1);
            }

            entries[index] = changed;
        }

        if (firstChanged >= 0)
        {
            LogRun(page, firstChanged, to - firstChanged + 1);
        }

        return leaves;
    }

    private ulong Protected<TVisitor>(ulong entry, int level, ulong address, ref TVisitor visitor)
        where TVisitor : struct, IProtectVisitor
    {
        EntryInfo info = Describe(entry, level);
        PageFlags flags = visitor.OnProtect(new VirtAddr(address), info);
        return flags == info.Flags ? entry : _format.EncodeLeaf(info.Frame, flags, level);
    }
}
