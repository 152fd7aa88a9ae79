using Akka.Actor;
using VmSim.Core.Engine;

namespace VmSim.Actors.Simulation;

/// <summary>The actors of a domain, the lanes they live on, and who takes part in a phase.</summary>
internal sealed class DomainCrew
{
    private readonly World _world;
    private readonly Domain _domain;
    private readonly DomainSlots _slots;
    private readonly DomainDirectory _directory;
    private readonly PhaseCountdown[] _countdowns;
    private readonly IActorRef[] _actors;
    private readonly int[] _laneOf;
    private readonly int[] _laneCounts;
    private readonly List<int> _mustered = [];

    public DomainCrew(World world, Domain domain, int lanes, IActorRef owner)
    {
        _world = world;
        _domain = domain;
        _slots = new DomainSlots(world, domain);
        Board = new DomainBoard(_slots.Count);
        IActorRef[] cores = new IActorRef[world.Cores.Count];
        IActorRef[] sets = new IActorRef[world.SpaceCount];
        Array.Fill(cores, ActorRefs.Nobody);
        Array.Fill(sets, ActorRefs.Nobody);
        _directory = new DomainDirectory(cores, sets);
        _actors = new IActorRef[_slots.Count];
        _countdowns = [.. Enumerable.Range(0, lanes).Select(lane => new PhaseCountdown(lane, owner))];
        _laneCounts = new int[lanes];
        _laneOf = new int[_slots.Count];
        bool whole = world.Domains.Count >= lanes;
        for (int slot = 0; slot < _slots.Count; slot++)
        {
            int index = slot < _slots.Cores ? slot : slot - _slots.Cores;
            _laneOf[slot] = whole ? HomeLane(domain, lanes) : (HomeLane(domain, lanes) + Lanes.LaneOf(index, lanes)) % lanes;
        }
    }

    public DomainBoard Board { get; }

    /// <summary>The lane of the domain's own actor, and of all its actors where there are domains enough for every lane.</summary>
    public static int HomeLane(Domain domain, int lanes) => domain.Index % lanes;

    /// <summary>Makes the actors as children of the domain's, and watches them.</summary>
    public void Hire(IActorContext context)
    {
        for (int slot = 0; slot < _slots.Count; slot++)
        {
            SimulationPart part = new(_directory, Board, _slots, slot, _countdowns[_laneOf[slot]]);
            string dispatcher = Lanes.Dispatcher(_laneOf[slot]);
            if (slot < _slots.Cores)
            {
                CoreModel core = _domain.Cores[slot];
                _actors[slot] = context.ActorOf(CoreActor.Props(core, part).WithDispatcher(dispatcher), $"core-{core.Core}");
                _directory.CoreActors[core.Core.Value] = _actors[slot];
            }
            else
            {
                Core.Kernel.SpaceGroup group = _domain.Groups[slot - _slots.Cores];
                _actors[slot] = context.ActorOf(MemorySetActor.Props(group, part).WithDispatcher(dispatcher), $"memory-set-{group.Index}");
                foreach (Core.Kernel.AddressSpace member in group.Members)
                {
                    _directory.MemorySetActors[member.Space.Value] = _actors[slot];
                }
            }

            context.Watch(_actors[slot]);
        }
    }

    /// <summary>Begins the choice of who takes part in the coming phase.</summary>
    public void BeginMuster()
    {
        _mustered.Clear();
        Array.Clear(_laneCounts);
    }

    /// <summary>The actor of a slot takes part in the coming phase.</summary>
    public void Muster(int slot)
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
}
