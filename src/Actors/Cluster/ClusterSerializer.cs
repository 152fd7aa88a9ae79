using Akka.Actor;
using Akka.Serialization;
using VmSim.Actors.Simulation;
using VmSim.Core.Reports;

namespace VmSim.Actors.Cluster;

/// <summary>
/// Turns the messages that leave a node into bytes: a short name for each kind, then its fields in order, numbers low byte first, texts in UTF-8 with
/// their length before them.
/// </summary>
public sealed class ClusterSerializer : SerializerWithStringManifest
{
    /// <summary>Makes the serializer of an actor system.</summary>
    public ClusterSerializer(ExtendedActorSystem system)
        : base(system)
    {
    }

    /// <inheritdoc/>
    public override int Identifier => 7_040;

    /// <inheritdoc/>
    public override string Manifest(object o) => o switch
    {
        DomainProtocol.Envelope => "envelope",
        NodeShardProtocol.Begin => "begin",
        NodeShardProtocol.Stop => "stop",
        NodeShardProtocol.Collect => "collect",
        NodeShardProtocol.Stopped => "stopped",
        NodeShardProtocol.Collected => "collected",
        NodeShardProtocol.Progressed => "progressed",
        NodeShardProtocol.Failed => "failed",
        NodeProtocol.Prepare => "prepare",
        NodeProtocol.Prepared => "prepared",
        NodeProtocol.Refused => "refused",
        NodeProtocol.PeerLost => "peer-lost",
        NodeProtocol.Dismiss => "dismiss",
        _ => throw new ArgumentException($"{o?.GetType().Name} does not leave a node", nameof(o)),
    };

    /// <inheritdoc/>
    public override byte[] ToBinary(object obj)
    {
        if (obj is DomainProtocol.Envelope envelope)
        {
            // The one kind that comes often: the domain's number before bytes that are ready.
            byte[] bytes = new byte[sizeof(int) + envelope.Bytes.Length];
            BitConverter.TryWriteBytes(bytes, envelope.Domain);
            envelope.Bytes.CopyTo(bytes, sizeof(int));
            return bytes;
        }

        using MemoryStream stream = new();
        using BinaryWriter writer = new(stream);
        Write(writer, obj);
        return stream.ToArray();
    }

    /// <inheritdoc/>
    public override object FromBinary(byte[] bytes, string manifest)
    {
        ArgumentNullException.ThrowIfNull(bytes);
        if (manifest == "envelope")
        {
            return new DomainProtocol.Envelope(BitConverter.ToInt32(bytes), bytes[sizeof(int)..]);
        }

        using MemoryStream stream = new(bytes, writable: false);
        using BinaryReader reader = new(stream);
        return Read(reader, manifest);
    }

    private static void Write(BinaryWriter writer, object message)
    {
        switch (message)
        {
            case NodeShardProtocol.Begin begin:
                writer.Write(begin.Shards.Count);
                foreach (IActorRef shard in begin.Shards)
                {
                    writer.Write(Akka.Serialization.Serialization.SerializedActorPath(shard));
                }

                break;
            case NodeShardProtocol.Collect collect:
                writer.Write(collect.End);
                break;
            case NodeShardProtocol.Stopped stopped:
                writer.Write(stopped.Node);
                writer.Write(stopped.Completed);
                writer.Write(stopped.Windows);
                writer.Write(stopped.End.Clock);
                writer.Write(stopped.End.AllThreadsEnded);
                writer.Write(stopped.End.HasWorkLeft);
                break;
            case NodeShardProtocol.Collected collected:
                writer.Write(collected.Node);
                writer.Write(collected.Pieces);
                writer.Write(collected.Bytes.Length);
                writer.Write(collected.Bytes);
                WriteHost(writer, collected.Host);
                break;
            case NodeShardProtocol.Progressed progressed:
                writer.Write(progressed.Node);
                writer.Write(progressed.VirtualTime);
                writer.Write(progressed.Accesses);
                break;
            case NodeShardProtocol.Failed failed:
                writer.Write(failed.Node);
                writer.Write(failed.Reason);
                break;
            case NodeProtocol.Prepare prepare:
                WritePlan(writer, prepare.Plan);
                writer.Write(prepare.Node);
                break;
            case NodeProtocol.Prepared prepared:
                writer.Write(prepared.Node);
                writer.Write(prepared.Threads);
                writer.Write(Akka.Serialization.Serialization.SerializedActorPath(prepared.Shard));
                break;
            case NodeProtocol.Refused refused:
                writer.Write(refused.Node);
                writer.Write(refused.Reason);
                break;
            case NodeProtocol.PeerLost lost:
                writer.Write(lost.Address.ToString());
                break;
            default:
                break;
        }
    }

