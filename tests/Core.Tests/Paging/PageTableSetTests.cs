using CsCheck;
using VmSim.Core.Addresses;
using VmSim.Core.Paging;

namespace VmSim.Core.Tests.Paging;

/// <summary>Copies that are filled on demand: what they hold, what goes out of them, and when walkers see it.</summary>
public sealed class PageTableSetTests
{
    private const PageFlags ReadWrite = PageFlags.Read | PageFlags.Write | PageFlags.User;
    private const PageFlags ReadOnly = PageFlags.Read | PageFlags.User;

    /// <summary>Tables of 2 MiB in which the tests map pages; each stands for itself in the level above.</summary>
    private const int Tables = 4;

    private const int PagesOfTable = 512;
    private static readonly VirtAddr Start = new(0x7f00_0000_0000);

    /// <summary>Map, unmap, protect, split and move at random, and fill at random: a copy has what it was given and nothing else.</summary>
    [Theory]
    [InlineData("x86-64")]
    [InlineData("aarch64")]
    [InlineData("riscv-sv48")]
    public void Copy_AnyChanges_HasItsLeavesAndNothingThatIsGone(string format) =>
        Gen.Select(Gen.Int[0, 9], Gen.Int[0, (Tables * PagesOfTable) - 1], Gen.Int[1, 700], Gen.Int[0, (Tables * PagesOfTable) - 1])
            .Array[1, 60].Sample(
                steps =>
                {
                    using PageTableSet set = new([TableProbe.New(format), TableProbe.New(format)], onDemand: true);
                    ulong frame = 1 << 10;
                    foreach ((int what, int page, int pages, int other) in steps)
                    {
                        List<(MappedLeaf Leaf, PageSize Size)> before =
                            [.. LeavesOf(set[1]).Select(leaf => (leaf, set.Own.Query(leaf.Address).Size))];
                        Change(set, what, page, Math.Min(pages, (Tables * PagesOfTable) - page), other, ref frame);
                        set.Update();
                        foreach ((MappedLeaf leaf, PageSize size) in before)
                        {
                            // a split takes the pieces of a large leaf along
                            bool stays = Allows(set.Own, leaf) && set.Own.Query(leaf.Address).Size == size;
                            Assert.True(!stays || set.Holds(1, leaf.Address), $"{leaf.Address} has gone from the copy alone");
                        }

                        Assert.All(LeavesOf(set[1]), leaf => Assert.True(Allows(set.Own, leaf), $"{leaf.Address} is in the copy alone"));
                    }
                },
                iter: 400);

    [Fact]
    public void Fill_MakesTablePagesOfItsOwnAndKeepsThem()
    {
        using PageTableSet set = New();
        set.Own.Map(Start, new PhysAddr(0x5000), PageSize.Size4K, ReadWrite);
        set.Own.Map(Page(PagesOfTable), new PhysAddr(0x6000), PageSize.Size4K, ReadWrite);
        Assert.Equal(new TableFill(PageSize.Size4K, Written: true, 3), set.Fill(1, Start, 0));
        Assert.Equal(new TableFill(PageSize.Size4K, Written: false, 0), set.Fill(1, Start, 0));
        Assert.Equal(new TableFill(null, Written: false, 0), set.Fill(1, Page(1), 0));
        Assert.Equal(new TableFill(PageSize.Size4K, Written: true, 1), set.Fill(1, Page(PagesOfTable), 0));
        TableProbe.Unmap(set.Own, Start, 2 * PagesOfTable << 12);
        set.Update();
        Assert.Equal(1, set.Own.TablePages);
        Assert.Equal(5, set[1].TablePages);
        Assert.False(set.Holds(1, Start));
        Assert.Equal(1, set[2].TablePages);
    }

    /// <summary>Rights that grow stay away from the copy until it is filled; rights that shrink take the page out of it.</summary>
    [Fact]
    public void Protect_OnlyTakesAway()
    {
        using PageTableSet set = New();
        set.Own.Map(Start, new PhysAddr(0x5000), PageSize.Size4K, ReadOnly);
        set.Fill(1, Start, 0);
        set.Own.ProtectRange(Start, 4096, ReadWrite);
        set.Update();
        Assert.Equal(ReadOnly, set[1].Query(Start).Flags);
        Assert.True(set.Fill(1, Start, 0).Written);
        Assert.Equal(ReadWrite, set[1].Query(Start).Flags);
        set.Own.ProtectRange(Start, 4096, ReadOnly);
        set.Update();
        Assert.False(set.Holds(1, Start));
    }

    [Fact]
    public void AccessedAndDirty_AreSetInCopies()
    {
        using PageTableSet set = New();
        set.Own.Map(Start, new PhysAddr(0x5000), PageSize.Size4K, ReadWrite);
        set.Fill(1, Start, 0);
        set.Own.SetAccessedDirty(Start, PageFlags.Accessed | PageFlags.Dirty);
        set.Update();
        Assert.Equal(ReadWrite | PageFlags.Accessed | PageFlags.Dirty, set[1].Query(Start).Flags);
    }

