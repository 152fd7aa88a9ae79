using VmSim.Core.Addresses;
using VmSim.Core.Checking;
using VmSim.Core.Kernel;
using VmSim.Core.Machine;
using VmSim.Core.Memory;
using VmSim.Core.Mmu;
using VmSim.Core.Paging;
using VmSim.Core.Programs;
using VmSim.Core.Scenarios;
using VmSim.Core.Settings;
using VmSim.Core.Shootdown;
using VmSim.Core.Statistics;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Engine;

/// <summary>Everything that is simulated in one run: cores, address spaces, threads, and the domains they form.</summary>
public sealed class World : IDisposable
{
    /// <summary>
    /// The table pages of each space have 64 GiB of addresses of their own, so that caches of page-table lines tell them apart.
    /// </summary>
    private const int TableSpaceShift = 36;

    private readonly CoreModel[] _cores;
    private readonly AddressSpace[] _spaces;
    private readonly SimThread[] _threads;
    private readonly bool[] _runsAtStart;
    private readonly SpaceGroup[] _groups;
    private readonly MemoryPool[] _pools;

    /// <summary>Where guests' memory lies; null without virtual machines.</summary>
    private readonly GuestLayout? _guests;

    /// <summary>Builds the world of a scenario at time 0.</summary>
    /// <exception cref="ScenarioException">The scenario names something that does not exist or cannot be.</exception>
    /// <param name="scenario">What is simulated.</param>
    /// <param name="check">Whether a translation checker watches, whatever the scenario says.</param>
    /// <param name="protocol">The shootdown protocol; null for the one that the scenario names.</param>
    /// <param name="lists">What the report is to have one by one, which takes memory for each; null for nothing.</param>
    public World(ScenarioSpec scenario, bool check = false, IShootdownProtocol? protocol = null, RunLists? lists = null)
    {
        ArgumentNullException.ThrowIfNull(scenario);
        Lists = lists ?? RunLists.None;
        Scenario = scenario;
        MachineSpec machine = scenario.Machine;
        Protocol = protocol ?? WorldParts.ProtocolOf(scenario);
        Format = WorldParts.FormatOf(scenario);
        Delays = new Delays(machine, scenario.Kernel, Protocol.Messages(machine, scenario.Kernel));
        MachineShootdown? machineHalf = Protocol.CreateMachineHalf(machine, scenario.Kernel);
        WorldLayout layout = new(scenario, sharesMachine: machineHalf is not null);
        SpaceCount = layout.Spaces.Count;
        _threads = [.. layout.Threads];
        _runsAtStart = new bool[_threads.Length];
        _groups = new SpaceGroup[layout.GroupCount];
        _pools = new MemoryPool[layout.PoolCount];
        _spaces = new AddressSpace[SpaceCount];
        RefillMisses = new RefillMisses(SpaceCount);
        _guests = layout.VirtualPools.Contains(true)
            ? new GuestLayout(scenario, Format, layout, Math.Max(1, Protocol.Tables(machine)))
            : null;
        IReadOnlyList<ProgramImage> images = [.. layout.Spaces.Select(space => space.Image)];
        VirtualMemoryOptions options = scenario.Memory.ToOptions() with { Backends = WorldParts.BackendsOf(scenario, images) };
        SpaceSetup setup = new(machine, scenario.Kernel, Delays, Protocol, SpaceCount, scenario.Warmup)
        {
            BackendCounters = WorldParts.BackendCounters(options, images),
            Lists = Lists,
            TagCount = TagCount,
            Noise = scenario.Noise.Interrupt == 0 ? null : new InterruptNoise(scenario.Seed, scenario.Noise.Interrupt),
            HasGuests = HasGuests,
        };
        SampleThreads(scenario, check);
        BuildSpaces(layout, setup, options, machineHalf);
        _cores = new CoreModel[machine.Cores];
        for (int i = 0; i < _cores.Length; i++)
        {
            _cores[i] = new CoreModel(this, new CoreId(i));
        }

        Delay(MessageSchedule.Parse(scenario.Schedule, machine.Cores));

        foreach (SimThread thread in layout.Threads)
        {
            _runsAtStart[thread.Id.Value] = thread.StartsRunnable && _spaces[thread.Space.Value].Memory is not null;
            if (_runsAtStart[thread.Id.Value])
            {
                _cores[thread.Core.Value].AddThread(thread);
            }
        }

        RequireDistinctCounters();
        Domains = Domain.Partition(this, layout);
        foreach (CoreModel core in _cores)
        {
            core.Start();
        }

        if (check || scenario.IsChecked)
        {
            Checker = new TranslationChecker(new CheckedWorld(_pools, _spaces, _cores, [.. _threads.Select(thread => thread.Name)], Delays)
            {
                AllowedStaleness = Protocol.AllowedStaleness(machine, scenario.Kernel).Value,
                Values = scenario.ChecksValues,
            });
            foreach (CoreModel core in _cores)
            {
                core.WatchedBy(Checker.Core(core.Core));
            }
        }
    }

