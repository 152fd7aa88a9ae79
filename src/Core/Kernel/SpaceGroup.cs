using System.Diagnostics;
using VmSim.Core.Addresses;
using VmSim.Core.Shootdown;
using VmSim.Core.Statistics;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Kernel;

/// <summary>
/// Address spaces that share anything, and so handle their messages in one merged order: a process and the children it forks, which share
/// memory; or all spaces, if they have one memory or the shootdown protocol has something of the machine's that they share.
/// </summary>
public sealed class SpaceGroup
{
    private readonly long _warmup;
    private CoreMask? _cores;
    private readonly MessageHeap _inbox = new();
    private readonly List<AddressSpace> _members = [];
    private readonly List<MemoryPool> _pools = [];
    private bool _warm;

    internal SpaceGroup(SpaceSetup setup, int index, MachineShootdown? machineHalf)
    {
        Index = index;
        MachineHalf = machineHalf;
        _warmup = setup.Warmup;
        _warm = _warmup == 0;
    }

    /// <summary>Number of the group in the run.</summary>
    public int Index { get; }

    /// <summary>The spaces, by rising number.</summary>
    public IReadOnlyList<AddressSpace> Members => _members;

    /// <summary>The memory of the members, by rising number.</summary>
    public IReadOnlyList<MemoryPool> Pools => _pools;

    /// <summary>What all spaces of the machine share under the shootdown protocol; null for nothing.</summary>
    internal MachineShootdown? MachineHalf { get; }

    /// <summary>Number of the domain it belongs to; -1 before it belongs to one.</summary>
    public int DomainIndex { get; private set; } = -1;

    /// <summary>Delivery time of the earliest message; <see cref="Cycles.Never"/> when none waits.</summary>
    public Cycles NextDue => _inbox.NextDue;

    /// <summary>No core walks a page table of the group as of an earlier time than this, in cycles.</summary>
    internal long WindowStart { get; private set; }

    /// <summary>Adds a member; the members of a group have adjacent numbers.</summary>
    internal void Add(AddressSpace space)
    {
        if (_members.Count > 0 && space.Space.Value != _members[^1].Space.Value + 1)
        {
            throw new InvalidOperationException($"space {space.Space} does not follow space {_members[^1].Space} in group {Index}");
        }

        _members.Add(space);

        // Pools are numbered as their first spaces are; a later space may be of an earlier pool.
        if (_pools.Count == 0 || space.Pool.Index > _pools[^1].Index)
        {
            _pools.Add(space.Pool);
        }
    }

    /// <summary>The group belongs to a domain with these cores, which are the only ones that its spaces may address.</summary>
    internal void Join(int domain, CoreMask cores)
    {
        DomainIndex = domain;
        _cores = cores;
    }

    /// <summary>Whether a core is of the group's domain.</summary>
    internal bool HasCore(CoreId core) => _cores is not null && _cores.Contains(core);

    /// <summary>Hands a message to the member it is for.</summary>
    public void Deliver(in SimMessage message) => _inbox.Push(message);

    /// <summary>Handles every message due before <paramref name="limit"/>, in order.</summary>
    /// <param name="windowStart">Start of the window whose messages these are; no core walks as of an earlier time any more.</param>
    /// <param name="limit">End of the memory phase, in cycles.</param>
    public void Process(Cycles windowStart, Cycles limit)
    {
        Debug.Assert(windowStart.Value >= WindowStart, "a group's windows went back");
        WindowStart = windowStart.Value;
        Cycles now = Cycles.Zero;
        while (_inbox.NextDue < limit)
        {
            SimMessage message = _inbox.Pop();
            Debug.Assert(message.Due >= now, "a group's time went back");
            now = message.Due;
            if (!_warm && message.Due >= _warmup)
            {
                ResetCounters();
            }

            _members[message.Space.Value - _members[0].Space.Value].Handle(message);
        }
    }

    /// <summary>The run ends. A group that no message has come to since counting began has nothing to report.</summary>
    internal void FinishAt(long end)
    {
        if (!_warm && end >= _warmup)
        {
            ResetCounters();
        }

        foreach (AddressSpace member in _members)
        {
            member.EndShootdowns(end);
        }
    }

    /// <summary>All that it counts, in the order of reports.</summary>
    internal IEnumerable<CounterSet> CounterSets => _pools.SelectMany(pool => pool.CounterSets);

    private void ResetCounters()
    {
        _warm = true;
        foreach (AddressSpace member in _members)
        {
            member.ResetCounters();
        }

        foreach (CounterSet counters in CounterSets)
        {
            counters.Reset();
        }
    }
}
