using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Configuration;
using Akka.Serialization;

namespace VmSim.Actors.Cluster;

/// <summary>
/// Stands in the place of a serializer of Akka's that reads types which a peer names: that of JSON, which is also the one for every type
/// that has no other, of Protobuf messages, and of actors that another node asks for. Only messages of the protocols, and Akka's own, go
/// from node to node.
/// </summary>
public sealed class RefusingSerializer : Serializer
{
    /// <summary>Makes the serializer of an actor system.</summary>
    /// <param name="system">The actor system.</param>
    /// <param name="settings">Its <c>identifier</c> is that of the serializer whose place it takes, so that bytes of that kind come
    /// here.</param>
    public RefusingSerializer(ExtendedActorSystem system, Config settings)
        : base(system)
    {
        ArgumentNullException.ThrowIfNull(settings);
        Identifier = settings.GetInt("identifier");
    }

    /// <inheritdoc/>
    public override int Identifier { get; }

    /// <inheritdoc/>
    public override bool IncludeManifest => false;

    /// <inheritdoc/>
    public override byte[] ToBinary(object obj) =>
        throw new SerializationException($"{obj?.GetType().FullName} does not leave a node: it is no message of the protocols");

    /// <inheritdoc/>
    public override object FromBinary(byte[] bytes, Type type) =>
        throw new SerializationException(
            $"a peer sent a message of another kind ({type?.FullName ?? "unnamed"}, {bytes?.Length ?? 0} bytes), which is refused");
}