    /// <summary>What is simulated.</summary>
    public ScenarioSpec Scenario { get; }

    /// <summary>What is kept one by one.</summary>
    public RunLists Lists { get; }

    /// <summary>The shootdown protocol.</summary>
    public IShootdownProtocol Protocol { get; }

    /// <summary>The translation checker; null if none watches.</summary>
    public TranslationChecker? Checker { get; }

    /// <summary>The page-table format.</summary>
    public PageTableFormat Format { get; }

    /// <summary>Tags that spaces can have, which are pairs under page-table isolation: one bit says whose half it is.</summary>
    internal int TagCount => Scenario.Kernel.PageTableIsolation ? Format.TagCount / 2 : Format.TagCount;

    /// <summary>The run's least delays.</summary>
    public Delays Delays { get; }

    /// <summary>How many address spaces there are, those of later forks included.</summary>
    public int SpaceCount { get; }

    /// <summary>The cores, by number.</summary>
    public IReadOnlyList<CoreModel> Cores => _cores;

    /// <summary>The address spaces, by number.</summary>
    public IReadOnlyList<AddressSpace> Spaces => _spaces;

    /// <summary>The threads, by number.</summary>
    public IReadOnlyList<SimThread> Threads => _threads;

    /// <summary>The groups of spaces that share anything, by number.</summary>
    public IReadOnlyList<SpaceGroup> Groups => _groups;

    /// <summary>The memory pools, by number.</summary>
    public IReadOnlyList<MemoryPool> Pools => _pools;

    /// <summary>The domains: cores and groups that can influence each other.</summary>
    public IReadOnlyList<Domain> Domains { get; }

    /// <summary>The refill misses that shootdowns caused.</summary>
    internal RefillMisses RefillMisses { get; }

    /// <summary>
    /// When the last thread ended; null while one that began has not. Its process takes its memory apart afterwards: a run of the same
    /// scenario that ends at this time has done all that the thread did, and the process still has its memory.
    /// </summary>
    public Cycles? LastEnd
    {
        get
        {
            SimThread[] begun = [.. _threads.Where(thread => thread.Started >= 0)];
            return begun.Length > 0 && Array.TrueForAll(begun, thread => thread.Ended >= 0) ? begun.Max(thread => thread.Ended) : null;
        }
    }

    /// <summary>The group of a space.</summary>
    public SpaceGroup GroupOf(SpaceId space) => _spaces[space.Value].Group;

    /// <summary>
    /// Whether a thread is on its core at time 0; others are started by a thread or by the fork that makes their process.
    /// </summary>
    internal bool IsRunnableAtStart(SimThread thread) => _runsAtStart[thread.Id.Value];

    internal PageTable TableOf(int space, int table) => _spaces[space].Tables[table];

    /// <summary>Whether any process runs in a virtual machine.</summary>
    internal bool HasGuests => _guests is not null;

