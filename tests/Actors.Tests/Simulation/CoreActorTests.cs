using VmSim.Core.Addresses;
using VmSim.Core.Engine;
using VmSim.Core.Programs;
using VmSim.Core.Shootdown;
using VmSim.Core.VirtualTime;
using VmSim.Testing;

namespace VmSim.Actors.Tests.Simulation;

public sealed class CoreActorTests : ActorTest
{
    private readonly CoreFixture _core;

    public CoreActorTests()
    {
        ThreadProgram faulting = new ThreadBuilder("faulting").Store(TestWorlds.Page(0)).Compute(100).Build();
        ThreadProgram other = new ThreadBuilder("other").Compute(50_000).Build();
        _core = new CoreFixture(this, TestWorlds.Scenario(1, faulting, other));
    }

    [Fact]
    public void Fault_AnInvalidationComesMeanwhile_IsAnsweredBeforeTheFault()
    {
        SimMessage fault = RunToTheFault();
        DeadRange range = new(new VirtAddr(TestWorlds.Page(3)), 1, PageSize.Size4K);
        _core.Send(
            SimMessage.Of(
                new Invalidation { Space = new SpaceId(0), Shootdown = 7, Scope = new InvalidationScope(range, IsWholeSpace: false) }),
            fault.Due.Value + 100);
        _core.RunUntil(fault.Due.Value + 200);
        SimMessage ack = _core.Expect();
        Assert.Equal(MessageKind.Ack, ack.Kind);
        Assert.Equal(7, ack.AsAck().Shootdown);
        Assert.Equal(CoreState.Trapped, _core.Core.State);

        _core.Send(SimMessage.Of(new TrapReturn(fault.AsPageFault().Thread)), fault.Due.Value + 9_000);
        _core.RunUntil(fault.Due.Value + 10_000);
        Assert.Equal(1, _core.Core.Counters[CoreCounters.MinorFaults]);

        // No memory set has mapped the page, so the retried access faults again: the thread went on.
        Assert.Equal(MessageKind.Fault, _core.Expect().Kind);
    }

    [Fact]
    public void Fault_TheThreadSleeps_AnotherThreadRunsUntilItWakes()
    {
        SimMessage fault = RunToTheFault();
        _core.Send(SimMessage.Of(new TrapSleep(fault.AsPageFault().Thread)), fault.Due.Value + 1_000);
        _core.RunUntil(fault.Due.Value + 20_000);
        Assert.Equal("other", _core.Core.Thread!.Name);
        Assert.Equal(CoreState.Running, _core.Core.State);
        Assert.True(_core.Core.Cycles[CoreCycles.User] > 10_000);

        _core.Send(SimMessage.OfWake(new TrapReturn(fault.AsPageFault().Thread, TrapResult.Major)), fault.Due.Value + 21_000);
        _core.RunUntil(fault.Due.Value + 200_000);
        Assert.Equal(1, _core.Core.Counters[CoreCounters.MajorFaults]);
    }

    protected override void AfterAll()
    {
        base.AfterAll();
        _core.Dispose();
    }

    private SimMessage RunToTheFault()
    {
        _core.RunUntil(0);
        SimMessage load = _core.Expect();
        Assert.Equal(MessageKind.LoadSpace, load.Kind);
        _core.Send(SimMessage.Of(new SpaceLoaded(load.AsLoadRequest().Thread, new LoadAnswer(new Asid(1)))), load.Due.Value + 1_000);
        _core.RunUntil(load.Due.Value + 10_000);
        SimMessage fault = _core.Expect();
        Assert.Equal(MessageKind.Fault, fault.Kind);
        Assert.Equal(new VirtAddr(TestWorlds.Page(0)), fault.AsPageFault().Address);
        return fault;
    }
}
