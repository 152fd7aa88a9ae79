using System.Net;
using Akka.Actor;
using Akka.Serialization;
using VmSim.Actors.Simulation;
using VmSim.Core.Reports;

namespace VmSim.Actors.Cluster;

/// <summary>
/// Turns the messages that leave a node into bytes: a short name for each kind, then its fields in order, numbers low byte first, texts in
/// UTF-8 with their length before them. Reading checks each field: what is not allowed, too long, too short or left over is refused, and
/// the message with it.
/// </summary>
public sealed class ClusterSerializer : SerializerWithStringManifest
{
    /// <summary>Most characters of a scenario: each process writes some hundred.</summary>
    private const int ScenarioMax = 16 << 20;

    /// <summary>Most characters of a path, as in Linux's PATH_MAX.</summary>
    private const int PathMax = 4_096;

    /// <summary>Most characters of what went wrong; the rest is left out.</summary>
    private const int ReasonMax = 32 << 10;

    private const int AddressMax = 512;
    private const int PiecesMax = NodeShardProtocol.PiecesMax;

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
        NodeShardProtocol.Begin => "begin",
        NodeShardProtocol.Stop => "stop",
        NodeShardProtocol.Save => "save",
        NodeShardProtocol.Saved => "saved",
        NodeShardProtocol.Collect => "collect",
        NodeShardProtocol.Stopped => "stopped",
        NodeShardProtocol.Collected => "collected",
        NodeShardProtocol.Progressed => "progressed",
        NodeShardProtocol.Failed => "failed",
        NodeProtocol.Prepare => "prepare",
        NodeProtocol.Prepared => "prepared",
        NodeProtocol.Busy => "busy",
        NodeProtocol.Refused => "refused",
        NodeProtocol.PeerLost => "peer-lost",
        NodeProtocol.Dismiss => "dismiss",
        _ => throw new ArgumentException($"{o?.GetType().Name} does not leave a node", nameof(o)),
    };

    /// <inheritdoc/>
    public override byte[] ToBinary(object obj)
    {
        using MemoryStream stream = new();
        using BinaryWriter writer = new(stream);
        Write(writer, obj);
        return stream.ToArray();
    }

    /// <inheritdoc/>
    public override object FromBinary(byte[] bytes, string manifest)
    {
        ArgumentNullException.ThrowIfNull(bytes);
        return WireFormat.Decode(bytes, manifest, reader => Read(reader, manifest));
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

                foreach (LinkAddress link in begin.Links)
                {
                    WriteLink(writer, link);
                }

                break;
            case NodeShardProtocol.Collect collect:
                writer.Write(collect.End);
                break;
            case NodeShardProtocol.Stopped stopped:
                writer.Write(stopped.Node);
                writer.Write(stopped.Completed);
                writer.Write(stopped.Windows);
                writer.Write(stopped.End.Clock.Value);
                writer.Write(stopped.End.AllThreadsEnded);
                writer.Write(stopped.End.HasWorkLeft);
                break;
            case NodeShardProtocol.Collected collected:
                WritePiece(writer, collected.Node, collected.Pieces, collected.Bytes);
                writer.Write(collected.Host);
                break;
            case NodeShardProtocol.Saved saved:
                WritePiece(writer, saved.Node, saved.Pieces, saved.Bytes);
                break;
            case NodeShardProtocol.Progressed progressed:
                writer.Write(progressed.Node);
                writer.Write(progressed.VirtualTime);
                writer.Write(progressed.Accesses);
                break;
            case NodeShardProtocol.Failed failed:
                writer.Write(failed.Node);
                writer.Write(Shortened(failed.Reason));
                break;
            case NodeProtocol.Prepare prepare:
                WritePlan(writer, prepare.Plan);
                writer.Write(prepare.Node);
                break;
            case NodeProtocol.Prepared prepared:
                writer.Write(prepared.Node);
                writer.Write(prepared.Threads);
                writer.Write(Akka.Serialization.Serialization.SerializedActorPath(prepared.Shard));
                WriteLink(writer, prepared.Link);
                break;
            case NodeProtocol.Busy busy:
                writer.Write(busy.Node);
                break;
            case NodeProtocol.Refused refused:
                writer.Write(refused.Node);
                writer.Write(Shortened(refused.Reason));
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
        "begin" => ReadBegin(reader),
        "stop" => new NodeShardProtocol.Stop(),
        "save" => new NodeShardProtocol.Save(),
        "saved" => new NodeShardProtocol.Saved(
            ReadNode(reader), reader.ReadInt32(1, PiecesMax, "pieces"), reader.ReadBytes(reader.ReadCount(1))),
        "collect" => new NodeShardProtocol.Collect(reader.ReadPositive("end")),
        "stopped" => new NodeShardProtocol.Stopped(
            ReadNode(reader), reader.ReadFlag("completed"), reader.ReadPositive("windows"), new RunEnd(
                reader.ReadInt64(), reader.ReadFlag("ended"), reader.ReadFlag("work left"))),
        "collected" => new NodeShardProtocol.Collected(
            ReadNode(reader), reader.ReadInt32(1, PiecesMax, "pieces"), reader.ReadBytes(reader.ReadCount(1)), reader.ReadNode()),
        "progressed" =>
            new NodeShardProtocol.Progressed(ReadNode(reader), reader.ReadPositive("virtual time"), reader.ReadPositive("accesses")),
        "failed" => new NodeShardProtocol.Failed(ReadNode(reader), reader.ReadText(ReasonMax, "reason")),
        "prepare" => new NodeProtocol.Prepare(ReadPlan(reader), ReadNode(reader)),
        "prepared" => new NodeProtocol.Prepared(
            ReadNode(reader), reader.ReadInt32(1, Lanes.Max, "threads"), ReadActor(reader), ReadLink(reader)),
        "busy" => new NodeProtocol.Busy(ReadNode(reader)),
        "refused" => new NodeProtocol.Refused(ReadNode(reader), reader.ReadText(ReasonMax, "reason")),
        "peer-lost" => new NodeProtocol.PeerLost(ReadAddress(reader)),
        "dismiss" => new NodeProtocol.Dismiss(),
        _ => throw new InvalidDataException("a message of this kind is not known here; all nodes must run the same program"),
    };

    private static int ReadNode(BinaryReader reader) => reader.ReadInt32(0, RunPlan.NodesMax - 1, "node");

    private IActorRef ReadActor(BinaryReader reader) => system.Provider.ResolveActorRef(reader.ReadText(AddressMax, "actor"));

    private IActorRef[] ReadActors(BinaryReader reader)
    {
        IActorRef[] actors = new IActorRef[reader.ReadInt32(1, RunPlan.NodesMax, "shards")];
        for (int i = 0; i < actors.Length; i++)
        {
            actors[i] = ReadActor(reader);
        }

        return actors;
    }

    private NodeShardProtocol.Begin ReadBegin(BinaryReader reader)
    {
        IActorRef[] shards = ReadActors(reader);
        return new NodeShardProtocol.Begin(shards, [.. shards.Select(_ => ReadLink(reader))]);
    }

    private static void WriteLink(BinaryWriter writer, LinkAddress link)
    {
        writer.Write(link.Port);
        writer.Write(link.Token.ToByteArray());
    }

    private static LinkAddress ReadLink(BinaryReader reader)
    {
        int port = reader.ReadInt32(1, IPEndPoint.MaxPort, "port");
        byte[] token = reader.ReadBytes(LinkAddress.TokenBytes);
        return token.Length == LinkAddress.TokenBytes ? new LinkAddress(port, new Guid(token)) : throw new EndOfStreamException();
    }

    private static Address ReadAddress(BinaryReader reader)
    {
        string text = reader.ReadText(AddressMax, "address");
        return ActorPath.TryParseAddress(text, out Address address) ? address : throw new InvalidDataException("address: it is none");
    }

    private static string Shortened(string reason) => reason.Length <= ReasonMax ? reason : reason[..ReasonMax];

    private static void WritePiece(BinaryWriter writer, int node, int pieces, byte[] bytes)
    {
        writer.Write(node);
        writer.Write(pieces);
        writer.Write(bytes.Length);
        writer.Write(bytes);
    }

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
        ListCodec.Write(writer, plan.Lists);
        writer.Write(plan.Check);
        writer.Write(plan.Checkpoint is not null);
        if (plan.Checkpoint is { } from)
        {
            writer.Write(from.File.Path);
            writer.Write(from.File.Digest);
            writer.Write(from.Start);
        }
    }

    private static RunPlan ReadPlan(BinaryReader reader) => new()
    {
        Scenario = reader.ReadText(ScenarioMax, "scenario"),
        Inputs = ReadInputs(reader),
        Nodes = reader.ReadInt32(1, RunPlan.NodesMax, "nodes"),
        CoresPerNode = reader.ReadInt32(0, int.MaxValue, "cores per node"),
        Window = reader.ReadPositive("window"),
        Until = reader.ReadPositive("until"),
        Threads = reader.ReadInt32(0, Lanes.Max, "threads"),
        Lists = ListCodec.ReadLists(reader),
        Check = reader.ReadFlag("check"),
        Checkpoint = reader.ReadFlag("checkpoint") ? ReadCheckpoint(reader) : null,
    };

    private static PlanCheckpoint ReadCheckpoint(BinaryReader reader) =>
        new(new RunInput(reader.ReadText(PathMax, "path"), ReadDigest(reader)), reader.ReadPositive("start"));

    private static RunInput[] ReadInputs(BinaryReader reader)
    {
        RunInput[] inputs = new RunInput[reader.ReadCount(2)];
        for (int i = 0; i < inputs.Length; i++)
        {
            inputs[i] = new RunInput(reader.ReadText(PathMax, "path"), ReadDigest(reader));
        }

        return inputs;
    }

    private static string ReadDigest(BinaryReader reader)
    {
        string digest = reader.ReadText(RunInput.DigestLength, "digest");
        return digest.Length == RunInput.DigestLength && digest.All(char.IsAsciiHexDigitLower)
            ? digest
            : throw new InvalidDataException("digest: it is none");
    }
}
