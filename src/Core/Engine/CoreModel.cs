using VmSim.Core.Addresses;
using VmSim.Core.Checking;
using VmSim.Core.Kernel;
using VmSim.Core.Machine;
using VmSim.Core.Mmu;
using VmSim.Core.Paging;
using VmSim.Core.Shootdown;
using VmSim.Core.State;
using VmSim.Core.Statistics;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Engine;

/// <summary>
/// One CPU core: runs threads through its MMU, sends their traps to address spaces, answers invalidations. It hears of the rest of the
/// machine through messages alone, and reads page tables as of its own time.
/// </summary>
public sealed partial class CoreModel : ICoreShootdownContext, IRefillCounter, ICheckedCore
{
    private readonly World _world;
    private readonly Delays _delays;
    private readonly MessageHeap _inbox = new();
    private readonly Queue<SimThread> _ready = new();

    /// <summary>Threads of this core that wait for the order of a trace.</summary>
    private readonly List<SimThread> _awaiting = [];

    /// <summary>When the last trap reaches its space.</summary>
    private long _trapDue;

    /// <summary>What has come for a thread that goes on in the kernel before its space is loaded.</summary>
    private readonly Queue<SimMessage> _afterLoad = new();
    private readonly CoreShootdown _shootdown;
    private readonly LostTranslations _losses;
    private readonly bool _park;
    private readonly bool _kernelAccesses;
    private readonly bool _protocolHearsReturns;

    /// <summary>Whether something is done when user mode goes on, by the protocol or under page-table isolation.</summary>
    private readonly bool _tellsReturns;
    private readonly bool _tellsTranslations;

    /// <summary>Whether faults prime the TLB, and what walks mark is told as of their beginning.</summary>
    private readonly bool _primes;

    /// <summary>The page table that the core last walked for each space; null where spaces have one.</summary>
    private readonly int[]? _tables;
    private readonly long _warmup;
    private readonly long[] _accessCycles;
    private readonly bool _handlerSetsBits;
    private readonly long _bitsCycles;
    private CoreChecker? _watch;

    /// <summary>What it does when; null if nobody wants to know.</summary>
    private readonly CoreTimeline? _timeline;
    private PageTable? _table;
    private SimThread? _thread;
    private SimThread? _lastThread;
    private Asid _tag;

    /// <summary>The tag under which the kernel accesses user pages: another than user mode's under page-table isolation.</summary>
    private Asid _kernelTag;
    private long _clock;

    /// <summary>When the last system call that touched no mapping returned: an interrupt that fell due before met the kernel.</summary>
    private long _kernelUntil;

    private long _sliceEnd;
    private long _nextTick = long.MaxValue;
    private int _loadedSpace = -1;
    private bool _lazy;
    private bool _warm;

    /// <summary>Whether the protocol is to be told that the core goes on in user mode.</summary>
    private bool _entersUser;

    /// <summary>
    /// When what the core does was due: a message or tick, or an access from its beginning on; <see cref="long.MaxValue"/> between them. It
    /// always lies before the window's end.
    /// </summary>
    /// <remarks>
    /// Look-ups in page tables are made as of this time and not of the clock. The clock of a core that takes a message late may lie beyond
    /// the window's end, and stores that are visible by then may only be made in the next memory phase: a long window would find them and a
    /// short one would not.
    /// </remarks>
    private long _dueAt = long.MaxValue;

    internal CoreModel(World world, CoreId id)
    {
        _world = world;
        Core = id;
        Machine = world.Scenario.Machine;
        Kernel = world.Scenario.Kernel;
        _delays = world.Delays;
        _park = Kernel.Traps == TrapModes.Park;
        _kernelAccesses = world.Scenario.Memory.KernelAccesses;
        _warmup = world.Scenario.Warmup;
        _warm = _warmup == 0;
        _timeline = world.Lists.Shows(id) ? new CoreTimeline(world.Lists, Machine.Cores) : null;
        _accessCycles = [Machine.FetchCycles, Machine.LoadCycles, Machine.StoreCycles];
        _handlerSetsBits = Machine.Mmu.HandlerSets(world.Format);
        _bitsCycles = _handlerSetsBits ? Machine.Mmu.AccessedDirtyHandlerCycles : Kernel.AccessedDirtyCycles;
        Outbox = new Outbox(id.Value);
        _guestCounters = world.HasGuests ? new GuestCoreCounters() : null;
        Mmu = new CoreMmu(Machine.Mmu, world.Scenario.Seed + (ulong)id.Value);
        _losses = Mmu.RememberLosses(this);
        _mapped = world.Scenario.Sampling.Enabled ? new MappedPages() : null;
        CoreEvents watches = world.Protocol.Watches;
        _protocolHearsReturns = (watches & CoreEvents.UserReturns) != 0;
        Pairs = Kernel.PageTableIsolation ? new TagPairs(this, world.Protocol.Isolation == IsolationKind.Untagged) : null;
        _tellsReturns = _protocolHearsReturns || Pairs is not null;
        _tellsTranslations = (watches & ~CoreEvents.UserReturns) != 0;
        if (_tellsTranslations)
        {
            Mmu.RememberEvents((watches & CoreEvents.Fills) != 0, (watches & CoreEvents.Evictions) != 0);
        }

        _primes = world.Protocol.PrimesFills;
        _tables = world.Protocol.Tables(Machine) > 1 ? new int[world.SpaceCount] : null;
        _shootdown = world.Protocol.CreateCoreHalf(this);
        if (_shootdown.TickCycles > 0)
        {
            _nextTick = _shootdown.TickCycles.Value;
        }
    }

