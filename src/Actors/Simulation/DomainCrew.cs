using Akka.Actor;
using VmSim.Core.Engine;
using VmSim.Core.Kernel;
using VmSim.Core.VirtualTime;

namespace VmSim.Actors.Simulation;

/// <summary>The actors of a domain, the lanes they live on, and who takes part in a phase.</summary>
internal sealed class DomainCrew
{
    private readonly World _world;
    private readonly DomainShare _share;
    private readonly IActorRef _owner;
    private readonly DomainSlots _slots;
    private readonly DomainDirectory _directory;
    private readonly PhaseCountdown[] _countdowns;
    private readonly LanePost[] _posts;
    private readonly IActorRef[] _actors;
    private readonly int[] _laneOf;
    private readonly int[] _laneCounts;
    private readonly bool[] _here;

    /// <summary>When the holder of each slot has something to do, as of the end of the last phase.</summary>
    private readonly long[] _next;
    private readonly List<int> _mustered = [];

    public DomainCrew(World world, DomainShare share, int lanes, IActorRef owner)
    {
        _world = world;
        _share = share;
        _owner = owner;
        Domain domain = share.Domain;
        _slots = new DomainSlots(world, domain);
        Board = new DomainBoard(_slots.Count);
        IActorRef[] cores = new IActorRef[world.Cores.Count];
        IActorRef[] sets = new IActorRef[world.SpaceCount];
        Array.Fill(cores, ActorRefs.Nobody);
        Array.Fill(sets, ActorRefs.Nobody);
        _directory = new DomainDirectory(cores, sets);
        _actors = new IActorRef[_slots.Count];
        _countdowns = [.. Enumerable.Range(0, lanes).Select(lane => new PhaseCountdown(lane, owner))];
        _posts = [.. Enumerable.Range(0, lanes).Select(_ => new LanePost(_slots.Count))];
        _laneCounts = new int[lanes];
        _laneOf = new int[_slots.Count];
        _next = new long[_slots.Count];
        _here = new bool[_slots.Count];
        bool whole = AreWhole(world, lanes);
        for (int slot = 0; slot < _slots.Count; slot++)
        {
            int index = slot < _slots.Cores ? slot : slot - _slots.Cores;
            _laneOf[slot] = whole ? HomeLane(domain, lanes) : (HomeLane(domain, lanes) + Lanes.LaneOf(index, lanes)) % lanes;
        }
    }

    public DomainBoard Board { get; }

    /// <summary>The lane of the domain's own actor, and of all its actors where there are domains enough for every lane.</summary>
    public static int HomeLane(Domain domain, int lanes) => domain.Index % lanes;

    /// <summary>Turns for each lane, where domains live wholly on lanes.</summary>
    public static LaneTurns?[] TurnsOf(World world, int lanes, int windows) =>
        [.. Enumerable.Range(0, lanes).Select(_ => AreWhole(world, lanes) ? new LaneTurns(windows) : null)];

    /// <summary>Whether there are domains enough for every lane, so that each lives on one lane wholly.</summary>
    private static bool AreWhole(World world, int lanes) => world.Domains.Count >= lanes;

    /// <summary>
    /// Makes the actors of what lives here, as children of the domain's, and watches them. What is for others goes to the domain's own actor.
    /// </summary>
    public void Hire(IActorContext context)
    {
        foreach (CoreModel core in _share.Domain.Cores)
        {
            _directory.CoreActors[core.Core.Value] = _owner;
        }

        foreach (AddressSpace space in _share.Domain.Groups.SelectMany(group => group.Members))
        {
            _directory.MemorySetActors[space.Space.Value] = _owner;
        }

        foreach (CoreModel core in _share.Cores)
        {
            int slot = _slots.SlotOf(core.Core.Value);
            _directory.CoreActors[core.Core.Value] = Hire(context, slot, CoreActor.Props(core, PartOf(slot)), $"core-{core.Core}");
        }

        foreach (SpaceGroup group in _share.Groups)
        {
            int slot = _slots.SlotOf(_world.Cores.Count + group.Members[0].Space.Value);
            IActorRef actor = Hire(context, slot, MemorySetActor.Props(group, PartOf(slot)), $"memory-set-{group.Index}");
            Board.SetOwn(slot, group.NextDue);
            foreach (AddressSpace member in group.Members)
            {
                _directory.MemorySetActors[member.Space.Value] = actor;
            }
        }
    }

