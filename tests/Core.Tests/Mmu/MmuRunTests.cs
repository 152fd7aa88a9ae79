using CsCheck;
using VmSim.Core.Addresses;
using VmSim.Core.Mmu;
using VmSim.Core.Paging;
using VmSim.Core.Programs;
using VmSim.Core.State;

namespace VmSim.Core.Tests.Mmu;

/// <summary>
/// The hot loop against accesses made one by one on a second MMU: the same clock, the same counts, the same state to the last bit.
/// </summary>
public class MmuRunTests
{
    private const ulong Start = 0x7F00_0000_0000;
    private const int Pages = 1200;
    private const int FlagCombinations = 4;
    private static readonly long[] Costs = [1, 2, 3];

    private static readonly Gen<TlbSpec> Array =
        from policy in Gen.Int[0, ReplacementPolicies.All.Count - 1].Select(index => ReplacementPolicies.All.Names[index])
        from ways in policy == ReplacementPolicies.TreePlru ? Gen.Int[0, 5].Select(power => 1 << power) : Gen.Int[1, 24]
        from sets in Gen.Int[1, 20]
        select new TlbSpec { Entries = ways * sets, Ways = ways, Policy = policy };

    /// <summary>The shape that the loop has code of its own for.</summary>
    private static readonly Gen<(TlbSpec Data, TlbSpec Second)> Common =
        from first in Gen.Int[0, 4]
        from second in Gen.Int[0, 6]
        from isHashed in Gen.Bool
        let index = isHashed ? TlbIndexes.Xor : TlbIndexes.Modulo
        select (new TlbSpec { Entries = 4 << first, Ways = 4 }, new TlbSpec { Entries = 12 << second, Ways = 12, Index = index });

    private static readonly Gen<(TlbSpec Data, TlbSpec Second)> Arrays =
        from common in Gen.Bool
        from arrays in common ? Common : Gen.Select(Array, Array)
        select arrays;

    private static readonly Gen<ulong> Access =
        Gen.Select(Gen.Int[0, 40], Gen.Int[0, 15], Gen.Int[0, Pages - 1], Gen.Int[1, 20], (kind, near, far, count) => Operation.Access(
            kind == 0 ? AccessKind.Fetch : kind < 12 ? AccessKind.Store : AccessKind.Load,
            Start + ((ulong)(near < 12 ? near : far) << PageSizes.BaseShift),
            count > 12 ? count : 1));

    [Fact]
    public void Run_AnyAccesses_ActsAsOneByOne() => CompareRuns(800);

    [Fact]
    [Trait("Category", "Long")]
    public void Run_ManyAccesses_ActsAsOneByOne() => CompareRuns(20_000);

    private static void CompareRuns(int runs) =>
        Gen.Select(Arrays, Access.Array[1, 300], Gen.Long[1, 400]).Sample(
            (arrays, accesses, slice) =>
            {
                MmuSpec spec = new() { Data4K = arrays.Data, Second = arrays.Second };
                using PageTable table = Table();
                using CoreMmu fast = new(spec, 1);
                using CoreMmu plain = new(spec, 1);
                fast.Load(new Asid(1), table);
                plain.Load(new Asid(1), table);
                Assert.True(fast.CanRun);
                Compare(fast, plain, table, accesses, slice);
            },
            iter: runs);

    [Fact]
    public void CanRun_OtherArraysOrPages_IsFalse()
    {
        using CoreMmu single = new(new MmuSpec { Second = new TlbSpec { Entries = 0 } }, 1);
        Assert.False(single.CanRun);
        using CoreMmu lines = new(new MmuSpec { WalkCost = WalkCosts.CacheLines }, 1);
        Assert.False(lines.CanRun);

        using PageTable table = new(PageTableFormats.X64);
        table.Map(new VirtAddr(1 << 21), PhysAddr.OfPage(512), PageSize.Size2M, PageFlags.Read | PageFlags.User | PageFlags.Accessed);
        using CoreMmu large = new(new MmuSpec(), 1);
        large.Load(new Asid(1), table);
        Assert.True(large.CanRun);
        large.Translate(AccessKind.Load, 1 << 21, user: true, 0);
        Assert.False(large.CanRun);
    }

