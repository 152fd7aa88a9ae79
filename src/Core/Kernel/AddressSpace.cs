using System.Diagnostics;
using VmSim.Core.Addresses;
using VmSim.Core.Kernel.Locks;
using VmSim.Core.Machine;
using VmSim.Core.Memory;
using VmSim.Core.Paging;
using VmSim.Core.Programs;
using VmSim.Core.Settings;
using VmSim.Core.Shootdown;
using VmSim.Core.Statistics;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Kernel;

/// <summary>
/// The kernel's side of one process: takes faults and system calls of its threads, changes memory set and page table, has cores invalidate,
/// and answers. It knows cores through messages alone.
/// </summary>
public sealed partial class AddressSpace : ISpaceShootdownContext
{
    private readonly SpaceSetup _setup;
    private readonly SpaceGroup _group;
    private readonly MemoryPool _pool;
    private readonly Delays _delays;
    private readonly SpaceShootdown _shootdown;
    private readonly ProcessThreads _threads;
    private readonly Dictionary<long, KernelOperation> _operations = [];
    private readonly CallFindings _calls = new();

    /// <summary>Whether advice may take the lock of its area instead of mmap_lock.</summary>
    private readonly bool _locksAreas;

    private readonly SortedDictionary<(ulong Page, AccessKind Kind, bool IsKernel, FaultKind Fault, MemoryLimit Limit), long>
        _badAccesses = [];
    private VirtualMemory? _memory;
    private long _now;
    private long _nextOperation;

    internal AddressSpace(
        SpaceSetup setup, SpaceGroup group, MemoryPool pool, SpaceIdentity identity, ProgramImage image, PageTableSet tables)
    {
        _setup = setup;
        _group = group;
        _pool = pool;
        _delays = setup.Delays;
        Space = identity.Id;
        Name = identity.Name;
        Image = image;
        Tables = tables;
        _tablesTouched = new int[tables.Count];
        _guestCounters = setup.HasGuests ? new GuestSpaceCounters() : null;
        Machine = setup.Machine;
        Kernel = setup.Kernel;
        RwsemRules rules = new(Machine.Ghz * 1_000, Kernel.ReaderSpinning, Sleeps: Kernel.Traps == TrapModes.Hold);
        _mapLock = new MapLock(Kernel, rules, this);
        _locksAreas = Kernel.LocksAreas && Kernel.Release >= KernelRelease.AreaLocksOfAdvice;
        _locks = new SpaceLocks(Space.Value, Machine, Kernel, pool.Locks, Counters);
        Outbox = new Outbox(Machine.Cores + Space.Value);
        ShootdownLog = new ShootdownLog(setup.Lists.KeepsShootdowns);
        _interrupts = new InterruptMatrix(Machine.Cores);
        _listed = setup.Lists.KeepsOperations ? new OperationLog(Space, setup.Lists) : null;
        _threads = new ProcessThreads(identity, image, this);
        _shootdown = setup.Protocol.CreateSpaceHalf(this);
    }

    /// <inheritdoc/>
    public SpaceId Space { get; }

    /// <summary>The process's name.</summary>
    public string Name { get; }

    /// <summary>What the process runs.</summary>
    public ProgramImage Image { get; }

    /// <summary>The page table of the space.</summary>
    public PageTable Table => Tables.Own;

    /// <summary>The page tables that walkers of this space read: its own, and copies if the shootdown protocol wants them.</summary>
    public PageTableSet Tables { get; }

    /// <inheritdoc/>
    public MachineSpec Machine { get; }

    /// <inheritdoc/>
    public KernelProfile Kernel { get; }

    /// <inheritdoc/>
    public Delays Delays => _delays;

    /// <inheritdoc/>
    public int SpaceCount => _setup.SpaceCount;

    /// <inheritdoc/>
    public int TagCount => _setup.TagCount;

    /// <inheritdoc/>
    public MachineShootdown? MachineHalf => _group.MachineHalf;

    /// <inheritdoc/>
    public Cycles Now => _now;

    /// <summary>What it counted.</summary>
    public SpaceCounters Counters { get; } = new();

    /// <summary>The latencies it measured.</summary>
    public Latencies Latencies { get; } = new();

    /// <summary>What shootdowns there were.</summary>
    public ShootdownLog ShootdownLog { get; }

