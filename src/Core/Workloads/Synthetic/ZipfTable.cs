using System.Collections.Concurrent;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace VmSim.Core.Workloads.Synthetic;

/// <summary>Draws ranks with Zipf's law: weight j^-0.9 of the j-th, in integers so that every machine draws the same.</summary>
/// <remarks>
/// Weights are floor(2^32 j^-0.9 + 1/2); a draw is the first rank whose cumulated weight passes a number below the sum. The sum of the
/// first j weights is close to 10 (j + 1/2)^0.1 + zeta(0.9) (Euler and Maclaurin). Its inverse guesses the rank, and the table of sums
/// decides. Tables are immutable and shared by all streams over as many pages.
/// </remarks>
public sealed class ZipfTable
{
    private const double Exponent = 0.9;

    // zeta(0.9)
    private const double Zeta = -9.4301140194;

    // odd, so that neighbouring ranks lie far apart
    private const ulong Scatter = 0x9E3779B1;

    private static readonly ConcurrentDictionary<uint, ZipfTable> Tables = new();

    /// <summary>From 1 on, the sum of the first weights; 0 at 0.</summary>
    private readonly ulong[] _sums;

    /// <summary>Where each rank's page lies; null if their number is a power of two, where a mask tells it.</summary>
    private readonly uint[]? _places;

    private readonly uint _count;

    private ZipfTable(uint count)
    {
        _count = count;
        _sums = new ulong[count + 1];
        _places = BitOperations.IsPow2(count) ? null : new uint[count];
        for (uint rank = 0; rank < count; rank++)
        {
            _sums[rank + 1] = _sums[rank] + (ulong)Math.Floor((4294967296.0 * Math.Pow(rank + 1, -Exponent)) + 0.5);
            _places?[rank] = (uint)(rank * Scatter % count);
        }
    }

    /// <summary>The table for <paramref name="count"/> ranks, 1 to 2^24.</summary>
    public static ZipfTable Of(uint count) => Tables.GetOrAdd(count, static ranks => new ZipfTable(ranks));

    /// <summary>
    /// Turns random bits into ranks, or with <paramref name="scattered"/> into the places over which the ranks are scattered.
    /// </summary>
    public void Draw(Span<ulong> block, bool scattered)
    {
        if (!scattered)
        {
            for (int i = 0; i < block.Length; i++)
            {
                block[i] = Rank(block[i]);
            }
        }
        else if (_places is { } places)
        {
            for (int i = 0; i < block.Length; i++)
            {
                block[i] = places[Rank(block[i])];
            }
        }
        else
        {
            ulong mask = _count - 1;
            for (int i = 0; i < block.Length; i++)
            {
                block[i] = (Rank(block[i]) * Scatter) & mask;
            }
        }
    }

    /// <summary>The rank, from 0, that 64 random bits draw.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint Rank(ulong random)
    {
        ulong[] sums = _sums;
        ulong point = Math.BigMul(random, sums[^1], out _);
        double root = (point * (0.1 / 4294967296.0)) - (0.1 * Zeta);
        double squared = root * root;
        double eighth = squared * squared * squared * squared;
        uint rank = Math.Min((uint)((eighth * squared) - 0.5), _count - 1);
        while (point < sums[rank])
        {
            rank--;
        }

        while (point >= sums[rank + 1])
        {
            rank++;
        }

        return rank;
    }
}