    private static PageTable Table()
    {
        PageTable table = new(PageTableFormats.X64);
        for (int page = 0; page < Pages; page++)
        {
            PageFlags flags = PageFlags.Read | PageFlags.User | PageFlags.Accessed | PageFlags.Execute;
            flags |= page % 5 == 0 ? PageFlags.None : PageFlags.Write | (page % 3 == 0 ? PageFlags.None : PageFlags.Dirty);
            if (page % 37 != 0)
            {
                table.Map(
                    new VirtAddr(Start + ((ulong)page << PageSizes.BaseShift)), PhysAddr.OfPage((ulong)page + 7), PageSize.Size4K, flags);
            }
        }

        return table;
    }

    private static void Compare(CoreMmu fast, CoreMmu plain, PageTable table, ulong[] accesses, long slice)
    {
        ulong[] ours = [.. accesses];
        ulong[] theirs = [.. accesses];
        AccessRun run = default;
        AccessRun judge = default;
        int others = 0;
        while (run.Position < ours.Length)
        {
            long until = run.Clock + slice;
            fast.Run(ours, ours.Length, until, Costs, ref run, default(Unwatched));
            OneByOne(plain, theirs, run.Accesses, ref judge);
            Assert.Equal(judge, run);
            Assert.Equal(theirs[run.Position..], ours[run.Position..]);
            if (run.Clock >= until || run.Position == ours.Length)
            {
                Assert.Equal(State(plain), State(fast));
                continue;
            }

            // it stopped early: another must decide, and here is why
            Operation next = new(ours[run.Position]);
            TranslationResult reason = fast.Translate(next.Kind, next.PageAddress, user: true, 0);
            Assert.Equal(reason, plain.Translate(next.Kind, next.PageAddress, user: true, 0));
            Assert.Equal(State(plain), State(fast));
            bool known = next.Kind == AccessKind.Fetch || reason.BitsSet != PageFlags.None || reason.References > 1
                || reason.Outcome is TranslationOutcome.NotPresentFault or TranslationOutcome.ProtectionFault;

            // flags of a combination of bits that was not met before are decoded elsewhere
            others += known ? 0 : 1;
            Assert.True(others <= FlagCombinations, $"{next.Kind} of {next.PageAddress:x}: {reason.Outcome}");
            if (reason.BitsSet != PageFlags.None)
            {
                table.SetAccessedDirty(new VirtAddr(next.PageAddress), reason.BitsSet);
            }

            run.Position++;
            judge.Position++;
        }
    }

    /// <summary>Makes references until there are so many.</summary>
    private static void OneByOne(CoreMmu mmu, ulong[] operations, long accesses, ref AccessRun run)
    {
        while (run.Accesses < accesses)
        {
            Operation operation = new(operations[run.Position]);
            if (!mmu.TryHit(operation.Kind, operation.PageAddress))
            {
                TranslationResult result = mmu.TranslateMissed(operation.Kind, operation.PageAddress, 0);
                Assert.Contains(result.Outcome, (TranslationOutcome[])[TranslationOutcome.StlbHit, TranslationOutcome.Walked]);
                Assert.Equal(PageFlags.None, result.BitsSet);
                run.Clock += result.Cycles;
                run.WalkCycles += result.Cycles;
                run.SecondLevelHits += result.Outcome == TranslationOutcome.StlbHit ? 1 : 0;
                run.Walks += result.References;
            }

            run.Clock += Costs[(int)operation.Kind];
            run.Accesses++;
            if (operation.Count > 1)
            {
                operations[run.Position] = Operation.Access(operation.Kind, operation.PageAddress, operation.Count - 1);
            }
            else
            {
                run.Position++;
            }
        }
    }

    private static byte[] State(CoreMmu mmu)
    {
        using MemoryStream stream = new();
        using BinaryWriter writer = new(stream);
        foreach (INativeState state in mmu.NativeStates)
        {
            state.Save(writer);
        }

        writer.Flush();
        return stream.ToArray();
    }
}
