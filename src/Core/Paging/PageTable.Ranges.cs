using System.Diagnostics;
using VmSim.Core.Addresses;

namespace VmSim.Core.Paging;

/// <content>Changes of leaves and ranges of leaves; each walks the table once.</content>
public sealed unsafe partial class PageTable
{
    /// <summary>Maps one page.</summary>
    /// <param name="address">First address; a multiple of the size.</param>
    /// <param name="frame">First byte of the memory; a multiple of the size.</param>
    /// <param name="size">A size of the format.</param>
    /// <param name="flags">Rights and attributes.</param>
    /// <returns>False, and nothing changed, if something is mapped there.</returns>
    public bool Map(VirtAddr address, PhysAddr frame, PageSize size, PageFlags flags)
    {
        int level = PageTableFormat.LevelOf(size);
        Debug.Assert((address.Value & (size.Bytes() - 1)) == 0, "pages are mapped at multiples of their size");
        int page = Descend(address.Value, level);
        int index = PageTableFormat.IndexOf(address.Value, level);
        if (page < 0 || Entries(page)[index] != 0)
        {
            return false;
        }

        Write(page, index, Format.EncodeLeaf(frame, level, flags));
        return true;
    }

    /// <summary>Maps consecutive base pages to consecutive frames.</summary>
    /// <param name="start">First address; a multiple of 4 KiB.</param>
    /// <param name="frame">First byte of the memory; a multiple of 4 KiB.</param>
    /// <param name="bytes">A multiple of 4 KiB.</param>
    /// <param name="flags">Rights and attributes.</param>
    /// <returns>False, and nothing changed, if something is mapped there.</returns>
    public bool MapRange(VirtAddr start, PhysAddr frame, ulong bytes, PageFlags flags)
    {
        if (!IsVacant(start, bytes))
        {
            return false;
        }

        ulong template = Format.EncodeLeaf(default, 0, flags);
        ulong step = Format.EncodeLeaf(new PhysAddr(PageSizes.BaseBytes), 0, flags) - template;
        ulong entry = Format.EncodeLeaf(frame, 0, flags);
        bool plain = _recording == 0 && VisibleAt <= _folded;
        ulong address = start.Value;
        for (ulong left = bytes >> PageSizes.BaseShift; left > 0;)
        {
            int page = Descend(address, 0);
            int index = PageTableFormat.IndexOf(address, 0);
            int count = (int)Math.Min(left, (ulong)(PageTableFormat.EntriesPerTable - index));
            if (plain)
            {
                Span<ulong> entries = new(Entries(page) + index, count);
                for (int i = 0; i < entries.Length; i++)
                {
                    entries[i] = entry;
                    entry += step;
                }

                _meta[page].Live += count;
            }
            else
            {
                for (int i = 0; i < count; i++, entry += step)
                {
                    Write(page, index + i, entry);
                }
            }

            left -= (ulong)count;
            address += (ulong)count << PageSizes.BaseShift;
        }

        return true;
    }

    /// <summary>Whether nothing is mapped in a range.</summary>
    public bool IsVacant(VirtAddr start, ulong bytes) => bytes == 0 || !Leaves(start, bytes).MoveNext();

    /// <summary>Replaces frame and flags of the leaf that maps an address; its size stays.</summary>
    /// <param name="address">An address that is mapped.</param>
    /// <param name="frame">First byte of the memory; a multiple of the leaf's size.</param>
    /// <param name="flags">Rights and attributes.</param>
    public void Set(VirtAddr address, PhysAddr frame, PageFlags flags)
    {
        if (!FindLeaf(address.Value, out int page, out int index, out int level))
        {
            throw new InvalidOperationException($"{address} is not mapped");
        }

        Write(page, index, Format.EncodeLeaf(frame, level, flags));
    }

    /// <summary>Sets accessed and dirty bits of the leaf that maps an address, if there is one.</summary>
    public void SetAccessedDirty(VirtAddr address, PageFlags bits)
    {
        if (FindLeaf(address.Value, out int page, out int index, out int level))
        {
            Write(page, index, Format.WithAccessedDirty(Entries(page)[index], bits));
        }
    }

    /// <summary>Gives the present leaves of a range new rights; what else they say stays. Large leaves are split at the ends.</summary>
    /// <returns>Leaves that changed.</returns>
    public long ProtectRange(VirtAddr start, ulong bytes, PageFlags rights)
    {
        const PageFlags Kept = PageFlags.Accessed | PageFlags.Dirty | PageFlags.Device | PageFlags.Uncached;
        SplitAt(start.Value);
        SplitAt(start.Value + bytes);
        long changed = 0;
        for (LeafCursor leaves = Leaves(start, bytes); leaves.MoveNext();)
        {
            EntryInfo leaf = leaves.Current;
            PageFlags flags = (leaf.Flags & Kept) | (rights & ~Kept);
            if (flags != leaf.Flags)
            {
                Set(leaves.Address, leaf.Frame, flags);
                changed++;
            }
        }

        return changed;
    }

    /// <summary>Removes the leaves of a range and the tables that become empty. Large leaves are split at the ends.</summary>
    /// <param name="start">First address; a multiple of 4 KiB.</param>
    /// <param name="bytes">A multiple of 4 KiB.</param>
    /// <param name="visitor">Sees each removed leaf, by rising address.</param>
    /// <param name="freeTables">Whether tables that become empty leave the page table.</param>
    /// <returns>Leaves removed.</returns>
    public long UnmapRange<TVisitor>(VirtAddr start, ulong bytes, ref TVisitor visitor, bool freeTables = true)
        where TVisitor : struct, IUnmapVisitor
    {
        if (bytes == 0)
        {
            return 0;
        }

        SplitAt(start.Value);
        SplitAt(start.Value + bytes);
        return UnmapLevel(Root, Format.Levels - 1, start.Value, start.Value + (bytes - 1), freeTables, ref visitor);
    }

