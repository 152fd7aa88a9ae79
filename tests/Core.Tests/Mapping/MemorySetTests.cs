using VmSim.Core.Addresses;
using VmSim.Core.Mapping;

namespace VmSim.Core.Tests.Mapping;

public sealed class MemorySetTests
{
    private const ulong Top = uint.MaxValue - 255;

    private static MemorySet<VirtAddr, byte, ByteTable, ByteBackend<VirtAddr>> ThreeAreas(ByteTable table)
    {
        MemorySet<VirtAddr, byte, ByteTable, ByteBackend<VirtAddr>> set = new();
        for (ulong start = 0; start < 48; start += 16)
        {
            Assert.Null(set.Map(new(new VirtAddr(start), 8, 3, new ByteBackend<VirtAddr>(1)), table, unmapOverlap: false));
        }

        return set;
    }

    [Theory]
    [InlineData(true, 0)]
    [InlineData(true, 1)]
    [InlineData(true, 2)]
    [InlineData(false, 1)]
    [InlineData(false, 2)]
    public void Unmap_BackendThrows_LeavesEverythingAsItWas(bool undoable, int call)
    {
        ByteTable table = undoable ? new UndoableByteTable(0, 64) : new ByteTable(0, 64);
        var set = ThreeAreas(table);
        byte[] cells = [.. table.Cells];
        var areas = set.ToList();
        (table.RefuseAfter, table.Throws) = (call, true);

        Assert.Throws<InjectedException>(() => set.Unmap(default, 64, table));

        Assert.Equal(areas, set);
        Assert.Equal(cells, table.Cells);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void ProtectAndMapOver_BackendThrows_LeaveEverythingAsItWas(bool undoable)
    {
        ByteTable table = undoable ? new UndoableByteTable(0, 64) : new ByteTable(0, 64);
        var set = ThreeAreas(table);
        byte[] cells = [.. table.Cells];
        var areas = set.ToList();
        (table.RefuseAfter, table.Throws) = (2, true);
        Assert.Throws<InjectedException>(() => set.Protect(default, 64, _ => 1, table));
        Assert.Equal(areas, set);
        Assert.Equal(cells, table.Cells);

        (table.RefuseAfter, table.Throws) = (3, true);
        Assert.Throws<InjectedException>(() => set.Map(new(default, 64, 1, new ByteBackend<VirtAddr>(2)), table, unmapOverlap: true));
        Assert.Equal(areas, set);
        Assert.Equal(cells, table.Cells);
    }

    [Fact]
    public void Map_LastAddress_NeedsAGranule()
    {
        ByteTable table = new(Top, 256);
        MemorySet<GuestAddr, byte, ByteTable, ByteBackend<GuestAddr>> bytes = new();
        MemorySet<GuestAddr, byte, ByteTable, ByteBackend<GuestAddr>> pages = new(new MemorySetOptions { Granule = 16 });
        MemoryArea<GuestAddr, byte, ByteBackend<GuestAddr>> top = new(new GuestAddr(uint.MaxValue - 15), 16, 1, new ByteBackend<GuestAddr>(1));

        Assert.Equal(new MappingError(MappingErrorKind.InvalidParam, uint.MaxValue - 15, 16), bytes.Map(top, table, unmapOverlap: false));
        Assert.Null(pages.Map(top, table, unmapOverlap: false));

        Assert.True(pages.TryFind(new GuestAddr(uint.MaxValue), out var found));
        Assert.Equal(top, found);
        Assert.Equal(new GuestAddr(uint.MaxValue), found.Last);
        Assert.Equal(default, found.End);
        Assert.True(pages.Overlaps(found.Range));
        Assert.Null(pages.FindFreeArea(new GuestAddr(uint.MaxValue - 15), 16, new GuestAddr(0), new GuestAddr(uint.MaxValue), 16));
        Assert.Equal(new GuestAddr(uint.MaxValue - 31), pages.FindFreeArea(new GuestAddr(uint.MaxValue - 40), 16, new(new GuestAddr(1), default), 16));
        Assert.Equal(MappingErrorKind.InvalidParam, pages.Unmap(new GuestAddr(uint.MaxValue - 7), 8, table)?.Kind);
        Assert.Null(pages.Unmap(top.Start, 16, table));
        Assert.Equal(0, pages.Count);
    }

    [Fact]
    public void Merge_WholeOf64Bits_StaysTwoAreas()
    {
        MemorySet<VirtAddr, byte, object, Agreeing> set = new(new MemorySetOptions { Granule = 4096, MergeNeighbours = true });
        object table = new();
        Assert.Null(set.Map(new(default, 1UL << 62, 1, default), table, unmapOverlap: false));
        Assert.Null(set.Map(new(new VirtAddr(1UL << 62), 1UL << 62, 1, default), table, unmapOverlap: false));
        Assert.Equal(1, set.Count);

        Assert.Null(set.Map(new(new VirtAddr(1UL << 63), 1UL << 63, 1, default), table, unmapOverlap: false));

        Assert.Equal(2, set.Count);
        Assert.True(set.TryFind(new VirtAddr(ulong.MaxValue), out _));
        Assert.Null(set.Clear(table));
        Assert.Equal(0, set.Count);
    }

    [Fact]
    public void Enumerate_AfterAChange_Throws()
    {
        ByteTable table = new(0, 64);
        var set = ThreeAreas(table);
        Assert.Throws<InvalidOperationException>(() =>
        {
            foreach (var area in set)
            {
                set.Unmap(area.Start, 1, table);
            }
        });
        set.Verify();
    }

    [Fact]
    public void Protect_UpdateChangesTheSet_Throws()
    {
        ByteTable table = new(0, 64);
        var set = ThreeAreas(table);

        Assert.Throws<InvalidOperationException>(() => set.Protect(
            default, 64, old => set.Unmap(new VirtAddr(32), 8, table) is null ? (byte)1 : (byte)2, table));

        set.Verify();
    }

    [Fact]
    public void AdoptAndDisown_CallNoBackend()
    {
        ByteTable table = new(0, 64);
        var set = ThreeAreas(table);
        byte[] cells = [.. table.Cells];

        set.Disown(new VirtAddr(4), 30);
        set.Adopt(new(new VirtAddr(10), 5, 1, new ByteBackend<VirtAddr>(2)));

        Assert.Equal([0UL, 10UL, 34UL], set.Select(area => area.Start.Value));
        Assert.Equal(cells, table.Cells);
        Assert.Throws<InvalidOperationException>(() => set.Adopt(new(new VirtAddr(8), 3, 1, new ByteBackend<VirtAddr>(2))));
        Assert.Throws<InvalidOperationException>(() => set.Adopt(new(new VirtAddr(8), 0, 1, new ByteBackend<VirtAddr>(2))));
        set.Disown(new VirtAddr(0), 0);
        Assert.Equal(3, set.Count);
    }

    [Theory]
    [InlineData(0UL)]
    [InlineData(3UL)]
    public void Construct_GranuleNoPowerOfTwo_Throws(ulong granule) =>
        Assert.Throws<ArgumentException>(() => new MemorySet<VirtAddr, byte, object, Agreeing>(new MemorySetOptions { Granule = granule }));

    [Fact]
    public void Undo_BackendRefusesTheInverse_SaysSo()
    {
        MemorySet<VirtAddr, byte, List<string>, Stubborn> set = new();
        List<string> calls = [];
        set.Map(new(default, 8, 1, new Stubborn(Refuses: false)), calls, unmapOverlap: false);
        set.Map(new(new VirtAddr(8), 8, 1, new Stubborn(Refuses: true)), calls, unmapOverlap: false);
        calls.Add("closed");

        var error = Assert.Throws<InvalidOperationException>(() => set.Unmap(default, 16, calls));

        Assert.Contains("at 0x0 refused to take back", error.Message);
        Assert.Equal(2, set.Count);
    }

    [Fact]
    public void Operations_OnAWarmSet_AllocateNothing()
    {
        MemorySet<VirtAddr, byte, object, Agreeing> set = new();
        object table = new();
        for (ulong area = 0; area < 5000; area++)
        {
            set.Map(new(new VirtAddr(area * 64), 32, 1, default), table, unmapOverlap: false);
        }

        void Work()
        {
            VirtAddr start = new(64 * 1234);
            set.Unmap(start, 32, table);
            set.Map(new(start, 32, 1, default), table, unmapOverlap: false);
            set.Protect(start, 640, default(Toggle), table);
            set.FindFreeArea(default, 33, new(default, new VirtAddr(1UL << 30)), 1);
            set.TryFind(start, out _);
            foreach (var piece in set.Pieces(start, 4096))
            {
                set.TryFindNext(piece.Start, out _);
            }
        }

        Work();
        long before = GC.GetAllocatedBytesForCurrentThread();
        Work();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    public readonly record struct Agreeing : IMappingBackend<VirtAddr, byte, object>
    {
        public bool Map(VirtAddr start, ulong size, byte flags, object pageTable) => true;

        public bool Unmap(VirtAddr start, ulong size, object pageTable) => true;

        public bool Protect(VirtAddr start, ulong size, byte newFlags, object pageTable) => true;
    }

    /// <summary>Maps until the table is closed.</summary>
    public sealed record Stubborn(bool Refuses) : IMappingBackend<VirtAddr, byte, List<string>>
    {
        public bool Map(VirtAddr start, ulong size, byte flags, List<string> pageTable) => pageTable.Count == 0;

        public bool Unmap(VirtAddr start, ulong size, List<string> pageTable) => !Refuses;

        public bool Protect(VirtAddr start, ulong size, byte newFlags, List<string> pageTable) => !Refuses;
    }

    private readonly struct Toggle : IFlagsUpdate<byte>
    {
        public bool TryUpdate(byte old, out byte updated)
        {
            updated = (byte)(old ^ 1);
            return true;
        }
    }
}
