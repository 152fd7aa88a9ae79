using VmSim.Core.Addresses;
using VmSim.Core.Machine;
using VmSim.Core.Programs;
using VmSim.Core.Scenarios;
using VmSim.Core.Settings;
using VmSim.Core.Statistics;

namespace VmSim.Core.Engine;

/// <summary>One address space of the run, before it is built.</summary>
/// <param name="Name">The process's name.</param>
/// <param name="Image">What it runs.</param>
/// <param name="Group">The group of spaces with which it handles messages in one order.</param>
/// <param name="Pool">The memory that it shares with spaces of its group.</param>
/// <param name="Parent">The space it is forked from; -1 for none.</param>
/// <param name="FirstThread">Number of its first thread.</param>
/// <param name="Children">Spaces that it forks, by child number.</param>
internal sealed record SpacePlan(string Name, ProgramImage Image, int Group, int Pool, int Parent, int FirstThread, List<int> Children);

/// <summary>Numbers the spaces and threads of a scenario and places threads on cores. Depends on the scenario alone.</summary>
internal sealed class WorldLayout
{
    /// <summary>Most address spaces: as many copies as a process may have, and as many forks as a trace may.</summary>
    private const int SpacesMax = 1 << 17;

    /// <summary>Keeps the draws of placement apart from those that others make from the same seed.</summary>
    private const ulong Salt = 0x6E6F6973652D3033;

    /// <summary>Most threads, of all processes together.</summary>
    private const int ThreadsMax = 1 << 20;

    private readonly MachineSpec _machine;
    private readonly string _placement;
    private readonly bool _isOneGroup;
    private readonly List<bool> _virtualPools = [];

    /// <summary>The core that stands at each number, where placement is noisy; null where each stands at its own.</summary>
    private readonly int[]? _order;

    /// <summary>Lays a scenario out.</summary>
    /// <param name="scenario">The scenario.</param>
    /// <param name="sharesMachine">Whether the shootdown protocol has something that all spaces share.</param>
    public WorldLayout(ScenarioSpec scenario, bool sharesMachine)
    {
        _isOneGroup = sharesMachine || scenario.Memory.Shared;
        _machine = scenario.Machine;
        _placement = scenario.Threads.Placement;
        _order = scenario.Noise.Placement ? Shuffled(scenario.Seed) : null;
        foreach (ProcessSpec process in scenario.Processes)
        {
            for (int copy = 0; copy < process.Count; copy++)
            {
                string name = process.Count == 1 ? process.Name : $"{process.Name}-{copy}";
                bool isVirtual = process.Virtual ?? _machine.Virtual;
                int pool = scenario.Memory.Shared ? _virtualPools.IndexOf(isVirtual) : -1;
                if (pool < 0)
                {
                    pool = PoolCount;
                    _virtualPools.Add(isVirtual);
                }

                AddSpace(name, process.Program(copy), pool, parent: -1);
            }
        }

        if (Threads.Count == 0)
        {
            throw new ScenarioException("processes: the scenario has no thread to run; name at least one process");
        }
    }

    public List<SpacePlan> Spaces { get; } = [];

    public List<SimThread> Threads { get; } = [];

    /// <summary>
    /// Memory pools: one for each process and its forks; with shared memory one of the processes in a virtual machine, and one of others.
    /// </summary>
    public int PoolCount => _virtualPools.Count;

    /// <summary>Of each pool whether it is the memory of a virtual machine.</summary>
    public IReadOnlyList<bool> VirtualPools => _virtualPools;

    public int GroupCount => _isOneGroup ? 1 : PoolCount;

    /// <summary>Refuses more address spaces or threads than a run may have.</summary>
    /// <param name="name">The process with which there are so many.</param>
    /// <param name="spaces">Address spaces up to it.</param>
    /// <param name="threads">Threads up to it.</param>
    /// <exception cref="ScenarioException">There are too many.</exception>
    public static void RequireNumbers(string name, double spaces, double threads)
    {
        if (spaces > SpacesMax || threads > ThreadsMax)
        {
            throw new ScenarioException(
                $"processes: with {name} there are {spaces:N0} address spaces and {threads:N0} threads; at most {SpacesMax:N0} and "
                + $"{ThreadsMax:N0} are allowed, copies and forks counted in");
        }
    }

    private int AddSpace(string name, ProgramImage image, int pool, int parent)
    {
        int number = Spaces.Count;
        RequireNumbers(name, number + 1, Threads.Count + (long)image.Threads.Count);
        SpacePlan plan = new(name, image, _isOneGroup ? 0 : pool, pool, parent, Threads.Count, []);
        Spaces.Add(plan);
        for (int i = 0; i < image.Threads.Count; i++)
        {
            ThreadProgram program = image.Threads[i];
            Threads.Add(new SimThread(new ThreadId(Threads.Count), i, new SpaceId(number), program, Place(program, Threads.Count)));
        }

        for (int i = 0; i < image.Children.Count; i++)
        {
            plan.Children.Add(AddSpace($"{name}.child{i}", image.Children[i], pool, number));
        }

        return number;
    }

    private CoreId Place(ThreadProgram program, int number)
    {
        if (program.Core is { } pinned)
        {
            return (uint)pinned.Value < (uint)_machine.Cores
                ? pinned
                : throw new ScenarioException(
                    $"thread {program.Name} is pinned to core {pinned.Value}; the machine has cores 0 to {_machine.Cores - 1}");
        }

        int slot = number % _machine.Cores;
        int core = _placement switch
        {
            "single" => 0,
            "spread" => Spread(slot),
            _ => slot,
        };
        return new CoreId(_order?[core] ?? core);
    }

    /// <summary>All cores in an order that the seed alone decides (Fisher and Yates).</summary>
    private int[] Shuffled(ulong seed)
    {
        int[] order = [.. Enumerable.Range(0, _machine.Cores)];
        SeededRandom random = new(SeededRandom.Mix(seed ^ Salt));
        for (int left = order.Length; left > 1; left--)
        {
            int drawn = (int)random.Below((ulong)left);
            (order[drawn], order[left - 1]) = (order[left - 1], order[drawn]);
        }

        return order;
    }

    /// <summary>Alternates sockets; fills up from below where the last socket has fewer cores.</summary>
    private int Spread(int slot)
    {
        int perSocket = _machine.CoresPerSocket;
        int seen = 0;
        for (int row = 0; row < perSocket; row++)
        {
            for (int socket = 0; socket < _machine.Sockets; socket++)
            {
                int core = (socket * perSocket) + row;
                if (core < _machine.Cores && seen++ == slot)
                {
                    return core;
                }
            }
        }

        return slot;
    }
}
