using CsCheck;
using VmSim.Core.Addresses;
using VmSim.Core.Engine;
using VmSim.Core.Mmu;
using VmSim.Core.Paging;
using VmSim.Core.Reports;
using VmSim.Testing;

namespace VmSim.Core.Tests.Mmu;

/// <summary>Entries that map several neighbouring pages: the MMU against plain lists, hit for hit and drop for drop.</summary>
public sealed class TlbReachTests
{
    private const ulong Start = 0x7D00_0000_0000;
    private const ulong FirstFrame = 1 << 20;
    private const int Pages = 64;
    private const PageFlags Clean =
        PageFlags.Read | PageFlags.Write | PageFlags.Execute | PageFlags.User | PageFlags.Accessed;

    private static readonly (string First, string Second)[] Together =
    [
        (TlbReaches.Page, TlbReaches.Pair),
        (TlbReaches.Pair, TlbReaches.Pair),
        (TlbReaches.Page, TlbReaches.Run4),
        (TlbReaches.Run4, TlbReaches.Page),
        (TlbReaches.Run4, TlbReaches.Run4),
        (TlbReaches.Run8, TlbReaches.Run8),
    ];

    private static readonly Gen<(string First, string Second)> Reaches = Gen.Int[0, 5].Select(index => Together[index]);

    private static readonly Gen<TlbSpec> AnyArray =
        from isLru in Gen.Bool
        from ways in Gen.Int[1, 20]
        from sets in Gen.Int[1, 5]
        select new TlbSpec
        {
            Entries = ways * sets,
            Ways = ways,
            Policy = isLru ? ReplacementPolicies.Lru : ReplacementPolicies.Fifo,
        };

    private static readonly Gen<(int Action, int Page, int More)[]> Steps =
        Gen.Select(Gen.Int[0, 19], Gen.Int[0, Pages - 1], Gen.Int[0, 63]).Array[1, 300];

    [Fact]
    public void Translate_AnyReach_ActsAsPlainLists() =>
        Gen.Select(Reaches, AnyArray, AnyArray, Steps).Sample(
            (reaches, first, second, steps) =>
            {
                first = first with { Reach = reaches.First };
                second = second with { Reach = reaches.Second };
                using PageTable table = new(PageTableFormats.X64);
                using CoreMmu mmu = new(new MmuSpec { Data4K = first, Second = second, PdeEntries = 4 }, 1);
                mmu.Load(new Asid(1), table);
                PlainLists judge = new(first, second);
                foreach ((int action, int page, int more) in steps)
                {
                    Step(mmu, table, judge, action, page, more);
                }

                CompareContents(mmu, judge);
            },
            iter: 3000);

    /// <summary>A pair has one entry, and an invalidation of either page drops it.</summary>
    [Fact]
    public void Invalidate_OnePageOfAPair_DropsBoth()
    {
        using PageTable table = new(PageTableFormats.LoongArch64);
        using CoreMmu mmu = new(new MmuSpec { Second = new TlbSpec { Entries = 8, Ways = 8, Reach = TlbReaches.Pair } }, 1);
        mmu.Load(new Asid(1), table);
        Map(table, 6, FirstFrame + 100, Clean);
        Map(table, 7, FirstFrame + 3, Clean);
        Assert.Equal(TranslationOutcome.Walked, mmu.Translate(AccessKind.Load, Address(7), user: true, 0).Outcome);
        TranslationResult even = mmu.Translate(AccessKind.Load, Address(6), user: true, 0);
        Assert.Equal((TranslationOutcome.StlbHit, FirstFrame + 100), (even.Outcome, even.Frame));
        Assert.Equal(2 + 1, mmu.InvalidateRange(new Asid(1), Address(6), 1, PageSize.Size4K) + mmu.InvalidatePage(new Asid(1), Address(7)));
        Assert.Equal(TranslationOutcome.Walked, mmu.Translate(AccessKind.Load, Address(7), user: true, 0).Outcome);
    }

