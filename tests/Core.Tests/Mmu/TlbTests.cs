using VmSim.Core.Mmu;

namespace VmSim.Core.Tests.Mmu;

/// <summary>The TLB array against plain code, over policies, ways and sets.</summary>
public sealed unsafe class TlbTests
{

    public static TheoryData<string, int, int> Shapes()
    {
        TheoryData<string, int, int> shapes = [];
        foreach (string policy in ReplacementPolicies.All.Names)
        {
            for (int ways = 1; ways <= 64; ways++)
            {
                if (policy != ReplacementPolicies.TreePlru || (ways & (ways - 1)) == 0)
                {
                    shapes.Add(policy, ways, 1 + (ways % 5));
                }
            }
        }

        shapes.Add(ReplacementPolicies.Lru, 3, 4099);
        shapes.Add(ReplacementPolicies.Lru, 4, 4096);
        shapes.Add(ReplacementPolicies.Lru, 12, 96);
        shapes.Add(ReplacementPolicies.Fifo, 1, 1000);
        return shapes;
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Operations_AtRandom_AgreeWithPlainCode(string policy, int ways, int sets) => Compare(policy, ways, sets, operations: 3_000);

    [Theory]
    [Trait("Category", "Long")]
    [MemberData(nameof(Shapes))]
    public void ManyOperations_AtRandom_AgreeWithPlainCode(string policy, int ways, int sets) =>
        Compare(policy, ways, sets, operations: 30_000);

    /// <summary>Arrays with an index or with limits of what larger pages take: index, policy, ways, sets, large ways, huge ways.</summary>
    public static TheoryData<string, string, int, int, int, int> Geometries => new()
    {
        { TlbIndexes.Xor, ReplacementPolicies.Lru, 12, 128, 12, 12 },
        { TlbIndexes.Xor, ReplacementPolicies.Lru, 16, 128, 8, 8 },
        { TlbIndexes.Xor, ReplacementPolicies.Lru, 4, 1, 2, 4 },
        { TlbIndexes.Xor, ReplacementPolicies.TreePlru, 8, 16, 8, 8 },
        { TlbIndexes.Xor, ReplacementPolicies.Random, 5, 4, 5, 5 },
        { TlbIndexes.Xor, ReplacementPolicies.Lru, 20, 8, 20, 20 },
        { TlbIndexes.Modulo, ReplacementPolicies.Lru, 8, 256, 4, 0 },
        { TlbIndexes.Modulo, ReplacementPolicies.Lru, 8, 3, 1, 2 },
        { TlbIndexes.Modulo, ReplacementPolicies.Fifo, 12, 5, 3, 1 },
        { TlbIndexes.Modulo, ReplacementPolicies.Lru, 15, 7, 14, 1 },
    };

    [Theory]
    [MemberData(nameof(Geometries))]
    public void Operations_OtherGeometry_AgreeWithPlainCode(string index, string policy, int ways, int sets, int large, int huge) =>
        Compare(
            new TlbSpec { Entries = ways * sets, Ways = ways, Policy = policy, Index = index, LargeWays = large, HugeWays = huge },
            operations: 30_000);

    [Theory]
    [InlineData(6, 4, TlbIndexes.Modulo, ReplacementPolicies.Lru, 4, "6 entries in 4 ways")]
    [InlineData(12, 4, TlbIndexes.Xor, ReplacementPolicies.Lru, 4, "3 sets")]
    [InlineData(16, 4, TlbIndexes.Modulo, ReplacementPolicies.Random, 3, "large-ways")]
    [InlineData(40, 20, TlbIndexes.Modulo, ReplacementPolicies.Lru, 3, "at most 16 ways")]
    public void Make_GeometryThatIsNone_IsRefused(int entries, int ways, string index, string policy, int large, string says)
    {
        TlbSpec spec = new() { Entries = entries, Ways = ways, Index = index, Policy = policy, LargeWays = large };
        Assert.Contains(says, Assert.Throws<ArgumentException>(() => new Tlb(spec, 0)).Message, StringComparison.Ordinal);
    }

    private static void Compare(string policy, int ways, int sets, int operations) =>
        Compare(new TlbSpec { Entries = ways * sets, Ways = ways, Policy = policy }, operations);

    private static void Compare(TlbSpec spec, int operations)
    {
        bool hasSizes = spec.LimitsWays;
        Random random = new(spec.Ways + (spec.Entries / spec.Ways));
        using Tlb tlb = new(spec, 7);
        ScalarTlb judge = new(spec, 7);
        for (int i = 0; i < operations; i++)
        {
            ulong page = PageOf(random, spec.Entries);
            ulong tag = (ulong)random.Next(3);
            int size = hasSizes ? random.Next(4) : 0;
            ulong key = (page << 19) | (tag << 3) | ((ulong)size << 1) | 1;
            if (i % 997 == 996)
            {
                Assert.Equal(judge.DropWhere(_ => true), tlb.DropAll());
            }
            else if (i % 97 == 96)
            {
                Assert.Equal(
                    judge.DropWhere(item => (item & 0x7FFF8) == tag << 3), tlb.DropWhere(0x7FFF8, tag << 3, 19, 0, ulong.MaxValue));
            }
            else if (i % 11 == 10)
            {
                Assert.Equal(judge.DropWhere(item => item == key), tlb.Drop(key, page));
            }
            else
            {
                ulong* found = tlb.Find(key, page);
                Assert.Equal(judge.Find(key, page), found == null ? null : *found);
                if (found == null)
                {
                    Assert.Equal(judge.Fill(key, page, (ulong)i), tlb.Holds(size));
                    if (tlb.Holds(size))
                    {
                        tlb.MakeRoom(page, size);
                        tlb.Fill(key, page, (ulong)i);
                    }
                }
            }
        }

        Assert.Equal(judge.DropWhere(_ => true), tlb.DropAll());
    }

    [Fact]
    public void Find_KeysWithEqualDigests_TellsThemApart()
    {
        // Both have digest 0, as an empty way has.
        ulong first = 1UL | (1UL << (19 + 13));
        ulong second = 1UL | (2UL << 1) | (5UL << (19 + 13));
        using Tlb tlb = new(new TlbSpec { Entries = 8, Ways = 8 }, 0);
        Assert.True(tlb.Find(first, 0) == null);
        tlb.Fill(first, 0, 10);
        Assert.True(tlb.Find(second, 0) == null);
        tlb.Fill(second, 0, 20);
        Assert.Equal(10UL, *tlb.Find(first, 0));
        Assert.Equal(20UL, *tlb.Find(second, 0));
    }

    /// <summary>Mostly few pages, so that sets fill and hit; some with high bits.</summary>
    private static ulong PageOf(Random random, int entries)
    {
        ulong page = (ulong)random.Next((entries * 3 / 2) + 2);
        return random.Next(4) == 0 ? page | ((ulong)random.Next(3) << 43) : page;
    }
}
