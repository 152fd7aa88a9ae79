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
    private readonly Delays _delays;
    private readonly SpaceShootdown _shootdown;
    private readonly Dictionary<long, KernelOperation> _operations = [];
    private readonly SortedDictionary<(ulong Page, AccessKind Kind, FaultKind Fault), long> _badAccesses = [];
    private VirtualMemory? _memory;
    private long _now;
    private long _nextOperation;

    internal AddressSpace(SpaceSetup setup, SpaceGroup group, SpaceIdentity identity, ProgramImage image, PageTableSet tables)
    {
        _setup = setup;
        _group = group;
        _delays = setup.Delays;
        Space = identity.Id;
        Name = identity.Name;
        Image = image;
        Tables = tables;
        FirstThread = identity.FirstThread;
        Machine = setup.Machine;
        Kernel = setup.Kernel;
        _mapLock = new MapLock(Kernel.PerVmaLocks);
        _locks = new SpaceLocks(Machine, Kernel, group.Locks, Counters);
        Outbox = new Outbox(Machine.Cores + Space.Value);
        _coreOf = [.. identity.CoreOf.Select(core => core.Value)];
        _events = new bool[image.EventCount];
        _barriers = new Barrier[image.BarrierParties.Count];
        for (int i = 0; i < _barriers.Length; i++)
        {
            _barriers[i] = new Barrier(image.BarrierParties[i], []);
        }

        _mutexes = new Mutex[image.MutexCount];
        for (int i = 0; i < _mutexes.Length; i++)
        {
            _mutexes[i] = new Mutex();
        }

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
    public long Now => _now;

    /// <summary>What it counted.</summary>
    public SpaceCounters Counters { get; } = new();

    /// <summary>The latencies it measured.</summary>
    public Latencies Latencies { get; } = new();

    /// <summary>A record of each shootdown.</summary>
    public ShootdownLog ShootdownLog { get; } = new();

    /// <summary>All that it counts, in the order of reports.</summary>
    internal IEnumerable<CounterSet> CounterSets => _shootdown.Counters is { } own ? [Counters, own] : [Counters];

    /// <summary>The process's memory; null before the fork that makes it.</summary>
    public VirtualMemory? Memory => _memory;

    /// <summary>Number of the process's first thread among all threads of the run.</summary>
    internal int FirstThread { get; }

    /// <summary>Spaces of the processes that forks start, by child number.</summary>
    internal AddressSpace[] Children { get; set; } = [];

    /// <summary>Messages written since they were last handed over.</summary>
    public Outbox Outbox { get; }

    /// <summary>Who watches its operations; null if nobody does.</summary>
    internal IOperationWatch? Watch { get; set; }

    /// <summary>The group of spaces that share memory with it.</summary>
    internal SpaceGroup Group => _group;

    /// <summary>Gives the process its memory before its first instruction.</summary>
    internal void Attach(VirtualMemory memory) => _memory = memory;

    /// <summary>Makes the memory of a process that no fork makes, with its initial mappings.</summary>
    internal void AttachInitialMemory(VirtualMemoryOptions options)
    {
        _memory = new VirtualMemory(Table, _group.Frames, _group.Cache, options, Image.Files);
        if (Image.InitialBreak.Value != 0)
        {
            _memory.SetInitialBreak(Image.InitialBreak);
        }

        foreach (SystemCall mapping in Image.InitialMappings)
        {
            MmResult result = _memory.Apply(mapping);
            if (result.Error is { } error)
            {
                throw new ScenarioException($"{Name}: initial mapping {mapping.Name} at {mapping.Start}, {mapping.Length} bytes: {error}");
            }

            if (result.Release is { } release)
            {
                _memory.Release(release);
            }
        }

        Tables.Update();
    }

    /// <summary>Counting begins.</summary>
    internal void ResetCounters()
    {
        Latencies.Reset();
        ShootdownLog.Reset();
        foreach (CounterSet counters in CounterSets)
        {
            counters.Reset();
        }
    }

    /// <summary>Takes one message; messages come in the run's total order.</summary>
    internal void Handle(in SimMessage message)
    {
        _now = message.Due;
        switch (message.Kind)
        {
            case MessageKind.Fault:
                BeginFault(message);
                break;
            case MessageKind.SystemCall:
                BeginCall(message);
                break;
            case MessageKind.Fork:
                BeginFork(message);
                break;
            case MessageKind.OperationStart:
                Execute(_operations[message.A]);
                break;
            case MessageKind.OperationBatch:
                NextBatch(_operations[message.A]);
                break;
            case MessageKind.OperationInvalidate:
                BeginShootdown(_operations[message.A]);
                break;
            case MessageKind.OperationEnd or MessageKind.DeviceDone:
                EndOperation(_operations[message.A]);
                break;
            case MessageKind.ReleaseMemory:
                ReleaseMemory(message.A);
                break;
            case MessageKind.Ack:
                HandleAck(message);
                break;
            case MessageKind.LoadSpace:
                HandleLoad(message);
                break;
            case MessageKind.LeaveSpace:
                _locks.EnterCoreMask(new CoreId(message.Sender), _now);
                _shootdown.OnLeave(new CoreId(message.Sender));
                break;
            case MessageKind.EnterLazy:
                _shootdown.OnLazy(new CoreId(message.Sender));
                break;
            case MessageKind.ProtocolTimer:
                _shootdown.OnTimer(message.B);
                break;
            case MessageKind.Protocol:
                _shootdown.OnProtocol(new CoreId(message.Sender), message);
                break;
            case MessageKind.AccessedDirty:
                LogAccess(message);
                break;
            default:
                HandleSynchronization(message);
                break;
        }

        Tables.Update();
    }

    /// <summary>Accesses that were refused, by page, as lines for the report.</summary>
    internal IEnumerable<string> DescribeBadAccesses()
    {
        foreach (((ulong page, AccessKind kind, FaultKind fault), long count) in _badAccesses)
        {
            yield return $"{Name}: {kind.ToString().ToLowerInvariant()} of page {VirtAddr.OfPage(page)} {fault.Refusal()} ({count} times)";
        }
    }

    private void HandleLoad(in SimMessage message)
    {
        LoadAnswer answer = _shootdown.OnLoad(new CoreId(message.Sender));
        if ((uint)answer.Table >= (uint)Tables.Count)
        {
            throw new InvalidOperationException($"the shootdown protocol has core {message.Sender} walk table {answer.Table} of space {Space}, which has {Tables.Count}");
        }

        long delay = _locks.EnterCoreMask(new CoreId(message.Sender), _now);
        SendToCore(
            MessageKind.SpaceLoaded, message.Sender, _now + delay + _delays.Service + _delays.Return, message.A, answer.Tag, answer.Generation, (answer.Flush ? 1L : 0L) + (2L * answer.Table));
    }

    private void LogAccess(in SimMessage message)
    {
        SetVisibility();
        Table.SetAccessedDirty(new VirtAddr((ulong)message.A), (PageFlags)message.B);
        _shootdown.OnAccessed(new CoreId(message.Sender), new VirtAddr((ulong)message.A), (PageFlags)message.B);
    }

    /// <summary>Makes in the copies of the page table what an operation has changed.</summary>
    /// <returns>Cycles that it takes by the protocol's word.</returns>
    private long UpdateTables()
    {
        long written = Tables.Update();
        return written == 0 ? 0 : _shootdown.OnCopied(written);
    }

    /// <inheritdoc/>
    public bool FillTable(int table, VirtAddr address) => Tables.Fill(table, address, _now + _delays.StoreVisibility);

    private void SetVisibility() => Table.VisibleAt = _now + _delays.StoreVisibility;

    private void SendToCore(MessageKind kind, int core, long due, long a, long b = 0, long c = 0, long d = 0, ushort flags = 0) =>
        Outbox.Add(new SimMessage
        {
            Kind = kind,
            Flags = flags,
            Due = due,
            Target = core,
            Space = Space.Value,
            A = a,
            B = b,
            C = c,
            D = d,
        });

    private void SendToSelf(MessageKind kind, long due, long a, long b = 0) => _group.Deliver(new SimMessage
    {
        Kind = kind,
        Due = due,
        Sender = Outbox.Sender,
        Sequence = Outbox.NextSequence(),
        Target = Outbox.Sender,
        Space = Space.Value,
        A = a,
        B = b,
    });
}
