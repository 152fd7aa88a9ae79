using System.Globalization;
using VmSim.Core.Addresses;
using VmSim.Core.Mmu;
using VmSim.Core.Paging;
using VmSim.Core.State;

namespace VmSim.Core.Tests.Mmu;

/// <summary>A core's MMU: against a dictionary, by cache lines, and its state.</summary>
public sealed class MmuTests
{
    private const PageFlags UserData = PageFlags.Read | PageFlags.Write | PageFlags.User;
    private const ulong Here = 0x10_0000_0000;

    [Theory]
    [InlineData("x86-64", "lru")]
    [InlineData("x86-64-la57", "plru")]
    [InlineData("riscv-sv39", "fifo")]
    [InlineData("aarch64", "random")]
    public void Translate_AtRandom_AgreesWithADictionary(string format, string policy)
    {
        using World world = new(PageTableFormats.All.Require(format, "format"), policy, 3);
        for (int i = 0; i < 40_000; i++)
        {
            world.Step();
        }

        Assert.True(world.Hits > 2_000);
        Assert.True(world.Stale > 0);
    }

    [Fact]
    public void Dispose_Twice_FreesOnce()
    {
        CoreMmu mmu = new(new MmuSpec(), 0);
        mmu.Dispose();
        mmu.Dispose();
        Assert.All(mmu.NativeStates, state => Assert.Equal(0, Length(state)));

        static long Length(INativeState state)
        {
            using MemoryStream stream = new();
            using BinaryWriter writer = new(stream);
            state.Save(writer);
            writer.Flush();
            return stream.Length - (state is Tlb ? sizeof(int) + sizeof(ulong) : 0);
        }
    }

    [Fact]
    public void Translate_ByCacheLines_ChargesEachLineOnce()
    {
        using PageTable table = new(PageTableFormats.All.Require("x86-64", "format"));
        table.MapRange(new VirtAddr(Here), new PhysAddr(0), 64 << 12, UserData);
        MmuSpec spec =
            new()
            {
                WalkCost = WalkCosts.CacheLines,
                WalkLines = new TlbSpec { Entries = 8, Ways = 8 },
                SecondCycles = 0,
                PscCycles = 0,
                PdeEntries = 0,
                PdpteEntries = 0,
                Pml4eEntries = 0
            };
        using CoreMmu mmu = new(spec, 0);
        mmu.Load(new Asid(1), table);
        Assert.Equal(4 * 200, Cycles(0));
        for (ulong page = 1; page < 8; page++)
        {
            Assert.Equal(4 * 14, Cycles(page));
        }

        Assert.Equal((3 * 14) + 200, Cycles(8));
        Assert.Equal((3 * 14) + 200, Cycles(16));
        Assert.Equal((3 * 14) + 200, Cycles(24));
        Assert.Equal((3 * 14) + 200, Cycles(32));
        Assert.Equal((3 * 14) + 200, Cycles(40));

        // Eight lines: three of the upper levels, five of leaves. The first of those had to go.
        mmu.InvalidateAll(globals: true);
        Assert.Equal((3 * 14) + 200, Cycles(0));
        Assert.Equal(4 * 14, Cycles(41));

        int Cycles(ulong page) => mmu.Translate(AccessKind.Load, Here + (page << 12), user: true, time: 0).Cycles;
    }

    [Fact]
    public void TryHit_ARunOnOnePage_HitsUntilItIsInvalidated()
    {
        using PageTable table = new(PageTableFormats.All.Require("x86-64", "format"));
        table.MapRange(new VirtAddr(Here), new PhysAddr(0), 1 << 20, UserData);
        using CoreMmu mmu = new(new MmuSpec(), 0);
        mmu.Load(new Asid(1), table);
        Assert.False(mmu.TryHit(AccessKind.Load, Here));
        mmu.TranslateMissed(AccessKind.Load, Here, 0);
        Assert.True(mmu.TryHit(AccessKind.Load, Here + 8));
        Assert.False(mmu.TryHit(AccessKind.Store, Here));
        Assert.Equal(PageFlags.Dirty | PageFlags.Accessed, mmu.TranslateMissed(AccessKind.Store, Here, 0).BitsSet);
        Assert.True(mmu.TryHit(AccessKind.Store, Here));
        mmu.Load(new Asid(2), table);
        Assert.False(mmu.TryHit(AccessKind.Load, Here));
        mmu.Load(new Asid(1), table);
        Assert.True(mmu.TryHit(AccessKind.Load, Here));
        Assert.Equal(2, mmu.InvalidatePage(new Asid(1), Here));
        Assert.False(mmu.TryHit(AccessKind.Load, Here));
    }

