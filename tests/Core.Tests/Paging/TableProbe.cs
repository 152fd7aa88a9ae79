using VmSim.Core.Addresses;
using VmSim.Core.Paging;

namespace VmSim.Core.Tests.Paging;

/// <summary>Makes page tables and looks into them.</summary>
internal static class TableProbe
{
    public static PageTable New(string format) => new(PageTableFormats.All.Require(format, "format"));

    public static long Unmap(PageTable table, VirtAddr start, ulong bytes)
    {
        CountVisitor count = default;
        long leaves = table.UnmapRange(start, bytes, ref count);
        Assert.Equal(Math.Max(leaves, 0), count.Leaves);
        return leaves;
    }

    public static byte[] Exported(PageTable table)
    {
        using MemoryStream stream = new();
        table.Export(stream);
        return stream.ToArray();
    }

    public static bool IsMapped(PageTable table, VirtAddr address, long time)
    {
        PageTableFormat format = table.Format;
        int page = table.Root;
        for (int level = format.Levels - 1; ; level--)
        {
            ulong entry = table.ReadEntry(page, EntryLayout.Index(address.Value, level), time);
            if (!format.IsPresent(entry) || format.IsLeaf(entry, level))
            {
                return format.IsPresent(entry);
            }

            page = format.ChildTable(entry);
        }
    }

    public static int TablePageOf(PageTable table, VirtAddr address, int target)
    {
        int page = table.Root;
        for (int level = table.Format.Levels - 1; level > target; level--)
        {
            page = table.Format.ChildTable(table.ReadEntryNow(page, EntryLayout.Index(address.Value, level)));
        }

        return page;
    }
}
