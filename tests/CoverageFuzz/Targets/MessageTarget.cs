using System.Text;
using Akka.Actor;
using VmSim.Actors.Cluster;
using VmSim.Core.Reports;

namespace VmSim.CoverageFuzz.Targets;

/// <summary>A message between nodes: a line with the name of its kind, then its bytes.</summary>
internal sealed class MessageTarget() : FuzzTarget("message", typeof(InvalidDataException))
{
    private static readonly Lazy<ExtendedActorSystem> Nodes = new(() => (ExtendedActorSystem)ActorSystem.Create("fuzz"));

    /// <summary>A message of each kind.</summary>
    public static IReadOnlyList<object> Messages =>
    [
        new NodeShardProtocol.Begin(
            [ActorRefs.Nobody, Nodes.Value.DeadLetters], [new LinkAddress(1, Guid.Empty), new LinkAddress(65_535, Guid.Empty)]),
        new NodeShardProtocol.Stop(),
        new NodeShardProtocol.Save(),
        new NodeShardProtocol.Saved(1, 2, [1, 2, 3]),
        new NodeShardProtocol.Collect(long.MaxValue),
        new NodeShardProtocol.Stopped(1, true, 5, new RunEnd(7, true, false)),
        new NodeShardProtocol.Collected(1, 2, [1, 2, 3], new NodeReport("a", 1, 2, 3, 4)),
        new NodeShardProtocol.Progressed(2, 3, 4),
        new NodeShardProtocol.Failed(2, "broken at «x»"),
        new NodeProtocol.Prepare(
            new RunPlan
            {
                Scenario = "name = plan",
                Inputs = [new RunInput("/a/b.vmt", new string('a', RunInput.DigestLength))],
                Nodes = 3,
                CoresPerNode = 7,
                Window = 1_300,
                Checkpoint = new PlanCheckpoint(new RunInput("/a/run.checkpoint", new string('b', RunInput.DigestLength)), 64),
            },
            2),
        new NodeProtocol.Prepared(1, 4, Nodes.Value.DeadLetters, new LinkAddress(4_711, Guid.Empty)),
        new NodeProtocol.Busy(255),
        new NodeProtocol.Refused(1, "no such trace"),
        new NodeProtocol.PeerLost(new Address(SecureRemoting.Protocol, "vmsim", "127.0.0.1", 4053)),
        new NodeProtocol.Dismiss(),
    ];

    public override IEnumerable<byte[]> Seeds => Messages.Select(message =>
    {
        ClusterSerializer serializer = new(Nodes.Value);
        return (byte[])[.. Encoding.UTF8.GetBytes(serializer.Manifest(message) + "\n"), .. serializer.ToBinary(message)];
    });

    protected override void Read(byte[] input)
    {
        int line = Array.IndexOf(input, (byte)'\n');
        string manifest = Encoding.UTF8.GetString(input, 0, Math.Max(0, line));
        ClusterSerializer serializer = new(Nodes.Value);
        object message = serializer.FromBinary(input[(line + 1)..], manifest);
        if (serializer.Manifest(message) != manifest)
        {
            throw new Finding($"a message of the kind {manifest} is read as {message.GetType().Name}");
        }
    }
}
