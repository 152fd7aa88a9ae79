using VmSim.Core.Addresses;
using VmSim.Core.Paging;
using static VmSim.Core.Tests.Paging.TableProbe;

namespace VmSim.Core.Tests.Paging;

/// <summary>Cases that every format's page table must get right, one by one.</summary>
public sealed class PageTableTests
{
    private const PageFlags UserData = PageFlags.Read | PageFlags.Write | PageFlags.User;
    private const ulong Megabyte2 = 2UL << 20;
    private const ulong Gigabyte = 1UL << 30;

    private static readonly VirtAddr Here = new(0x4000_0000);

    public static TheoryData<string> Names => new(PageTableFormats.All.Names);

    [Theory]
    [MemberData(nameof(Names))]
    public void ReadEntry_BeforeAStoreIsVisible_SeesTheOldEntry(string name)
    {
        using PageTable table = New(name);
        table.VisibleAt = 100;
        Assert.True(table.Map(Here, new PhysAddr(0x5000), PageSize.Size4K, UserData));
        Assert.False(IsMapped(table, Here, 99));
        Assert.True(IsMapped(table, Here, 100));
        Assert.True(table.HasPendingStores);
        table.VisibleAt = 200;
        table.Set(Here, new PhysAddr(0x6000), PageFlags.None);
        Assert.True(IsMapped(table, Here, 199));
        Assert.False(IsMapped(table, Here, 200));
        table.Fold(150);
        Assert.True(IsMapped(table, Here, 150));
        Assert.False(IsMapped(table, Here, 200));
        table.Fold(200);
        Assert.False(table.HasPendingStores);
        Assert.False(IsMapped(table, Here, 200));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void ReadEntry_OfAFreedTable_SeesOldEntriesUntilTheFreeingIsVisible(string name)
    {
        using PageTable table = New(name);
        Assert.Equal(512, table.MapRange(Here, new PhysAddr(0x8000_0000), Megabyte2, UserData));
        int leaves = TablePageOf(table, Here, 0);
        int above = TablePageOf(table, Here, 1);
        ulong old = table.ReadEntry(leaves, 7, 0);
        table.VisibleAt = 50;
        Assert.Equal(512, Unmap(table, Here, Megabyte2));
        Assert.Contains(leaves, table.FreedTables.ToArray());
        Assert.Contains(above, table.FreedTables.ToArray());
        FreedTableBatch batch = table.TakeFreedTables();
        Assert.Equal(table.Format.Levels - 1, batch.Count);
        Assert.True(table.FreedTables.IsEmpty);
        Assert.Equal(old, table.ReadEntry(leaves, 7, 49));
        Assert.Equal(0UL, table.ReadEntry(leaves, 7, 50));
        Assert.NotEqual(0UL, table.ReadEntry(above, 0, 49));
        Assert.Equal(0UL, table.ReadEntry(above, 0, 50));
        table.Fold(50);
        Assert.Equal(0UL, table.ReadEntry(leaves, 7, 50));
        Assert.Equal(table.Format.Levels - 1, table.FreedTablePages);
        table.ReleaseTables(batch);
        Assert.Equal(0, table.FreedTablePages);
        Assert.Equal(1, table.TablePages);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void ReleaseTables_BeforeTheFold_GivesEmptyTablesBack(string name)
    {
        using PageTable table = New(name);
        Assert.Equal(512, table.MapRange(Here, new PhysAddr(0x8000_0000), Megabyte2, UserData));
        int limit = table.TablePageLimit;
        table.VisibleAt = 50;
        Unmap(table, Here, Megabyte2);
        table.ReleaseTables(table.TakeFreedTables());
        table.VisibleAt = 60;
        Assert.True(table.Map(Here, new PhysAddr(0x5000), PageSize.Size4K, UserData));
        Assert.Equal(limit, table.TablePageLimit);
        Assert.False(IsMapped(table, Here, 59));
        Assert.True(IsMapped(table, Here, 60));
        Assert.False(IsMapped(table, Here + 0x1000, 60));
        table.Fold(60);
        Assert.True(IsMapped(table, Here, 60));
        Assert.Equal(1, Unmap(table, Here, Megabyte2));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void UnmapRange_VisibleAtOnce_FreesClearedTables(string name)
    {
        using PageTable table = New(name);
        table.MapRange(Here, new PhysAddr(0x8000_0000), Megabyte2, UserData);
        int leaves = TablePageOf(table, Here, 0);
        Unmap(table, Here, Megabyte2);
        Assert.Equal(0UL, table.ReadEntry(leaves, 3, 0));
        Assert.False(table.HasPendingStores);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void HasTables_SeesLowestTablesWhateverTheyHold(string name)
    {
        using PageTable table = New(name);
        VirtAddr end = Here + Megabyte2;
        Assert.False(table.HasTables(Here, end));
        table.MapRange(Here, new PhysAddr(0x8000_0000), Megabyte2, UserData, PageSize.Size2M);
        Assert.False(table.HasTables(Here, end));
        table.MapRange(end, new PhysAddr(0x9000_0000), 4096, UserData);
        Assert.False(table.HasTables(Here, end));
        Assert.True(table.HasTables(Here, end + 1) && table.HasTables(end + (Megabyte2 - 1), end + Megabyte2));
        Assert.True(table.HasTables(default, new VirtAddr(ulong.MaxValue)));
        Assert.False(table.HasTables(end, end) || table.HasTables(new VirtAddr(ulong.MaxValue - 1), new VirtAddr(ulong.MaxValue)));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void UnmapRange_FreeingWithinAreas_KeepsTablesThatNeighboursMayUse(string name)
    {
        using PageTable table = New(name);
        VirtAddr page = Here + 0x3000;
        table.Map(page, new PhysAddr(0x5000), PageSize.Size4K, UserData);
        CountVisitor count = default;
        table.UnmapRange(page, 0x1000, ref count, TableFreeing.Within(AddrRange.Of(Here + 0x1000, Gigabyte - 0x1000)));
        Assert.Equal(0, table.FreedTablePages);
        table.UnmapRange(page, 0x1000, ref count, TableFreeing.Within(AddrRange.Of(Here, Megabyte2)));
        Assert.Equal(1, table.FreedTablePages);
        table.UnmapRange(page, 0x1000, ref count, TableFreeing.WhenEmpty);
        Assert.Equal(table.Format.Levels - 1, table.FreedTablePages);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void MapRange_WithLargePages_UsesTheLargestThatFit(string name)
    {
        using PageTable table = New(name);
        VirtAddr start = Here - 0x1000;
        ulong bytes = 0x1000 + Gigabyte + Megabyte2 + 0x1000;
        long mapped = table.MapRange(start, new PhysAddr((4 * Gigabyte) - 0x1000), bytes, UserData, PageSize.Size1G);
        Assert.Equal((long)(bytes >> PageSizes.BaseShift), mapped);
        List<PageSize> sizes = [];
        foreach (MappedLeaf leaf in table.Leaves(start, bytes))
        {
            sizes.Add(leaf.Entry.Size);
        }

        Assert.Equal([PageSize.Size4K, PageSize.Size1G, PageSize.Size2M, PageSize.Size4K], sizes);
        Assert.Equal(new PhysAddr((4 * Gigabyte) + 0x12345), table.Translate(Here + 0x12345));
        Assert.Equal(2, Unmap(table, Here + Gigabyte, Megabyte2 + 0x1000));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Map_WithoutTablePages_ChangesNothing(string name)
    {
        using PageTable table = New(name);
        table.TablePagesMax = table.Format.Levels - 1;
        Assert.False(table.Map(Here, new PhysAddr(0x5000), PageSize.Size4K, UserData));
        Assert.Equal(1, table.TablePages);
        Assert.True(table.Map(Here, new PhysAddr(Megabyte2), PageSize.Size2M, UserData));
        Assert.False(table.SplitLeaf(Here));
        Assert.Equal(-1, Unmap(table, Here, 0x1000));
        Assert.Equal(-1, table.ProtectRange(Here + 0x1000, 0x1000, PageFlags.Read));
        Assert.Equal(-1, table.Move(Here, Here + Gigabyte + 0x1000, 0x1000));
        Assert.Equal(0, table.MapRange(Here + Megabyte2, new PhysAddr(0x5000), 0x1000, UserData));
        Assert.Equal(PageSize.Size2M, table.Query(Here).Size);
        table.TablePagesMax++;
        Assert.True(table.SplitLeaf(Here));
        Assert.Equal(PageSize.Size4K, table.Query(Here).Size);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Rollback_OfNestedMarks_UndoesFromTheInside(string name)
    {
        using PageTable table = New(name);
        table.MapRange(Here, new PhysAddr(0x8000_0000), 2 * Megabyte2, UserData);
        byte[] before = Exported(table);
        UndoMark outer = table.Mark();
        Unmap(table, Here, Megabyte2);
        UndoMark inner = table.Mark();
        table.ProtectRange(Here, 2 * Megabyte2, PageFlags.None);
        table.MapRange(Here, new PhysAddr(0x9000_0000), 0x5000, UserData);
        Assert.Throws<InvalidOperationException>(() => table.Rollback(outer));
        Assert.Throws<InvalidOperationException>(() => table.TakeFreedTables());
        Assert.Throws<InvalidOperationException>(() => table.Export(Stream.Null));
        table.Commit(inner);
        Assert.Equal(new PhysAddr(0x9000_0000), table.Query(Here).Frame);
        table.Rollback(outer);
        Assert.Equal(before, Exported(table));
        Assert.Throws<InvalidOperationException>(() => table.Commit(outer));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Move_OfAWholeTable_KeepsTheTablePage(string name)
    {
        using PageTable table = New(name);
        table.MapRange(Here, new PhysAddr(0x8000_0000), Megabyte2, UserData);
        int page = TablePageOf(table, Here, 0);
        VirtAddr target = Here + (6 * Megabyte2);
        CountVisitor count = default;
        Assert.Equal(512, table.Move(Here, target, Megabyte2, ref count));
        Assert.Equal(512, count.Leaves);
        Assert.Equal(page, TablePageOf(table, target, 0));
        Assert.False(table.Query(Here).Mapped);
        Assert.Equal(-1, MoveBackOnto(table, target));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Move_OfALargePageToASmallAlignment_SplitsIt(string name)
    {
        using PageTable table = New(name);
        table.Map(Here, new PhysAddr(Gigabyte), PageSize.Size2M, UserData);
        VirtAddr target = Here + (8 * Megabyte2) + 0x1000;
        Assert.Equal(512, table.Move(Here, target, Megabyte2));
        Assert.Equal(new PhysAddr(Gigabyte + Megabyte2 - 0x1000), table.Query(target + Megabyte2 - 0x1000).Frame);
        Assert.Equal(PageSize.Size4K, table.Query(target).Size);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void SetAccessedDirty_AsALogArrives_IsVisibleFromItsTime(string name)
    {
        using PageTable table = New(name);
        table.Map(Here, new PhysAddr(0x5000), PageSize.Size4K, UserData);
        int page = TablePageOf(table, Here, 0);
        int index = EntryLayout.Index(Here.Value, 0);
        table.VisibleAt = 10;
        Assert.True(table.SetAccessedDirty(Here + 0x123, PageFlags.Accessed | PageFlags.Dirty));
        Assert.Equal(UserData, table.Format.LeafFlags(table.ReadEntry(page, index, 9), 0));
        Assert.Equal(UserData | PageFlags.Accessed | PageFlags.Dirty, table.Format.LeafFlags(table.ReadEntry(page, index, 10), 0));
        Assert.False(table.SetAccessedDirty(Here + 0x1000, PageFlags.Accessed));
        Assert.Throws<ArgumentOutOfRangeException>(() => table.SetAccessedDirty(Here, PageFlags.Write));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void NodeOf_NewTablePages_IsTheAllocationNode(string name)
    {
        using PageTable table = New(name);
        table.AllocationNode = 3;
        table.Map(Here, new PhysAddr(0x5000), PageSize.Size4K, UserData);
        int page = TablePageOf(table, Here, 0);
        Assert.Equal(3, table.NodeOf(page));
        Assert.Equal(0, table.NodeOf(table.Root));
        table.SetNode(page, 1);
        Assert.Equal(1, table.NodeOf(page));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void AnyOperation_WithBadArguments_SaysWhich(string name)
    {
        using PageTable table = New(name);
        Assert.Throws<ArgumentException>(() => table.Map(Here + 1, default, PageSize.Size4K, UserData));
        Assert.Throws<ArgumentException>(() => table.Map(Here, new PhysAddr(0x1000), PageSize.Size2M, UserData));
        Assert.Throws<ArgumentException>(() => table.Map(new VirtAddr(0x1234_0000_0000_0000), default, PageSize.Size4K, UserData));
        Assert.Throws<ArgumentException>(() => table.ProtectRange(Here, 5, UserData));
        Assert.Throws<ArgumentException>(() => table.Move(Here, Here + 0x1000, 0x2000));
        ulong end = 1UL << table.Format.RangeBits;
        Assert.Equal(0, table.ProtectRange(new VirtAddr(end - 0x1000), 0x1000, UserData));
        Assert.Throws<ArgumentException>(() => table.ProtectRange(new VirtAddr(end - 0x1000), 0x2000, UserData));
        table.VisibleAt = 5;
        Assert.Throws<ArgumentOutOfRangeException>(() => table.VisibleAt = 4);
        Assert.Throws<InvalidOperationException>(() => table.ReleaseTables(new FreedTableBatch([table.Root])));
    }

    [Fact]
    public void MapRange_InTheUpperHalf_ReportsCanonicalAddresses()
    {
        using PageTable table = new(PageTableFormats.X64);
        VirtAddr start = new(0xFFFF_FFFF_FFFF_E000);
        Assert.Equal(2, table.MapRange(start, new PhysAddr(0x5000), 0x2000, PageFlags.Read | PageFlags.Global));
        List<VirtAddr> found = [];
        foreach (MappedLeaf leaf in table.Leaves(start, 0x2000))
        {
            found.Add(leaf.Address);
        }

        Assert.Equal([start, start + 0x1000], found);
        Assert.Equal(2, Unmap(table, start, 0x2000));
        Assert.Equal(1, table.TablePages);
    }

    [Fact]
    public void MapRange_AcrossTheMiddleOfAnUnsignedSpace_IsOneRange()
    {
        using PageTable table = new(PageTableFormats.AArch64);
        VirtAddr start = new((1UL << 47) - 0x1000);
        Assert.Equal(2, table.MapRange(start, new PhysAddr(0x5000), 0x2000, UserData));
        Assert.Equal(new PhysAddr(0x6000), table.Query(start + 0x1000).Frame);
        Assert.Equal(2, Unmap(table, start, 0x2000));
    }

    [Fact]
    public void TableAddress_OfAGuest_StartsAtItsBase()
    {
        using PageTable table = new(PageTableFormats.X64) { TableBase = new PhysAddr(0x7000_0000) };
        table.Map(Here, new PhysAddr(0x5000), PageSize.Size4K, UserData);
        Assert.Equal(new PhysAddr(0x7000_0000), table.TableAddress(table.Root));
        Assert.Equal(new PhysAddr(0x7000_3000), table.TableAddress(TablePageOf(table, Here, 0)));
        using PageTable copy = PageTable.Import(new MemoryStream(Exported(table)));
        Assert.Equal(table.TableBase, copy.TableBase);
    }

    private static long MoveBackOnto(PageTable table, VirtAddr from)
    {
        table.MapRange(Here, new PhysAddr(0x1000_0000), 0x1000, UserData);
        return table.Move(from, Here, Megabyte2);
    }
}
