using VmSim.Core.Addresses;
using VmSim.Core.Kernel;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Engine;

/// <summary>Cores and groups of address spaces that can influence each other. Domains never wait for one another.</summary>
public sealed class Domain
{
    private readonly World _world;
    private readonly CoreMask _mask;

    private Domain(World world, int index, CoreModel[] cores, SpaceGroup[] groups)
    {
        _world = world;
        Index = index;
        Cores = cores;
        Groups = groups;
        _mask = new CoreMask(world.Cores.Count);
        foreach (CoreModel core in cores)
        {
            _mask.Add(core.Core.Value);
        }

        foreach (SpaceGroup group in groups)
        {
            group.Join(index, _mask);
        }

        foreach (CoreModel core in cores)
        {
            core.Domain = this;
        }
    }

    /// <summary>Number of the domain in the run.</summary>
    public int Index { get; }

    /// <summary>
    /// How far the core has come that has come farthest, in cycles. Domains do not wait for each other: where a run is stopped, they stand
    /// at different times.
    /// </summary>
    internal long Reached => Cores.Max(core => core.Clock);

    /// <summary>Its cores, by rising number.</summary>
    public IReadOnlyList<CoreModel> Cores { get; }

    /// <summary>Its groups, by rising number.</summary>
    public IReadOnlyList<SpaceGroup> Groups { get; }

    /// <summary>Whether a core is of the domain.</summary>
    internal bool HasCore(CoreId core) => _mask.Contains(core);

    /// <summary>Hands a message to whom it is for.</summary>
    public void Route(in SimMessage message)
    {
        if (message.Target < _world.Cores.Count)
        {
            _world.Cores[message.Target].Deliver(message);
        }
        else
        {
            _world.GroupOf(message.Space).Deliver(message);
        }
    }

    /// <summary>Splits the world into connected parts: a thread connects its core with the group of its space.</summary>
    internal static IReadOnlyList<Domain> Partition(World world, WorldLayout layout)
    {
        int cores = world.Cores.Count;
        int[] parent = new int[cores + world.Groups.Count];
        for (int i = 0; i < parent.Length; i++)
        {
            parent[i] = i;
        }

        foreach (SimThread thread in layout.Threads)
        {
            SpacePlan plan = layout.Spaces[thread.Space.Value];
            Union(parent, thread.Core.Value, cores + plan.Group);
            for (int core = 0; plan.Image.MayMigrate && core < cores; core++)
            {
                Union(parent, core, cores + plan.Group);
            }
        }

        List<Domain> domains = [];
        SortedDictionary<int, (List<CoreModel> Cores, List<SpaceGroup> Groups)> parts = [];
        for (int i = 0; i < parent.Length; i++)
        {
            int root = Root(parent, i);
            if (!parts.TryGetValue(root, out (List<CoreModel> Cores, List<SpaceGroup> Groups) part))
            {
                part = ([], []);
                parts.Add(root, part);
            }

            if (i < cores)
            {
                part.Cores.Add(world.Cores[i]);
            }
            else
            {
                part.Groups.Add(world.Groups[i - cores]);
            }
        }

        foreach ((List<CoreModel> partCores, List<SpaceGroup> partGroups) in parts.Values)
        {
            if (partGroups.Count > 0)
            {
                domains.Add(new Domain(world, domains.Count, [.. partCores], [.. partGroups]));
            }
        }

        return domains;
    }

    private static int Root(int[] parent, int item)
    {
        while (parent[item] != item)
        {
            parent[item] = parent[parent[item]];
            item = parent[item];
        }

        return item;
    }

    private static void Union(int[] parent, int a, int b)
    {
        int rootA = Root(parent, a);
        int rootB = Root(parent, b);
        parent[Math.Max(rootA, rootB)] = Math.Min(rootA, rootB);
    }
}
