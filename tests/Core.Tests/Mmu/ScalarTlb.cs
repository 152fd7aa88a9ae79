using VmSim.Core.Mmu;

namespace VmSim.Core.Tests.Mmu;

/// <summary>A set-associative array in plain code, written from the rules alone: what <see cref="Tlb"/> is judged by.</summary>
internal sealed class ScalarTlb
{
    private readonly Way[][] _sets;
    private readonly bool[][] _trees;
    private readonly string _policy;
    private long _clock;
    private ulong _random;

    public ScalarTlb(TlbSpec spec, ulong seed)
    {
        _policy = spec.Policy;
        _random = (seed * 0x9E3779B97F4A7C15) | 1;
        int count = spec.Entries / spec.Ways;
        _sets = [.. Enumerable.Range(0, count).Select(_ => new Way[spec.Ways])];
        _trees = [.. Enumerable.Range(0, count).Select(_ => new bool[spec.Ways])];
    }

    public ulong? Find(ulong key, ulong page)
    {
        Way[] ways = _sets[page % (ulong)_sets.Length];
        int way = Array.FindIndex(ways, item => item.Key == key);
        if (way < 0)
        {
            return null;
        }

        Use((int)(page % (ulong)_sets.Length), way, hit: true);
        return ways[way].Data;
    }

    public void Fill(ulong key, ulong page, ulong data)
    {
        int set = (int)(page % (ulong)_sets.Length);
        Way[] ways = _sets[set];
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