    [Fact]
    public void NativeBytes_OfEveryMachineProfile_AreUnder96KiB()
    {
        string folder = AppContext.BaseDirectory;
        while (!Directory.Exists(Path.Combine(folder, "config", "machines")))
        {
            folder = Path.GetDirectoryName(folder)!;
        }

        foreach (string file in Directory.GetFiles(Path.Combine(folder, "config", "machines"), "*.conf"))
        {
            using CoreMmu mmu = new(Read(file), 0);
            Assert.True(mmu.NativeBytes is >= 1024 and < 96 * 1024, $"{Path.GetFileName(file)}: {mmu.NativeBytes} bytes");
        }

        using CoreMmu large = new(
            new MmuSpec { Second = new TlbSpec { Entries = 3072, Ways = 12 }, PdeEntries = 64, PdpteEntries = 64, Pml4eEntries = 64 }, 0);
        Assert.InRange(large.NativeBytes, 1024, 64 * 1024);
    }

    [Fact]
    public void Memory_OfManyCores_IsUnderOneGibibyte()
    {
        const int Cores = 4096;
        long before = GC.GetAllocatedBytesForCurrentThread();
        CoreMmu[] cores = [.. Enumerable.Range(0, Cores).Select(core => new CoreMmu(new MmuSpec(), (ulong)core))];
        long managed = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(cores.Sum(core => core.NativeBytes) + managed < 1L << 30);
        Array.ForEach(cores, core => core.Dispose());
    }

    /// <summary>The sizes of a profile's MMU: blocks of "key = number".</summary>
    private static MmuSpec Read(string file)
    {
        Dictionary<string, int> values = new(StringComparer.Ordinal);
        string block = "";
        foreach (string line in File.ReadLines(file).Select(line => line.Split('#')[0].Trim()))
        {
            string[] parts = line.Split('=', StringSplitOptions.TrimEntries);
            block = line.EndsWith('{') ? line[..^1].Trim() : line == "}" ? "" : block;
            if (parts.Length == 2 && int.TryParse(parts[1].Split(' ')[0], CultureInfo.InvariantCulture, out int value))
            {
                values[block is "" or "mmu" ? parts[0] : $"{block}.{parts[0]}"] = value;
            }
        }

        TlbSpec Tlb(string name, TlbSpec other) =>
            new()
            {
                Entries = values.GetValueOrDefault(name + ".entries", other.Entries),
                Ways = values.GetValueOrDefault(name + ".ways", other.Ways)
            };
        MmuSpec plain = new();
        return new MmuSpec
        {
            Instruction4K = Tlb("instruction4k", plain.Instruction4K),
            InstructionLarge = Tlb("instruction-large", plain.InstructionLarge),
            Data4K = Tlb("data4k", plain.Data4K),
            DataLarge = Tlb("data-large", plain.DataLarge),
            InstructionHuge = Tlb("instruction-huge", plain.InstructionHuge),
            DataHuge = Tlb("data-huge", plain.DataHuge),
            Second = Tlb("second", plain.Second),
            SecondLarge = Tlb("second-large", plain.SecondLarge),
            SecondHuge = Tlb("second-huge", plain.SecondHuge),
            SecondInstruction = Tlb("second-instruction", plain.SecondInstruction),
            PdeEntries = values.GetValueOrDefault("pde-entries", plain.PdeEntries),
            PdpteEntries = values.GetValueOrDefault("pdpte-entries", plain.PdpteEntries),
            Pml4eEntries = values.GetValueOrDefault("pml4e-entries", plain.Pml4eEntries),
        };
    }

    /// <summary>
    /// Random accesses, changes of the tables and invalidations; what is cached may be stale, but only until it is invalidated.
    /// </summary>
    private sealed class World : IDisposable
    {
        private readonly Random _random;
        private readonly Dictionary<(int Space, ulong Page), ulong> _cached = [];
        private readonly Dictionary<(int Space, ulong Page), ulong> _current = [];
        private ulong _nextFrame = 512;

