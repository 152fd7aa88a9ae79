using VmSim.Core.Addresses;
using VmSim.Core.Programs;
using VmSim.Core.VirtualTime;
using VmSim.Testing;

namespace VmSim.Actors.Tests.Simulation;

public sealed class MemorySetActorTests : ActorTest
{
    private const int Cores = 4;
    private readonly MemorySetFixture _set;

    public MemorySetActorTests()
    {
        // The call that core 0's thread will make is known by its index.
        ThreadProgram unmapper = new ThreadBuilder("u").Unmap(TestWorlds.Page(0), 2).Build();
        _set = new MemorySetFixture(
            this, TestWorlds.Scenario(Cores, unmapper, TestWorlds.Toucher("b", 0, 1), TestWorlds.Toucher("c", 0, 1)));
    }

    [Fact]
    public void Unmap_ThreeCoresHaveTheSpace_TellsExactlyTheOtherTwoAndAnswersAfterBothAcks()
    {
        _set.Send(SimMessage.Of(new LoadRequest(new ThreadId(0))), 0, 1_000);
        _set.Send(SimMessage.Of(new LoadRequest(new ThreadId(1))), 1, 1_000);
        _set.Send(SimMessage.Of(new LoadRequest(new ThreadId(2))), 2, 1_000);
        _set.RunUntil(2_000);
        for (int core = 0; core < 3; core++)
        {
            Assert.Equal(MessageKind.SpaceLoaded, _set.Expect(core).Kind);
        }

        _set.Send(SimMessage.Of(new PageFault(new ThreadId(1), new VirtAddr(TestWorlds.Page(0)), AccessKind.Store)), 1, 3_000);
        _set.RunUntil(10_000);
        Assert.Equal(MessageKind.TrapReturn, _set.Expect(1).Kind);

        _set.Send(SimMessage.Of(new SystemCallEntry(new ThreadId(0), 0)), 0, 11_000);
        _set.RunUntil(40_000);
        SimMessage local = _set.Expect(0);
        Assert.Equal(MessageKind.Invalidate, local.Kind);
        Assert.True(local.AsInvalidation().IsLocal);
        SimMessage first = _set.Expect(1);
        SimMessage second = _set.Expect(2);
        Assert.Equal(MessageKind.Invalidate, first.Kind);
        Assert.Equal(MessageKind.Invalidate, second.Kind);
        Assert.False(_set.HasMessages(3));

        _set.Send(SimMessage.Of(new InvalidationAck(second.AsInvalidation().Shootdown, 1, new Cycles(1_000))), 2, 41_000);
        _set.RunUntil(42_000);
        Assert.False(_set.HasMessages(0));

        _set.Send(SimMessage.Of(new InvalidationAck(first.AsInvalidation().Shootdown, 1, new Cycles(1_000))), 1, 43_000);
        _set.RunUntil(44_000);
        SimMessage answer = _set.Expect(0);
        Assert.Equal(MessageKind.TrapReturn, answer.Kind);
        Assert.Equal(new ThreadId(0), answer.AsTrapReturn().Thread);
        Assert.True(answer.Due >= 43_000 + _set.World.Delays.Service + _set.World.Delays.Return);
        Assert.True(answer.AsTrapReturn().ShootdownWait > Cycles.Zero);
    }

    [Fact]
    public void Unmap_NobodyTouchedTheRange_TellsNobody()
    {
        _set.Send(SimMessage.Of(new LoadRequest(new ThreadId(0))), 0, 1_000);
        _set.Send(SimMessage.Of(new LoadRequest(new ThreadId(1))), 1, 1_000);
        _set.RunUntil(2_000);
        _set.Expect(0);
        _set.Expect(1);
        _set.Send(SimMessage.Of(new SystemCallEntry(new ThreadId(0), 0)), 0, 3_000);
        _set.RunUntil(40_000);
        Assert.Equal(MessageKind.TrapReturn, _set.Expect(0).Kind);
        Assert.False(_set.HasMessages(1));
    }

    [Fact]
    public void RunWindow_MessageDueLater_StaysInTheMailboxOfVirtualTime()
    {
        _set.Send(SimMessage.Of(new LoadRequest(new ThreadId(0))), 0, 5_000);
        _set.RunUntil(5_000);
        Assert.False(_set.HasMessages(0));
        _set.RunUntil(5_001);
        Assert.Equal(MessageKind.SpaceLoaded, _set.Expect(0).Kind);
    }

    protected override void AfterAll()
    {
        base.AfterAll();
        _set.Dispose();
    }
}
