using Akka.Actor;
using Akka.TestKit;
using VmSim.Actors.Simulation;
using VmSim.Core.Addresses;
using VmSim.Core.Engine;
using VmSim.Core.Programs;
using VmSim.Core.Scenarios;
using VmSim.Core.Shootdown;
using VmSim.Core.VirtualTime;
using VmSim.Tests.Shared;

namespace VmSim.Actors.Tests.Simulation;

public sealed class CoreActorTests : ActorTest
{
    private readonly World _world;
    private readonly TestProbe _set;
    private readonly TestProbe _domain;
    private readonly PhaseCountdown _countdown;
    private readonly IActorRef _core;
    private long _sequence;

    public CoreActorTests()
    {
        ThreadProgram faulting = new ThreadBuilder("faulting").Store(TestWorlds.Page(0)).Compute(100).Build();
        ThreadProgram other = new ThreadBuilder("other").Compute(50_000).Build();
        ScenarioSpec scenario = TestWorlds.Scenario(1, faulting, other);
        _world = new World(scenario, check: true);
        _set = CreateTestProbe("memory-set");
        _domain = CreateTestProbe("domain");
        _countdown = new PhaseCountdown(0, _domain);
        Domain domain = _world.Domains[0];
        DomainSlots slots = new(_world, domain);
        IActorRef[] receivers = [ActorRefs.Nobody, _set];
        SimulationPart part = new(receivers, new DomainSchedule(slots.Cores, slots.Count - slots.Cores), slots, 0, _countdown);
        _core = Sys.ActorOf(CoreActor.Props(domain.Cores[0], part));
        receivers[0] = _core;
    }

    [Fact]
    public void Fault_AnInvalidationComesMeanwhile_IsAnsweredBeforeTheFault()
    {
        SimMessage fault = RunToTheFault();
        DeadRange range = new(new VirtAddr(TestWorlds.Page(3)), 1, PageSize.Size4K);
        Deliver(
            SimMessage.Of(
                new Invalidation { Space = new SpaceId(0), Shootdown = 7, Scope = new InvalidationScope(range, IsWholeSpace: false) }),
            fault.Due + 100);
        RunUntil(fault.Due + 200);
        SimMessage ack = Single();
        Assert.Equal(MessageKind.Ack, ack.Kind);
        Assert.Equal(7, ack.AsAck().Shootdown);
        Assert.Equal(CoreState.Trapped, _world.Cores[0].State);

        Deliver(SimMessage.Of(new TrapReturn(fault.AsPageFault().Thread)), fault.Due + 9_000);
        RunUntil(fault.Due + 10_000);
        Assert.Equal(1, _world.Cores[0].Counters[CoreCounters.MinorFaults]);

        // No memory set has mapped the page, so the retried access faults again: the thread went on.
        Assert.Equal(MessageKind.Fault, Single().Kind);
    }

    [Fact]
    public void Fault_TheThreadSleeps_AnotherThreadRunsUntilItWakes()
    {
        SimMessage fault = RunToTheFault();
        Deliver(SimMessage.Of(new TrapSleep(fault.AsPageFault().Thread)), fault.Due + 1_000);
        RunUntil(fault.Due + 20_000);
        Assert.Equal("other", _world.Cores[0].Thread!.Name);
        Assert.Equal(CoreState.Running, _world.Cores[0].State);
        Assert.True(_world.Cores[0].Cycles[CoreCycles.User] > 10_000);

        Deliver(SimMessage.OfWake(new TrapReturn(fault.AsPageFault().Thread, TrapResult.Major)), fault.Due + 21_000);
        RunUntil(fault.Due + 200_000);
        Assert.Equal(1, _world.Cores[0].Counters[CoreCounters.MajorFaults]);
    }

    protected override void AfterAll()
    {
        base.AfterAll();
        _world.Dispose();
    }

    private SimMessage RunToTheFault()
    {
        RunUntil(0);
        SimMessage load = Single();
        Assert.Equal(MessageKind.LoadSpace, load.Kind);
        Deliver(SimMessage.Of(new SpaceLoaded(load.AsLoadRequest().Thread, new LoadAnswer(new Asid(1)))), load.Due + 1_000);
        RunUntil(load.Due + 10_000);
        SimMessage fault = Single();
        Assert.Equal(MessageKind.Fault, fault.Kind);
        Assert.Equal(new VirtAddr(TestWorlds.Page(0)), fault.AsPageFault().Address);
        return fault;
    }

    private void Deliver(SimMessage message, long due) =>
        _core.Tell(new WindowProtocol.Deliver([message with { Due = due, Sender = 1, Sequence = _sequence++, Target = 0 }]));

    private void RunUntil(long limit)
    {
        _countdown.Arm(1);
        _core.Tell(new WindowProtocol.Run(limit, limit, IsAlone: false));
        _domain.ExpectMsg<DomainProtocol.LaneDone>();
    }

    private SimMessage Single() => Assert.Single(_set.ExpectMsg<WindowProtocol.Deliver>().Messages);
}
