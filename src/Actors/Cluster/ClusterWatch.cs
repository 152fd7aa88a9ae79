using Akka.Actor;
using Akka.Cluster;
using Akka.Remote;

namespace VmSim.Actors.Cluster;

/// <summary>What an actor of a cluster hears of the other nodes: events of members, and connections that were lost.</summary>
internal static class ClusterWatch
{
    /// <summary>Begins to tell an actor; of members that are there already, too.</summary>
    /// <param name="system">The actor system.</param>
    /// <param name="listener">The actor.</param>
    /// <param name="events">Kinds of <see cref="ClusterEvent"/>.</param>
    public static void Begin(ActorSystem system, IActorRef listener, params Type[] events)
    {
        Akka.Cluster.Cluster.Get(system).Subscribe(listener, ClusterEvent.SubscriptionInitialStateMode.InitialStateAsEvents, events);
        system.EventStream.Subscribe(listener, typeof(DisassociatedEvent));
    }

    /// <summary>Tells an actor no more.</summary>
    /// <param name="system">The actor system.</param>
    /// <param name="listener">The actor.</param>
    public static void End(ActorSystem system, IActorRef listener)
    {
        Akka.Cluster.Cluster.Get(system).Unsubscribe(listener);
        system.EventStream.Unsubscribe(listener);
    }
}
