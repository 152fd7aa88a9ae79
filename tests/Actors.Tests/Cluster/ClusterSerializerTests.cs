using Akka.Actor;
using CsCheck;
using VmSim.Actors.Cluster;
using VmSim.Actors.Simulation;
using VmSim.Core.Addresses;
using VmSim.Core.Engine;
using VmSim.Core.Kernel;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Shootdown;
using VmSim.Core.Statistics;
using VmSim.Core.VirtualTime;
using VmSim.Testing;

namespace VmSim.Actors.Tests.Cluster;

public sealed class ClusterSerializerTests : ActorTest
{
    private static readonly RunPlan Plan = new()
    {
        Scenario = "name = plan",
        Inputs = [new RunInput("/a/b.vmt", new string('a', 64))],
        Nodes = 3,
        CoresPerNode = 7,
        Window = 1_300,
        Until = 99,
        Threads = 2,
        Checkpoint = new PlanCheckpoint(new RunInput("/a/checkpoint", new string('b', 64)), 129),
        Lists = new RunLists { Shootdowns = true, Calls = true, Timeline = true, TimelineFrom = 5, TimelineEnd = 9 },
    };

    [Fact]
    public void EveryMessage_ThereAndBack_IsTheSame()
    {
        object[] messages =
        [
            new NodeShardProtocol.Stop(),
            new NodeShardProtocol.Save(),
            new NodeShardProtocol.Collect(long.MaxValue),
            new NodeShardProtocol.Stopped(1, true, 5, new RunEnd(7, true, false)),
            new NodeShardProtocol.Progressed(2, 3, 4),
            new NodeShardProtocol.Failed(2, "broken at «x»"),
            new NodeProtocol.Prepared(1, 4, TestActor, new LinkAddress(4_711, Guid.NewGuid())),
            new NodeProtocol.Busy(255),
            new NodeProtocol.Refused(1, "no such trace"),
            new NodeProtocol.PeerLost(new Address(SecureRemoting.Protocol, "vmsim", "127.0.0.1", 4053)),
            new NodeProtocol.Dismiss(),
        ];
        foreach (object message in messages)
        {
            Assert.Equal(message, ThereAndBack(message));
        }
    }

    [Fact]
    public void Saved_ThereAndBack_HasTheBytes()
    {
        NodeShardProtocol.Saved back = (NodeShardProtocol.Saved)ThereAndBack(new NodeShardProtocol.Saved(3, 2, [4, 5, 6]));
        Assert.Equal((3, 2), (back.Node, back.Pieces));
        Assert.Equal([4, 5, 6], back.Bytes);
    }

    [Fact]
    public void EveryMessageOfTheProtocols_HasAManifest()
    {
        ClusterSerializer serializer = new((ExtendedActorSystem)Sys);
        Type[] kinds =
            [.. typeof(NodeShardProtocol).GetNestedTypes().Concat(typeof(NodeProtocol).GetNestedTypes()).Where(type => type.IsClass)];
        Assert.Equal(15, kinds.Length);
        Assert.Equal(
            15,
            kinds.Select(kind => serializer.Manifest(System.Runtime.CompilerServices.RuntimeHelpers.GetUninitializedObject(kind)))
                .Distinct().Count());
    }

    [Fact]
    public void Begin_ThereAndBack_NamesTheSameShards()
    {
        IActorRef[] shards = [TestActor, ActorOf(Props.Empty)];
        LinkAddress[] links = [new LinkAddress(1, Guid.NewGuid()), new LinkAddress(65_535, Guid.Empty)];
        NodeShardProtocol.Begin back = (NodeShardProtocol.Begin)ThereAndBack(new NodeShardProtocol.Begin(shards, links));
        Assert.Equal(shards, back.Shards);
        Assert.Equal(links, back.Links);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(65_536)]
    public void Begin_PortThatThereIsNot_IsRefused(int port) => Assert.Throws<InvalidDataException>(
        () => ThereAndBack(new NodeShardProtocol.Begin([TestActor], [new LinkAddress(port, Guid.Empty)])));

    [Fact]
    public void Begin_FewerLinksThanShards_IsRefused() => Assert.Throws<InvalidDataException>(
        () => ThereAndBack(new NodeShardProtocol.Begin([TestActor, TestActor], [new LinkAddress(1, Guid.Empty)])));

    [Fact]
    public void Prepare_ThereAndBack_IsTheSamePlan()
    {
        NodeProtocol.Prepare back = (NodeProtocol.Prepare)ThereAndBack(new NodeProtocol.Prepare(Plan, 2));
        Assert.Equal(2, back.Node);
        Assert.Equal(Plan.Inputs, back.Plan.Inputs);
        Assert.Equal(Plan with { Inputs = [] }, back.Plan with { Inputs = [] });
    }

