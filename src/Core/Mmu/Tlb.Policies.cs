using System.Numerics;
using System.Runtime.CompilerServices;

namespace VmSim.Core.Mmu;

/// <content>Sets of more than 16 ways, and the policies that choose a victim in other ways than by order.</content>
internal sealed unsafe partial class Tlb
{
    [MethodImpl(MethodImplOptions.NoInlining)]
    private ulong* FindLarge(ulong key, nuint set, byte* head)
    {
        uint digest = Digest(key);
        Entry* entries = _entries + (set * (nuint)_ways);
        for (int first = 0; first < _ways; first += 16)
        {
            uint matches = WayMatch.Of16(head + (first * sizeof(uint)), digest, 16);
            while (matches != 0)
            {
                int way = first + BitOperations.TrailingZeroCount(matches);
                if (entries[way].Key == key)
                {
                    if (_policy == Policy.TreePlru)
                    {
                        PointAway(set, way);
                    }
                    else if (_touches)
                    {
                        _stamps[(set * (nuint)_ways) + (nuint)way] = ++_clock;
                    }

                    return &entries[way].Data;
                }

                matches &= matches - 1;
            }
        }

        return null;
    }

    /// <summary>The lowest empty way, or the victim; counts it as filled.</summary>
    private int Choose(nuint set, uint* digests)
    {
        int way = 0;
        while (way < _ways && digests[way] != 0)
        {
            way++;
        }

        way = way < _ways ? way : _policy switch
        {
            Policy.Stamps => Oldest(set),
            Policy.TreePlru => PointedAt(set),
            _ => Drawn(),
        };
        if (_policy == Policy.Stamps)
        {
            _stamps[(set * (nuint)_ways) + (nuint)way] = ++_clock;
        }
        else if (_policy == Policy.TreePlru)
        {
            PointAway(set, way);
        }

        return way;
    }

    private int Oldest(nuint set)
    {
        ulong* stamps = _stamps + (set * (nuint)_ways);
        int oldest = 0;
        for (int way = 1; way < _ways; way++)
        {
            oldest = stamps[way] < stamps[oldest] ? way : oldest;
        }

        return oldest;
    }

    /// <summary>Follows the tree's bits to a leaf: 0 to the lower half, 1 to the upper.</summary>
    private int PointedAt(nuint set)
    {
        int node = 1;
        while (node < _ways)
        {
            node = (2 * node) + (int)((_trees[set] >> node) & 1);
        }

        return node - _ways;
    }

    /// <summary>Sets the nodes on a way's path to point to the other half.</summary>
    private void PointAway(nuint set, int way)
    {
        for (int node = way + _ways; node > 1; node >>= 1)
        {
            ulong bit = 1UL << (node >> 1);
            _trees[set] = (node & 1) == 0 ? _trees[set] | bit : _trees[set] & ~bit;
        }
    }

    /// <summary>A way drawn with xorshift64 (Marsaglia, Xorshift RNGs, 2003).</summary>
    private int Drawn()
    {
        _random ^= _random << 13;
        _random ^= _random >> 7;
        _random ^= _random << 17;
        return (int)((_random >> 33) % (uint)_ways);
    }
}