    /// <inheritdoc/>
    public CoreId Core { get; }

    /// <inheritdoc/>
    public MachineSpec Machine { get; }

    /// <inheritdoc/>
    public KernelProfile Kernel { get; }

    /// <inheritdoc/>
    public Delays Delays => _delays;

    /// <inheritdoc/>
    public int SpaceCount => _world.SpaceCount;

    /// <inheritdoc/>
    public int TagCount => _world.TagCount;

    /// <inheritdoc/>
    public CoreMmu Mmu { get; }

    /// <inheritdoc/>
    public TagPairs? Pairs { get; }

    /// <inheritdoc/>
    public Cycles Now => _clock;

    /// <inheritdoc/>
    public bool IsLazy => _lazy;

    /// <summary>The domain it belongs to; null for a core that has no thread.</summary>
    internal Domain? Domain { get; set; }

    /// <summary>What the core is doing.</summary>
    public CoreState State { get; private set; }

    /// <summary>The thread it runs or holds in a trap; null when it idles.</summary>
    public SimThread? Thread => _thread;

    /// <summary>Messages written since they were last handed over.</summary>
    public Outbox Outbox { get; }

    /// <summary>
    /// Threads that have left for another core since this was last cleared, and for which; null when nobody wants to know.
    /// </summary>
    [field: NotSaved]
    public List<(SimThread Thread, CoreId Target)>? Departures { get; set; }

    /// <summary>Where its cycles went.</summary>
    public CoreCycles Cycles { get; } = new();

    /// <summary>What it counted.</summary>
    public CoreCounters Counters { get; } = new();

    /// <summary>The latencies it measured.</summary>
    public Latencies Latencies { get; } = new();

    /// <summary>All that it counts beside cycles, in the order of reports.</summary>
    internal IEnumerable<CounterSet> CounterSets =>
    [
        Counters,
        .. _shootdown.Counters is { } ofProtocol ? [ofProtocol] : Array.Empty<CounterSet>(),
        .. Pairs is { } pairs ? [pairs.Counters] : Array.Empty<CounterSet>(),
        .. _guestCounters is { } ofGuest ? [ofGuest] : Array.Empty<CounterSet>(),
    ];

    /// <summary>Messages that wait for the core.</summary>
    public MessageHeap Inbox => _inbox;

    /// <summary>
    /// Earliest time at which the core does something; <see cref="Cycles.Never"/> when it waits for messages that nobody has
    /// sent.
    /// </summary>
    public Cycles NextTime
    {
        get
        {
            if (State == CoreState.Running)
            {
                return Math.Min(EndOfBlock ?? _clock, _inbox.NextDue.Value);
            }

            return State == CoreState.Idle || !_shootdown.HasTickWork ? _inbox.NextDue.Value : Math.Min(_inbox.NextDue.Value, _nextTick);
        }
    }

    /// <summary>Has a checker watch every access from now on.</summary>
    internal void WatchedBy(CoreChecker watch) => _watch = watch;

    /// <summary>Puts a thread on the core at time 0, before the run begins.</summary>
    internal void AddThread(SimThread thread) => _ready.Enqueue(thread);

    /// <summary>Takes the first thread, if any, at time 0.</summary>
    internal void Start()
    {
        if (_ready.Count > 0)
        {
            PickNext();
        }
    }

    /// <summary>Hands a message to the core. Its delivery time lies at or after the end of the core's last window.</summary>
    public void Deliver(in SimMessage message) => _inbox.Push(message);

