using System.Runtime.Serialization;
using System.Text;
using Akka.Configuration;
using VmSim.Actors.Cluster;
using VmSim.Actors.Configuration;

namespace VmSim.Actors.Tests.Cluster;

/// <summary>A node with config/cluster.conf neither writes nor reads a type that is none of the protocols' and none of Akka's.</summary>
public sealed class RefusedMessagesTests() : ActorTest(
    ConfigurationFactory.ParseString("akka.remote.dot-netty.tcp { hostname = 127.0.0.1, port = 0 }")
        .WithFallback(ConfigurationFactory.ParseString(File.ReadAllText(ConfigFiles.Find("cluster.conf")))))
{
    /// <summary>Akka's serializer of JSON, which takes any type.</summary>
    private const int JsonIdentifier = 1;

    private sealed record Unknown(int Number);

    [Fact]
    public void UnknownType_IsNotWritten()
    {
        Assert.IsType<RefusingSerializer>(Sys.Serialization.FindSerializerForType(typeof(Unknown)));
        SerializationException error = Assert.Throws<SerializationException>(() => Sys.Serialization.Serialize(new Unknown(1)));
        Assert.Contains("Unknown does not leave a node", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Json_IsNotRead()
    {
        byte[] bytes = Encoding.UTF8.GetBytes($"{{\"$type\":\"{typeof(Unknown).AssemblyQualifiedName}\",\"Number\":1}}");
        Assert.Throws<SerializationException>(() => Sys.Serialization.Deserialize(bytes, JsonIdentifier, typeof(Unknown).AssemblyQualifiedName!));
    }
}