    /// <summary>The virtual machine that a space runs in; null for none.</summary>
    internal GuestMachine? GuestOf(int space) => _spaces[space].Pool.Guest;

    internal int TargetOf(SpaceId space) => _cores.Length + space.Value;

    /// <summary>Somebody hears of every message and, if a checker watches, of every access, from the beginning of the run.</summary>
    internal void WatchedBy(ISendWatch messages, IRunWatch? run)
    {
        foreach (CoreModel core in _cores)
        {
            core.Outbox.WatchedBy(messages, isCore: true);
        }

        foreach (AddressSpace space in _spaces)
        {
            space.Outbox.WatchedBy(messages, isCore: false);
        }

        if (run is not null)
        {
            Checker?.WatchedBy(run);
        }
    }

    /// <summary>
    /// A run on nodes begins where the world stands, at the end of a window: threads are on the nodes of the cores that have them now.
    /// </summary>
    /// <param name="keepsSums">Whether this node keeps what is summed up over all nodes; one of them does.</param>
    public void Settle(bool keepsSums)
    {
        Array.ForEach(_threads, thread => thread.Settle());
        if (!keepsSums)
        {
            RefillMisses.Clear();
        }
    }

    /// <summary>Gives native memory back.</summary>
    public void Dispose()
    {
        foreach (CoreModel core in _cores)
        {
            core.Mmu.Dispose();
        }

        foreach (AddressSpace space in _spaces)
        {
            space.Tables.Dispose();
        }

        foreach (MemoryPool pool in _pools)
        {
            pool.Guest?.Table.Dispose();
        }
    }

    /// <summary>
    /// Reports list counters by place and people find them by name: all halves of a protocol declare the same, and no name twice.
    /// </summary>
    private void RequireDistinctCounters()
    {
        CounterInfo[] ofCore = [.. _cores[0].CounterSets.SelectMany(set => set.Declared)];
        CounterInfo[] ofSpace = [.. _spaces.Take(1).SelectMany(space => space.CounterSets).SelectMany(set => set.Declared)];
        CounterInfo[] ofPool = [.. _pools.Take(1).SelectMany(pool => pool.CounterSets).SelectMany(set => set.Declared)];
        bool areAlike = Array.TrueForAll(_cores, core => core.CounterSets.SelectMany(set => set.Declared).SequenceEqual(ofCore))
            && Array.TrueForAll(_spaces, space => space.CounterSets.SelectMany(set => set.Declared).SequenceEqual(ofSpace));
        if (!areAlike)
        {
            throw new ScenarioException(
                $"shootdown.protocol: halves of {Protocol.Name} declare different counters; give every core half the same, and every "
                    + $"space half");
        }

        HashSet<string> names = [];
        foreach (CounterInfo counter in (IEnumerable<CounterInfo>)[CoreCycles.OfRun, .. ofCore, .. ofSpace, .. ofPool])
        {
            if (!names.Add(counter.Name))
            {
                throw new ScenarioException(
                    $"there are two counters \"{counter.Name}\" in the run; give those of a protocol or backend of your own other names");
            }
        }
    }

    /// <summary>Messages come late from now on, in place of those that came late before, and somebody hears of them.</summary>
    internal void Delay(MessageSchedule schedule, ISendWatch watch)
    {
        Delay(schedule);
        foreach (int sender in schedule.Delays.Select(delay => delay.Sender).Distinct())
        {
            bool isCore = sender < _cores.Length;
            (isCore ? _cores[sender].Outbox : _spaces[sender - _cores.Length].Outbox).WatchedBy(watch, isCore);
        }
    }

    private void Delay(MessageSchedule schedule)
    {
        foreach (MessageDelay delay in schedule.Delays)
        {
            if (delay.Sender >= _cores.Length + SpaceCount)
            {
                throw new ScenarioException(
                    $"schedule: space {delay.Sender - _cores.Length} found; spaces from 0 to {SpaceCount - 1} are allowed");
            }

            bool isCore = delay.Sender < _cores.Length;
            Outbox outbox = isCore ? _cores[delay.Sender].Outbox : _spaces[delay.Sender - _cores.Length].Outbox;
            outbox.DelayedBy(schedule.Of(delay.Sender, isCore));
        }
    }

