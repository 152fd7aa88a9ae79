using Akka.Actor;
using VmSim.Core.Engine;
using VmSim.Core.Kernel;
using VmSim.Core.VirtualTime;

namespace VmSim.Actors.Simulation;

/// <summary>The actors of a domain, the lanes they live on, and which of them take part in a phase.</summary>
internal sealed class DomainRoster
{
    private readonly World _world;
    private readonly DomainShare _share;
    private readonly IActorRef _owner;
    private readonly DomainSlots _slots;
    private readonly IActorRef[] _receivers;
    private readonly PhaseCountdown[] _countdowns;
    private readonly LaneMailboxes[] _mailboxes;
    private readonly IActorRef[] _actors;
    private readonly int[] _laneOf;
    private readonly int[] _laneCounts;
    private readonly bool[] _here;
    private readonly List<int> _selected = [];

    /// <summary>Gives each core and group its lane; there are no actors yet.</summary>
    /// <param name="world">The run's world.</param>
    /// <param name="share">The part of the domain that lives here.</param>
    /// <param name="lanes">Lanes of the run.</param>
    /// <param name="owner">The domain's own actor.</param>
    public DomainRoster(World world, DomainShare share, int lanes, IActorRef owner)
    {
        _world = world;
        _share = share;
        _owner = owner;
        Domain domain = share.Domain;
        _slots = new DomainSlots(world, domain);
        Schedule = new DomainSchedule(_slots.Cores, _slots.Count - _slots.Cores);
        _receivers = new IActorRef[world.Cores.Count + world.SpaceCount];
        Array.Fill(_receivers, ActorRefs.Nobody);
        _actors = new IActorRef[_slots.Count];
        _countdowns = [.. Enumerable.Range(0, lanes).Select(lane => new PhaseCountdown(lane, owner))];
        _mailboxes = [.. Enumerable.Range(0, lanes).Select(_ => new LaneMailboxes(_slots.Count))];
        _laneCounts = new int[lanes];
        _laneOf = new int[_slots.Count];
        _here = new bool[_slots.Count];
        bool whole = AreWhole(world, lanes);
        for (int slot = 0; slot < _slots.Count; slot++)
        {
            int index = slot < _slots.Cores ? slot : slot - _slots.Cores;
            _laneOf[slot] = whole ? HomeLane(domain, lanes) : (HomeLane(domain, lanes) + Lanes.LaneOf(index, lanes)) % lanes;
        }
    }

    /// <summary>When the domain's cores and groups have something to do.</summary>
    public DomainSchedule Schedule { get; }

    /// <summary>Measures whether the domain's lanes gain anything; null if nobody asks.</summary>
    public LaneGain? Gain { get; init; }

    /// <summary>The lane of the domain's own actor, and of all its actors where there are domains enough for every lane.</summary>
    public static int HomeLane(Domain domain, int lanes) => domain.Index % lanes;

    /// <summary>Turns for each lane, where domains live wholly on lanes.</summary>
    public static LaneTurns?[] TurnsOf(World world, int lanes, int windows) =>
        [.. Enumerable.Range(0, lanes).Select(_ => AreWhole(world, lanes) ? new LaneTurns(windows) : null)];

    /// <summary>Whether there are domains enough for every lane, so that each lives on one lane wholly.</summary>
    public static bool AreWhole(World world, int lanes) => world.Domains.Count >= lanes;

    /// <summary>
    /// Creates the actors of what lives here, as children of the domain's, and watches them. Messages for other nodes go to the domain's
    /// own actor.
    /// </summary>
    public void CreateActors(IActorContext context)
    {
        foreach (CoreModel core in _share.Domain.Cores)
        {
            _receivers[core.Core.Value] = _owner;
        }

        foreach (AddressSpace space in _share.Domain.Groups.SelectMany(group => group.Members))
        {
            _receivers[TargetOf(space)] = _owner;
        }

        foreach (CoreModel core in _share.Cores)
        {
            int slot = _slots.SlotOf(core.Core.Value);
            _receivers[core.Core.Value] = CreateActor(context, slot, CoreActor.Props(core, PartOf(slot)), $"core-{core.Core}");
        }

        foreach (SpaceGroup group in _share.Groups)
        {
            int slot = _slots.SlotOf(TargetOf(group.Members[0]));
            IActorRef actor = CreateActor(context, slot, MemorySetActor.Props(group, PartOf(slot)), $"memory-set-{group.Index}");
            Schedule.SetOwn(slot, group.NextDue.Value);
            foreach (AddressSpace member in group.Members)
            {
                _receivers[TargetOf(member)] = actor;
            }
        }
    }

