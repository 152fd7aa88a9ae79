using System.Numerics;

namespace VmSim.Benchmarks;

/// <summary>The three address streams on which the MMU is timed; the same addresses as the yardstick's, seed 1, 1,048,576 pages.</summary>
internal static class MmuStreams
{
    public const ulong Base = 0x7F00_0000_0000;
    public const ulong Pages = 1UL << 20;
    private const int PageShift = 12;
    private const double Skew = 0.9;

    public static IReadOnlyList<string> Names { get; } = ["seq64", "zipf", "uniform"];

    public static ulong[] Make(string name, int count)
    {
        ulong[] addresses = new ulong[count];
        Xoshiro random = new(1);
        ulong[] sums = name == "zipf" ? Sums() : [];
        int[] guide = name == "zipf" ? Guide(sums) : [];
        for (int i = 0; i < addresses.Length; i++)
        {
            addresses[i] = Base + name switch
            {
                "seq64" => (64 * (ulong)i) % (Pages << PageShift),
                "zipf" => Draw(random.Next(), x => Rank(sums, guide, x) * 0x9E3779B1 % Pages),
                "uniform" => Draw(random.Next(), x => Math.BigMul(x, Pages, out _)),
                _ => throw new ArgumentException($"there is no stream \"{name}\"", nameof(name)),
            };
        }

        return addresses;
    }

    private static ulong Draw(ulong x, Func<ulong, ulong> page) => (page(x) << PageShift) + (x & 0xFF8);

    private static ulong[] Sums()
    {
        ulong[] sums = new ulong[Pages];
        ulong sum = 0;
        for (int i = 0; i < sums.Length; i++)
        {
            sum += (ulong)Math.Floor((4294967296.0 * Math.Pow(i + 1, -Skew)) + 0.5);
            sums[i] = sum;
        }

        return sums;
    }

    /// <summary>For each of 2^20 equal parts of the range, the first rank that can lie in it.</summary>
    private static int[] Guide(ulong[] sums)
    {
        int[] guide = new int[Pages];
        int rank = 0;
        for (ulong part = 0; part < Pages; part++)
        {
            ulong least = Math.BigMul(part << 44, sums[^1], out _);
            while (sums[rank] <= least)
            {
                rank++;
            }

            guide[part] = rank;
        }

        return guide;
    }

    private static ulong Rank(ulong[] sums, int[] guide, ulong x)
    {
        ulong at = Math.BigMul(x, sums[^1], out _);
        int rank = guide[x >> 44];
        while (sums[rank] <= at)
        {
            rank++;
        }

        return (ulong)rank;
    }

    /// <summary>xoshiro256** (Blackman and Vigna, Scrambled linear pseudorandom number generators, 2021), seeded by splitmix64.</summary>
    private sealed class Xoshiro
    {
        private readonly ulong[] _s = new ulong[4];

        public Xoshiro(ulong seed)
        {
            for (int i = 0; i < _s.Length; i++)
            {
                seed += 0x9E3779B97F4A7C15;
                _s[i] = Mix(seed);
            }
        }

        public static ulong Mix(ulong z)
        {
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
            return z ^ (z >> 31);
        }

        public ulong Next()
        {
            ulong result = BitOperations.RotateLeft(_s[1] * 5, 7) * 9;
            ulong t = _s[1] << 17;
            _s[2] ^= _s[0];
            _s[3] ^= _s[1];
            _s[1] ^= _s[2];
            _s[0] ^= _s[3];
            _s[2] ^= t;
            _s[3] = BitOperations.RotateLeft(_s[3], 45);
            return result;
        }
    }

    /// <summary>Whether the 2 MiB region of an address is one large page, at a share of large pages in percent.</summary>
    public static bool IsLarge(ulong region, int percent, ulong seed) => percent > 0 && Xoshiro.Mix(region + seed) % 100 < (ulong)percent;
}
