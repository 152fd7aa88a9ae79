using System.Numerics;
using System.Runtime.CompilerServices;

namespace VmSim.Core.Statistics;

/// <summary>xoshiro256** (Blackman and Vigna, 2018), seeded by splitmix64: small, fast, and the same everywhere.</summary>
public struct SeededRandom
{
    private ulong _s0;
    private ulong _s1;
    private ulong _s2;
    private ulong _s3;

    /// <summary>A generator whose draws depend on <paramref name="seed"/> alone.</summary>
    public SeededRandom(ulong seed)
    {
        _s0 = Split(ref seed);
        _s1 = Split(ref seed);
        _s2 = Split(ref seed);
        _s3 = Split(ref seed);
    }

    /// <summary>The finaliser of splitmix64: a bijection that spreads neighbouring numbers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }

    /// <summary>A seed for one of several streams of one program.</summary>
    public static ulong Derive(ulong seed, int copy, int stream) =>
        Mix(Mix(seed + 0x9E3779B97F4A7C15) + ((ulong)(uint)copy << 32) + (uint)stream);

    /// <summary>The next 64 bits; all values are equally likely.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Next()
    {
        ulong result = BitOperations.RotateLeft(_s1 * 5, 7) * 9;
        ulong t = _s1 << 17;
        _s2 ^= _s0;
        _s3 ^= _s1;
        _s1 ^= _s2;
        _s0 ^= _s3;
        _s2 ^= t;
        _s3 = BitOperations.RotateLeft(_s3, 45);
        return result;
    }

    /// <summary>A number from 0 to <paramref name="limit"/> - 1, as the upper half of a 128-bit product.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Below(ulong limit) => Math.BigMul(Next(), limit, out _);

    /// <summary>Goes over draws as if they had been made, in a time that grows with the logarithm of their number.</summary>
    /// <param name="draws">How many draws.</param>
    /// <remarks>
    /// A step is linear over the field of two elements, so that 2^n steps are one matrix, which is made when it is needed first. Haramoto,
    /// Matsumoto, Nishimura, Panneton and L'Ecuyer (2008) weigh this against polynomials: the matrix is the faster one where the state has
    /// as few bits as here.
    /// </remarks>
    public void Skip(ulong draws)
    {
        for (int power = 0; draws != 0; power++, draws >>= 1)
        {
            if ((draws & 1) != 0)
            {
                this = SeededRandomSteps.Of(power).From(this);
            }
        }
    }

    /// <summary>The state, as four words.</summary>
    internal readonly (ulong S0, ulong S1, ulong S2, ulong S3) State => (_s0, _s1, _s2, _s3);

    /// <summary>A generator in a state.</summary>
    internal static SeededRandom In(ulong s0, ulong s1, ulong s2, ulong s3) => new() { _s0 = s0, _s1 = s1, _s2 = s2, _s3 = s3 };

    private static ulong Split(ref ulong state)
    {
        state += 0x9E3779B97F4A7C15;
        return Mix(state);
    }
}
