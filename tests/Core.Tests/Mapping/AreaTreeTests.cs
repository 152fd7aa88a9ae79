using VmSim.Core.Addresses;
using VmSim.Core.Mapping;
using Set = VmSim.Core.Tests.Mapping.MemorySetTests.AgreeingSet;

namespace VmSim.Core.Tests.Mapping;

/// <summary>
/// Trees of several levels: shape, order, summaries and the search for free ranges stay right while they grow and shrink.
/// </summary>
public sealed class AreaTreeTests
{
    private static readonly object Table = new();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Operations_OnTensOfThousandsOfAreas_EqualASortedList(int seed)
    {
        const int Slots = 20_000;
        Random random = new(seed);
        Set set = new();
        bool[] mapped = new bool[Slots];
        for (int round = 0; round < 60; round++)
        {
            // Phases that mostly fill, mostly empty, and cut wide ranges, so that nodes split, merge and vanish.
            bool fills = round % 6 < 3;
            for (int i = 0; i < 1500; i++)
            {
                int slot = random.Next(Slots);
                if (fills && !mapped[slot])
                {
                    Assert.True(set.TryMap(new(At(slot), 8, 1, default), Table, out _));
                    mapped[slot] = true;
                }
                else if (!fills)
                {
                    int end = Math.Min(Slots, slot + (round % 6 == 5 && i % 300 == 0 ? random.Next(3000) : 1));
                    Assert.True(set.TryUnmap(At(slot), (ulong)(end - slot) * 16, Table, out _));
                    Array.Clear(mapped, slot, end - slot);
                }
            }

            set.Verify();
            Assert.Equal(
                mapped.Select((isMapped, slot) => (isMapped, slot)).Where(entry => entry.isMapped).Select(entry => At(entry.slot)),
                set.Select(area => area.Start));
            Search(set, mapped, random);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Map_HundredsOfThousandsInOrder_StaysSmallAndFindsAll(bool rising)
    {
        const int Areas = 300_000;
        Set set = new();
        for (int i = 0; i < Areas; i++)
        {
            Assert.True(set.TryMap(new(At(rising ? i : Areas - 1 - i), 16, 1, default), Table, out _));
        }

        set.Verify();
        Assert.Equal(Areas, set.Count);
        Assert.True(set.ArrayBytes < 100L * Areas, $"{(double)set.ArrayBytes / Areas} bytes per area");
        Assert.Equal(At(Areas), set.FindFreeArea(default, 16, new(default, new VirtAddr(ulong.MaxValue - 1)), 16));
        Assert.True(set.TryUnmap(At(10), (Areas - 20) * 16, Table, out _));
        set.Verify();
        Assert.Equal(20, set.Count);
        List<MemorySet<VirtAddr, byte, object, MemorySetTests.Agreeing>.Area> left = set.ToList();
        set.TrimExcess();
        set.Verify();
        Assert.Equal(left, set);
        Assert.True(set.ArrayBytes < 2000, $"{set.ArrayBytes} bytes");
        Assert.Equal(At(10), set.FindFreeArea(default, 16, new(default, new VirtAddr(ulong.MaxValue - 1)), 16));
        Assert.True(set.TryClear(Table, out _));
        Assert.Empty(set);
    }

    [Fact]
    public void Map_InRandomOrder_NeedsLessThan100BytesPerArea()
    {
        const int Areas = 100_000;
        int[] order = [.. Enumerable.Range(0, Areas)];
        new Random(5).Shuffle(order);
        MemorySet<VirtAddr, ulong, List<string>, Wide> set = new();
        foreach (int slot in order)
        {
            Assert.True(set.TryMap(new(At(slot), 8, 1, Wide.Only), [], out _));
        }

        Assert.True(set.ArrayBytes < 100L * Areas, $"{(double)set.ArrayBytes / Areas} bytes per area");
    }

    private static VirtAddr At(int slot) => new((ulong)slot * 16);

    private static void Search(Set set, bool[] mapped, Random random)
    {
        AddrRange<VirtAddr> limit = new(default, At(mapped.Length) - 1);
        for (int i = 0; i < 50; i++)
        {
            int from = random.Next(mapped.Length);
            int align = 1 << random.Next(6);
            int length = align * (1 + random.Next(4));
            int? expected = null;
            int free = 0;
            for (int slot = from; slot < mapped.Length && expected is null; slot++)
            {
                free = mapped[slot] ? 0 : free + 1;
                int start = slot - length + 1;
                expected = free >= length && start % align == 0 ? start : null;
            }

            // Areas leave the upper half of their slot free, so a free run of slots is what is found for sizes of whole slots and
            // alignments from 16 on.
            VirtAddr? found = set.FindFreeArea(At(from), (ulong)length * 16, limit, (ulong)align * 16);
            Assert.Equal(expected is { } at ? At(at) : null, found);
        }
    }

    private sealed record Wide : IMappingBackend<VirtAddr, ulong, List<string>>
    {
        public static readonly Wide Only = new();

        public bool Map(VirtAddr start, ulong size, ulong flags, List<string> pageTable) => true;

        public bool Unmap(VirtAddr start, ulong size, List<string> pageTable) => true;

        public bool Protect(VirtAddr start, ulong size, ulong newFlags, List<string> pageTable) => true;
    }
}