    /// <summary>When cores and groups have something to do, as far as is known here.</summary>
    public DomainHorizon Horizon()
    {
        Board.ReadAll(_next);
        return DomainHorizon.Of(_next.AsSpan(0, _slots.Cores), _next.AsSpan(_slots.Cores));
    }

    /// <summary>Forgets when those who live elsewhere have something to do: their nodes know it from now on.</summary>
    public void ForgetAway()
    {
        for (int slot = 0; slot < _here.Length; slot++)
        {
            if (!_here[slot])
            {
                Board.ClearIncoming(slot);
            }
        }
    }

    /// <summary>Hands messages from another node to those they are for.</summary>
    public void Deliver(IReadOnlyList<SimMessage> messages)
    {
        foreach (SimMessage message in messages)
        {
            int slot = _slots.SlotOf(message.Target);
            Board.Announce(slot, message.Due);
            _next[slot] = Math.Min(_next[slot], message.Due);
            _actors[slot].Tell(slot < _slots.Cores ? new CoreProtocol.Deliver([message]) : new MemorySetProtocol.Deliver([message]), ActorRefs.NoSender);
        }
    }

    /// <summary>Chooses the cores that have something to do before <paramref name="limit"/>, or all.</summary>
    /// <returns>Whether there is one here.</returns>
    public bool MusterCores(long limit, bool everyone)
    {
        BeginMuster();
        for (int slot = 0; slot < _slots.Cores; slot++)
        {
            if (_here[slot] && (everyone || _next[slot] < limit))
            {
                Muster(slot);
            }
        }

        return _mustered.Count > 0;
    }

    /// <summary>Chooses the memory sets that have something due before <paramref name="limit"/>.</summary>
    /// <returns>Whether there is one here.</returns>
    public bool MusterMemorySets(long limit)
    {
        BeginMuster();
        for (int slot = _slots.Cores; slot < _slots.Count; slot++)
        {
            if (_here[slot] && _next[slot] < limit)
            {
                Muster(slot);
            }
        }

        return _mustered.Count > 0;
    }

    /// <summary>Chooses all cores and memory sets that live here.</summary>
    /// <returns>Whether there is one.</returns>
    public bool MusterEveryone()
    {
        BeginMuster();
        for (int slot = 0; slot < _slots.Count; slot++)
        {
            if (_here[slot])
            {
                Muster(slot);
            }
        }

        return _mustered.Count > 0;
    }

    private void BeginMuster()
    {
        _mustered.Clear();
        Array.Clear(_laneCounts);
    }

    private void Muster(int slot)
    {
        _mustered.Add(slot);
        _laneCounts[_laneOf[slot]]++;
        Board.ClearIncoming(slot);
    }

    /// <summary>Tells those who take part.</summary>
    /// <returns>How many lanes will say that they are done.</returns>
    public int Dispatch(object window)
    {
        int lanes = 0;
        for (int lane = 0; lane < _laneCounts.Length; lane++)
        {
            if (_laneCounts[lane] > 0)
            {
                _countdowns[lane].Arm(_laneCounts[lane]);
                lanes++;
            }
        }

        foreach (int slot in _mustered)
        {
            _actors[slot].Tell(window, ActorRefs.NoSender);
        }

        return lanes;
    }

    private SimulationPart PartOf(int slot) => new(_directory, Board, _slots, slot, _countdowns[_laneOf[slot]], _posts[_laneOf[slot]]);

    private IActorRef Hire(IActorContext context, int slot, Props props, string name)
    {
        _here[slot] = true;
        _posts[_laneOf[slot]].Open(slot);
        _actors[slot] = context.ActorOf(props.WithDispatcher(Lanes.Dispatcher(_laneOf[slot])), name);
        return context.Watch(_actors[slot]);
    }
}
