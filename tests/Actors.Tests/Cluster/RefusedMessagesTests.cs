using System.Runtime.Serialization;
using System.Text;
using Akka.Actor;
using Akka.Dispatch.SysMsg;
using Akka.Remote.Serialization;
using Akka.Serialization;
using VmSim.Actors.Cluster;
using VmSim.Testing;

namespace VmSim.Actors.Tests.Cluster;

/// <summary>
/// A node neither writes nor reads a type that is none of the protocols' and none of those that Akka's nodes send each other.
/// </summary>
public sealed class RefusedMessagesTests() : ActorTest(SecureNodes.Configuration(), SecureNodes.Setup())
{
    private sealed record Unknown(int Number);

    [Fact]
    public void UnknownType_IsNotWritten()
    {
        Assert.IsType<RefusingSerializer>(Sys.Serialization.FindSerializerForType(typeof(Unknown)));
        SerializationException error = Assert.Throws<SerializationException>(() => Sys.Serialization.Serialize(new Unknown(1)));
        Assert.Contains("Unknown does not leave a node", error.Message, StringComparison.Ordinal);
    }

    /// <summary>
    /// JSON, Protobuf messages, orders to make an actor, messages of a client of the cluster, and of reliable delivery: what they hold is
    /// never looked at.
    /// </summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(15)]
    [InlineData(36)]
    public void SerializersThatReadNamedTypes_ReadNothing(int identifier)
    {
        byte[] bytes = Encoding.UTF8.GetBytes($"{{\"$type\":\"{typeof(Unknown).AssemblyQualifiedName}\",\"Number\":1}}");
        Assert.Throws<SerializationException>(
            () => Sys.Serialization.Deserialize(bytes, identifier, typeof(Unknown).AssemblyQualifiedName!));
    }

    [Fact]
    public void MessagesThatStopAnActor_AreNotRead()
    {
        object[] harmful =
        [
            PoisonPill.Instance, Kill.Instance, new Status.Failure(new InvalidOperationException("x")), new Suspend(), new Terminate(),
            new Recreate(new InvalidOperationException("x")), new Resume(null), new Supervise(TestActor, true),
            new Failed(TestActor, new InvalidOperationException("x"), 1),
        ];
        foreach (object message in harmful)
        {
            Assert.IsType<RefusedMessage>(ThereAndBack(message));
        }

        Assert.IsType<Identify>(ThereAndBack(new Identify("who")));
        Assert.IsType<Watch>(ThereAndBack(new Watch((IInternalActorRef)TestActor, (IInternalActorRef)TestActor)));
    }

    /// <summary>Read by a node, written by somebody with Akka's own serializers.</summary>
    private object ThereAndBack(object message)
    {
        ExtendedActorSystem system = (ExtendedActorSystem)Sys;
        Serializer writer = message is ISystemMessage ? new SystemMessageSerializer(system) : new MiscMessageSerializer(system);
        byte[] bytes = Akka.Serialization.Serialization.WithTransport(system, () => writer.ToBinary(message));
        return Sys.Serialization.Deserialize(bytes, writer.Identifier, Akka.Serialization.Serialization.ManifestFor(writer, message));
    }
}