    /// <summary>A walker sees a page go from the copy when it sees it go from the space's own table, and not before.</summary>
    [Fact]
    public void Changes_BecomeVisibleAtTheTimesOfTheSpacesOwn()
    {
        using PageTableSet set = New();
        set.Own.VisibleAt = 100;
        set.Own.Map(Start, new PhysAddr(0x5000), PageSize.Size4K, ReadWrite);
        set.Fill(1, Start, 150);
        Assert.False(TableProbe.IsMapped(set[1], Start, 149));
        Assert.True(TableProbe.IsMapped(set[1], Start, 150));
        set.Own.VisibleAt = 300;
        TableProbe.Unmap(set.Own, Start, 4096);
        set.Update();
        Assert.True(TableProbe.IsMapped(set[1], Start, 299));
        Assert.False(TableProbe.IsMapped(set[1], Start, 300));
    }

    /// <summary>A table page that small leaves have left stays; a large leaf goes in by pieces beside it.</summary>
    [Fact]
    public void Fill_LargeLeafWhereATablePageStands_GoesInByPieces()
    {
        using PageTableSet set = New();
        set.Own.Map(Start, new PhysAddr(0x5000), PageSize.Size4K, ReadWrite);
        set.Fill(1, Start, 0);
        set.Fill(2, Start, 0);
        TableProbe.Unmap(set.Own, Start, 4096);
        set.Own.Map(Start, new PhysAddr(0x20_0000), PageSize.Size2M, ReadWrite);
        Assert.Equal(new TableFill(PageSize.Size4K, Written: true, 0), set.Fill(1, Page(7), 0));
        Assert.Equal(new PhysAddr(0x20_7000), set[1].Translate(Page(7)));
        Assert.False(set.Holds(1, Page(6)));
        set.Own.SetAccessedDirty(Start, PageFlags.Accessed);
        set.Update();
        Assert.True(set.Holds(1, Page(7)));
        set.Own.SplitLeaf(Start);
        set.Update();
        Assert.False(set.Holds(1, Page(7)));
    }

    [Fact]
    public void Fill_OfTablesThatHoldEveryLeaf_IsRefused()
    {
        using PageTableSet set = new([TableProbe.New("x86-64"), TableProbe.New("x86-64")], onDemand: false);
        Assert.Throws<InvalidOperationException>(() => set.Fill(1, Start, 0));
        Assert.Throws<InvalidOperationException>(() => set.Holds(1, Start));
        using PageTableSet filled = New();
        Assert.Throws<ArgumentOutOfRangeException>(() => filled.Fill(0, Start, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => filled.Fill(3, Start, 0));
    }

    private static void Change(PageTableSet set, int what, int page, int pages, int other, ref ulong frame)
    {
        VirtAddr start = Page(page);
        switch (what)
        {
            case 0 or 1:
                set.Own.MapRange(start, PhysAddr.OfPage(frame), (ulong)pages << 12, ReadWrite);
                frame += (ulong)pages;
                break;
            case 2:
                VirtAddr large = Page(page & ~(PagesOfTable - 1));
                frame = (frame + PagesOfTable) & ~(PagesOfTable - 1UL);
                set.Own.Map(large, PhysAddr.OfPage(frame), PageSize.Size2M, ReadWrite);
                frame += PagesOfTable;
                break;
            case 3:
                TableProbe.Unmap(set.Own, start, (ulong)pages << 12);
                break;
            case 4:
                set.Own.ProtectRange(start, (ulong)pages << 12, other % 2 == 0 ? ReadOnly : ReadWrite);
                break;
            case 5:
                // Whole tables move by one entry.
                VirtAddr from = Page(page & ~(PagesOfTable - 1));
                VirtAddr to = Page((other & ~(PagesOfTable - 1)) + (Tables * PagesOfTable));
                TableProbe.Unmap(set.Own, to, PagesOfTable << 12);
                set.Own.Move(from, to, PagesOfTable << 12);
                break;
            case 6:
                set.Own.SetAccessedDirty(start, PageFlags.Accessed);
                break;
            default:
                for (int i = 0; i < pages; i += 1 + (other % 7))
                {
                    set.Fill(1, Page(page + i), 0);
                    set.Fill(1, Page(page + i + (Tables * PagesOfTable)), 0);
                }

                break;
        }
    }

    /// <summary>Whether a table maps at least what a leaf does, to the same frames.</summary>
    private static bool Allows(PageTable own, in MappedLeaf leaf)
    {
        for (ulong offset = 0; offset < leaf.Entry.Size.Bytes(); offset += 4096)
        {
            VirtAddr address = leaf.Address + offset;
            if (own.Translate(address) != leaf.Entry.Frame + offset
                || (leaf.Entry.Flags & PageTableFormat.Rights & ~own.Query(address).Flags) != 0
                || own.Query(address).Size < leaf.Entry.Size)
            {
                return false;
            }
        }

        return true;
    }

    private static List<MappedLeaf> LeavesOf(PageTable table)
    {
        List<MappedLeaf> leaves = [];
        foreach (MappedLeaf leaf in table.Leaves(Start, 2 * Tables * PagesOfTable << 12))
        {
            leaves.Add(leaf);
        }

        return leaves;
    }

    private static VirtAddr Page(int number) => Start + ((ulong)number << 12);

    private static PageTableSet New() =>
        new([TableProbe.New("x86-64"), TableProbe.New("x86-64"), TableProbe.New("x86-64")], onDemand: true);
}