    /// <summary>All that it counts, in the order of reports.</summary>
    internal IEnumerable<CounterSet> CounterSets =>
    [
        Counters,
        .. _shootdown.Counters is { } ofProtocol ? [ofProtocol] : Array.Empty<CounterSet>(),
        .. _guestCounters is { } ofGuest ? [ofGuest] : Array.Empty<CounterSet>(),
        .. _setup.BackendCounters.Select(none => _memory?.CounterSets.FirstOrDefault(set => set.GetType() == none.GetType()) ?? none),
    ];

    /// <summary>The process's memory; null before the fork that makes it.</summary>
    public VirtualMemory? Memory => _memory;

    /// <summary>Spaces of the processes that forks start, by child number.</summary>
    internal AddressSpace[] Children { get; set; } = [];

    /// <summary>Messages written since they were last handed over.</summary>
    public Outbox Outbox { get; }

    /// <summary>Who watches its operations; null if nobody does.</summary>
    internal IOperationWatch? Observer { get; set; }

    /// <summary>The group of spaces with which it handles messages in one order.</summary>
    internal SpaceGroup Group => _group;

    /// <summary>The memory that it shares with spaces of its group.</summary>
    internal MemoryPool Pool => _pool;

    /// <summary>Gives the process its memory before its first instruction.</summary>
    internal void Attach(VirtualMemory memory) => _memory = memory;

    /// <summary>Makes the memory of a process that no fork makes, with its initial mappings.</summary>
    internal void AttachInitialMemory(VirtualMemoryOptions options)
    {
        _memory = new VirtualMemory(Table, _pool.Frames, _pool.Cache, options, Image.Files);
        if (_setup.Protocol.PrimesFills)
        {
            _memory.KeepHolders(Machine.Cores);
        }

        if (Image.InitialBreak.Value != 0)
        {
            _memory.SetInitialBreak(Image.InitialBreak);
        }

        foreach (SystemCall mapping in Image.InitialMappings)
        {
            MmResult result = _memory.ApplyInitial(mapping);
            if (result.Error is { } error)
            {
                throw new ScenarioException(
                    $"{Name}: a mapping of {mapping.Length:N0} bytes that is there from the start cannot be made: {error}; "
                    + $"memory.bytes is {_pool.Frames.Capacity << PageSizes.BaseShift:N0}");
            }

            if (result.Release is { } release)
            {
                _memory.Release(release);
            }
        }

        Tables.Update();
        BackInitialMemory();
    }

    /// <summary>Counting begins.</summary>
    internal void ResetCounters()
    {
        Latencies.Reset();
        ShootdownLog.Reset();
        _causes.Reset();
        _listed?.Reset();
        _interrupts.Reset();
        _intervals.Reset();
        foreach (CounterSet counters in CounterSets)
        {
            counters.Reset();
        }
    }

    /// <summary>Takes one message; messages come in the run's total order.</summary>
    internal void Handle(in SimMessage message)
    {
        if (message.Due.Value >= _intervals.End)
        {
            EndInterval(message.Due.Value);
        }

        _now = message.Due.Value;
        CoreId core = message.SenderCore;
        switch (message.Kind)
        {
            case MessageKind.Fault:
                BeginFault(core, message.AsPageFault());
                break;
            case MessageKind.SystemCall:
                BeginCall(core, message.AsSystemCall());
                break;
            case MessageKind.Fork:
                BeginFork(core, message.AsFork());
                break;
            case >= MessageKind.OperationStart and <= MessageKind.DeviceDone:
                Step(message.AsOperationStep());
                break;
            case MessageKind.ThreadResumed:
                Resume(_operations[message.AsTrapResumption().Operation]);
                break;
            case MessageKind.NeedResched:
                _mapLock.GiveWay(message.AsNeedResched().Thread, _now);
                break;
            case MessageKind.Ack:
                HandleAck(core, message.AsAck());
                break;
            case MessageKind.LoadSpace:
                HandleLoad(core, message.AsLoadRequest());
                break;
            case MessageKind.LeaveSpace:
                HandleLeave(core);
                break;
            case MessageKind.EnterLazy:
                _shootdown.OnLazy(core);
                break;
            case MessageKind.ProtocolTimer:
                _shootdown.OnTimer(message.AsProtocolTimer().Argument);
                break;
            case MessageKind.Protocol:
                _shootdown.OnProtocol(core, message.AsProtocol());
                break;
            case MessageKind.AccessedDirty:
                LogAccess(core, message.AsAccessedDirty());
                break;
            case MessageKind.HostFault or MessageKind.HostFlushed:
                HandleForHost(core, message);
                break;
            case MessageKind.SleepEnd:
                _threads.EndSleep(message.AsSleepEnd().Thread);
                break;
            case >= MessageKind.Signal and <= MessageKind.Migrate:
                _threads.Handle(core, message.AsThreadRequest());
                break;
            default:
                throw new InvalidOperationException($"space {Space} got a {message.Kind}, which is not for spaces");
        }

        Tables.Update();
    }

