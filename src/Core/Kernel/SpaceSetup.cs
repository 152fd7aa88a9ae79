using VmSim.Core.Addresses;
using VmSim.Core.Machine;
using VmSim.Core.Shootdown;
using VmSim.Core.Statistics;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Kernel;

/// <summary>What all address spaces of a run have in common.</summary>
/// <param name="Machine">The machine.</param>
/// <param name="Kernel">The kernel's costs.</param>
/// <param name="Delays">The run's least delays.</param>
/// <param name="Protocol">The shootdown protocol.</param>
/// <param name="SpaceCount">How many spaces the run has, those of later forks included.</param>
/// <param name="Warmup">When counting begins, in cycles.</param>
internal sealed record SpaceSetup(
    MachineSpec Machine, KernelProfile Kernel, Delays Delays, IShootdownProtocol Protocol, int SpaceCount, long Warmup)
{
    /// <summary>What backends of the run count, one set of each class, all 0.</summary>
    public IReadOnlyList<CounterSet> BackendCounters { get; init; } = [];

    /// <summary>Tags that the page-table format has for spaces.</summary>
    public required int TagCount { get; init; }

    /// <summary>Whether any process runs in a virtual machine, so that all spaces have what is counted of hosts.</summary>
    public bool HasGuests { get; init; }

    /// <summary>What is kept one by one.</summary>
    public required RunLists Lists { get; init; }

    /// <summary>How late interrupts are; null for never.</summary>
    public InterruptNoise? Noise { get; init; }
}

/// <summary>One address space, before it is built.</summary>
/// <param name="Id">Its number.</param>
/// <param name="Name">The process's name.</param>
/// <param name="FirstThread">Number of the process's first thread among all threads of the run.</param>
/// <param name="CoreOf">The core on which each thread of the process is placed.</param>
internal sealed record SpaceIdentity(SpaceId Id, string Name, ThreadId FirstThread, IReadOnlyList<CoreId> CoreOf);
