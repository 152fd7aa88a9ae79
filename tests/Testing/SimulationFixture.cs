using Akka.Actor;
using Akka.TestKit;
using VmSim.Actors.Simulation;
using VmSim.Core.Engine;
using VmSim.Core.Scenarios;
using VmSim.Core.VirtualTime;

namespace VmSim.Testing;

/// <summary>
/// One actor of a simulation under a test kit, with probes in place of all others. A test says what comes to the actor and when, lets
/// virtual time pass, and takes from the probes what the actor sent.
/// </summary>
public abstract class SimulationFixture : IDisposable
{
    private readonly TestProbe _domain;
    private readonly PhaseCountdown _countdown;
    private readonly DomainSlots _slots;
    private readonly IActorRef[] _receivers;
    private IActorRef _actor = ActorRefs.Nobody;
    private int _target;
    private long _sequence;
    private long _limit;

    private protected SimulationFixture(TestKitBase kit, ScenarioSpec scenario)
    {
        ArgumentNullException.ThrowIfNull(kit);
        World = new World(scenario, check: true);
        Domain = World.Domains[0];
        _slots = new DomainSlots(World, Domain);
        _domain = kit.CreateTestProbe();
        _countdown = new PhaseCountdown(0, _domain);
        _receivers = new IActorRef[_slots.Count];
    }

    /// <summary>What is simulated; its first domain has the actor.</summary>
    public World World { get; }

    private protected Domain Domain { get; }

    /// <summary>Ends the world; the test kit ends the actors.</summary>
    public void Dispose()
    {
        World.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Lets virtual time pass. What the actor sends until then has arrived when this returns.</summary>
    /// <param name="time">Cycles; what is due at this time or later waits.</param>
    public void RunUntil(long time)
    {
        _countdown.Arm(1);
        _actor.Tell(new WindowProtocol.Run(Math.Min(_limit, time), time, IsAlone: false));
        _limit = time;
        _domain.ExpectMsg<DomainProtocol.LaneDone>();
    }

    /// <summary>Starts the actor.</summary>
    /// <param name="target">To whom messages for it are addressed.</param>
    /// <param name="probes">Who gets messages to others, by whom they are addressed to.</param>
    /// <param name="props">Makes the actor.</param>
    private protected void Start(int target, IEnumerable<(int Target, TestProbe Probe)> probes, Func<SimulationPart, Props> props)
    {
        Array.Fill(_receivers, ActorRefs.Nobody);
        foreach ((int other, TestProbe probe) in probes)
        {
            // A core that nothing runs on belongs to another domain and gets no message.
            int place = _slots.SlotOf(other);
            if (place >= 0)
            {
                _receivers[place] = probe;
            }
        }

        _target = target;
        int slot = _slots.SlotOf(target);
        SimulationPart part = new(_receivers, new DomainSchedule(_slots.Cores, _slots.Count - _slots.Cores), _slots, slot, _countdown);
        _actor = _domain.Sys.ActorOf(props(part));
        _receivers[slot] = _actor;
    }

    private protected void Deliver(SimMessage message, int sender, long due) =>
        _actor.Tell(new WindowProtocol.Deliver([message with { Due = due, Sender = sender, Sequence = _sequence++, Target = _target }]));

    private protected static SimMessage Single(TestProbe probe) => Assert.Single(probe.ExpectMsg<WindowProtocol.Deliver>().Messages);
}

/// <summary>The memory-set actor of a simulation's first process, with a probe for each core.</summary>
public sealed class MemorySetFixture : SimulationFixture
{
    /// <summary>Starts the actor.</summary>
    /// <param name="kit">The test kit.</param>
    /// <param name="scenario">What is simulated.</param>
    public MemorySetFixture(TestKitBase kit, ScenarioSpec scenario)
        : base(kit, scenario)
    {
        Cores = [.. World.Cores.Select(_ => kit.CreateTestProbe())];
        Start(World.Cores.Count, Cores.Index(), part => MemorySetActor.Props(Domain.Groups[0], part));
    }

    /// <summary>What the memory set sends to each core comes here.</summary>
    public IReadOnlyList<TestProbe> Cores { get; }

    /// <summary>Sends a message to the memory set.</summary>
    /// <param name="message">The message.</param>
    /// <param name="core">The core that it comes from.</param>
    /// <param name="due">Cycles of virtual time at which it arrives.</param>
    public void Send(SimMessage message, int core, long due) => Deliver(message, core, due);

    /// <summary>Takes the one message that the memory set has sent to a core; fails if there is none, or more.</summary>
    public SimMessage Expect(int core) => Single(Cores[core]);

    /// <summary>Whether the memory set has sent a core something that was not taken.</summary>
    public bool HasMessages(int core) => Cores[core].HasMessages;
}

/// <summary>The actor of a simulation's first core, with a probe for the memory set.</summary>
public sealed class CoreFixture : SimulationFixture
{
    /// <summary>Starts the actor.</summary>
    /// <param name="kit">The test kit.</param>
    /// <param name="scenario">What is simulated.</param>
    public CoreFixture(TestKitBase kit, ScenarioSpec scenario)
        : base(kit, scenario)
    {
        MemorySet = kit.CreateTestProbe();
        Start(Core.Core.Value, [(World.Cores.Count, MemorySet)], part => CoreActor.Props(Core, part));
    }

    /// <summary>What the core sends comes here.</summary>
    public TestProbe MemorySet { get; }

    /// <summary>The core.</summary>
    public CoreModel Core => Domain.Cores[0];

    /// <summary>Sends a message of the memory set to the core.</summary>
    /// <param name="message">The message.</param>
    /// <param name="due">Cycles of virtual time at which it arrives.</param>
    public void Send(SimMessage message, long due) => Deliver(message, World.Cores.Count, due);

    /// <summary>Takes the one message that the core has sent; fails if there is none, or more.</summary>
    public SimMessage Expect() => Single(MemorySet);
}
