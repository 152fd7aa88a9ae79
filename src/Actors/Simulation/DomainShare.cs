using VmSim.Core.Engine;
using VmSim.Core.Kernel;

namespace VmSim.Actors.Simulation;

/// <summary>The part of a domain that one node simulates.</summary>
public sealed class DomainShare
{
    private readonly NodePlacement _placement;

    /// <summary>Selects what of a domain lives on a node.</summary>
    /// <param name="domain">The domain.</param>
    /// <param name="placement">The node of each core and group.</param>
    /// <param name="node">The node.</param>
    public DomainShare(Domain domain, NodePlacement placement, int node)
    {
        ArgumentNullException.ThrowIfNull(domain);
        ArgumentNullException.ThrowIfNull(placement);
        _placement = placement;
        Domain = domain;
        Node = node;
        Cores = [.. domain.Cores.Where(core => placement.NodeOf(core.Core) == node)];
        Groups = [.. domain.Groups.Where(group => placement.NodeOfGroup(group.Index) == node)];
        Peers = [.. placement.NodesOf(domain).Where(peer => peer != node)];
    }

    /// <summary>The domain.</summary>
    public Domain Domain { get; }

    /// <summary>The node.</summary>
    public int Node { get; }

    /// <summary>Cores that live here, by rising number.</summary>
    public IReadOnlyList<CoreModel> Cores { get; }

    /// <summary>Groups that live here, by rising number.</summary>
    public IReadOnlyList<SpaceGroup> Groups { get; }

    /// <summary>The other nodes that have a share.</summary>
    public IReadOnlyList<int> Peers { get; }

    /// <summary>Accesses that the cores here have made so far.</summary>
    public long Accesses
    {
        get
        {
            long accesses = 0;
            foreach (CoreModel core in Cores)
            {
                accesses += core.Counters[CoreCounters.Accesses];
            }

            return accesses;
        }
    }

    /// <summary>Whether there is anything to do here.</summary>
    public bool IsEmpty => Cores.Count == 0 && Groups.Count == 0;

    /// <summary>Threads of the domain that are on the node now.</summary>
    public IEnumerable<SimThread> Threads(World world)
    {
        ArgumentNullException.ThrowIfNull(world);
        return world.Threads
            .Where(thread => world.GroupOf(thread.Space).DomainIndex == Domain.Index && _placement.IsOn(Node, thread));
    }

    /// <summary>The node of a message's target.</summary>
    public int NodeOfTarget(int target) => _placement.NodeOfTarget(target);

    /// <summary>Nodes other than its own on which cores walk the page table of a space.</summary>
    public IReadOnlyList<int> ReadersOf(AddressSpace space) => _placement.ReadersOf(space);
}
