using Akka.Actor;
using Akka.TestKit;
using Akka.TestKit.Xunit2;
using VmSim.Actors.Simulation;
using VmSim.Core.Engine;
using VmSim.Core.VirtualTime;
using VmSim.Tests.Shared;

namespace VmSim.Actors.Tests.Simulation;

public sealed class LanePostTests : TestKit
{
    [Fact]
    public void Take_WhatWasPut_ComesOnceAndInOrder()
    {
        LanePost post = new(3);
        post.Open(1);
        for (int i = 0; i < 20; i++)
        {
            Assert.True(post.TryPut(1, [Message(2 * i), Message((2 * i) + 1)]));
        }

        Assert.Equal(Enumerable.Range(0, 40).Select(due => (long)due), post.Take(1).ToArray().Select(message => message.Due));
        Assert.Empty(post.Take(1).ToArray());
        Assert.True(post.TryPut(1, [Message(7)]));
        Assert.Equal(7, Assert.Single(post.Take(1).ToArray()).Due);
    }

    [Fact]
    public void TryPut_ForAnotherLane_IsRefused()
    {
        LanePost post = new(2);
        post.Open(0);
        Assert.False(post.TryPut(1, [Message(1)]));
        Assert.Empty(post.Take(1).ToArray());
    }

    /// <summary>A core whose memory set lives on its lane sends no actor message; one whose set lives elsewhere does.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Core_ToAMemorySet_UsesThePostOfItsOwnLaneOnly(bool sameLane)
    {
        using World world = new(TestWorlds.Scenario(1, TestWorlds.Toucher("a", 0, 1)));
        TestProbe set = CreateTestProbe();
        TestProbe owner = CreateTestProbe();
        DomainSlots slots = new(world, world.Domains[0]);
        DomainBoard board = new(slots.Count);
        LanePost post = new(slots.Count);
        post.Open(0);
        if (sameLane)
        {
            post.Open(slots.Cores);
        }

        PhaseCountdown countdown = new(0, owner);
        SimulationPart part = new(new DomainDirectory([ActorRefs.Nobody], [set.Ref]), board, slots, 0, countdown, post);
        IActorRef core = Sys.ActorOf(CoreActor.Props(world.Cores[0], part));
        countdown.Arm(1);
        core.Tell(new CoreProtocol.RunWindow(0, Alone: false));
        owner.ExpectMsg<DomainProtocol.LaneDone>();
        SimMessage load = ToTheSet();
        Assert.Equal(MessageKind.LoadSpace, load.Kind);
        Assert.Equal(load.Due, board.Next(slots.Cores));

        // The answer lies in the post until the core's next window.
        Assert.True(post.TryPut(0, [load with { Kind = MessageKind.SpaceLoaded, Target = 0, Due = load.Due + 1_000, B = 1 }]));
        countdown.Arm(1);
        core.Tell(new CoreProtocol.RunWindow(load.Due + 2_000, Alone: false));
        owner.ExpectMsg<DomainProtocol.LaneDone>();
        Assert.Equal(MessageKind.Fault, ToTheSet().Kind);

        SimMessage ToTheSet()
        {
            if (!sameLane)
            {
                return Assert.Single(set.ExpectMsg<MemorySetProtocol.Deliver>().Messages);
            }

            Assert.False(set.HasMessages);
            return Assert.Single(post.Take(slots.Cores).ToArray());
        }
    }

    private static SimMessage Message(long due) => new() { Kind = MessageKind.Ack, Due = due };
}
