using VmSim.Core.Kernel.Locks;
using VmSim.Core.Machine;
using VmSim.Core.Memory;
using VmSim.Core.Statistics;

namespace VmSim.Core.Kernel;

/// <summary>
/// Physical memory that address spaces share, a process and the children it forks, or all processes: frames, the view of the page cache,
/// and the locks of both. Its spaces are of one <see cref="SpaceGroup"/>, which may have more pools.
/// </summary>
public sealed class MemoryPool
{
    private readonly List<AddressSpace> _members = [];

    internal MemoryPool(MachineSpec machine, KernelProfile kernel, int index, FramePool frames, PageCache cache, GuestMachine? guest = null)
    {
        Index = index;
        Frames = frames;
        Locks = new PoolLocks(machine, kernel, frames.Capacity);
        Cache = cache;
        Guest = guest;
        frames.HandedOut = guest is null ? null : [];
    }

    /// <summary>Number of the pool in the run.</summary>
    public int Index { get; }

    /// <summary>The spaces, by rising number.</summary>
    public IReadOnlyList<AddressSpace> Members => _members;

    /// <summary>Frames of all members.</summary>
    public FramePool Frames { get; }

    /// <summary>File pages of all members.</summary>
    public PageCache Cache { get; }

    /// <summary>The virtual machine whose memory it is; null for none.</summary>
    public GuestMachine? Guest { get; }

    /// <summary>Locks of the pool.</summary>
    internal PoolLocks Locks { get; }

    /// <summary>What the cores' caches remember of the kernel's work for the pool.</summary>
    internal CoreWarmth Warmth { get; } = new();

    /// <summary>All that it counts, in the order of reports.</summary>
    internal IEnumerable<CounterSet> CounterSets => [Frames.Counters];

    /// <summary>Adds a member.</summary>
    internal void Add(AddressSpace space) => _members.Add(space);
}
