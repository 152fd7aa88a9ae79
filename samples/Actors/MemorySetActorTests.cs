using VmSim.Core.Addresses;
using VmSim.Core.Programs;
using VmSim.Core.VirtualTime;
using VmSim.Testing;
using Xunit;

namespace Samples.Actors;

/// <summary>The memory-set actor of a process, with probes in place of the cores: who is told of an unmap, and when it returns.</summary>
public sealed class MemorySetActorTests : ActorTest
{
    private readonly MemorySetFixture _set;

    public MemorySetActorTests()
    {
        // One process on four cores, whose first thread unmaps two pages. A call is known by its number in the thread's program: 0.
        ThreadProgram unmapper = new ThreadBuilder("unmapper").Unmap(TestWorlds.Page(0), 2).Build();
        _set = new MemorySetFixture(this, TestWorlds.Scenario(4, unmapper, TestWorlds.Toucher("user", 0, 1)));
    }

    [Fact]
    public void Unmap_OneOtherCoreUsesThePage_ReturnsAfterItsAcknowledgement()
    {
        // The threads come to run on cores 0 and 1, and the second touches a page.
        _set.Send(SimMessage.Of(new LoadRequest(new ThreadId(0))), core: 0, due: 1_000);
        _set.Send(SimMessage.Of(new LoadRequest(new ThreadId(1))), core: 1, due: 1_000);
        _set.RunUntil(2_000);
        Assert.Equal(MessageKind.SpaceLoaded, _set.Expect(core: 0).Kind);
        Assert.Equal(MessageKind.SpaceLoaded, _set.Expect(core: 1).Kind);
        _set.Send(SimMessage.Of(new PageFault(new ThreadId(1), new VirtAddr(TestWorlds.Page(0)), AccessKind.Store)), core: 1, due: 3_000);
        _set.RunUntil(10_000);
        Assert.Equal(MessageKind.TrapReturn, _set.Expect(core: 1).Kind);

        // The first thread unmaps: its own core invalidates by itself, core 1 is told, and cores 2 and 3 hear nothing.
        _set.Send(SimMessage.Of(new SystemCallEntry(new ThreadId(0), 0)), core: 0, due: 11_000);
        _set.RunUntil(40_000);
        Assert.True(_set.Expect(core: 0).AsInvalidation().IsLocal);
        Invalidation told = _set.Expect(core: 1).AsInvalidation();
        Assert.False(told.IsLocal);
        Assert.False(_set.HasMessages(core: 2) || _set.HasMessages(core: 3));

        // The call returns when core 1 has acknowledged, not before.
        _set.RunUntil(50_000);
        Assert.False(_set.HasMessages(core: 0));
        _set.Send(SimMessage.Of(new InvalidationAck(told.Shootdown, 1, new Cycles(1_000))), core: 1, due: 51_000);
        _set.RunUntil(52_000);
        Assert.Equal(MessageKind.TrapReturn, _set.Expect(core: 0).Kind);
    }

    protected override void AfterAll()
    {
        base.AfterAll();
        _set.Dispose();
    }
}
