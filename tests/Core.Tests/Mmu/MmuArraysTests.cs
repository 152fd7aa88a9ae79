using CsCheck;
using VmSim.Core.Addresses;
using VmSim.Core.Mmu;
using VmSim.Core.Paging;

namespace VmSim.Core.Tests.Mmu;

/// <summary>Which array holds pages of which size: the MMU against plain code, hit for hit.</summary>
public class MmuArraysTests
{
    private const ulong Huge = 0x7F00_0000_0000;
    private const ulong Large = 0x7E00_0000_0000;
    private const ulong Small = 0x7D00_0000_0000;
    private const int HugePages = 40;
    private const int LargePages = 200;
    private const int SmallPages = 600;

    private static readonly Gen<TlbSpec> AnyArray =
        from isLru in Gen.Bool
        from ways in Gen.Int[1, 16]
        from sets in Gen.Int[1, 8]
        from large in Gen.Int[0, 2 * ways]
        from huge in Gen.Int[0, 2 * ways]
        from isHashed in Gen.Bool
        select new TlbSpec
        {
            Entries = ways * sets,
            Ways = ways,
            Policy = isLru ? ReplacementPolicies.Lru : ReplacementPolicies.Fifo,
            LargeWays = large,
            HugeWays = huge,
            Index = isHashed && int.IsPow2(sets) ? TlbIndexes.Xor : TlbIndexes.Modulo,
        };

    private static readonly Gen<TlbSpec> Maybe = Gen.Select(Gen.Bool, AnyArray, (has, array) => has ? array : new TlbSpec());

    private static readonly Gen<MmuSpec> Any =
        from firsts in AnyArray.Array[4]
        from second in AnyArray
        from more in Maybe.Array[5]
        from isJoined in Gen.Bool
        select new MmuSpec
        {
            JoinedFirst = isJoined,
            Instruction4K = firsts[0],
            InstructionLarge = firsts[1],
            InstructionHuge = more[0],
            Data4K = firsts[2],
            DataLarge = firsts[3],
            DataHuge = more[1],
            Second = second,
            SecondLarge = more[2],
            SecondHuge = more[3],
            SecondInstruction = more[4],
        };

    private static readonly Gen<(AccessKind Kind, int Size, int Page)> Access =
        from kind in Gen.Int[0, 2]
        from size in Gen.Int[0, 2]
        from page in Gen.Int[0, size == 0 ? SmallPages - 1 : size == 1 ? LargePages - 1 : HugePages - 1]
        from near in Gen.Int[0, 3]
        select ((AccessKind)kind, size, near == 0 ? page : page % 12);

    [Fact]
    public void Translate_AnyArrays_HitsAsPlainCode()
    {
        using PageTable table = Table();
        Gen.Select(Any, Access.Array[1, 400]).Sample(
            (spec, accesses) =>
            {
                using CoreMmu mmu = new(spec, 1);
                mmu.Load(new Asid(0), table);
                PlainMmu judge = new(spec);
                foreach ((AccessKind kind, int size, int page) in accesses)
                {
                    Check(mmu, judge, kind, size, (ulong)page);
                }
            },
            iter: 2000,
            threads: 1);
    }

    [Fact]
    public void Make_SecondLevelOfFetchesAlone_IsRefused()
    {
        MmuSpec spec = new() { Second = new TlbSpec(), SecondInstruction = new TlbSpec { Entries = 4 } };
        Assert.Throws<ArgumentException>(() => new CoreMmu(spec, 1));
    }

    [Fact]
    public void Translate_JoinedFirstLevel_SizesShareItsEntries()
    {
        using PageTable table = Table();
        MmuSpec spec = new() { JoinedFirst = true, Data4K = new TlbSpec { Entries = 4, Ways = 4 } };
        using CoreMmu mmu = new(spec, 1);
        mmu.Load(new Asid(0), table);
        for (int page = 0; page < 4; page++)
        {
            mmu.Translate(AccessKind.Load, Address(0, (ulong)page), user: true, 0);
        }

        mmu.Translate(AccessKind.Load, Address(1, 0), user: true, 0);
        Assert.Equal(TranslationOutcome.StlbHit, mmu.Translate(AccessKind.Load, Address(0, 0), user: true, 0).Outcome);
        Assert.DoesNotContain(mmu.Translations, item => item.Array == "data-large");
    }

    private static void Check(CoreMmu mmu, PlainMmu judge, AccessKind kind, int size, ulong page)
    {
        ulong address = Address(size, page);
        TranslationOutcome expected = judge.Access(kind, address >> (12 + (9 * size)), size);
        TranslationOutcome found = mmu.TryHit(kind, address)
            ? TranslationOutcome.L1Hit
            : mmu.TranslateMissed(kind, address, 0).Outcome;
        Assert.Equal(expected, found);
    }

    private static ulong Address(int size, ulong page) => (size == 0 ? Small : size == 1 ? Large : Huge) + (page << (12 + (9 * size)));

    private static PageTable Table()
    {
        const PageFlags All = PageFlags.Read | PageFlags.Write | PageFlags.Execute | PageFlags.User | PageFlags.Accessed | PageFlags.Dirty;
        PageTable table = new(PageTableFormats.X64);
        ulong frame = 1 << 18;
        foreach ((int size, int pages) in (ReadOnlySpan<(int, int)>)[(0, SmallPages), (1, LargePages), (2, HugePages)])
        {
            for (int page = 0; page < pages; page++, frame += 1 << 18)
            {
                table.Map(new VirtAddr(Address(size, (ulong)page)), PhysAddr.OfPage(frame), (PageSize)(12 + (9 * size)), All);
            }
        }

        return table;
    }
}