    /// <summary>Runs until <paramref name="limit"/>: no operation starts, and no message is taken that falls due, at or after it.</summary>
    public void Run(Cycles limit) => RunUntil(limit.Value);

    private void RunUntil(long limit)
    {
        long before = _clock;
        while (true)
        {
            long due = _inbox.NextDue.Value;
            bool running = State == CoreState.Running;
            bool ticks = State != CoreState.Idle;
            if (due < limit && (due <= _nextTick || !ticks) && (!running || due <= _clock))
            {
                Take(_inbox.Pop());
            }
            else if (_nextTick < limit && ticks && (running ? _nextTick <= _clock : due < limit || _shootdown.HasTickWork))
            {
                // A core that waits takes ticks that do nothing before its next message: how far its clock goes without one must not depend
                // on the window.
                Tick();
            }
            else if (!running || _clock >= limit)
            {
                AssertConsistent(before);
                return;
            }
            else if (!_warm && _clock >= _warmup)
            {
                ResetCounters();
            }
            else if (_ready.Count > 0 && _clock >= _sliceEnd)
            {
                RequeueCurrent();
            }
            else if (_clock >= _intervals.End)
            {
                EndInterval();
            }
            else if (_entersUser)
            {
                EnterUser();
            }
            else
            {
                long until = Math.Min(Math.Min(Math.Min(limit, due), _nextTick), _intervals.End);
                until = _ready.Count > 0 ? Math.Min(until, _sliceEnd) : until;
                RunThread(_warm ? until : Math.Min(until, _warmup));
            }
        }
    }

    /// <summary>
    /// Runs alone: while nobody else can do anything before <paramref name="limit"/>, up to there, but not past the time at which an answer
    /// to its own first message could reach a core.
    /// </summary>
    /// <returns>The limit that held.</returns>
    public Cycles RunAlone(Cycles limit)
    {
        long reached = NextTime.Value;
        do
        {
            // Nothing was sent before `reached`, so what is sent in the next bound is answered after it. A block sends nothing to its end,
            // unless a message comes.
            long silent = EndOfBlock is { } block ? Math.Min(block, _inbox.NextDue.Value) : 0;
            reached = Math.Min(limit.Value, Math.Max(reached, silent) + _delays.WindowBound.Value);
            RunUntil(reached);
        }
        while (Outbox.Count == 0 && reached < limit.Value && State == CoreState.Running);
        return reached;
    }

    /// <summary>What holds the core while nobody has anything to do, as lines for a run that cannot go on.</summary>
    internal IEnumerable<string> DescribeWaits()
    {
        if (State is CoreState.Trapped or CoreState.Loading)
        {
            string thread = $"thread {_thread!.Id} ({_thread.Name})";
            string queue = _ready.Count == 0 ? "" : $"; it keeps threads {string.Join(", ", _ready.Select(ready => ready.Id))} waiting";
            yield return State == CoreState.Trapped
                ? $"core {Core} is held by {thread}, in the kernel since cycle {_thread.TrapBegan}{queue}"
                : $"core {Core} waits for address space {_thread.Space} to load, for {thread}{queue}";
        }
    }

    /// <summary>
    /// Sums up waiting up to the end of the run. A core that has done nothing since counting began has nothing to report.
    /// </summary>
    internal void FinishAt(long end)
    {
        _losses.Flush();
        if (State is CoreState.Trapped or CoreState.Loading or CoreState.Awaiting && end > _clock)
        {
            AccountWait(end);
        }

        if (State == CoreState.Running && EndOfBlock is { } block)
        {
            RunUntil(Math.Min(end, block));
        }

        if (!_warm && end >= _warmup)
        {
            ResetCounters();
        }

        EndInterval();
        _timeline?.Finish(_clock);
    }

    /// <summary>What it did when; empty if nobody wanted to know.</summary>
    internal CoreSlice[] Slices => _timeline?.Slices ?? [];

    /// <summary>What it did and is not in <see cref="Slices"/>, because there was too much of it.</summary>
    internal long SlicesLeftOut => _timeline?.LeftOut ?? 0;

    /// <summary>The core's time after its last operation, in cycles.</summary>
    internal long Clock => _clock;

    private void Send(SimMessage message, SpaceId space, long due)
    {
        message.Due = due;
        message.Target = _world.TargetOf(space);
        message.Space = space;
        Outbox.Add(message);
    }

    private void ResetCounters()
    {
        _warm = true;
        _losses.Flush();
        Cycles.Reset();
        Latencies.Reset();
        _timeline?.Reset();
        _intervals.Reset();
        foreach (CounterSet counters in CounterSets)
        {
            counters.Reset();
        }
    }
}