    /// <summary>What a pair lost with its dead page counts as a refill miss when a walk brings it back.</summary>
    [Fact]
    public void Refill_OfAPagesNeighbour_IsCounted()
    {
        RefillCounter counter = new();
        using PageTable table = new(PageTableFormats.X64);
        using CoreMmu mmu = new(new MmuSpec { Second = new TlbSpec { Entries = 8, Ways = 8, Reach = TlbReaches.Pair } }, 1);
        LostTranslations losses = mmu.RememberLosses(counter);
        mmu.Load(new Asid(1), table);
        Map(table, 6, FirstFrame + 6, Clean);
        Map(table, 7, FirstFrame + 7, Clean);
        mmu.Translate(AccessKind.Load, Address(6), user: true, 0);
        table.Set(new VirtAddr(Address(6)), PhysAddr.OfPage(FirstFrame + 50), Clean);
        losses.Begin(new SpaceId(0), 1, table, 0, new DeadRange(new VirtAddr(Address(6)), 1, PageSize.Size4K));
        mmu.InvalidateRange(new Asid(1), Address(6), 1, PageSize.Size4K);
        losses.End();
        mmu.Translate(AccessKind.Load, Address(7), user: true, 0);
        losses.Flush();
        Assert.Equal(1, counter.Refills);
    }

    /// <summary>A page that came back with its neighbour's walk is no refill miss when it is walked later.</summary>
    [Fact]
    public void Refill_OfAPage_BringsItsNeighbourBackToo()
    {
        RefillCounter counter = new();
        using PageTable table = new(PageTableFormats.X64);
        TlbSpec one = new() { Entries = 1, Ways = 1 };
        using CoreMmu mmu = new(new MmuSpec { Data4K = one, Second = one with { Reach = TlbReaches.Pair } }, 1);
        LostTranslations losses = mmu.RememberLosses(counter);
        mmu.Load(new Asid(1), table);
        foreach (int page in (int[])[6, 7, 20])
        {
            Map(table, page, FirstFrame + (ulong)page, Clean);
        }

        mmu.Translate(AccessKind.Load, Address(6), user: true, 0);
        losses.Begin(new SpaceId(0), 1, table, 0, new DeadRange(new VirtAddr(Address(40)), 1, PageSize.Size4K));
        mmu.InvalidateAsid(new Asid(1));
        losses.End();
        Assert.Equal(2, losses.Count);
        foreach (int page in (int[])[6, 20, 7])
        {
            Assert.Equal(TranslationOutcome.Walked, mmu.Translate(AccessKind.Load, Address(page), user: true, 0).Outcome);
        }

        losses.Flush();
        Assert.Equal((1, 0), (counter.Refills, losses.Count));
    }

