using VmSim.Core.Addresses;
using VmSim.Core.Mmu;
using VmSim.Core.Paging;

namespace VmSim.Core.Tests.Mmu;

/// <summary>What a core loses to shootdowns and walks bring back, against a list that is searched from end to end.</summary>
public sealed class LostTranslationsTests
{
    private const PageFlags ReadOnly = PageFlags.Read | PageFlags.User;
    private const PageFlags ReadWrite = ReadOnly | PageFlags.Write;
    private const ulong Here = 0x10_0000_0000;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Walk_AtRandom_CountsWhatAPlainListCounts(int seed) => CompareWithAList(seed, steps: 8_000);

    [Theory]
    [Trait("Category", "Long")]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public void Walk_LongAtRandom_CountsWhatAPlainListCounts(int seed) => CompareWithAList(seed, steps: 100_000);

    private static void CompareWithAList(int seed, int steps)
    {
        using Model model = new(seed);
        for (int i = 0; i < steps; i++)
        {
            model.Step();
        }

        model.Losses.Flush();
        Assert.Equal(model.Expected, model.Counted);
        Assert.True(model.Counted.Count > 100);
    }

    [Fact]
    public void Walk_AfterMoreLossesThanEntries_CountsTheNewestAlone()
    {
        using PageTable table = new(PageTableFormats.X64);
        table.MapRange(new VirtAddr(Here), new PhysAddr(0), 4096UL << 12, ReadWrite);
        MmuSpec spec = new() { Second = new TlbSpec { Entries = 256, Ways = 4 } };
        using CoreMmu mmu = new(spec, 0);
        Refills counted = new();
        LostTranslations losses = mmu.RememberLosses(counted);
        mmu.Load(new Asid(1), table);
        for (int i = 0; i < 4096; i++)
        {
            mmu.Translate(AccessKind.Load, Here + ((ulong)i << 12), user: true, 0);
            losses.Begin(new SpaceId(0), 1, table, 0, default);
            mmu.InvalidateAsid(new Asid(1));
            losses.End();
        }

        int entries =
            spec.Data4K.Entries + spec.DataLarge.Entries + spec.Instruction4K.Entries + spec.InstructionLarge.Entries + spec.Second.Entries;
        Assert.Equal(entries, losses.Count);
        for (int i = 0; i < 4096; i++)
        {
            mmu.Translate(AccessKind.Load, Here + ((ulong)i << 12), user: true, 0);
        }

        losses.Flush();
        Assert.Equal(entries, counted.By[(0, 1)]);
    }

    [Fact]
    public void AlsoDead_OutsideAnInvalidation_DoesNothing()
    {
        using PageTable table = new(PageTableFormats.X64);
        table.MapRange(new VirtAddr(Here), new PhysAddr(0), 4UL << 12, ReadWrite);
        using CoreMmu mmu = new(new MmuSpec(), 0);
        Refills counted = new();
        LostTranslations losses = mmu.RememberLosses(counted);
        mmu.Load(new Asid(1), table);
        mmu.Translate(AccessKind.Load, Here, user: true, 0);
        losses.AlsoDead(new DeadRange(new VirtAddr(Here), 1, PageSize.Size4K));
        NoVisitor visitor = default;
        losses.Begin(new SpaceId(0), 1, table, 0, new DeadRange(new VirtAddr(Here + (1UL << 12)), 1, PageSize.Size4K));
        table.UnmapRange(new VirtAddr(Here), 1UL << 12, ref visitor, TableFreeing.Never);
        mmu.InvalidateAsid(new Asid(1));
        losses.End();
        Assert.Equal(1, losses.Count);
    }

    private readonly struct NoVisitor : IUnmapVisitor
    {
        public void OnUnmapped(VirtAddr address, in EntryInfo entry)
        {
        }
    }

    private sealed class Refills : IRefillCounter
    {
        public SortedDictionary<(int Space, long Shootdown), int> By { get; } = [];

        public void CountRefills(SpaceId space, long shootdown, int count) =>
            By[(space.Value, shootdown)] = By.GetValueOrDefault((space.Value, shootdown)) + count;
    }

    /// <summary>An MMU with two spaces of small and large pages beside the list.</summary>
    private sealed class Model : IDisposable
    {
        private const int Pages = 96;
        private const int HugePages = 4;
        private readonly Random _random;
        private readonly PageTable[] _tables = [new(PageTableFormats.X64), new(PageTableFormats.X64)];
        private readonly CoreMmu _mmu = new(new MmuSpec { Second = new TlbSpec { Entries = 1024, Ways = 8 } }, 5);
        private readonly List<Lost> _lost = [];
        private readonly Refills _refills = new();
        private long _shootdown;
        private int _loaded;

        public Model(int seed)
        {
            _random = new Random(seed);
            Losses = _mmu.RememberLosses(_refills);
            _mmu.Load(new Asid(1), _tables[0]);
        }

        public LostTranslations Losses { get; }

        public SortedDictionary<(int Space, long Shootdown), int> Counted => _refills.By;

        public SortedDictionary<(int Space, long Shootdown), int> Expected { get; } = [];