    [Fact]
    public void Statistics_ThereAndBack_GiveTheSameReport()
    {
        ScenarioSpec scenario = TestWorlds.Scenario(2, TestWorlds.Toucher("a", 0, 30), TestWorlds.Toucher("b", 10, 300));
        using World world = new(scenario);
        bool finished = new SequentialEngine(world).Run();
        RunPart whole = RunPart.Whole(world);
        RunEnd end = RunEnd.Of(whole);
        RunStatistics statistics = RunStatistics.Collect(whole, end.Time(0, finished));
        NodeShardProtocol.Collected back = (NodeShardProtocol.Collected)ThereAndBack(
            new NodeShardProtocol.Collected(1, 3, StatisticsCodec.Encode(statistics), new NodeReport("here", 2, 1, 5, 6)));
        RunStatistics again = StatisticsCodec.Decode(back.Bytes);
        Assert.Equal(3, back.Pieces);
        Assert.Equal(new NodeReport("here", 2, 1, 5, 6), back.Host);
        Assert.NotEmpty(again.Shootdowns);
        Assert.Equal(ShootdownFigures.List(statistics), ShootdownFigures.List(again));
        Assert.Equal(
            ReportBuilder.Build(world, finished, end, statistics).Fingerprint,
            ReportBuilder.Build(world, finished, end, again).Fingerprint);
        Assert.Throws<InvalidDataException>(() => StatisticsCodec.Decode(back.Bytes[..^3]));
    }

    [Fact]
    public void Shootdowns_ThatBecameCounts_ComeBackAsTheyWere()
    {
        LatencyHistogram[] folded = [.. ShootdownFigure.All.Select(_ => new LatencyHistogram())];
        folded[1].Record(70);
        RunStatistics statistics = new();
        statistics.Shootdowns.Add(3, new ShootdownTally(5, 1, [], folded));
        ShootdownTally back = StatisticsCodec.Decode(StatisticsCodec.Encode(statistics)).Shootdowns[3];
        Assert.Equal((5, 1, 0), (back.First, back.Count, back.Records.Count));
        Assert.Equal(folded.Select(histogram => histogram.Describe()), back.Folded.Select(histogram => histogram.Describe()));
    }

    [Fact]
    public void Envelope_ThereAndBack_IsTheSame() =>
        Gen.Select(Gen.Long, Gen.Int[0, 20], Gen.Byte.Array[0, 50], Gen.ULong.Array[0, 20])
            .Sample((number, messages, changes, operations) =>
        {
            InvalidationAck ack = new(number, 2, new Cycles(3), InvalidationWay.Message, IsReport: true);
            PhaseEnvelope envelope = new()
            {
                Domain = 4,
                Node = 2,
                Exchange = number & long.MaxValue,
                Stopping = number % 2 == 0,
                Limit = number & long.MaxValue,
                Horizon = new NodeHorizon(
                    number & long.MaxValue, number & 0xFFFF, Cycles.Never, (number / 3) & long.MaxValue),
                Messages =
                    [.. Enumerable.Range(0, messages)
                        .Select(
                            i =>
                                SimMessage.Of(ack) with { Due = number + i, Sender = i, Target = 3, Sequence = i,
                                    Space = new SpaceId(1) })],
                Tables = [new TableChanges(5, 1, changes)],
                Threads = [new SimThreadState(new ThreadId(1), new CoreId(2), number, operations, 4, 5, 6)],
            };
            byte[] bytes = EnvelopeCodec.Encode(envelope);
            PhaseEnvelope back = EnvelopeCodec.Decode(bytes);
            Assert.Equal(bytes, EnvelopeCodec.Encode(back));
            Assert.Equal(envelope.Messages, back.Messages);
            Assert.Equal(envelope.Horizon, back.Horizon);
            Assert.Equal(operations, back.Threads[0].Operations);
            Assert.Equal(changes, back.Tables[0].Changes);
            Assert.Equal((5, 1), (back.Tables[0].Space, back.Tables[0].Table));
        });

    [Fact]
    public void Envelope_DamagedOrCutOff_IsRefusedAsSuch() =>
        Gen.Select(Gen.Int[0, 400], Gen.Byte, Gen.Int[0, 400]).Sample((at, value, length) =>
        {
            byte[] bytes = EnvelopeCodec.Encode(new PhaseEnvelope
            {
                Domain = 0,
                Node = 1,
                Exchange = 2,
                Limit = 3,
                Horizon = NodeHorizon.Empty,
                Messages = [default, default],
                Tables = [new TableChanges(1, 0, [1, 2, 3])],
                Threads = [new SimThreadState(new ThreadId(1), new CoreId(2), 3, [7, 8], 4, 5, 6)],
            });
            bytes[at % bytes.Length] = value;
            byte[] cut = bytes[..Math.Min(length, bytes.Length)];
            try
            {
                Assert.Equal(cut.Length, EnvelopeCodec.Encode(EnvelopeCodec.Decode(cut)).Length);
            }
            catch (InvalidDataException reason)
            {
                Assert.StartsWith("envelope: ", reason.Message, StringComparison.Ordinal);
            }
        });

    private object ThereAndBack(object message)
    {
        ClusterSerializer serializer = new((ExtendedActorSystem)Sys);
        return serializer.FromBinary(serializer.ToBinary(message), serializer.Manifest(message));
    }
}
