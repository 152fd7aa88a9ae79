using Akka.Actor;
using Akka.Dispatch.SysMsg;
using Akka.Remote.Serialization;
using Akka.Serialization;

namespace VmSim.Actors.Cluster;

/// <summary>
/// What an actor gets in the place of a message of Akka's that no node sends to another: it does nothing with it. An exception in its place
/// would cost the connection, and with it the run of a node that has done nothing wrong.
/// </summary>
/// <param name="Kind">What was sent.</param>
public sealed record RefusedMessage(string Kind);

/// <summary>
/// Akka's serializer of small messages, for those that nodes send each other: who is at a path, and heartbeats. PoisonPill and Kill, which
/// stop an actor, routers, configurations, and exceptions, which bring types with them, are not read.
/// </summary>
/// <param name="system">The actor system.</param>
public sealed class PeerMessageSerializer(ExtendedActorSystem system) : SerializerWithStringManifest(system)
{
    /// <summary>
    /// Manifests of Identify, ActorIdentity, an actor's reference, and of the two heartbeats between nodes that watch each other's actors.
    /// </summary>
    private static readonly string[] Allowed = ["ID", "AID", "AR", "RWHB", "RWHR"];

    private readonly MiscMessageSerializer _serializer = new(system);

    /// <summary>That of <see cref="MiscMessageSerializer"/>.</summary>
    public override int Identifier => 16;

    /// <inheritdoc/>
    public override string Manifest(object o) => _serializer.Manifest(o);

    /// <inheritdoc/>
    public override byte[] ToBinary(object obj) => _serializer.ToBinary(obj);

    /// <inheritdoc/>
    public override object FromBinary(byte[] bytes, string manifest) =>
        Allowed.Contains(manifest) ? _serializer.FromBinary(bytes, manifest) : new RefusedMessage(manifest);
}

/// <summary>
/// Akka's serializer of messages between actor systems, for those that watch an actor or tell that it has stopped. Those that stop,
/// suspend, restart or make one come from an actor's own parent, which is never on another node.
/// </summary>
/// <param name="system">The actor system.</param>
public sealed class PeerSystemMessageSerializer(ExtendedActorSystem system) : Serializer(system)
{
    private static readonly Type[] Allowed = [typeof(Watch), typeof(Unwatch), typeof(DeathWatchNotification)];

    private readonly SystemMessageSerializer _serializer = new(system);

    /// <summary>That of <see cref="SystemMessageSerializer"/>.</summary>
    public override int Identifier => 22;

    /// <inheritdoc/>
    public override bool IncludeManifest => true;

    /// <inheritdoc/>
    public override byte[] ToBinary(object obj) => _serializer.ToBinary(obj);

    /// <inheritdoc/>
    public override object FromBinary(byte[] bytes, Type type) =>
        Allowed.Contains(type) ? _serializer.FromBinary(bytes, type) : new RefusedMessage(type?.Name ?? "");
}