    private object Read(BinaryReader reader, string manifest) => manifest switch
    {
        "begin" => new NodeShardProtocol.Begin([.. Enumerable.Range(0, reader.ReadInt32()).Select(_ => ReadActor(reader))]),
        "stop" => new NodeShardProtocol.Stop(),
        "collect" => new NodeShardProtocol.Collect(reader.ReadInt64()),
        "stopped" => new NodeShardProtocol.Stopped(
            reader.ReadInt32(), reader.ReadBoolean(), reader.ReadInt64(), new RunEnd(reader.ReadInt64(), reader.ReadBoolean(), reader.ReadBoolean())),
        "collected" => new NodeShardProtocol.Collected(reader.ReadInt32(), reader.ReadInt32(), reader.ReadBytes(reader.ReadInt32()), ReadHost(reader)),
        "progressed" => new NodeShardProtocol.Progressed(reader.ReadInt32(), reader.ReadInt64(), reader.ReadInt64()),
        "failed" => new NodeShardProtocol.Failed(reader.ReadInt32(), reader.ReadString()),
        "prepare" => new NodeProtocol.Prepare(ReadPlan(reader), reader.ReadInt32()),
        "prepared" => new NodeProtocol.Prepared(reader.ReadInt32(), reader.ReadInt32(), ReadActor(reader)),
        "refused" => new NodeProtocol.Refused(reader.ReadInt32(), reader.ReadString()),
        "peer-lost" => new NodeProtocol.PeerLost(Address.Parse(reader.ReadString())),
        "dismiss" => new NodeProtocol.Dismiss(),
        _ => throw new ArgumentException($"a message of kind \"{manifest}\" is not known here; all nodes must run the same program", nameof(manifest)),
    };

    private IActorRef ReadActor(BinaryReader reader) => system.Provider.ResolveActorRef(reader.ReadString());

    private static void WriteHost(BinaryWriter writer, NodeReport host)
    {
        writer.Write(host.Address);
        writer.Write(host.Cores);
        writer.Write(host.Spaces);
        writer.Write(host.Envelopes);
        writer.Write(host.Bytes);
    }

    private static NodeReport ReadHost(BinaryReader reader) =>
        new(reader.ReadString(), reader.ReadInt32(), reader.ReadInt32(), reader.ReadInt64(), reader.ReadInt64());

    private static void WritePlan(BinaryWriter writer, RunPlan plan)
    {
        writer.Write(plan.Scenario);
        writer.Write(plan.Inputs.Count);
        foreach (RunInput input in plan.Inputs)
        {
            writer.Write(input.Path);
            writer.Write(input.Digest);
        }

        writer.Write(plan.Nodes);
        writer.Write(plan.CoresPerNode);
        writer.Write(plan.Window);
        writer.Write(plan.Until);
        writer.Write(plan.Threads);
    }

    private static RunPlan ReadPlan(BinaryReader reader) => new()
    {
        Scenario = reader.ReadString(),
        Inputs = [.. Enumerable.Range(0, reader.ReadInt32()).Select(_ => new RunInput(reader.ReadString(), reader.ReadString()))],
        Nodes = reader.ReadInt32(),
        CoresPerNode = reader.ReadInt32(),
        Window = reader.ReadInt64(),
        Until = reader.ReadInt64(),
        Threads = reader.ReadInt32(),
    };
}