    /// <summary>Lets all cores that live here begin, at time 0.</summary>
    /// <returns>How many lanes will say that they are done.</returns>
    public int StartCores()
    {
        SelectAll(_slots.Cores);
        return Dispatch(new WindowProtocol.Run(0, 0, IsAlone: false));
    }

    /// <summary>Runs the cores that have something to do before a time.</summary>
    /// <param name="start">Start of the window, in cycles.</param>
    /// <param name="limit">Where the core phase ends, in cycles.</param>
    /// <param name="isAlone">Whether only one core can do anything before then.</param>
    /// <returns>How many lanes will say that they are done.</returns>
    public int RunCores(long start, long limit, bool isAlone)
    {
        SelectDue(0, _slots.Cores, limit);
        return Dispatch(new WindowProtocol.Run(start, limit, isAlone));
    }

    /// <summary>Runs the memory sets that have something due before a time.</summary>
    /// <param name="start">Start of the window, in cycles.</param>
    /// <param name="limit">Where the memory phase ends, in cycles.</param>
    /// <returns>How many lanes will say that they are done.</returns>
    public int RunMemorySets(long start, long limit)
    {
        SelectDue(_slots.Cores, _slots.Count, limit);
        return Dispatch(new WindowProtocol.Run(start, limit, IsAlone: false));
    }

    /// <summary>Has all cores and memory sets that live here take in what is on its way.</summary>
    /// <returns>How many lanes will say that they are done.</returns>
    public int TakeIn()
    {
        SelectAll(_slots.Count);
        return Dispatch(new WindowProtocol.TakeIn());
    }

    /// <summary>Forgets that a core or group of another node has something to do: its node will know it.</summary>
    /// <returns>Whether it is a core.</returns>
    public bool ForgetAway(int target)
    {
        int slot = _slots.SlotOf(target);
        Schedule.ClearAnnounced(slot);
        return slot < _slots.Cores;
    }

    /// <summary>Hands messages from another node to their receivers.</summary>
    public void Deliver(IReadOnlyList<SimMessage> messages)
    {
        foreach (SimMessage message in messages)
        {
            int slot = _slots.SlotOf(message.Target);
            Schedule.AnnounceLate(slot, message.Due.Value);
            _actors[slot].Tell(new WindowProtocol.Deliver([message]), ActorRefs.NoSender);
        }
    }

    /// <summary>Selects, of the slots up to <paramref name="end"/>, all whose holders live here.</summary>
    private void SelectAll(int end)
    {
        BeginSelection();
        for (int slot = 0; slot < end; slot++)
        {
            if (_here[slot])
            {
                Select(slot);
            }
        }
    }

    /// <summary>Selects, of a range of slots, those whose holders live here and have something to do before a time.</summary>
    private void SelectDue(int first, int end, long limit)
    {
        BeginSelection();
        for (int slot = first; slot < end; slot++)
        {
            if (_here[slot] && Schedule.IsDue(slot, limit))
            {
                Select(slot);
            }
        }
    }

    private void BeginSelection()
    {
        _selected.Clear();
        Array.Clear(_laneCounts);
    }

    private void Select(int slot)
    {
        _selected.Add(slot);
        _laneCounts[_laneOf[slot]]++;
        Schedule.ClearAnnounced(slot);
    }

    /// <summary>A lane has ended its part of a phase.</summary>
    public void EndLane(int lane) => Gain?.EndLane(_countdowns[lane].Worked);

    private int Dispatch(object window)
    {
        int lanes = 0;
        Gain?.BeginPhase();
        for (int lane = 0; lane < _laneCounts.Length; lane++)
        {
            if (_laneCounts[lane] > 0)
            {
                _countdowns[lane].Arm(_laneCounts[lane], Gain is not null);
                lanes++;
            }
        }

        Gain?.Opened(lanes);
        foreach (int slot in _selected)
        {
            _actors[slot].Tell(window, ActorRefs.NoSender);
        }

        return lanes;
    }

    private int TargetOf(AddressSpace space) => _world.Cores.Count + space.Space.Value;

    private SimulationPart PartOf(int slot) =>
        new(_receivers, Schedule, _slots, slot, _countdowns[_laneOf[slot]], _mailboxes[_laneOf[slot]]);

    private IActorRef CreateActor(IActorContext context, int slot, Props props, string name)
    {
        _here[slot] = true;
        _mailboxes[_laneOf[slot]].Open(slot);
        _actors[slot] = context.ActorOf(props.WithDispatcher(Lanes.Dispatcher(_laneOf[slot])), name);
        return context.Watch(_actors[slot]);
    }
}
