using System.Numerics;

namespace VmSim.Core.Statistics;

/// <summary>
/// Steps of <see cref="SeededRandom"/> that are made at once: what becomes of each single bit of the state. What becomes of a state is the
/// sum of what becomes of its bits.
/// </summary>
internal sealed class SeededRandomSteps
{
    private const int Words = 4;
    private const int WordBits = 64;

    /// <summary>2^n steps, for each n; made when they are asked for.</summary>
    private static readonly Lazy<SeededRandomSteps>[] Powers =
        [.. Enumerable.Range(0, WordBits).Select(power => new Lazy<SeededRandomSteps>(() => power == 0 ? One() : Of(power - 1).Twice()))];

    /// <summary>For each bit of the state, from the lowest of the first word on, the four words that become of it.</summary>
    private readonly ulong[] _images = new ulong[Words * WordBits * Words];

    /// <summary>2^<paramref name="power"/> steps; 0 to 63.</summary>
    public static SeededRandomSteps Of(int power) => Powers[power].Value;

    /// <summary>What becomes of a generator.</summary>
    public SeededRandom From(in SeededRandom random)
    {
        (ulong s0, ulong s1, ulong s2, ulong s3) = random.State;
        ulong r0 = 0;
        ulong r1 = 0;
        ulong r2 = 0;
        ulong r3 = 0;
        Add(0, s0);
        Add(1, s1);
        Add(2, s2);
        Add(3, s3);
        return SeededRandom.In(r0, r1, r2, r3);

        void Add(int word, ulong bits)
        {
            for (; bits != 0; bits &= bits - 1)
            {
                ReadOnlySpan<ulong> image = _images.AsSpan(((word * WordBits) + BitOperations.TrailingZeroCount(bits)) * Words, Words);
                r0 ^= image[0];
                r1 ^= image[1];
                r2 ^= image[2];
                r3 ^= image[3];
            }
        }
    }

    private static SeededRandomSteps One() => Made(random =>
    {
        random.Next();
        return random;
    });

    private SeededRandomSteps Twice() => Made(random => From(From(random)));

    private static SeededRandomSteps Made(Func<SeededRandom, SeededRandom> step)
    {
        SeededRandomSteps steps = new();
        for (int bit = 0; bit < Words * WordBits; bit++)
        {
            ulong BitOf(int word) => bit / WordBits == word ? 1UL << (bit % WordBits) : 0;
            (ulong s0, ulong s1, ulong s2, ulong s3) = step(SeededRandom.In(BitOf(0), BitOf(1), BitOf(2), BitOf(3))).State;
            Span<ulong> image = steps._images.AsSpan(bit * Words, Words);
            image[0] = s0;
            image[1] = s1;
            image[2] = s2;
            image[3] = s3;
        }

        return steps;
    }
}