    /// <summary>Moves the leaves of a range to another place that is vacant and does not overlap it.</summary>
    /// <returns>Leaves moved.</returns>
    public long Move(VirtAddr from, VirtAddr to, ulong bytes)
    {
        SplitAt(from.Value);
        SplitAt(from.Value + bytes);
        MoveVisitor visitor = new(this, to.Value - from.Value);
        return bytes == 0 ? 0 : UnmapRange(from, bytes, ref visitor);
    }

    /// <summary>Splits the large leaf that maps an address into leaves of the next smaller size with the same memory and flags.</summary>
    /// <returns>False if no large leaf maps it.</returns>
    public bool SplitLeaf(VirtAddr address)
    {
        if (!FindLeaf(address.Value, out int page, out int index, out int level) || level == 0)
        {
            return false;
        }

        ulong entry = Entries(page)[index];
        EntryInfo leaf = Decode(entry, level);
        int table = Allocate(level - 1);
        ulong step = 1UL << PageTableFormat.ShiftOf(level - 1);
        for (int i = 0; i < PageTableFormat.EntriesPerTable; i++)
        {
            Write(table, i, Format.EncodeLeaf(new PhysAddr(leaf.Frame.Value + ((ulong)i * step)), level - 1, leaf.Flags));
        }

        Write(page, index, TablePointer(table, level));
        return true;
    }

    /// <summary>The leaves of a range by rising address; those that reach into it from below included.</summary>
    public LeafCursor Leaves(VirtAddr start, ulong bytes) => new(this, start.Value, bytes);

    internal ulong TablePointer(int table, int level) => Format.EncodeTable(new PhysAddr((ulong)table << PageSizes.BaseShift), level);

    private void SplitAt(ulong address)
    {
        while (FindLeaf(address, out _, out _, out int level) && level > 0 && (address & ((1UL << PageTableFormat.ShiftOf(level)) - 1)) != 0)
        {
            SplitLeaf(new VirtAddr(address));
        }
    }

    private bool FindLeaf(ulong address, out int page, out int index, out int level)
    {
        page = Root;
        for (level = Format.Levels - 1; ; level--)
        {
            index = PageTableFormat.IndexOf(address, level);
            ulong entry = Entries(page)[index];
            if (entry == 0)
            {
                return false;
            }

            if (_layout.IsLeaf(entry, level))
            {
                return true;
            }

            page = Child(entry);
        }
    }

    /// <summary>The table page of a level on the way to an address, made if it is missing; -1 if a large leaf is in the way.</summary>
    private int Descend(ulong address, int target)
    {
        int page = Root;
        for (int level = Format.Levels - 1; level > target; level--)
        {
            int index = PageTableFormat.IndexOf(address, level);
            ulong entry = Entries(page)[index];
            if (entry == 0)
            {
                int child = Allocate(level - 1);
                Write(page, index, TablePointer(child, level));
                page = child;
            }
            else if (_layout.IsLeaf(entry, level))
            {
                return -1;
            }
            else
            {
                page = Child(entry);
            }
        }

        return page;
    }

    private long UnmapLevel<TVisitor>(int page, int level, ulong first, ulong last, bool freeTables, ref TVisitor visitor)
        where TVisitor : struct, IUnmapVisitor
    {
        int shift = PageTableFormat.ShiftOf(level);
        int firstIndex = PageTableFormat.IndexOf(first, level);
        int lastIndex = PageTableFormat.IndexOf(last, level);
        ulong origin = (first >> shift) - (ulong)firstIndex;
        long removed = 0;
        for (int index = firstIndex; index <= lastIndex; index++)
        {
            ulong entry = Entries(page)[index];
            if (entry == 0)
            {
                continue;
            }

            ulong entryFirst = (origin + (ulong)index) << shift;
            if (_layout.IsLeaf(entry, level))
            {
                Write(page, index, 0);
                visitor.OnUnmapped(new VirtAddr(entryFirst), Decode(entry, level));
                removed++;
                continue;
            }

            int child = Child(entry);
            ulong entryLast = entryFirst + ((1UL << shift) - 1);
            removed += UnmapLevel(child, level - 1, Math.Max(first, entryFirst), Math.Min(last, entryLast), freeTables, ref visitor);
            if (freeTables && _meta[child].Live == 0)
            {
                Write(page, index, 0);
                FreeTable(child);
            }
        }

        return removed;
    }

    private readonly struct MoveVisitor(PageTable table, ulong offset) : IUnmapVisitor
    {
        public void OnUnmapped(VirtAddr address, in EntryInfo leaf)
        {
            VirtAddr target = address + offset;
            if ((target.Value & (leaf.Size.Bytes() - 1)) == 0)
            {
                table.Map(target, leaf.Frame, leaf.Size, leaf.Flags);
                return;
            }

            for (ulong done = 0; done < leaf.Size.Bytes(); done += PageSizes.BaseBytes)
            {
                table.Map(target + done, leaf.Frame + done, PageSize.Size4K, leaf.Flags);
            }
        }
    }
}
