using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace VmSim.Core.Mmu;

/// <content>Sets of more than 16 ways, and the policies that choose a victim in other ways than by order.</content>
internal sealed unsafe partial class Tlb
{
    private ulong* FindLarge(ulong key, nuint set, byte* head)
    {
        uint digest = DigestOf(key);
        uint rest = RestOf(key);
        nuint first = set * (nuint)(uint)_ways;
        for (int from = 0; from < _ways; from += 16)
        {
            uint matches = WayMatch.Of16(head + (from * sizeof(uint)), digest, 16);
            while (matches != 0)
            {
                int way = from + BitOperations.TrailingZeroCount(matches);
                if (way >= _ways)
                {
                    return null;
                }

                if (_entries[first + (nuint)(uint)way].Rest == rest)
                {
                    Touch(_orders + (set * (nuint)(uint)_orderBytes), way);
                    return &_entries[first + (nuint)(uint)way].Data;
                }

                matches &= matches - 1;
            }
        }

        return null;
    }

    private void Touch(byte* order, int way)
    {
        if (_policy == Policy.TreePlru)
        {
            *(ulong*)order = PointedAway(*(ulong*)order, way, _ways);
        }
        else if (_touches && _policy == Policy.List && ((Link*)order)[_ways].Older != way)
        {
            ListToFront((Link*)order, way);
        }
    }

    /// <summary>The lowest empty way, or the victim; counts it as filled.</summary>
    private int Choose(nuint set, byte* head)
    {
        byte* order = _orders + (set * (nuint)(uint)_orderBytes);
        if (_policy == Policy.List)
        {
            int oldest = ((Link*)order)[_ways].Newer;
            ListToFront((Link*)order, oldest);
            return oldest;
        }

        if (_policy == Policy.Single)
        {
            return 0;
        }

        int way = Empty(set, head);
        if (way < 0)
        {
            way = _policy == Policy.TreePlru ? PointedAt(*(ulong*)order, _ways) : Drawn();
        }

        if (_policy == Policy.TreePlru)
        {
            *(ulong*)order = PointedAway(*(ulong*)order, way, _ways);
        }

        return way;
    }

    /// <summary>The lowest empty way, or -1. An empty way's digest is 0, but a key's digest may be 0 too.</summary>
    private int Empty(nuint set, byte* head)
    {
        for (int from = 0; from < _ways; from += 16)
        {
            uint matches = WayMatch.Of16(head + (from * sizeof(uint)), 0, 16);
            while (matches != 0)
            {
                int way = from + BitOperations.TrailingZeroCount(matches);
                if (way >= _ways)
                {
                    return -1;
                }

                if (_entries[(set * (nuint)(uint)_ways) + (nuint)(uint)way].Rest == 0)
                {
                    return way;
                }

                matches &= matches - 1;
            }
        }

        return -1;
    }

    /// <summary>Follows the tree's bits to a leaf: 0 to the lower half, 1 to the upper.</summary>
    private static int PointedAt(ulong tree, int ways)
    {
        int node = 1;
        while (node < ways)
        {
            node = (2 * node) + (int)((tree >> node) & 1);
        }

        return node - ways;
    }

    /// <summary>The tree with the nodes on a way's path pointing to the other half.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong PointedAway(ulong tree, int way, int ways)
    {
        for (int node = way + ways; node > 1; node >>= 1)
        {
            int parent = node >> 1;
            tree = (tree & ~(1UL << parent)) | ((ulong)(~node & 1) << parent);
        }

        return tree;
    }

    /// <summary>Makes a way the newest of a list.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void ListToFront(Link* links, int way)
    {
        Unlink(links, way);
        ushort first = links[_ways].Older;
        links[way] = new Link { Newer = (ushort)_ways, Older = first };
        links[first].Newer = (ushort)way;
        links[_ways].Older = (ushort)way;
    }

    private void ListToBack(Link* links, int way)
    {
        Unlink(links, way);
        ushort last = links[_ways].Newer;
        links[way] = new Link { Newer = last, Older = (ushort)_ways };
        links[last].Older = (ushort)way;
        links[_ways].Newer = (ushort)way;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Unlink(Link* links, int way)
    {
        Link link = links[way];
        links[link.Newer].Older = link.Older;
        links[link.Older].Newer = link.Newer;
    }

    /// <summary>Way 0 the oldest, as the first to be filled.</summary>
    private void ResetList(Link* links)
    {
        for (int way = 0; way <= _ways; way++)
        {
            links[way] = new Link { Newer = (ushort)(way == _ways ? 0 : way + 1), Older = (ushort)(way == 0 ? _ways : way - 1) };
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

    /// <summary>
    /// A way's neighbours in a set's list. Place <c>ways</c> stands for both ends: older than it is the newest, newer than it the oldest.
    /// </summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Link
    {
        public ushort Newer;
        public ushort Older;
    }
}
