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
        Deliver(SimMessage.Of(new LoadRequest(new ThreadId(0))), 0, 1_000);
        Deliver(SimMessage.Of(new LoadRequest(new ThreadId(1))), 1, 1_000);
        Deliver(SimMessage.Of(new LoadRequest(new ThreadId(2))), 2, 1_000);
        RunUntil(2_000);
        for (int core = 0; core < 3; core++)
        {
            Assert.Equal(MessageKind.SpaceLoaded, Single(core).Kind);
        }

        Deliver(SimMessage.Of(new PageFault(new ThreadId(1), new VirtAddr(TestWorlds.Page(0)), AccessKind.Store)), 1, 3_000);
        RunUntil(10_000);
        Assert.Equal(MessageKind.TrapReturn, Single(1).Kind);

        Deliver(SimMessage.Of(new SystemCallEntry(new ThreadId(0), 0)), 0, 11_000);
        RunUntil(40_000);
        SimMessage local = Single(0);
        Assert.Equal(MessageKind.Invalidate, local.Kind);
        Assert.True(local.AsInvalidation().IsLocal);
        SimMessage first = Single(1);
        SimMessage second = Single(2);
        Assert.Equal(MessageKind.Invalidate, first.Kind);
        Assert.Equal(MessageKind.Invalidate, second.Kind);
        Assert.False(_cores[3].HasMessages);

        Deliver(SimMessage.Of(new InvalidationAck(second.AsInvalidation().Shootdown, 1, new Cycles(1_000))), 2, 41_000);
        RunUntil(42_000);
        Assert.False(_cores[0].HasMessages);

        Deliver(SimMessage.Of(new InvalidationAck(first.AsInvalidation().Shootdown, 1, new Cycles(1_000))), 1, 43_000);
        RunUntil(44_000);
        SimMessage answer = Single(0);
        Assert.Equal(MessageKind.TrapReturn, answer.Kind);
        Assert.Equal(new ThreadId(0), answer.AsTrapReturn().Thread);
        Assert.True(answer.Due >= 43_000 + _world.Delays.Service + _world.Delays.Return);
        Assert.True(answer.AsTrapReturn().ShootdownWait > Cycles.Zero);
    }

    [Fact]
    public void Unmap_NobodyTouchedTheRange_TellsNobody()
    {
        Deliver(SimMessage.Of(new LoadRequest(new ThreadId(0))), 0, 1_000);
        Deliver(SimMessage.Of(new LoadRequest(new ThreadId(1))), 1, 1_000);
        RunUntil(2_000);
        Single(0);
        Single(1);
        Deliver(SimMessage.Of(new SystemCallEntry(new ThreadId(0), 0)), 0, 3_000);
        RunUntil(40_000);
        Assert.Equal(MessageKind.TrapReturn, Single(0).Kind);
        Assert.False(_cores[1].HasMessages);
    }

    [Fact]
    public void RunWindow_MessageDueLater_StaysInTheMailboxOfVirtualTime()
    {
        Deliver(SimMessage.Of(new LoadRequest(new ThreadId(0))), 0, 5_000);
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

    private void Deliver(SimMessage message, int core, long due) =>
        _set.Tell(new WindowProtocol.Deliver([message with { Due = due, Sender = core, Sequence = _sequence++, Target = Cores }]));

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
