using VmSim.Core.Addresses;
using VmSim.Core.Mapping;

namespace VmSim.Core.Tests.Mapping;

/// <summary>
/// Sets of up to a hundred areas against a plain list of areas, for slots of each kind: those that move as vectors, those too large for
/// it, and those with references. The number of areas goes up and down through every size of the one leaf, and into a tree and back.
/// </summary>
public sealed class SmallSetTests
{
    private const int Cells = 400;
    private const int Operations = 3_000;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Operations_FlagsOfOneByte_EqualAPlainList(int seed) => Compare<byte, Agreeing<byte>>(seed, n => (byte)n, _ => default);

    [Theory]
    [InlineData(5)]
    [InlineData(6)]
    public void Operations_FlagsOfSixBytes_EqualAPlainList(int seed) =>
        Compare<Three, Agreeing<Three>>(seed, n => new Three((short)n, (short)(n + 1), (short)(n + 2)), _ => default);

    [Theory]
    [InlineData(7)]
    [InlineData(8)]
    public void Operations_FlagsOfFourBytes_EqualAPlainList(int seed) => Compare<int, Agreeing<int>>(seed, n => n, _ => default);

    [Theory]
    [InlineData(9)]
    [InlineData(10)]
    public void Operations_FlagsOfSixteenBytes_EqualAPlainList(int seed) =>
        Compare<Int128, Agreeing<Int128>>(seed, n => n, _ => default);

    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    public void Operations_BackendsThatAreObjects_EqualAPlainList(int seed)
    {
        Named[] backends = [new(0), new(1), new(2)];
        Compare<ulong, Named>(seed, n => (ulong)n, n => backends[n % 3]);
    }

    [Fact]
    public void FindFreeArea_InALeafWithoutASpareElement_SeesOnlyItsAreas()
    {
        foreach (int areas in new[] { 0, 1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65 })
        {
            MemorySet<VirtAddr, byte, object, Agreeing<byte>> set = new();
            for (int area = 0; area < areas; area++)
            {
                Assert.True(set.TryMap(new(new VirtAddr((ulong)(area * 16)), 12, 1, default), Cells, out _));
            }

            AddrRange<VirtAddr> all = new(default, new VirtAddr(ulong.MaxValue - 1));
            ulong end = (ulong)Math.Max(0, ((areas - 1) * 16) + 12);
            Assert.Equal(new VirtAddr(areas > 1 ? 12UL : end), set.FindFreeArea(default, 4, all, 1));
            Assert.Equal(new VirtAddr(end), set.FindFreeArea(default, 5, all, 1));
            Assert.Equal(new VirtAddr(end), set.FindFreeArea(new VirtAddr(end), 1, all, 1));
            Assert.Equal(new VirtAddr(end + 7), set.FindFreeArea(new VirtAddr(end + 7), 1, all, 1));
            Assert.Null(set.FindFreeArea(default, 5, new(default, new VirtAddr(end + 3)), 1));
            Assert.Null(set.FindFreeArea(new VirtAddr(end + 4), 1, new(default, new VirtAddr(end + 3)), 1));
        }
    }

    [Fact]
    public void Operations_AtTheHighestAddresses_KeepThem()
    {
        MemorySet<VirtAddr, byte, object, Agreeing<byte>> set = new();
        VirtAddr last = new(ulong.MaxValue - 1);
        AddrRange<VirtAddr> all = new(default, last);
        for (ulong area = 0; area < 20; area++)
        {
            Assert.True(set.TryMap(new(new VirtAddr(ulong.MaxValue - 1 - (area * 4)), 1, 1, default), Cells, out _));
        }

        Assert.True(set.TryFind(last, out MemorySet<VirtAddr, byte, object, Agreeing<byte>>.Area found));
        Assert.Equal(last, found.Start);
        Assert.False(set.TryFind(new VirtAddr(ulong.MaxValue), out found));
        Assert.Equal(default, found);
        Assert.Equal(last - 3, set.FindFreeArea(last - 4, 3, all, 1));
        Assert.Null(set.FindFreeArea(last, 1, all, 1));
        Assert.Null(set.FindFreeArea(last - 4, 4, all, 1));
        Assert.True(set.TryUnmap(last, 1, Cells, out _));
        set.Verify();
        Assert.Equal(last, set.FindFreeArea(last, 1, all, 1));
    }

    private static void Compare<TFlags, TBackend>(int seed, Func<int, TFlags> flagsOf, Func<int, TBackend> backendOf)
        where TFlags : struct
        where TBackend : IMappingBackend<VirtAddr, TFlags, object>
    {
        Run<TFlags, TBackend> run = new(seed, flagsOf, backendOf);
        for (int i = 0; i < Operations; i++)
        {
            try
            {
                run.Step(i);
            }
            catch (Exception error)
            {
                throw new InvalidOperationException($"seed {seed}, operation {i}: {error.Message}", error);
            }
        }

        run.Clear();
    }

    private static VirtAddr At(int cell) => new((ulong)cell);

