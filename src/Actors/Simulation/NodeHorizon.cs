using VmSim.Core.Addresses;

namespace VmSim.Actors.Simulation;

/// <summary>When something happens next on one node of a split domain, as the node knows it, and when what it sent is there.</summary>
/// <param name="Core">Time of its earliest core; <see cref="Cycles.Never"/> if none has anything to do.</param>
/// <param name="Group">Time of the earliest event of its groups.</param>
/// <param name="SentToCores">Delivery time of the earliest message that it sends to cores of other nodes with this.</param>
/// <param name="SentToGroups">Delivery time of the earliest message that it sends to groups of other nodes with this.</param>
public readonly record struct NodeHorizon(Cycles Core, Cycles Group, Cycles SentToCores, Cycles SentToGroups)
{
    /// <summary>Nobody has anything to do.</summary>
    public static NodeHorizon Empty { get; } = new(Cycles.Never, Cycles.Never, Cycles.Never, Cycles.Never);
}
