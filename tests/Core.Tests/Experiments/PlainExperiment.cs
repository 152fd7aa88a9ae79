using VmSim.Core.Experiments;
using VmSim.Core.Mmu;

namespace VmSim.Core.Tests.Experiments;

/// <summary>TLB experiments once more, as plainly as they can be written, with nothing of the program but its records.</summary>
internal sealed class PlainExperiment(TlbConfig config)
{
    private readonly Core[] _cores = [.. Enumerable.Range(0, config.Cores).Select(_ => new Core(config))];
    private readonly HashSet<ulong> _mapped = [];
    private readonly HashSet<ulong> _regions512G = [];
    private readonly HashSet<ulong> _regions1G = [];
    private readonly HashSet<ulong> _regions2M = [];
    private readonly Dictionary<int, long> _codes = [];
    private ulong _checksum = 0xCBF29CE484222325;
    private ulong _hash = 0xCBF29CE484222325;
    private long _references;
    private long _dropped;
    private long _cycles;

    public TlbResult Run(IReadOnlyList<ulong> addresses)
    {
        for (int i = 0; i < addresses.Count; i++)
        {
            ulong address = addresses[i];
            Core core = _cores[i % _cores.Length];
            int code = Access(core, address);
            _codes[code] = _codes.GetValueOrDefault(code) + 1;
            _checksum = (_checksum ^ address) * 0x100000001B3;
            _hash = (_hash ^ (ulong)code) * 0x100000001B3;
            if (config.InvalidateEvery > 0 && (i + 1) % config.InvalidateEvery == 0)
            {
                _dropped += _cores.Sum(each => each.Invalidate(PageOf(address), IsHuge(address)));
            }

            if (config.FlushEvery > 0 && (i + 1) % config.FlushEvery == 0)
            {
                _dropped += core.Flush();
            }
        }

        long Of(params int[] codes) => codes.Sum(code => _codes.GetValueOrDefault(code));
        return new TlbResult
        {
            Accesses = addresses.Count,
            AddressChecksum = _checksum,
            FirstHits4K = Of(1),
            FirstHits2M = Of(2),
            SecondHits4K = Of(3),
            SecondHits2M = Of(4),
            PdeHits = Of(5, 13),
            PdpteHits = Of(6, 14),
            Pml4eHits = Of(7, 15),
            NoPscHits = Of(8, 16),
            References = _references,
            Faults = Of(13, 14, 15, 16),
            TablePages = [1, _regions512G.Count, _regions1G.Count, _regions2M.Count],
            EntriesDropped = _dropped,
            Cycles = _cycles,
            OutcomeHash = _hash,
        };
    }

    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    private bool IsHuge(ulong address) =>
        config.HugePercent > 0 && Mix((address >> 21) + config.HugeSeed) % 100 < (ulong)config.HugePercent;

    private ulong PageOf(ulong address) => IsHuge(address) ? address >> 21 : address >> 12;

    private int Access(Core core, ulong address)
    {
        bool huge = IsHuge(address);
        ulong page = PageOf(address);
        Array first = huge ? core.First2M : core.First4K;
        _cycles += config.FirstCycles;
        if (first.Hit(page, huge))
        {
            return huge ? 2 : 1;
        }

        _cycles += config.SecondCycles;
        if (core.Second.Hit(page, huge))
        {
            first.Fill(page, huge);
            return huge ? 4 : 3;
        }

        int level = core.Pde.Hit(address >> 21, false)
            ? 0
            : core.Pdpte.Hit(address >> 30, false) ? 1 : core.Pml4e.Hit(address >> 39, false) ? 2 : 3;
        int references = huge ? level : level + 1;
        _references += references;
        _cycles += config.PscCycles + (references * config.ReferenceCycles);
        if (level >= 3)
        {
            core.Pml4e.Fill(address >> 39, false);
        }

        if (level >= 2)
        {
            core.Pdpte.Fill(address >> 30, false);
        }

        if (level >= 1 && !huge)
        {
            core.Pde.Fill(address >> 21, false);
        }

        core.Second.Fill(page, huge);
        first.Fill(page, huge);
        bool faulted = _mapped.Add((page << 1) | (huge ? 1UL : 0));
        _cycles += faulted ? config.FaultCycles : 0;
        _regions512G.Add(address >> 39);
        _regions1G.Add(address >> 30);
        _ = !huge && _regions2M.Add(address >> 21);
        return 5 + level + (faulted ? 8 : 0);
    }