    /// <summary>A set, the list that it must equal, and what is drawn.</summary>
    private sealed class Run<TFlags, TBackend>(int seed, Func<int, TFlags> flagsOf, Func<int, TBackend> backendOf)
        where TFlags : struct
        where TBackend : IMappingBackend<VirtAddr, TFlags, object>
    {
        private readonly Random _random = new(seed);
        private readonly MemorySet<VirtAddr, TFlags, object, TBackend> _set = new();
        private List<Plain> _areas = [];

        /// <summary>One operation. Phases mostly map and mostly unmap; a range has a cell or a few.</summary>
        public void Step(int operation)
        {
            int start = _random.Next(Cells);
            int end = Math.Min(Cells, start + (_random.Next(20) == 0 ? _random.Next(1, 40) : _random.Next(1, 4)));
            int number = _random.Next(100);
            switch (_random.Next(10))
            {
                case < 5 when operation % 600 < 400:
                    bool free = _areas.TrueForAll(area => area.End <= start || area.Start >= end);
                    Assert.Equal(free, _set.TryMap(Area(start, end, number), Cells, out _));
                    _areas = free ? [.. _areas, new Plain(start, end, number, number)] : _areas;
                    break;
                case < 5:
                    Assert.True(_set.TryUnmap(At(start), (ulong)(end - start), Cells, out _));
                    _areas = [.. _areas.SelectMany(area => area.Without(start, end))];
                    break;
                case 5:
                    MapOver(start, end, number);
                    break;
                case 6 when _areas.Count > 0:
                    Plain old = _areas[_random.Next(_areas.Count)];
                    MapOver(old.Start, old.End, number);
                    break;
                default:
                    Assert.True(_set.TryProtect(At(start), (ulong)(end - start), _ => flagsOf(number), Cells, out _));
                    _areas = [.. _areas.SelectMany(area => area.With(start, end, number))];
                    break;
            }

            _areas.Sort((one, other) => one.Start - other.Start);
            _set.Verify();
            Assert.True(_areas.Select(area => Area(area.Start, area.End, area.Flags, area.Backend)).SequenceEqual(_set), "areas differ");
            Find(_random.Next(Cells));
            Search(_random.Next(Cells), _random.Next(Cells), 1 << _random.Next(4), _random.Next(1, 6));
        }

        public void Clear()
        {
            Assert.True(_set.TryClear(Cells, out _));
            Assert.Empty(_set);
            _set.Verify();
        }

        private MemorySet<VirtAddr, TFlags, object, TBackend>.Area Area(int start, int end, int flags, int? backend = null) =>
            new(At(start), (ulong)(end - start), flagsOf(flags), backendOf(backend ?? flags));

        private void MapOver(int start, int end, int number)
        {
            Assert.True(_set.TryMapOver(Area(start, end, number), Cells, out _));
            _areas = [.. _areas.SelectMany(area => area.Without(start, end)), new Plain(start, end, number, number)];
        }

        private void Find(int cell)
        {
            Plain? holder = _areas.Find(area => area.Start <= cell && cell < area.End);
            Assert.Equal(holder is not null, _set.TryFind(At(cell), out MemorySet<VirtAddr, TFlags, object, TBackend>.Area found));
            Assert.Equal(holder is null ? default : Area(holder.Start, holder.End, holder.Flags, holder.Backend), found);
        }

        private void Search(int from, int limit, int align, int length)
        {
            int size = align * length;
            int? expected = null;
            for (int at = from; at + size <= limit + 1 && expected is null; at++)
            {
                bool fits = at % align == 0 && _areas.TrueForAll(area => area.End <= at || area.Start >= at + size);
                expected = fits ? at : null;
            }

            VirtAddr? found = _set.FindFreeArea(At(from), (ulong)size, new(default, At(limit)), (ulong)align);
            Assert.Equal(expected is { } place ? At(place) : null, found);
        }
    }

    private sealed record Plain(int Start, int End, int Flags, int Backend)
    {
        public IEnumerable<Plain> Without(int start, int end)
        {
            if (Start < start)
            {
                yield return this with { End = Math.Min(End, start) };
            }

            if (End > end)
            {
                yield return this with { Start = Math.Max(Start, end) };
            }
        }

        public IEnumerable<Plain> With(int start, int end, int flags)
        {
            (int from, int to) = (Math.Max(Start, start), Math.Min(End, end));
            return from < to ? [.. Without(start, end), this with { Start = from, End = to, Flags = flags }] : [this];
        }
    }

    private readonly record struct Three(short First, short Second, short Third);

    private readonly record struct Agreeing<TFlags> : IMappingBackend<VirtAddr, TFlags, object>
        where TFlags : struct
    {
        public bool Map(VirtAddr start, ulong size, TFlags flags, object pageTable) => true;

        public bool Unmap(VirtAddr start, ulong size, object pageTable) => true;

        public bool Protect(VirtAddr start, ulong size, TFlags newFlags, object pageTable) => true;
    }

    private sealed record Named(int Number) : IMappingBackend<VirtAddr, ulong, object>
    {
        public bool Map(VirtAddr start, ulong size, ulong flags, object pageTable) => true;

        public bool Unmap(VirtAddr start, ulong size, object pageTable) => true;

        public bool Protect(VirtAddr start, ulong size, ulong newFlags, object pageTable) => true;
    }
}
