using VmSim.Core.Addresses;
using VmSim.Core.Mmu;
using VmSim.Core.Paging;

namespace VmSim.Core.Tests.Mmu;

/// <summary>Translations that the kernel puts into the TLBs.</summary>
public sealed class PrimedFillTests
{
    private const ulong Here = 0x10_0000_0000;
    private const PageFlags Fresh = PageFlags.Read | PageFlags.Write | PageFlags.User | PageFlags.Dirty;

    /// <summary>The access hits, whatever the arrays map, and the entry stays as it was.</summary>
    [Theory]
    [InlineData("page")]
    [InlineData("pair")]
    [InlineData("run-4")]
    public void Prime_AnEntryThatIsNotAccessed_HitsAndLeavesItSo(string reach)
    {
        using PageTable table = Table(PageSize.Size4K, Fresh);
        using CoreMmu mmu = Mmu(table, reach);
        Assert.True(mmu.Prime(AccessKind.Store, Here, PageSize.Size4K, 0));
        Assert.Equal(TranslationOutcome.L1Hit, mmu.Translate(AccessKind.Store, Here, user: true, 0).Outcome);
        Assert.Equal(PageFlags.None, table.Query(new VirtAddr(Here)).Flags & PageFlags.Accessed);
        Assert.Equal(TranslationOutcome.Walked, mmu.Translate(AccessKind.Load, Here + 4096, user: true, 0).Outcome);
        Assert.Equal(TranslationOutcome.L1Hit, mmu.Translate(AccessKind.Load, Here + 4096, user: true, 0).Outcome);
    }

    [Fact]
    public void Prime_ALargePage_Hits()
    {
        using PageTable table = Table(PageSize.Size2M, Fresh);
        using CoreMmu mmu = Mmu(table, "page");
        Assert.True(mmu.Prime(AccessKind.Load, Here + 0x12_3000, PageSize.Size2M, 0));
        Assert.Equal(TranslationOutcome.L1Hit, mmu.Translate(AccessKind.Load, Here, user: true, 0).Outcome);
    }

    /// <summary>No paging-structure cache leads into the table: the walk that comes next begins at its root.</summary>
    [Fact]
    public void Prime_LeavesPagingStructureCachesEmpty()
    {
        using PageTable table = Table(PageSize.Size4K, Fresh);
        using CoreMmu mmu = Mmu(table, "page");
        mmu.Prime(AccessKind.Load, Here, PageSize.Size4K, 0);
        Assert.Equal(4, mmu.Translate(AccessKind.Load, Here + 4096, user: true, 0).References);
    }

    [Theory]
    [InlineData(PageFlags.Accessed, AccessKind.Load)]
    [InlineData(PageFlags.None, AccessKind.Fetch)]
    public void Prime_AnEntryThatIsAccessedOrForbids_PutsNothingIn(PageFlags more, AccessKind kind)
    {
        using PageTable table = Table(PageSize.Size4K, Fresh | more);
        using CoreMmu mmu = Mmu(table, "page");
        Assert.False(mmu.Prime(kind, Here, PageSize.Size4K, 0));
        Assert.False(mmu.Peek(new Asid(1), Here, out _, out _));
    }

    /// <summary>A store to a clean page is the walk's, which marks the entry.</summary>
    [Fact]
    public void Prime_AStoreToACleanPage_PutsNothingIn()
    {
        using PageTable table = Table(PageSize.Size4K, Fresh & ~PageFlags.Dirty);
        using CoreMmu mmu = Mmu(table, "page");
        Assert.False(mmu.Prime(AccessKind.Store, Here, PageSize.Size4K, 0));
        Assert.True(mmu.Prime(AccessKind.Load, Here, PageSize.Size4K, 0));
    }

    [Theory]
    [InlineData(0x20_0000_0000UL)]
    [InlineData(0x8000_0000_0000_0000UL)]
    public void Prime_WhereNothingIs_PutsNothingIn(ulong address)
    {
        using PageTable table = Table(PageSize.Size4K, Fresh);
        using CoreMmu mmu = Mmu(table, "page");
        Assert.False(mmu.Prime(AccessKind.Load, address, PageSize.Size4K, 0));
    }

    private static PageTable Table(PageSize size, PageFlags flags)
    {
        PageTable table = new(PageTableFormats.All.Require("x86-64", "format"));
        table.Map(new VirtAddr(Here), new PhysAddr(0x4000_0000), size, flags);
        if (size == PageSize.Size4K)
        {
            table.Map(new VirtAddr(Here + 4096), new PhysAddr(0x4000_1000), size, flags);
        }

        return table;
    }

    private static CoreMmu Mmu(PageTable table, string reach)
    {
        MmuSpec spec = new();
        CoreMmu mmu = new(spec with { Data4K = spec.Data4K with { Reach = reach }, Second = spec.Second with { Reach = reach } }, 0);
        mmu.Load(new Asid(1), table);
        return mmu;
    }
}
