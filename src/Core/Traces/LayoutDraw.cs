using VmSim.Core.Addresses;

namespace VmSim.Core.Traces;

/// <summary>
/// Draws page-aligned shifts (SplitMix64: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014).
/// </summary>
internal sealed class LayoutDraw(ulong seed)
{
    /// <summary>Draws for one class before it stays where it is.</summary>
    public const int Attempts = 64;

    /// <summary>Bits of a shift in pages (ARCH_MMAP_RND_BITS_MIN of 64-bit x86, arch/x86/Kconfig).</summary>
    private const int RandomBits = 28;

    private ulong _state = seed;

    /// <summary>A shift in bytes, as an unsigned difference: up, or down for what ends too high to be moved up by any draw.</summary>
    /// <param name="highestEnd">Where the class's last page ends.</param>
    public ulong Next(ulong highestEnd)
    {
        ulong bytes = (Mix() >> (64 - RandomBits)) << PageSizes.BaseShift;
        ulong largest = 1UL << (RandomBits + PageSizes.BaseShift);
        return highestEnd + largest > TraceCalls.UserBytes ? 0 - bytes : bytes;
    }

    private ulong Mix()
    {
        ulong mixed = _state += 0x9E37_79B9_7F4A_7C15;
        mixed = (mixed ^ (mixed >> 30)) * 0xBF58_476D_1CE4_E5B9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D0_49BB_1331_11EB;
        return mixed ^ (mixed >> 31);
    }
}
