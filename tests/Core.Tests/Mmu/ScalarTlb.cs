using VmSim.Core.Mmu;

namespace VmSim.Core.Tests.Mmu;

/// <summary>A set-associative array in plain code, written from the rules alone: what <see cref="Tlb"/> is judged by.</summary>
internal sealed class ScalarTlb
{
    private readonly Way[][] _sets;
    private readonly bool[][] _trees;
    private readonly string _policy;
    private readonly TlbSpec _spec;
    private long _clock;
    private ulong _random;

    public ScalarTlb(TlbSpec spec, ulong seed)
    {
        _policy = spec.Policy;
        _spec = spec;
        _random = (seed * 0x9E3779B97F4A7C15) | 1;
        int count = spec.Entries / spec.Ways;
        _sets = [.. Enumerable.Range(0, count).Select(_ => new Way[spec.Ways])];
        _trees = [.. Enumerable.Range(0, count).Select(_ => new bool[spec.Ways])];
    }

    public ulong? Find(ulong key, ulong page)
    {
        Way[] ways = _sets[SetOf(page)];
        int way = Array.FindIndex(ways, item => item.Key == key);
        if (way < 0)
        {
            return null;
        }

        Use(SetOf(page), way, hit: true);
        return ways[way].Data;
    }

    /// <summary>Puts a page in; one whose size has all ways that it may have takes the place of the oldest of them.</summary>
    /// <returns>False if pages of its size are kept out.</returns>
    public bool Fill(ulong key, ulong page, ulong data)
    {
        int set = SetOf(page);
        Way[] ways = _sets[set];
        int limit = SizeOf(key) == 0 ? ways.Length : SizeOf(key) == 1 ? _spec.LargeWays : _spec.HugeWays;
        if (limit == 0)
        {
            return false;
        }

        List<int> alike = [.. Enumerable.Range(0, ways.Length).Where(item => ways[item].Key != 0 && SizeOf(ways[item].Key) == SizeOf(key))];
        if (alike.Count >= limit && limit < ways.Length)
        {
            ways[alike.MinBy(item => ways[item].Stamp)] = default;
        }

        int way = Array.FindIndex(ways, item => item.Key == 0);
        if (way < 0)
        {
            way = ways.Length == 1 ? 0 : _policy switch
            {
                ReplacementPolicies.TreePlru => Pointed(_trees[set], ways.Length),
                ReplacementPolicies.Random => Drawn(ways.Length),
                _ => Array.IndexOf(ways, ways.MinBy(item => item.Stamp)),
            };
        }

        ways[way] = ways[way] with { Key = key, Data = data };
        Use(set, way, hit: false);
        return true;
    }

    /// <summary>0 for pages of 4 KiB, 1 for 2 MiB, 2 for more.</summary>
    private static int SizeOf(ulong key) => Math.Min((int)((key >> 1) % 4), 2);

    private int SetOf(ulong page)
    {
        ulong sets = (ulong)_sets.Length;
        return (int)(_spec.Index == TlbIndexes.Xor ? (page % sets) ^ (page / sets % sets) : page % sets);
    }

    public int DropWhere(Func<ulong, bool> condition)
    {
        int dropped = 0;
        foreach (Way[] ways in _sets)
        {
            for (int way = 0; way < ways.Length; way++)
            {
                if (ways[way].Key != 0 && condition(ways[way].Key))
                {
                    ways[way] = default;
                    dropped++;
                }
            }
        }

        return dropped;
    }

    private static int Pointed(bool[] tree, int ways)
    {
        int first = 0;
        int node = 1;
        for (int half = ways / 2; half > 0; half /= 2)
        {
            first += tree[node] ? half : 0;
            node = (2 * node) + (tree[node] ? 1 : 0);
        }

        return first;
    }

    private void Use(int set, int way, bool hit)
    {
        if (!hit || _policy == ReplacementPolicies.Lru)
        {
            _sets[set][way].Stamp = ++_clock;
        }

        int node = 1;
        int first = 0;
        for (int half = _sets[set].Length / 2; half > 0 && _policy == ReplacementPolicies.TreePlru; half /= 2)
        {
            bool upper = way >= first + half;
            _trees[set][node] = !upper;
            first += upper ? half : 0;
            node = (2 * node) + (upper ? 1 : 0);
        }
    }

    private int Drawn(int ways)
    {
        _random ^= _random << 13;
        _random ^= _random >> 7;
        _random ^= _random << 17;
        return (int)((_random >> 33) % (uint)ways);
    }

    private record struct Way(ulong Key, ulong Data, long Stamp);
}