    [Theory]
    [InlineData(TlbReaches.Run4, TlbReaches.Run8, "reach = run-4 and reach = run-8 found")]
    [InlineData(TlbReaches.Pair, TlbReaches.Page, "a first level with reach = pair and a second level without found")]
    public void Make_ReachesThatDoNotGoTogether_IsRefused(string first, string second, string message)
    {
        MmuSpec spec = new();
        spec = spec with { Data4K = spec.Data4K with { Reach = first }, Second = spec.Second with { Reach = second } };
        Assert.Contains(message, Assert.Throws<ArgumentException>(() => new CoreMmu(spec, 1)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_RandomPrograms_AnyWindowAndCheckpointGivesOneFingerprint() =>
        Gen.Select(RandomPrograms.Scenario, Reaches, Gen.Bool, Gen.Int[1, 60]).Sample(
        (scenario, reaches, isVirtual, windows) =>
        {
            MmuSpec mmu = scenario.Machine.Mmu;
            scenario = scenario with
            {
                Machine = scenario.Machine with
                {
                    Virtual = isVirtual,
                    Mmu = mmu with
                    {
                        Data4K = mmu.Data4K with { Reach = reaches.First },
                        Instruction4K = mmu.Instruction4K with { Reach = reaches.First },
                        Second = mmu.Second with { Reach = reaches.Second },
                    },
                },
            };
            RunReport expected = TestWorlds.Run(scenario);
            long bound = WorldParts.DelaysOf(scenario).WindowBound.Value;
            Assert.Equal(expected.Fingerprint, TestWorlds.Run(scenario, bound / 7).Fingerprint);
            Assert.Equal(expected.Fingerprint, PiecewiseRun.Of(scenario, windows, 4).Report.Fingerprint);
        },
        iter: 40);

    private static void Step(CoreMmu mmu, PageTable table, PlainLists judge, int action, int page, int more)
    {
        switch (action)
        {
            case < 13:
                CheckAccess(mmu, judge, page);
                break;
            case < 16:
                // mostly where a run needs it, else one frame too far, or anywhere
                PageFlags flags = Clean | (more % 8 == 0 ? PageFlags.None : PageFlags.Dirty);
                ulong frame = FirstFrame + (ulong)(page % 32 < 12 ? 201 + page : more % 6 == 0 ? 100 + more : page);
                Assert.Equal(judge.Drop(page, 1), mmu.InvalidateRange(new Asid(1), Address(page), 1, PageSize.Size4K));
                Map(table, page, frame, flags);
                judge.Map(page, frame, flags);
                break;
            case 16:
                Unmap(table, page);
                judge.Unmap(page);
                Assert.Equal(judge.Drop(page, 1), mmu.InvalidateRange(new Asid(1), Address(page), 1, PageSize.Size4K));
                break;
            case 17:
                Assert.Equal(judge.Drop(page, more), mmu.InvalidateRange(new Asid(1), Address(page), (ulong)more, PageSize.Size4K));
                break;
            case 18:
                CompareContents(mmu, judge);
                break;
            default:
                if (more == 0)
                {
                    Assert.Equal(judge.Drop(0, Pages), mmu.InvalidateAsid(new Asid(1)));
                }

                break;
        }
    }

    private static void CheckAccess(CoreMmu mmu, PlainLists judge, int page)
    {
        (TranslationOutcome Outcome, ulong Frame) expected = judge.Access(page);
        if (mmu.TryHit(AccessKind.Load, Address(page)))
        {
            Assert.Equal(TranslationOutcome.L1Hit, expected.Outcome);
            return;
        }

        TranslationResult found = mmu.TranslateMissed(AccessKind.Load, Address(page), 0);
        Assert.Equal(expected, (found.Outcome, found.Frame));
    }

    private static void CompareContents(CoreMmu mmu, PlainLists judge)
    {
        for (int page = 0; page < Pages; page++)
        {
            ulong? held = judge.Held(page);
            Assert.Equal(held is not null, mmu.Peek(new Asid(1), Address(page), out ulong frame, out _));
            Assert.Equal(held ?? 0, frame);
            Assert.True(held is null || mmu.MapsTo(new Asid(1), Address(page), frame));
            Assert.True(held is null || mmu.FindFrame(new Asid(1), frame, out _));
        }

        Assert.Equal(judge.Held(), mmu.Translations.Select(item => (item.Array, (int)((item.Entry.Page.Value - Start) >> 12))).Order());
    }

    private static ulong Address(int page) => Start + ((ulong)page << 12);

    private static void Map(PageTable table, int page, ulong frame, PageFlags flags)
    {
        Unmap(table, page);
        Assert.True(table.Map(new VirtAddr(Address(page)), PhysAddr.OfPage(frame), PageSize.Size4K, flags));
    }

    private static void Unmap(PageTable table, int page)
    {
        Ignore visitor = default;
        table.UnmapRange(new VirtAddr(Address(page)), 4096, ref visitor, TableFreeing.Never);
    }

    private struct Ignore : IUnmapVisitor
    {
        public readonly void OnUnmapped(VirtAddr address, in EntryInfo entry)
        {
        }
    }

    private sealed class RefillCounter : IRefillCounter
    {
        public int Refills { get; private set; }

        public void CountRefills(SpaceId space, long shootdown, int count) => Refills += count;
    }

    /// <summary>Both levels as lists of entries, each with the pages that it maps, newest last.</summary>
    private sealed class PlainLists(TlbSpec first, TlbSpec second)
    {
        private readonly PlainArray _first = new(first);
        private readonly PlainArray _second = new(second);
        private readonly Dictionary<int, (ulong Frame, PageFlags Flags)> _table = [];

        public void Map(int page, ulong frame, PageFlags flags) => _table[page] = (frame, flags);

        public void Unmap(int page) => _table.Remove(page);

        public (TranslationOutcome Outcome, ulong Frame) Access(int page)
        {
            if (_first.Use(page) is { } held)
            {
                return (TranslationOutcome.L1Hit, held.Map[page]);
            }

            if (_second.Use(page) is { } lower)
            {
                _first.Put(page, Groups(_first) && lower.IsGroup ? lower : Single(page, lower.Map[page]));
                return (TranslationOutcome.StlbHit, lower.Map[page]);
            }

            Drop(page, 1);
            if (!_table.TryGetValue(page, out (ulong Frame, PageFlags Flags) leaf))
            {
                return (TranslationOutcome.NotPresentFault, 0);
            }

            foreach (PlainArray array in (PlainArray[])[_second, _first])
            {
                array.Put(page, array.Spec.Reach switch
                {
                    TlbReaches.Pair => Pair(page),
                    TlbReaches.Run4 => Run(page, 4),
                    TlbReaches.Run8 => Run(page, 8),
                    _ => Single(page, leaf.Frame),
                });
            }

            return (TranslationOutcome.Walked, leaf.Frame);
        }

        public int Drop(int page, int pages) => _first.Drop(page, pages) + _second.Drop(page, pages);

        public ulong? Held(int page) => _first.Find(page)?.Map[page] ?? _second.Find(page)?.Map[page];

        public IEnumerable<(string, int)> Held() =>
            _first.Held().Select(page => ("data-4k", page)).Concat(_second.Held().Select(page => ("second", page))).Order();

        private static bool Groups(PlainArray array) => array.Spec.Reach != TlbReaches.Page;

        private static PlainEntry Single(int page, ulong frame) => new(page, 1, new() { [page] = frame });

        private PlainEntry Pair(int page)
        {
            Dictionary<int, ulong> map = [];
            foreach (int each in (int[])[page & ~1, page | 1])
            {
                if (_table.TryGetValue(each, out (ulong Frame, PageFlags Flags) leaf))
                {
                    map[each] = leaf.Frame;
                }
            }

            return new PlainEntry(page & ~1, 2, map);
        }

        private PlainEntry Run(int page, int pages)
        {
            int start = page / pages * pages;
            (ulong Frame, PageFlags Flags) head = _table.GetValueOrDefault(start);
            Dictionary<int, ulong> map = [];
            for (int each = start; each < start + pages; each++)
            {
                if (!_table.TryGetValue(each, out (ulong Frame, PageFlags Flags) leaf) || head.Frame % (ulong)pages != 0
                    || leaf.Frame != head.Frame + (ulong)(each - start) || leaf.Flags != head.Flags)
                {
                    return Single(page, _table[page].Frame);
                }

                map[each] = leaf.Frame;
            }

            return new PlainEntry(start, pages, map);
        }
    }

    /// <summary>An entry; pages of its group that are not there are not in the map.</summary>
    private sealed record PlainEntry(int Start, int Pages, Dictionary<int, ulong> Map)
    {
        public bool IsGroup => Pages > 1;
    }

    private sealed class PlainArray(TlbSpec spec)
    {
        private readonly List<PlainEntry>[] _sets = [.. Enumerable.Range(0, spec.Entries / spec.Ways).Select(_ => new List<PlainEntry>())];

        public TlbSpec Spec => spec;

        public PlainEntry? Find(int page) => _sets.SelectMany(set => set).FirstOrDefault(entry => entry.Map.ContainsKey(page));

        public PlainEntry? Use(int page)
        {
            PlainEntry? found = Find(page);
            if (found is not null && spec.Policy == ReplacementPolicies.Lru)
            {
                List<PlainEntry> set = SetOf(found);
                set.Remove(found);
                set.Add(found);
            }

            return found;
        }

        public void Put(int page, PlainEntry entry)
        {
            Assert.True(entry.Map.ContainsKey(page));
            foreach (List<PlainEntry> each in _sets)
            {
                each.RemoveAll(other => entry.IsGroup && !other.IsGroup && entry.Map.ContainsKey(other.Start));
            }

            List<PlainEntry> set = SetOf(entry);
            if (set.Count == spec.Ways)
            {
                set.RemoveAt(0);
            }

            set.Add(entry);
        }

        public int Drop(int page, int pages) =>
            _sets.Sum(set => set.RemoveAll(entry => entry.Start < page + pages && page < entry.Start + entry.Pages));

        public IEnumerable<int> Held() => _sets.SelectMany(set => set).SelectMany(entry => entry.Map.Keys);

        private List<PlainEntry> SetOf(PlainEntry entry) =>
            _sets[(int)((((Start >> 12) + (ulong)entry.Start) / (ulong)entry.Pages) % (ulong)_sets.Length)];
    }
}
