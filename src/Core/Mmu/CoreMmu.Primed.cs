using VmSim.Core.Addresses;
using VmSim.Core.Paging;

namespace VmSim.Core.Mmu;

/// <content>Translations that the kernel puts into the TLBs.</content>
public sealed unsafe partial class CoreMmu
{
    /// <summary>
    /// Puts the translation of an address into the TLBs and leaves the entry of the loaded table as it is, not accessed. On x86 a kernel
    /// does so through a table of its own with the same tag, in which a copy of the entry stands and is marked: so no paging-structure
    /// cache leads into the loaded table. Nothing is put in that a walk would have to mark as dirty, and nothing in a virtual machine.
    /// </summary>
    /// <param name="kind">The access that will use it.</param>
    /// <param name="address">Its virtual address.</param>
    /// <param name="size">The size of the page that is expected.</param>
    /// <param name="time">As of when the table is read.</param>
    /// <returns>Whether the table has an entry for such a page that allows the access and is not accessed.</returns>
    public bool Prime(AccessKind kind, ulong address, PageSize size, Cycles time)
    {
        if (_host is not null || !_format!.IsCanonical(new VirtAddr(address)))
        {
            return false;
        }

        int page = 0;
        int level = _levels - 1;
        ulong entry = _table!.ReadEntry(page, EntryLayout.Index(address, level), time.Value);
        while (_layout.IsPresent(entry) && !_layout.IsLeaf(entry, level))
        {
            page = _layout.ChildTable(entry);
            entry = _table.ReadEntry(page, EntryLayout.Index(address, --level), time.Value);
        }

        PageFlags flags = _layout.IsPresent(entry) && SizeOf(level) == size ? FlagsOf(entry, level) : PageFlags.Accessed;
        PageFlags needed = (PageFlags)Needed(kind);
        if ((flags & (needed | PageFlags.Accessed)) != needed)
        {
            return false;
        }

        DropStale(address);
        ulong frame = _layout.LeafFrame(entry, level).PageNumber;
        if (_groupShift == 0 || level > 0)
        {
            FillTranslation(kind, address, level, frame, flags | PageFlags.Accessed);
        }
        else
        {
            // No neighbour comes along: its entry would have to be marked.
            ulong data = DataOf(frame, flags | PageFlags.Accessed);
            bool isOdd = (EntryLayout.Index(address, 0) & 1) != 0;
            _firstOfGroup = isOdd ? 0 : data;
            _oddOfGroup = isOdd ? data : 0;
            FillWithNeighbours(kind, address, data, isWhole: _pairs);
        }

        return true;
    }
}