    /// <summary>Calls that failed or did not fail as recorded, and accesses that were refused, by page, as lines for the report.</summary>
    internal IEnumerable<string> DescribeFindings()
    {
        if (_memory is not { } memory)
        {
            yield break;
        }

        foreach (string line in _calls.Describe(memory.Options, Table.Format))
        {
            yield return $"{Name}: {line}";
        }

        foreach (((ulong page, AccessKind kind, bool isKernel, FaultKind fault, MemoryLimit limit), long count) in _badAccesses)
        {
            string reason = CallFindings.Reason(limit, memory.Options, Table.Format);
            yield return $"{Name}: {Describe(kind, isKernel)} of page {VirtAddr.OfPage(page)} {fault.Refusal()} ({count} times){reason}";
        }
    }

    private void Step(in OperationStep step)
    {
        if (!_operations.TryGetValue(step.Operation, out KernelOperation? operation))
        {
            Debug.Assert(step.Kind is MessageKind.OperationDowngrade or MessageKind.OperationSpinEnd, "an operation goes on and has ended");
            return;
        }

        switch (step.Kind)
        {
            case MessageKind.OperationDowngrade:
                _mapLock.Downgrade(operation, _now);
                break;
            case MessageKind.OperationSpinEnd:
                EndSpin(operation);
                break;
            case MessageKind.OperationStart:
                Execute(operation);
                break;
            case MessageKind.OperationBatch:
                NextBatch(operation);
                break;
            case MessageKind.OperationInvalidate:
                Invalidate(operation);
                break;
            case MessageKind.OperationEnd:
                Conclude(operation);
                break;
            case MessageKind.ReleaseMemory:
                ReleaseMemory(operation);
                break;
            default:
                EndOperation(operation);
                break;
        }
    }

    private void HandleLeave(CoreId core)
    {
        _shootdown.OnLeave(core);
        if (!_shootdown.Holds(core))
        {
            _locks.EnterCoreMask(core, _now);
        }
    }

    private void HandleLoad(CoreId core, in LoadRequest load)
    {
        _pool.Guest?.RunsOn(core);
        bool isHeld = _shootdown.Holds(core);
        LoadAnswer answer = _shootdown.OnLoad(core);
        if ((uint)answer.Table >= (uint)Tables.Count)
        {
            throw new InvalidOperationException(
                $"the shootdown protocol has core {core} walk table {answer.Table} of space {Space}, which has {Tables.Count}");
        }

        long delay = isHeld ? 0 : _locks.EnterCoreMask(core, _now);
        SendToCore(SimMessage.Of(new SpaceLoaded(load.Thread, answer)), core, ReturnTime + delay);
    }

    private void LogAccess(CoreId core, in AccessedDirty access)
    {
        SetVisibility();
        Table.SetAccessedDirty(access.Address, access.Bits);
        _memory?.Holders?.Accessed(access.Address);
        _shootdown.OnAccessed(core, access.Address, access.Bits);
    }

    /// <summary>
    /// Makes in the copies of the page table what an operation has changed; a guest's kernel has touched what the operation was given.
    /// </summary>
    /// <returns>Cycles that the copies take by the protocol's word, and that the guest spends with its host.</returns>
    private long UpdateTables()
    {
        long written = Tables.Update();
        return TouchMemory() + (written == 0 ? 0 : _shootdown.OnCopied(written).Value);
    }

    /// <inheritdoc/>
    public TableFill FillTable(int table, VirtAddr address) => Tables.Fill(table, address, _now + _delays.StoreVisibility.Value);

    /// <inheritdoc/>
    public bool HoldsPage(int table, VirtAddr address) => Tables.Holds(table, address);

    private void SetVisibility() => Table.VisibleAt = _now + _delays.StoreVisibility.Value;
}
