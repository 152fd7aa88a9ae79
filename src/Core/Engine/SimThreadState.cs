using VmSim.Core.Addresses;

namespace VmSim.Core.Engine;

/// <summary>Where a thread stands, for a core on another node that takes it over. The program itself is known there.</summary>
/// <param name="Thread">The thread's number in the run.</param>
/// <param name="Core">The core it ran on last.</param>
/// <param name="Consumed">Operations that are wholly behind it.</param>
/// <param name="Operations">Operations that were read from its program and lie before it; the first may be begun.</param>
/// <param name="Started">When it ran first; -1 before.</param>
/// <param name="Accesses">Accesses it has made.</param>
/// <param name="Faults">Page faults it has taken.</param>
public sealed record SimThreadState(
    ThreadId Thread, CoreId Core, long Consumed, ulong[] Operations, Cycles Started, long Accesses, long Faults)
{
    /// <summary>Where it stands in the sampling of its accesses, as plain numbers; empty if they are not sampled.</summary>
    public IReadOnlyList<long> Sampling { get; init; } = [];
}
