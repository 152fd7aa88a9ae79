using CsCheck;
using VmSim.Core.Mmu;

namespace VmSim.Core.Tests.Mmu;

/// <summary>What every replacement policy must do; a new policy joins by its name in <see cref="ReplacementPolicies.All"/>.</summary>
public class ReplacementPolicyContract
{
    public static TheoryData<string> Policies => [.. ReplacementPolicies.All.Names];

    [Theory]
    [MemberData(nameof(Policies))]
    public void Fill_AnyHistory_EvictsOnlyFromAFullSetAndOneAtATime(string policy) =>
        Gen.Select(Gen.Int[0, 5], Gen.Int[1, 5], Gen.Select(Gen.Int[0, 9], Gen.Int[0, 99]).Array[1, 400]).Sample((power, sets, steps) =>
        {
            int ways = 1 << power;
            using Tlb tlb = new(new TlbSpec { Entries = ways * sets, Ways = ways, Policy = policy }, 7);
            HashSet<ulong> held = [];
            foreach ((int action, int item) in steps)
            {
                ulong page = (ulong)item;
                if (action == 0)
                {
                    Assert.Equal(held.Remove(page) ? 1 : 0, tlb.Drop(KeyOf(page), page));
                }
                else if (!Holds(tlb, page, touch: true))
                {
                    tlb.Fill(KeyOf(page), page, page + 1);
                    int inSet = held.Count(other => other % (ulong)sets == page % (ulong)sets);
                    int evicted = held.RemoveWhere(other => !Holds(tlb, other, touch: false));
                    Assert.Equal(inSet == ways ? 1 : 0, evicted);
                    held.Add(page);
                }

                Assert.All(held, other => Assert.True(Holds(tlb, other, touch: false)));
            }

            Assert.Equal(held.Count, tlb.DropAll());
            Assert.DoesNotContain(held, other => Holds(tlb, other, touch: false));
        }, iter: 100);

    [Theory]
    [MemberData(nameof(Policies))]
    public void Fill_SetOfManyWays_UsesEveryWayInTime(string policy)
    {
        using Tlb tlb = new(new TlbSpec { Entries = 16, Ways = 16, Policy = policy }, 7);
        for (ulong page = 0; page < 16; page++)
        {
            tlb.Fill(KeyOf(page), page, page + 1);
        }

        for (ulong page = 16; page < 400; page++)
        {
            tlb.Fill(KeyOf(page), page, page + 1);
        }

        Assert.DoesNotContain(Enumerable.Range(0, 16), page => Holds(tlb, (ulong)page, touch: false));
    }

    [Theory]
    [InlineData("lru", 0)]
    [InlineData("plru", 0)]
    [InlineData("fifo", 0)]
    public void Fill_FullSet_NeverTakesTheOneFilledLast(string policy, ulong seed) =>
        Gen.Int[1, 4].Sample(power =>
        {
            int ways = 1 << power;
            using Tlb tlb = new(new TlbSpec { Entries = ways, Ways = ways, Policy = policy }, seed);
            for (ulong page = 0; page < 100; page++)
            {
                tlb.Fill(KeyOf(page), page, page + 1);
                Assert.True(page == 0 || Holds(tlb, page - 1, touch: false));
            }
        });

    private static ulong KeyOf(ulong page) => (page << 19) | 1;

    private static unsafe bool Holds(Tlb tlb, ulong page, bool touch)
    {
        ulong* data = touch ? tlb.Find(KeyOf(page), page) : tlb.Peek(KeyOf(page), page);
        return data != null && *data == page + 1;
    }
}