    /// <summary>Has the accesses of all threads sampled, if the scenario says so.</summary>
    /// <exception cref="ScenarioException">Something else in the scenario needs to hear of every access.</exception>
    private void SampleThreads(ScenarioSpec scenario, bool check)
    {
        if (!scenario.Sampling.Enabled)
        {
            return;
        }

        const string Found = "sampling.enabled: on found";
        if (check || scenario.IsChecked)
        {
            throw new ScenarioException($"{Found} with the translation checker, which watches every access; turn one of them off");
        }

        if ((Protocol.Watches & (CoreEvents.Walks | CoreEvents.Fills | CoreEvents.Evictions)) != CoreEvents.None)
        {
            throw new ScenarioException(
                $"{Found} with the shootdown protocol {Protocol.Name}, which hears of every walk or fill; protocols that hear of none are "
                    + "allowed");
        }

        if (HasGuests)
        {
            throw new ScenarioException(
                $"{Found} with virtual machines, whose hosts' tables can fault at any access; processes outside of them are allowed");
        }

        MmuSpec mmu = scenario.Machine.Mmu;
        long entries = mmu.Data4K.Entries + (long)mmu.Second.Entries;
        foreach (SimThread thread in _threads)
        {
            thread.Sampling = new ThreadSampling(scenario.Sampling, scenario.Seed, thread.Id, entries);
        }
    }

    private PageTableSet NewTables(int space)
    {
        PageTable[] tables = new PageTable[Math.Max(1, Protocol.Tables(Scenario.Machine))];
        for (int i = 0; i < tables.Length; i++)
        {
            PhysAddr at = _guests?.TableBase(space, i) ?? new PhysAddr((ulong)((i * SpaceCount) + space) << TableSpaceShift);
            tables[i] = new PageTable(Format) { TableBase = at };
        }

        return new PageTableSet(tables, Protocol.FillsTablesOnDemand);
    }

    private void BuildSpaces(WorldLayout layout, SpaceSetup setup, VirtualMemoryOptions options, MachineShootdown? machineHalf)
    {
        MemorySpec memory = Scenario.Memory;
        for (int i = 0; i < _groups.Length; i++)
        {
            _groups[i] = new SpaceGroup(setup, i, machineHalf);
        }

        for (int i = 0; i < _pools.Length; i++)
        {
            FramePool frames = new(memory.Bytes);
            PageCache cache = new(frames, memory.WarmPageCache, options.Folios);
            _pools[i] = new MemoryPool(setup.Machine, setup.Kernel, i, frames, cache, layout.VirtualPools[i] ? _guests!.Make(i) : null);
        }

        for (int i = 0; i < SpaceCount; i++)
        {
            SpacePlan plan = layout.Spaces[i];
            SpaceGroup group = _groups[plan.Group];
            MemoryPool pool = _pools[plan.Pool];
            IReadOnlyList<CoreId> coreOf =
                [.. layout.Threads.Skip(plan.FirstThread).Take(plan.Image.Threads.Count).Select(thread => thread.Core)];
            _spaces[i] = new AddressSpace(
                setup,
                group,
                pool,
                new SpaceIdentity(new SpaceId(i), plan.Name, new ThreadId(plan.FirstThread), coreOf),
                plan.Image,
                NewTables(i));
            pool.Add(_spaces[i]);
            group.Add(_spaces[i]);
        }

        for (int i = 0; i < SpaceCount; i++)
        {
            SpacePlan plan = layout.Spaces[i];
            _spaces[i].Children = [.. plan.Children.Select(child => _spaces[child])];
            if (plan.Parent < 0)
            {
                _spaces[i].AttachInitialMemory(options);
            }
        }
    }
}
