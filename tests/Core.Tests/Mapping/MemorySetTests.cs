using VmSim.Core.Addresses;
using VmSim.Core.Mapping;

namespace VmSim.Core.Tests.Mapping;

public sealed class MemorySetTests
{
    private const ulong Top = uint.MaxValue - 255;

    private static ByteSet<VirtAddr> ThreeAreas(ByteTable table)
    {
        ByteSet<VirtAddr> set = new();
        for (ulong start = 0; start < 48; start += 16)
        {
            Assert.True(set.TryMap(new(new VirtAddr(start), 8, 3, new ByteBackend<VirtAddr>(1)), table, out _));
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
        ByteSet<VirtAddr> set = ThreeAreas(table);
        byte[] cells = [.. table.Cells];
        List<MemorySet<VirtAddr, byte, ByteTable, ByteBackend<VirtAddr>>.Area> areas = set.ToList();
        (table.RefuseAfter, table.Throws) = (call, true);

        Assert.Throws<InjectedException>(() => set.TryUnmap(default, 64, table, out _));

        Assert.Equal(areas, set);
        Assert.Equal(cells, table.Cells);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void ProtectAndMapOver_BackendThrows_LeaveEverythingAsItWas(bool undoable)
    {
        ByteTable table = undoable ? new UndoableByteTable(0, 64) : new ByteTable(0, 64);
        ByteSet<VirtAddr> set = ThreeAreas(table);
        byte[] cells = [.. table.Cells];
        List<MemorySet<VirtAddr, byte, ByteTable, ByteBackend<VirtAddr>>.Area> areas = set.ToList();
        (table.RefuseAfter, table.Throws) = (2, true);
        Assert.Throws<InjectedException>(() => set.TryProtect(default, 64, _ => 1, table, out _));
        Assert.Equal(areas, set);
        Assert.Equal(cells, table.Cells);

        (table.RefuseAfter, table.Throws) = (3, true);
        Assert.Throws<InjectedException>(() => set.TryMapOver(new(default, 64, 1, new ByteBackend<VirtAddr>(2)), table, out _));
        Assert.Equal(areas, set);
        Assert.Equal(cells, table.Cells);
    }

    [Fact]
    public void Map_LastAddress_NeedsAGranule()
    {
        ByteTable table = new(Top, 256);
        ByteSet<GuestAddr> bytes = new();
        ByteSet<GuestAddr> pages = new(new MemorySetOptions { Granule = 16 });
        ByteSet<GuestAddr>.Area top = new(new GuestAddr(uint.MaxValue - 15), 16, 1, new ByteBackend<GuestAddr>(1));

        Assert.False(bytes.TryMap(top, table, out MappingError<GuestAddr> error));
        Assert.Equal(new MappingError<GuestAddr>(MappingErrorKind.InvalidParam, new GuestAddr(uint.MaxValue - 15), 16), error);
        Assert.True(pages.TryMap(top, table, out _));

        Assert.True(
            pages.TryFind(new GuestAddr(uint.MaxValue), out MemorySet<GuestAddr, byte, ByteTable, ByteBackend<GuestAddr>>.Area found));
        Assert.Equal(top, found);
        Assert.Equal(new GuestAddr(uint.MaxValue), found.Last);
        Assert.Equal(new AddrRange<GuestAddr>(new GuestAddr(uint.MaxValue - 15), new GuestAddr(uint.MaxValue)), found.Range);
        Assert.True(pages.Overlaps(found.Range));
        Assert.Null(pages.FindFreeArea(new GuestAddr(uint.MaxValue - 15), 16, AddrRange.All<GuestAddr>(), 16));
        Assert.Equal(
            new GuestAddr(uint.MaxValue - 31),
            pages.FindFreeArea(new GuestAddr(uint.MaxValue - 40), 16, new(new GuestAddr(1), new GuestAddr(uint.MaxValue)), 16));
        Assert.False(pages.TryUnmap(new GuestAddr(uint.MaxValue - 7), 8, table, out error));
        Assert.Equal(MappingErrorKind.InvalidParam, error.Kind);
        Assert.True(pages.TryUnmap(top.Start, 16, table, out _));
        Assert.Equal(0, pages.Count);
    }

    [Fact]
    public void Merge_WholeOf64Bits_StaysTwoAreas()
    {
        AgreeingSet set = new(new MemorySetOptions { Granule = 4096, MergeNeighbours = true });
        object table = new();
        Assert.True(set.TryMap(new(default, 1UL << 62, 1, default), table, out _));
        Assert.True(set.TryMap(new(new VirtAddr(1UL << 62), 1UL << 62, 1, default), table, out _));
        Assert.Equal(1, set.Count);

        Assert.True(set.TryMap(new(new VirtAddr(1UL << 63), 1UL << 63, 1, default), table, out _));

        Assert.Equal(2, set.Count);
        Assert.True(set.TryFind(new VirtAddr(ulong.MaxValue), out _));
        Assert.True(set.TryClear(table, out _));
        Assert.Equal(0, set.Count);
    }

    [Fact]
    public void Enumerate_AfterAChange_Throws()
    {
        ByteTable table = new(0, 64);
        ByteSet<VirtAddr> set = ThreeAreas(table);
        Assert.Throws<InvalidOperationException>(() =>
        {
            foreach (MemorySet<VirtAddr, byte, ByteTable, ByteBackend<VirtAddr>>.Area area in set)
            {
                _ = set.TryUnmap(area.Start, 1, table, out _);
            }
        });
        set.Verify();
    }

    [Fact]
    public void Protect_UpdateChangesTheSet_Throws()
    {
        ByteTable table = new(0, 64);
        ByteSet<VirtAddr> set = ThreeAreas(table);

        Assert.Throws<InvalidOperationException>(() => set.TryProtect(
            default, 64, old => set.TryUnmap(new VirtAddr(32), 8, table, out _) ? (byte)1 : (byte)2, table, out _));

        set.Verify();
    }

    [Fact]
    public void AdoptAndDisown_CallNoBackend()
    {
        ByteTable table = new(0, 64);
        ByteSet<VirtAddr> set = ThreeAreas(table);
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

    [Fact]
    public void Verify_FlagsThatChangeTheirMind_SaysWhatDoesNotHold()
    {
        MemorySet<Whim, object> set = new(new MemorySetOptions { MergeNeighbours = true });
        Assert.True(set.TryMap(new(new VirtAddr(0), 8, new Whim(1), AnyBackend.Only), new object(), out _));
        Assert.True(set.TryMap(new(new VirtAddr(8), 8, new Whim(2), AnyBackend.Only), new object(), out _));
        set.Verify();

        Whim.AllEqual = true;
        InvalidOperationException error = Assert.Throws<InvalidOperationException>(set.Verify);
        Whim.AllEqual = false;

        Assert.Contains("equal neighbours are one area", error.Message);
    }

    [Theory]
    [InlineData(0UL)]
    [InlineData(3UL)]
    public void Construct_GranuleNoPowerOfTwo_Throws(ulong granule) =>
        Assert.Throws<ArgumentException>(() => new AgreeingSet(new MemorySetOptions { Granule = granule }));

    [Fact]
    public void Undo_BackendRefusesTheInverse_SaysSo()
    {
        MemorySet<VirtAddr, byte, List<string>, Stubborn> set = new();
        List<string> calls = [];
        Assert.True(set.TryMap(new(default, 8, 1, new Stubborn(Refuses: false)), calls, out _));
        Assert.True(set.TryMap(new(new VirtAddr(8), 8, 1, new Stubborn(Refuses: true)), calls, out _));
        calls.Add("closed");

        InvalidOperationException error = Assert.Throws<InvalidOperationException>(() => set.TryUnmap(default, 16, calls, out _));

        Assert.Contains("at 0x0 refused to take back", error.Message);
        Assert.Equal(2, set.Count);
    }

    [Fact]
    public void Operations_OnAWarmSet_AllocateNothing()
    {
        AgreeingSet set = new();
        object table = new();
        for (ulong area = 0; area < 5000; area++)
        {
            Assert.True(set.TryMap(new(new VirtAddr(area * 64), 32, 1, default), table, out _));
        }

        void Work()
        {
            VirtAddr start = new(64 * 1234);
            _ = set.TryUnmap(start, 32, table, out _);
            _ = set.TryMap(new(start, 32, 1, default), table, out _);
            _ = set.TryProtect(start, 640, default(Toggle), table, out _);
            set.FindFreeArea(default, 33, new(default, new VirtAddr(1UL << 30)), 1);
            set.TryFind(start, out _);
            foreach (MemorySet<VirtAddr, byte, object, Agreeing>.Area piece in set.Pieces(start, 4096))
            {
                set.TryFindNext(piece.Start, out _);
            }
        }

        Work();
        long before = GC.GetAllocatedBytesForCurrentThread();
        Work();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    public sealed class AgreeingSet : MemorySet<VirtAddr, byte, object, Agreeing>
    {
        public AgreeingSet()
        {
        }

        public AgreeingSet(MemorySetOptions options)
            : base(options)
        {
        }
    }

    public readonly record struct Agreeing : IMappingBackend<VirtAddr, byte, object>
    {
        public bool Map(VirtAddr start, ulong size, byte flags, object pageTable) => true;

        public bool Unmap(VirtAddr start, ulong size, object pageTable) => true;

        public bool Protect(VirtAddr start, ulong size, byte newFlags, object pageTable) => true;
    }

    /// <summary>Flags whose equality can be switched, which no flags should do.</summary>
    public readonly struct Whim(int number) : IEquatable<Whim>
    {
        [ThreadStatic]
        private static bool s_allEqual;

        public static bool AllEqual { get => s_allEqual; set => s_allEqual = value; }

        private int Number { get; } = number;

        public bool Equals(Whim other) => AllEqual || Number == other.Number;

        public override bool Equals(object? obj) => obj is Whim other && Equals(other);

        public override int GetHashCode() => 0;
    }

    public sealed record AnyBackend : IMappingBackend<Whim, object>
    {
        public static readonly AnyBackend Only = new();

        public bool Map(VirtAddr start, ulong size, Whim flags, object pageTable) => true;

        public bool Unmap(VirtAddr start, ulong size, object pageTable) => true;

        public bool Protect(VirtAddr start, ulong size, Whim newFlags, object pageTable) => true;
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
