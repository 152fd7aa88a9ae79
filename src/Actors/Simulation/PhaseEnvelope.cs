using VmSim.Core.Engine;
using VmSim.Core.VirtualTime;

namespace VmSim.Actors.Simulation;

/// <summary>Stores of one page table of an address space since the last envelope.</summary>
/// <param name="Space">The space.</param>
/// <param name="Table">Which of the space's tables.</param>
/// <param name="Changes">What its table's change log gave.</param>
public readonly record struct TableChanges(int Space, int Table, byte[] Changes);

/// <summary>
/// What one node of a split domain says to another when it can do no more by itself: the only thing that nodes send each other while they
/// simulate.
/// </summary>
public sealed record PhaseEnvelope
{
    /// <summary>The domain.</summary>
    public required int Domain { get; init; }

    /// <summary>The node that says it.</summary>
    public required int Node { get; init; }

    /// <summary>Running number of the exchange in the domain, from 0.</summary>
    public required long Exchange { get; init; }

    /// <summary>Whether the node was asked to stop.</summary>
    public bool Stopping { get; init; }

    /// <summary>Where the node's last core phase ended, in cycles.</summary>
    public required long Limit { get; init; }

    /// <summary>When the node has something to do next.</summary>
    public required NodeHorizon Horizon { get; init; }

    /// <summary>Messages of virtual time for the receiving node's cores and memory sets.</summary>
    public IReadOnlyList<SimMessage> Messages { get; init; } = [];

    /// <summary>Page-table stores that walkers on the receiving node will see.</summary>
    public IReadOnlyList<TableChanges> Tables { get; init; } = [];

    /// <summary>Threads that move to cores of the receiving node.</summary>
    public IReadOnlyList<SimThreadState> Threads { get; init; } = [];
}
