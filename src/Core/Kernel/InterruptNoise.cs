using VmSim.Core.Addresses;
using VmSim.Core.Statistics;

namespace VmSim.Core.Kernel;

/// <summary>
/// How much later than usual interrupts arrive, as on a real machine where a core has interrupts off for a moment or its interconnect is
/// busy. What is drawn depends on the seed and on which interrupt it is alone.
/// </summary>
/// <param name="seed">The run's seed.</param>
/// <param name="most">An interrupt is 0 to so many cycles late, all equally likely.</param>
internal sealed class InterruptNoise(ulong seed, long most)
{
    /// <summary>Keeps the draws apart from those that others make from the same seed.</summary>
    private const ulong Salt = 0x6E6F6973652D3032;

    private readonly ulong _own = SeededRandom.Mix(seed ^ Salt);

    /// <summary>How late an interrupt is, in cycles.</summary>
    /// <param name="space">The address space whose translations it ends.</param>
    /// <param name="shootdown">Number of the shootdown in it.</param>
    /// <param name="core">The core that it goes to.</param>
    public long Of(SpaceId space, long shootdown, CoreId core)
    {
        SeededRandom random = new(SeededRandom.Derive(_own ^ SeededRandom.Mix((ulong)shootdown), space.Value, core.Value));
        return (long)random.Below((ulong)most + 1);
    }
}