    private sealed class Core(TlbConfig config)
    {
        public Array First4K { get; } = new(config.Entries4K, config.Ways4K, config.FirstPolicy);

        public Array First2M { get; } = new(config.Entries2M, config.Ways2M, config.FirstPolicy);

        public Array Second { get; } = new(config.SecondEntries, config.SecondWays, config.SecondPolicy);

        public Array Pde { get; } = new(config.PdeEntries, config.PdeEntries, ReplacementPolicies.Lru);

        public Array Pdpte { get; } = new(config.PdpteEntries, config.PdpteEntries, ReplacementPolicies.Lru);

        public Array Pml4e { get; } = new(config.Pml4eEntries, config.Pml4eEntries, ReplacementPolicies.Lru);

        public int Invalidate(ulong page, bool huge)
        {
            FlushPsc();
            return (huge ? First2M : First4K).Drop(page, huge) + Second.Drop(page, huge);
        }

        public int Flush()
        {
            FlushPsc();
            return First4K.DropAll() + First2M.DropAll() + Second.DropAll();
        }

        private void FlushPsc()
        {
            Pde.DropAll();
            Pdpte.DropAll();
            Pml4e.DropAll();
        }
    }

    /// <summary>
    /// A set-associative array whose entries note when they were filled and used; tree-PLRU as bits on the path to each way.
    /// </summary>
    private sealed class Array
    {
        private readonly int _ways;
        private readonly string _policy;
        private readonly Way[][] _sets;
        private readonly Dictionary<(int Set, string Path), int> _bits = [];
        private long _clock;

        public Array(int entries, int ways, string policy)
        {
            _ways = ways;
            _policy = policy;
            _sets =
                [.. Enumerable.Range(0, ways == 0 ? 0 : entries / ways)
                    .Select(_ => Enumerable.Range(0, ways).Select(_ => new Way()).ToArray())];
        }

        public bool Hit(ulong page, bool huge)
        {
            if (_sets.Length == 0)
            {
                return false;
            }

            int set = SetOf(page);
            int way = System.Array.FindIndex(_sets[set], each => each.Key == (page, huge));
            if (way >= 0)
            {
                Use(set, way);
            }

            return way >= 0;
        }

        public void Fill(ulong page, bool huge)
        {
            if (_sets.Length == 0)
            {
                return;
            }

            int set = SetOf(page);
            int way = System.Array.FindIndex(_sets[set], each => each.Key is null);
            way = way >= 0 ? way : Victim(set);
            _sets[set][way].Key = (page, huge);
            _sets[set][way].Filled = ++_clock;
            Use(set, way);
        }

        public int Drop(ulong page, bool huge)
        {
            int way = _sets.Length == 0 ? -1 : System.Array.FindIndex(_sets[SetOf(page)], each => each.Key == (page, huge));
            if (way >= 0)
            {
                _sets[SetOf(page)][way].Key = null;
            }

            return way >= 0 ? 1 : 0;
        }

        public int DropAll()
        {
            int valid = 0;
            foreach (Way way in _sets.SelectMany(set => set))
            {
                valid += way.Key is null ? 0 : 1;
                way.Key = null;
            }

            return valid;
        }

        private int SetOf(ulong page) => (int)(page % (ulong)_sets.Length);

        private void Use(int set, int way)
        {
            _sets[set][way].Used = ++_clock;
            string path = "";
            for (int half = _ways / 2; half > 0 && _policy == ReplacementPolicies.TreePlru; half /= 2)
            {
                bool upper = (way & half) != 0;
                _bits[(set, path)] = upper ? 0 : 1;
                path += upper ? "1" : "0";
            }
        }

        private int Victim(int set)
        {
            if (_policy != ReplacementPolicies.TreePlru)
            {
                Func<Way, long> age = _policy == ReplacementPolicies.Fifo ? way => way.Filled : way => way.Used;
                return System.Array.IndexOf(_sets[set], _sets[set].MinBy(age));
            }

            int victim = 0;
            string path = "";
            for (int half = _ways / 2; half > 0; half /= 2)
            {
                int bit = _bits.GetValueOrDefault((set, path));
                victim += bit * half;
                path += bit;
            }

            return victim;
        }

        private sealed class Way
        {
            public (ulong Page, bool Huge)? Key { get; set; }

            public long Filled { get; set; }

            public long Used { get; set; }
        }
    }
}
