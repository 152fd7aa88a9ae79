using VmSim.Core.Addresses;
using VmSim.Core.Kernel;

namespace VmSim.Core.Engine;

/// <summary>
/// Which node of a cluster simulates which cores and groups. A domain lives on one node if it fits; a domain that is split has each group
/// beside most of its cores. Every node works the placement out for itself, from the scenario alone.
/// </summary>
public sealed class NodePlacement
{
    private readonly World _world;
    private readonly int[] _nodeOfCore;
    private readonly int[] _nodeOfGroup;

    /// <summary>Places the domains of a world.</summary>
    /// <param name="world">The world.</param>
    /// <param name="nodes">Nodes of the cluster, at least 1.</param>
    /// <param name="coresPerNode">Most cores that a domain may have to live on one node; 0 splits every domain.</param>
    public NodePlacement(World world, int nodes, int coresPerNode)
    {
        ArgumentNullException.ThrowIfNull(world);
        ArgumentOutOfRangeException.ThrowIfLessThan(nodes, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(coresPerNode);
        _world = world;
        Nodes = nodes;
        _nodeOfCore = new int[world.Cores.Count];
        _nodeOfGroup = new int[world.Groups.Count];
        int[] load = new int[nodes];
        foreach (Domain domain in world.Domains.OrderByDescending(domain => domain.Cores.Count).ThenBy(domain => domain.Index))
        {
            if (domain.Cores.Count <= coresPerNode || nodes == 1)
            {
                PlaceWhole(domain, load);
            }
            else
            {
                Split(domain, load);
            }
        }
    }

    /// <summary>Nodes of the cluster.</summary>
    public int Nodes { get; }

    /// <summary>The node of a core.</summary>
    public int NodeOf(CoreId core) => _nodeOfCore[core.Value];

    /// <summary>Whether a thread of this node's world is on this node.</summary>
    public bool IsOn(int node, SimThread thread)
    {
        ArgumentNullException.ThrowIfNull(thread);
        return thread.Moved == ThreadMove.None ? _nodeOfCore[thread.Origin.Value] == node : thread.Moved == ThreadMove.Came;
    }

    /// <summary>The node of a group of address spaces.</summary>
    public int NodeOfGroup(int group) => _nodeOfGroup[group];

    /// <summary>The node of a message's target.</summary>
    public int NodeOfTarget(int target) =>
        target < _nodeOfCore.Length ? _nodeOfCore[target] : _nodeOfGroup[_world.GroupOf(new SpaceId(target - _nodeOfCore.Length)).Index];

    /// <summary>The nodes that share a domain, ascending.</summary>
    public IReadOnlyList<int> NodesOf(Domain domain)
    {
        ArgumentNullException.ThrowIfNull(domain);
        return [.. domain.Cores.Select(core => _nodeOfCore[core.Core.Value])
            .Concat(domain.Groups.Select(group => _nodeOfGroup[group.Index])).Distinct().Order()];
    }

    /// <summary>Cores of a node, by rising number; those without any thread belong to node 0.</summary>
    public IReadOnlyList<CoreModel> CoresOf(int node) => [.. _world.Cores.Where(core => _nodeOfCore[core.Core.Value] == node)];

    /// <summary>Groups of a node, by rising number.</summary>
    public IReadOnlyList<SpaceGroup> GroupsOf(int node) => [.. _world.Groups.Where(group => _nodeOfGroup[group.Index] == node)];

    /// <summary>Nodes other than its own, ascending, on which cores walk the page table of a space.</summary>
    public IReadOnlyList<int> ReadersOf(AddressSpace space)
    {
        ArgumentNullException.ThrowIfNull(space);
        int home = _nodeOfGroup[space.Group.Index];
        IEnumerable<int> nodes = space.Image.MayMigrate
            ? NodesOf(_world.Domains[space.Group.DomainIndex])
            : _world.Threads.Where(thread => thread.Space == space.Space).Select(thread => _nodeOfCore[thread.Placed.Value]);
        return [.. nodes.Where(node => node != home).Distinct().Order()];
    }

    private void PlaceWhole(Domain domain, int[] load)
    {
        int node = LeastOf(load);
        load[node] += domain.Cores.Count;
        foreach (CoreModel core in domain.Cores)
        {
            _nodeOfCore[core.Core.Value] = node;
        }

        foreach (SpaceGroup group in domain.Groups)
        {
            _nodeOfGroup[group.Index] = node;
        }
    }

    private void Split(Domain domain, int[] load)
    {
        int[] threads = new int[Nodes];
        Dictionary<int, int> threadsOfGroup = domain.Groups.ToDictionary(
            group => group.Index, group => _world.Threads.Count(thread => _world.GroupOf(thread.Space) == group));
        foreach (SpaceGroup group in domain.Groups.OrderByDescending(group => threadsOfGroup[group.Index]).ThenBy(group => group.Index))
        {
            int node = LeastOf(threads);
            threads[node] += threadsOfGroup[group.Index];
            _nodeOfGroup[group.Index] = node;
        }

        int[] cores = new int[Nodes];
        int most = (domain.Cores.Count + Nodes - 1) / Nodes;
        int[][] wanted = WantedNodes(domain);
        for (int i = 0; i < domain.Cores.Count; i++)
        {
            int[] wishes = wanted[i];
            int best = LeastOf(cores);
            for (int node = 0; node < Nodes; node++)
            {
                best = cores[node] < most && wishes[node] > wishes[best] ? node : best;
            }

            int core = domain.Cores[i].Core.Value;
            cores[best]++;
            _nodeOfCore[core] = best;
            load[best]++;
        }
    }

    /// <summary>For each core of a domain, how many of its threads have their space on each node.</summary>
    private int[][] WantedNodes(Domain domain)
    {
        int[] index = new int[_nodeOfCore.Length];
        int[][] wanted = new int[domain.Cores.Count][];
        for (int i = 0; i < wanted.Length; i++)
        {
            wanted[i] = new int[Nodes];
            index[domain.Cores[i].Core.Value] = i;
        }

        foreach (SimThread thread in _world.Threads)
        {
            SpaceGroup group = _world.GroupOf(thread.Space);
            if (group.DomainIndex == domain.Index)
            {
                wanted[index[thread.Placed.Value]][_nodeOfGroup[group.Index]]++;
            }
        }

        return wanted;
    }

    private static int LeastOf(int[] load) => Array.IndexOf(load, load.Min());
}
