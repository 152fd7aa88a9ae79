using System.Collections.Concurrent;

namespace VmSim.Core.Workloads.Synthetic;

/// <summary>Draws ranks with Zipf's law: weight j^-0.9 of the j-th, in integers so that every machine draws the same.</summary>
/// <remarks>
/// Weights are floor(2^32 j^-0.9 + 1/2); a draw is the first rank whose cumulated weight passes a number below the sum. A guide table
/// of the sum's upper bits gives the place to search from. Tables are immutable and shared by all streams over as many pages.
/// </remarks>
internal sealed class ZipfTable
{
    private const double Exponent = 0.9;

    // odd, so that neighbouring ranks lie far apart
    private const ulong Scatter = 0x9E3779B1;

    // enough that the search mostly ends where it begins, and few enough that the table stays in the caches
    private const ulong GuidesPerRank = 2;
    private static readonly ConcurrentDictionary<uint, ZipfTable> s_tables = new();
    private readonly ulong[] _sums;
    private readonly uint[] _guide;
    private readonly uint[] _places;
    private readonly int _guideShift;
    private readonly ulong _total;

    private ZipfTable(uint count)
    {
        _sums = new ulong[count];
        _places = new uint[count];
        for (uint rank = 0; rank < count; rank++)
        {
            _total += (ulong)Math.Floor((4294967296.0 * Math.Pow(rank + 1, -Exponent)) + 0.5);
            _sums[rank] = _total;
            _places[rank] = (uint)(rank * Scatter % count);
        }

        ulong guides = Math.Clamp((ulong)count * GuidesPerRank, 16, 1UL << 20);
        while ((_total >> _guideShift) >= guides)
        {
            _guideShift++;
        }

        _guide = new uint[(_total >> _guideShift) + 1];
        uint next = 0;
        for (uint slot = 0; slot < _guide.Length; slot++)
        {
            while (next < count && _sums[next] <= (ulong)slot << _guideShift)
            {
                next++;
            }

            _guide[slot] = next;
        }
    }

    /// <summary>The table for <paramref name="count"/> ranks, 1 to 2^24.</summary>
    public static ZipfTable Of(uint count) => s_tables.GetOrAdd(count, static ranks => new ZipfTable(ranks));

    /// <summary>Turns random bits into ranks, or with <paramref name="scattered"/> into the places over which the ranks are scattered.</summary>
    public void Draw(Span<ulong> block, bool scattered)
    {
        ulong[] sums = _sums;
        uint[] guide = _guide;
        uint[] places = _places;
        ulong total = _total;
        int shift = _guideShift;
        for (int i = 0; i < block.Length; i++)
        {
            ulong point = Math.BigMul(block[i], total, out _);
            uint rank = guide[point >> shift];

            // mostly the first or second rank is the one: steps without branches, which no host could foretell
            rank += sums[rank] <= point ? 1u : 0;
            rank += sums[rank] <= point ? 1u : 0;
            while (sums[rank] <= point)
            {
                rank++;
            }

            block[i] = scattered ? places[rank] : rank;
        }
    }

    /// <summary>The rank, from 0, that 64 random bits draw.</summary>
    public uint Rank(ulong random)
    {
        ulong point = Math.BigMul(random, _total, out _);
        uint rank = _guide[point >> _guideShift];
        while (_sums[rank] <= point)
        {
            rank++;
        }

        return rank;
    }
}
