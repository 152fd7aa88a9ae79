using VmSim.Core.Mmu;

namespace VmSim.Core.Tests.Mmu;

/// <summary>A set-associative array in plain code, written from the rules alone: what <see cref="Tlb"/> is judged by.</summary>
internal sealed class ScalarTlb
{
    private readonly Way[][] sets;
    private readonly bool[][] trees;
    private readonly string policy;
    private long clock;
    private ulong random;

    public ScalarTlb(TlbSpec spec, ulong seed)
    {
        policy = spec.Policy;
        random = (seed * 0x9E3779B97F4A7C15) | 1;
        int count = spec.Entries / spec.Ways;
        sets = [.. Enumerable.Range(0, count).Select(_ => new Way[spec.Ways])];
        trees = [.. Enumerable.Range(0, count).Select(_ => new bool[spec.Ways])];
    }

    public ulong? Find(ulong key, ulong page)
    {
        Way[] ways = sets[page % (ulong)sets.Length];
        int way = Array.FindIndex(ways, item => item.Key == key);
        if (way < 0)
        {
            return null;
        }

        Use((int)(page % (ulong)sets.Length), way, hit: true);
        return ways[way].Data;
    }

    public void Fill(ulong key, ulong page, ulong data)
    {
        int set = (int)(page % (ulong)sets.Length);
        Way[] ways = sets[set];
        int way = Array.FindIndex(ways, item => item.Key == 0);
        if (way < 0)
        {
            way = ways.Length == 1 ? 0 : policy switch
            {
                ReplacementPolicies.TreePlru => Pointed(trees[set], ways.Length),
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
        foreach (Way[] ways in sets)
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
        if (!hit || policy == ReplacementPolicies.Lru)
        {
            sets[set][way].Stamp = ++clock;
        }

        int node = 1;
        int first = 0;
        for (int half = sets[set].Length / 2; half > 0 && policy == ReplacementPolicies.TreePlru; half /= 2)
        {
            bool upper = way >= first + half;
            trees[set][node] = !upper;
            first += upper ? half : 0;
            node = (2 * node) + (upper ? 1 : 0);
        }
    }

    private int Drawn(int ways)
    {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        return (int)((random >> 33) % (uint)ways);
    }

    private record struct Way(ulong Key, ulong Data, long Stamp);
}
