using Akka.Actor;
using Akka.TestKit;
using VmSim.Actors.Simulation;
using VmSim.Core.Addresses;
using VmSim.Core.Engine;
using VmSim.Core.VirtualTime;
using VmSim.Testing;

namespace VmSim.Actors.Tests.Simulation;

public sealed class LaneMailboxesTests : ActorTest
{
    [Fact]
    public void Take_WhatWasPut_ComesOnceAndInOrder()
    {
        LaneMailboxes mailboxes = new(3);
        mailboxes.Open(1);
        for (int i = 0; i < 20; i++)
        {
            Assert.True(mailboxes.TryPut(1, [Message(2 * i), Message((2 * i) + 1)]));
        }

        Assert.Equal(Enumerable.Range(0, 40).Select(due => (long)due), mailboxes.Take(1).ToArray().Select(message => message.Due.Value));
        Assert.Empty(mailboxes.Take(1).ToArray());
        Assert.True(mailboxes.TryPut(1, [Message(7)]));
        Assert.Equal(7, Assert.Single(mailboxes.Take(1).ToArray()).Due);
    }

    [Fact]
    public void TryPut_ForAnotherLane_IsRefused()
    {
        LaneMailboxes mailboxes = new(2);
        mailboxes.Open(0);
        Assert.False(mailboxes.TryPut(1, [Message(1)]));
        Assert.Empty(mailboxes.Take(1).ToArray());
    }

    /// <summary>A core whose memory set lives on its lane sends no actor message; one whose set lives elsewhere does.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Core_ToAMemorySet_UsesTheMailboxesOfItsOwnLaneOnly(bool sameLane)
    {
        using World world = new(TestWorlds.Scenario(1, TestWorlds.Toucher("a", 0, 1)));
        TestProbe set = CreateTestProbe();
        TestProbe owner = CreateTestProbe();
        DomainSlots slots = new(world, world.Domains[0]);
        DomainSchedule schedule = new(slots.Cores, slots.Count - slots.Cores);
        LaneMailboxes mailboxes = new(slots.Count);
        mailboxes.Open(0);
        if (sameLane)
        {
            mailboxes.Open(slots.Cores);
        }

        PhaseCountdown countdown = new(0, owner);
        SimulationPart part = new([ActorRefs.Nobody, set], schedule, slots, 0, countdown, mailboxes);
        IActorRef core = Sys.ActorOf(CoreActor.Props(world.Cores[0], part));
        countdown.Arm(1);
        core.Tell(new WindowProtocol.Run(0, 0, IsAlone: false));
        owner.ExpectMsg<DomainProtocol.LaneDone>();
        SimMessage load = ToTheSet();
        Assert.Equal(MessageKind.LoadSpace, load.Kind);
        Assert.Equal(load.Due.Value, schedule.Next(slots.Cores));

        SimMessage loaded = SimMessage.Of(new SpaceLoaded(load.AsLoadRequest().Thread, new LoadAnswer(new Asid(1))));

        // The answer lies in the mailbox until the core's next window.
        Assert.True(mailboxes.TryPut(0, [loaded with { Space = load.Space, Sender = load.Target, Target = 0, Due = load.Due + 1_000 }]));
        countdown.Arm(1);
        core.Tell(new WindowProtocol.Run(0, load.Due.Value + 2_000, IsAlone: false));
        owner.ExpectMsg<DomainProtocol.LaneDone>();
        Assert.Equal(MessageKind.Fault, ToTheSet().Kind);

        SimMessage ToTheSet()
        {
            if (!sameLane)
            {
                return Assert.Single(set.ExpectMsg<WindowProtocol.Deliver>().Messages);
            }

            Assert.False(set.HasMessages);
            return Assert.Single(mailboxes.Take(slots.Cores).ToArray());
        }
    }

    private static SimMessage Message(long due) => SimMessage.Of(new InvalidationAck(1)) with { Due = due };
}
