using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Configuration;
using Akka.Serialization;

namespace VmSim.Actors.Cluster;

/// <summary>
/// Stands in the place of Akka's serializer for JSON, which writes any type that has no other and reads any that a peer names: refuses both. Only messages of
/// the protocols, and Akka's own, go from node to node.
/// </summary>
public sealed class RefusingSerializer : Serializer
{
    /// <summary>Makes the serializer of an actor system.</summary>
    /// <param name="system">The actor system.</param>
    /// <param name="settings">The settings of the serializer whose place it takes; unused.</param>
    public RefusingSerializer(ExtendedActorSystem system, Config settings)
        : base(system)
    {
    }

    /// <summary>That of <see cref="NewtonSoftJsonSerializer"/>, so that bytes which say that they are JSON come here.</summary>
    public override int Identifier => 1;

    /// <inheritdoc/>
    public override bool IncludeManifest => false;

    /// <inheritdoc/>
    public override byte[] ToBinary(object obj) => throw new SerializationException($"{obj?.GetType().FullName} does not leave a node: no serializer is bound to it in config/cluster.conf");

    /// <inheritdoc/>
    public override object FromBinary(byte[] bytes, Type type) => throw new SerializationException($"a peer sent a message of another kind ({type?.FullName ?? "unnamed"}, {bytes?.Length ?? 0} bytes), which is refused");
}
