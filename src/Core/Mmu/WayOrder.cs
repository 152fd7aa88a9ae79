using System.Numerics;
using System.Runtime.CompilerServices;

namespace VmSim.Core.Mmu;

/// <summary>
/// The order of up to 16 ways in one word. Nibble 0 is the newest way, nibble ways - 1 the oldest; every way stands in these once. Nibbles
/// beyond are of no account.
/// </summary>
internal static class WayOrder
{
    /// <summary>The most ways whose order fits one word.</summary>
    public const int WaysMax = 16;

    /// <summary>Every way at its own place.</summary>
    public const ulong Initial = 0xFEDCBA9876543210;

    private const ulong Ones = 0x1111111111111111;
    private const ulong Tops = 0x8888888888888888;

    /// <summary>The way used, or filled, longest ago: the victim of a full set.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Last(ulong order, int ways) => (int)(order >> (4 * (ways - 1))) & 15;

    /// <summary>The order after the oldest way became the newest; what moves beyond the ways is of no account.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong LastToFront(ulong order, int last) => (order << 4) | (uint)last;

    /// <summary>The order after a way became the newest.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong ToFront(ulong order, int way)
    {
        int place = 4 * PlaceOf(order, way);
        ulong moved = (0xFUL << place) | ((1UL << place) - 1);
        return (order & ~moved) | ((order << 4) & moved) | (uint)way;
    }

    /// <summary>The order after a way became the oldest.</summary>
    public static ulong ToBack(ulong order, int way, int ways)
    {
        int place = 4 * PlaceOf(order, way);
        int last = 4 * (ways - 1);
        ulong below = order & ((1UL << place) - 1);
        ulong beyond = last == 60 ? 0 : order >> (last + 4) << (last + 4);
        ulong behind = (order ^ beyond) >> 4 >> place << place;
        return beyond | behind | below | ((ulong)(uint)way << last);
    }

    /// <summary>Where a way stands: the lowest nibble of the difference that is 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int PlaceOf(ulong order, int way)
    {
        ulong difference = order ^ (Ones * (uint)way);
        return BitOperations.TrailingZeroCount((difference - Ones) & ~difference & Tops) >> 2;
    }
}
