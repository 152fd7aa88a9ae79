using Akka.Actor;
using Akka.TestKit;
using VmSim.Actors.Simulation;
using VmSim.Core.Addresses;
using VmSim.Core.Engine;
using VmSim.Core.Programs;
using VmSim.Core.Scenarios;
using VmSim.Core.VirtualTime;
using VmSim.Tests.Shared;

namespace VmSim.Actors.Tests.Simulation;

public sealed class MemorySetActorTests : ActorTest
{
    private const int Cores = 4;
    private readonly World _world;
    private readonly TestProbe[] _cores;
    private readonly TestProbe _domain;
    private readonly PhaseCountdown _countdown;
    private readonly IActorRef _set;
    private long _sequence;
    private long _limit;

    public MemorySetActorTests()
    {
        // The call that core 0's thread will make is known by its index.
        ThreadProgram unmapper = new ThreadBuilder("u").Unmap(TestWorlds.Page(0), 2).Build();
        ScenarioSpec scenario = TestWorlds.Scenario(Cores, unmapper, TestWorlds.Toucher("b", 0, 1), TestWorlds.Toucher("c", 0, 1));
        _world = new World(scenario, check: true);
        _cores = [.. Enumerable.Range(0, Cores).Select(i => CreateTestProbe($"core-{i}"))];
        _domain = CreateTestProbe("domain");
        _countdown = new PhaseCountdown(0, _domain);
        Domain domain = _world.Domains[0];
        DomainSlots slots = new(_world, domain);
        IActorRef[] receivers = [.. _cores.Select(probe => probe.Ref), ActorRefs.Nobody];
        SimulationPart part = new(receivers, new DomainSchedule(slots.Cores, slots.Count - slots.Cores), slots, slots.Cores, _countdown);
        _set = Sys.ActorOf(MemorySetActor.Props(domain.Groups[0], part));
        receivers[Cores] = _set;
    }

    [Fact]
    public void Unmap_ThreeCoresHaveTheSpace_TellsExactlyTheOtherTwoAndAnswersAfterBothAcks()
    {
        Deliver(MessageKind.LoadSpace, 0, 1_000, 0);
        Deliver(MessageKind.LoadSpace, 1, 1_000, 1);
        Deliver(MessageKind.LoadSpace, 2, 1_000, 2);
        RunUntil(2_000);
        for (int core = 0; core < 3; core++)
        {
            Assert.Equal(MessageKind.SpaceLoaded, Single(core).Kind);
        }

        Deliver(MessageKind.Fault, 1, 3_000, 1, (long)TestWorlds.Page(0), (long)AccessKind.Store);
        RunUntil(10_000);
        Assert.Equal(MessageKind.TrapReturn, Single(1).Kind);

        Deliver(MessageKind.SystemCall, 0, 11_000, 0, 0);
        RunUntil(40_000);
        SimMessage local = Single(0);
        Assert.Equal(MessageKind.Invalidate, local.Kind);
        Assert.Equal(SimMessage.LocalFlag, local.Flags & SimMessage.LocalFlag);
        SimMessage first = Single(1);
        SimMessage second = Single(2);
        Assert.Equal(MessageKind.Invalidate, first.Kind);
        Assert.Equal(MessageKind.Invalidate, second.Kind);
        Assert.False(_cores[3].HasMessages);

        Deliver(MessageKind.Ack, 2, 41_000, second.A, 1, 1_000);
        RunUntil(42_000);
        Assert.False(_cores[0].HasMessages);

        Deliver(MessageKind.Ack, 1, 43_000, first.A, 1, 1_000);
        RunUntil(44_000);
        SimMessage answer = Single(0);
        Assert.Equal(MessageKind.TrapReturn, answer.Kind);
        Assert.Equal(0, answer.A);
        Assert.True(answer.Due >= 43_000 + _world.Delays.Service + _world.Delays.Return);
        Assert.True(answer.B > 0);
    }

    [Fact]
    public void Unmap_NobodyTouchedTheRange_TellsNobody()
    {
        Deliver(MessageKind.LoadSpace, 0, 1_000, 0);
        Deliver(MessageKind.LoadSpace, 1, 1_000, 1);
        RunUntil(2_000);
        Single(0);
        Single(1);
        Deliver(MessageKind.SystemCall, 0, 3_000, 0, 0);
        RunUntil(40_000);
        Assert.Equal(MessageKind.TrapReturn, Single(0).Kind);
        Assert.False(_cores[1].HasMessages);
    }

    [Fact]
    public void RunWindow_MessageDueLater_StaysInTheMailboxOfVirtualTime()
    {
        Deliver(MessageKind.LoadSpace, 0, 5_000, 0);
        RunUntil(5_000);
        Assert.False(_cores[0].HasMessages);
        RunUntil(5_001);
        Assert.Equal(MessageKind.SpaceLoaded, Single(0).Kind);
    }

    protected override void AfterAll()
    {
        base.AfterAll();
        _world.Dispose();
    }

    private void Deliver(MessageKind kind, int core, long due, long a, long b = 0, long c = 0) => _set.Tell(new WindowProtocol.Deliver(
    [
        new SimMessage { Kind = kind, Due = due, Sender = core, Sequence = _sequence++, Target = Cores, A = a, B = b, C = c },
    ]));

    /// <summary>Runs a window. What the set sends in it has arrived before its end is told.</summary>
    private void RunUntil(long limit)
    {
        _countdown.Arm(1);
        _set.Tell(new WindowProtocol.Run(_limit, limit, IsAlone: false));
        _limit = limit;
        _domain.ExpectMsg<DomainProtocol.LaneDone>();
    }

    private SimMessage Single(int core) => Assert.Single(_cores[core].ExpectMsg<WindowProtocol.Deliver>().Messages);
}