        public void Step()
        {
            int page = _random.Next(Pages + HugePages);
            switch (_random.Next(40))
            {
                case 0:
                    _loaded = _random.Next(2);
                    _mmu.Load(new Asid((ushort)(_loaded + 1)), _tables[_loaded]);
                    break;
                case 1:
                    int space = _random.Next(2);
                    _mmu.InvalidateAsid(new Asid((ushort)(space + 1)));
                    _lost.RemoveAll(lost => lost.Space == space);
                    break;
                case < 6:
                    Change(page, _random.Next(1, 6));
                    break;
                case < 16:
                    Invalidate(page, _random.Next(1, 6), ranged: _random.Next(3) > 0, more: _random.Next(4));
                    break;
                default:
                    Access(page);
                    break;
            }
        }

        public void Dispose()
        {
            _mmu.Dispose();
            _tables[0].Dispose();
            _tables[1].Dispose();
        }

        private static bool IsHuge(int page) => page >= Pages;

        private static ulong AddressOf(int page) => IsHuge(page) ? Here + ((ulong)(page - Pages + 1) << 21) : Here + ((ulong)page << 12);

        private static ulong BytesOf(int page) => IsHuge(page) ? 1UL << 21 : 1UL << 12;

        /// <summary>Unmaps pages or maps them anew, with other rights or another frame at times.</summary>
        private void Change(int first, int count)
        {
            for (int page = first; page < Math.Min(first + count, Pages + HugePages); page++)
            {
                VirtAddr address = new(AddressOf(page));
                if (_tables[_loaded].Query(address).Mapped)
                {
                    NoVisitor visitor = default;
                    _tables[_loaded].UnmapRange(address, BytesOf(page), ref visitor, TableFreeing.Never);
                }

                if (_random.Next(4) > 0)
                {
                    PhysAddr frame = new(((ulong)page << 21) + (_random.Next(4) == 0 ? 1UL << 40 : 0));
                    _tables[_loaded]
                        .Map(address, frame, IsHuge(page) ? PageSize.Size2M : PageSize.Size4K, _random.Next(3) == 0 ? ReadOnly : ReadWrite);
                }
            }
        }

        /// <summary>Invalidates a range, or flushes all for it and <paramref name="more"/> other ranges that died with it.</summary>
        private void Invalidate(int first, int count, bool ranged, int more)
        {
            count = IsHuge(first) ? 1 : Math.Min(count, Pages - first);
            DeadRange dead = new(new VirtAddr(AddressOf(first)), (ulong)count, IsHuge(first) ? PageSize.Size2M : PageSize.Size4K);
            List<DeadRange> ranges = [dead];
            Asid tag = new((ushort)(_loaded + 1));
            Dictionary<int, ulong> held = Held(tag);
            Losses.Begin(new SpaceId(_loaded), ++_shootdown, _tables[_loaded], 0, dead);
            for (int i = 0; i < more && !ranged; i++)
            {
                int page = _random.Next(Pages);
                ranges.Add(
                    new DeadRange(new VirtAddr(AddressOf(page)), (ulong)Math.Min(_random.Next(1, 6), Pages - page), PageSize.Size4K));
                Losses.AlsoDead(ranges[^1]);
            }

            _ = ranged ? _mmu.InvalidateRange(tag, dead) : _mmu.InvalidateAsid(tag);
            Losses.End();
            _lost.RemoveAll(lost => lost.Space == _loaded && ranges.Exists(range => range.Contains(new VirtAddr(AddressOf(lost.Page)))));
            foreach ((int page, ulong data) in held)
            {
                bool inside = ranges.Exists(range => range.Contains(new VirtAddr(AddressOf(page))));
                if ((inside && IsLive(page, data)) || (!inside && !ranged))
                {
                    _lost.Add(new Lost(_loaded, page, data, _shootdown));
                }
            }
        }

        private void Access(int page)
        {
            AccessKind kind = (AccessKind)_random.Next(1, 3);
            TranslationResult result = _mmu.Translate(kind, AddressOf(page), user: true, 0);
            int at = _lost.FindIndex(lost => lost.Space == _loaded && lost.Page == page);
            if (at < 0 || result.Outcome is TranslationOutcome.L1Hit or TranslationOutcome.StlbHit)
            {
                return;
            }

            Lost lost = _lost[at];
            _lost.RemoveAt(at);
            if (result.Outcome == TranslationOutcome.Walked && IsLive(page, lost.Data))
            {
                Expected[(lost.Space, lost.Shootdown)] = Expected.GetValueOrDefault((lost.Space, lost.Shootdown)) + 1;
            }
        }

        private bool IsLive(int page, ulong data)
        {
            EntryInfo now = _tables[_loaded].Query(new VirtAddr(AddressOf(page)));
            bool wasWritable = ((PageFlags)data & PageFlags.Write) != 0;
            return now.Mapped && now.Frame.PageNumber == data >> 16 && (!wasWritable || (now.Flags & PageFlags.Write) != 0);
        }

        private Dictionary<int, ulong> Held(Asid tag)
        {
            Dictionary<int, ulong> held = [];
            for (int page = 0; page < Pages + HugePages; page++)
            {
                if (_mmu.Peek(tag, AddressOf(page), out ulong frame, out PageFlags flags))
                {
                    held.Add(page, (frame << 16) | (ulong)flags);
                }
            }

            return held;
        }

        private readonly record struct Lost(int Space, int Page, ulong Data, long Shootdown);
    }
}
