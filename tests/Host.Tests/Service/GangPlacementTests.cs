using CsCheck;
using VmSim.Host.Service;

namespace VmSim.Host.Tests.Service;

public sealed class GangPlacementTests
{
    private const int Cases = 20_000;
    private static readonly HashSet<string> Nobody = [];

    private static readonly Gen<NodeRoom> Room = Gen.Select(
        Gen.Int[0, 99], Gen.Int[0, 2], Gen.Long[0, 20], Gen.Int[0, 4], Gen.Bool,
        (name, free, memory, threads, canShare) => new NodeRoom($"n{name}", free, memory, threads, canShare));

    private static readonly Gen<NodeRoom[]> Rooms = Room.Array[0, 8].Select(
        rooms => rooms.DistinctBy(room => room.Name).ToArray());

    private static readonly Gen<JobSpread> Spread = Gen.Select(
        Gen.Int[1, 5], Gen.Long[0, 30], Gen.Double[0, 1], Gen.Int[0, 12],
        (nodes, memory, shared, cores) => new JobSpread(nodes, memory, (long)(memory * shared), cores));

    /// <summary>However many nodes are chosen, each is another one, has the memory for its share, and can have a share.</summary>
    [Fact]
    public void Choose_AnyNodes_NeverGivesMoreThanTheyHave() => Gen.Select(Spread, Rooms).Sample(
        (spread, rooms) =>
        {
            int count = GangPlacement.NodesFor(spread, rooms);
            IReadOnlyList<NodeRoom> nodes = GangPlacement.Choose(spread, rooms, count, Nobody);
            Assert.Equal(count, nodes.Count);
            Assert.Equal(count, nodes.Select(node => node.Name).Distinct().Count());
            Assert.All(nodes, node => Assert.True(node.HasBytes(spread.BytesOn(count)) && (node.CanShare || count == 1)));
        },
        iter: Cases);

    /// <summary>A job is given as many nodes as it asks for if there are as many, and more only if it does not fit on those.</summary>
    [Fact]
    public void NodesFor_AnyNodes_IsTheLeastThatFits() => Gen.Select(Spread, Rooms).Sample(
        (spread, rooms) =>
        {
            int count = GangPlacement.NodesFor(spread, rooms);
            bool Fits(int nodes) => rooms.Count(room => room.HasBytes(spread.BytesOn(nodes)) && (room.CanShare || nodes == 1)) >= nodes;
            bool HasCores(int nodes) => spread.Cores <= rooms
                .Where(room => room.HasBytes(spread.BytesOn(nodes)) && (room.CanShare || nodes == 1))
                .Select(room => room.Threads == 0 ? spread.Cores : room.Threads)
                .OrderDescending().Take(nodes).Sum();
            if (count == 0)
            {
                Assert.DoesNotContain(Enumerable.Range(1, rooms.Length), Fits);
            }
            else if (count > spread.Nodes)
            {
                Assert.DoesNotContain(
                    Enumerable.Range(spread.Nodes, count - spread.Nodes),
                    nodes => Fits(nodes) && HasCores(nodes) && !rooms.Any(room => room.Threads == 0));
            }

            Assert.True(count == 0 || Fits(count));
        },
        iter: Cases);

    [Theory]
    [InlineData(1, 10, 0, 0, 1)]
    [InlineData(3, 10, 0, 0, 3)]
    [InlineData(5, 10, 0, 0, 4)]
    [InlineData(1, 20, 0, 0, 0)]
    [InlineData(1, 20, 16, 0, 3)]
    [InlineData(1, 10, 0, 2, 1)]
    [InlineData(1, 10, 0, 6, 3)]
    [InlineData(1, 10, 0, 60, 4)]
    public void NodesFor_FourNodesOfTenBytesAndTwoThreads(int nodes, long bytes, long shared, int cores, int expected)
    {
        NodeRoom[] rooms = [.. Enumerable.Range(0, 4).Select(node => new NodeRoom($"n{node}", 1, 10, 2))];
        Assert.Equal(expected, GangPlacement.NodesFor(new JobSpread(nodes, bytes, shared, cores), rooms));
    }

    /// <summary>Those with room go first, then those that are kept already: what is kept changes only for what has room.</summary>
    [Fact]
    public void Choose_SomeKept_TakesThoseWithRoomAndKeepsTheOthers()
    {
        NodeRoom[] rooms = [new("a", 0), new("b", 0), new("c", 1), new("d", 0, CanShare: false)];
        Assert.Equal(
            ["c", "b"], GangPlacement.Choose(new JobSpread(2), rooms, 2, new HashSet<string> { "b" }).Select(node => node.Name));
    }

    /// <summary>In any order of turns, a kind of jobs of the same priority waits for a bounded number of the other kind.</summary>
    [Fact]
    public void GangTurns_BothKindsWait_EachHasItsTurn() => Gen.Int[2, 9].Array[1, 50].Sample(sizes =>
    {
        GangTurns turns = new();
        foreach (int size in sizes)
        {
            Assert.True(turns.IsNext(5, 5));
            turns.Begun(size);
            Assert.True(turns.IsNext(6, 5));
            Assert.True(turns.IsNext(0, null));
            for (int whole = 0; whole < size; whole++)
            {
                Assert.False(turns.IsNext(5, 5));
                turns.WholeBegun();
            }

            Assert.False(turns.IsNext(4, 5));
        }
    });
}