        public World(PageTableFormat format, string policy, int seed)
        {
            _random = new Random(seed);
            Spec = new MmuSpec
            {
                AccessedDirty = AccessedDirtySetters.Hardware,
                Data4K = new TlbSpec { Entries = 24, Ways = 4, Policy = policy },
                DataLarge = new TlbSpec { Entries = 8, Ways = 2, Policy = policy },
                Second = new TlbSpec { Entries = 96, Ways = 8, Policy = policy },
            };
            Mmu = new CoreMmu(Spec, 1);
            Tables = [new PageTable(format), new PageTable(format), new PageTable(format)];
            for (int space = 0; space < Tables.Length; space++)
            {
                for (ulong page = 0; page < 1024; page++)
                {
                    Map(space, page, fresh: true);
                }

                // Pages 1024 to 2047 are two large ones.
                Tables[space].Map(new VirtAddr(Here + (1024 << 12)), new PhysAddr(0x4000_0000), PageSize.Size2M, UserData);
                Tables[space].Map(new VirtAddr(Here + (1536 << 12)), new PhysAddr(0x5000_0000), PageSize.Size2M, UserData);
            }
        }

        public MmuSpec Spec { get; }

        public CoreMmu Mmu { get; }

        public PageTable[] Tables { get; }

        public long Hits { get; private set; }

        public long Stale { get; private set; }

        public void Dispose()
        {
            Mmu.Dispose();
            Array.ForEach(Tables, table => table.Dispose());
        }

        public void Step()
        {
            int space = _random.Next(Tables.Length);
            ulong page = (ulong)(_random.Next(3) == 0 ? _random.Next(2048) : _random.Next(40));
            switch (_random.Next(40))
            {
                case 0 when page < 1024:
                    Map(space, page, fresh: false);
                    break;
                case 1:
                    Mmu.InvalidatePage(new Asid((ushort)space), Here + (page << 12));
                    Forget(item => item.Space == space && item.Page == page);
                    break;
                case 2:
                    ulong pages = (ulong)_random.Next(1, 200);
                    Mmu.InvalidateRange(new Asid((ushort)space), Here + (page << 12), pages, PageSize.Size4K);
                    Forget(item => item.Space == space && item.Page - page < pages);
                    break;
                case 3 when _random.Next(20) == 0:
                    Mmu.InvalidateAsid(new Asid((ushort)space));
                    Forget(item => item.Space == space);
                    break;
                case 4 when _random.Next(40) == 0:
                    Mmu.InvalidateAll(globals: true);
                    _cached.Clear();
                    break;
                default:
                    Access(space, page);
                    break;
            }
        }

        private void Access(int space, ulong page)
        {
            Mmu.Load(new Asid((ushort)space), Tables[space]);
            ulong address = Here + (page << 12) + (ulong)_random.Next(4096);
            if (_random.Next(2) == 0 && Mmu.TryHit(AccessKind.Load, address))
            {
                Hits++;
                return;
            }

            TranslationResult result = Mmu.Translate(AccessKind.Load, address, user: true, time: 0);
            if (page >= 1024)
            {
                Assert.Equal(PageSize.Size2M, result.Size);
                Assert.Equal(page < 1536 ? 0x4_0000UL : 0x5_0000UL, result.Frame);
            }
            else if (result.Outcome == TranslationOutcome.Walked)
            {
                Assert.Equal(_current[(space, page)], result.Frame);
                _cached[(space, page)] = result.Frame;
            }
            else
            {
                Assert.Equal(_cached[(space, page)], result.Frame);
                Stale += result.Frame != _current[(space, page)] ? 1 : 0;
                Hits++;
            }
        }

        private void Map(int space, ulong page, bool fresh)
        {
            VirtAddr address = new(Here + (page << 12));
            PhysAddr frame = PhysAddr.OfPage(_nextFrame++);
            _current[(space, page)] = frame.PageNumber;
            if (fresh)
            {
                Assert.True(Tables[space].Map(address, frame, PageSize.Size4K, UserData));
            }
            else
            {
                Tables[space].Set(address, frame, UserData);
            }
        }

        private void Forget(Func<(int Space, ulong Page), bool> condition)
        {
            foreach ((int, ulong) key in _cached.Keys.Where(condition).ToArray())
            {
                _cached.Remove(key);
            }
        }
    }
}
