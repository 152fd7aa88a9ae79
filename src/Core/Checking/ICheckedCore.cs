using VmSim.Core.Addresses;
using VmSim.Core.Kernel;
using VmSim.Core.Mmu;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Checking;

/// <summary>What the checker asks a core, apart from the accesses it is told of.</summary>
internal interface ICheckedCore
{
    /// <summary>Number of the core in the machine.</summary>
    CoreId Core { get; }

    /// <summary>The MMU whose TLBs and caches are looked into.</summary>
    CoreMmu Mmu { get; }

    /// <summary>The core's time, in cycles.</summary>
    Cycles Now { get; }

    /// <summary>
    /// Earliest time at which the core does something; <see cref="Cycles.Never"/> when it waits for messages that nobody has
    /// sent.
    /// </summary>
    Cycles NextTime { get; }

    /// <summary>Whether the core can use what it holds under a tag before it begins with another thread.</summary>
    bool CanUse(Asid tag);

    /// <summary>Whether the core can walk the table of a space before it begins with another thread.</summary>
    bool CanWalk(SpaceId space);
}

/// <summary>What the checker watches.</summary>
/// <param name="Pools">The memory pools, by number.</param>
/// <param name="Spaces">The spaces, by number.</param>
/// <param name="Cores">The cores, by number.</param>
/// <param name="ThreadNames">Names of the threads, by number.</param>
/// <param name="Delays">The run's least delays.</param>
internal sealed record CheckedWorld(
    IReadOnlyList<MemoryPool> Pools, IReadOnlyList<AddressSpace> Spaces, IReadOnlyList<ICheckedCore> Cores,
        IReadOnlyList<string> ThreadNames, Delays Delays)
{
    /// <summary>How long after an operation returned its dead translations may be used by the protocol's design, in cycles.</summary>
    public required long AllowedStaleness { get; init; }

    /// <summary>Whether the contents of pages are watched, too.</summary>
    public bool Values { get; init; }

    /// <summary>The cores of the domain of a pool's spaces.</summary>
    public IEnumerable<ICheckedCore> CoresOf(MemoryPool pool) => Cores.Where(core => pool.Members[0].Group.HasCore(core.Core));
}
