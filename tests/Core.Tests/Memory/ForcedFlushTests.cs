using VmSim.Core.Addresses;
using VmSim.Core.Memory;

namespace VmSim.Core.Tests.Memory;

/// <summary>Dirty pages of shared mappings: what is flushed before a call goes on to the next table page (Linux: zap_pte_range).</summary>
public sealed class ForcedFlushTests
{
    private const ulong Table = 512;

    [Fact]
    public void Unmap_OfSharedDirtyPagesInTwoTables_FlushesEachTableForItself()
    {
        TestSpace space = Shared(Table - 100, 256);

        MmResult unmap = space.Unmap(Table - 100, 256);

        Assert.Equal(
            [Pages(Table - 100, 100), Pages(Table, 156)],
            unmap.Forced.Select(dead => dead.Range));
        Assert.Null(unmap.DeadAtEnd);
        Assert.Equal((Pages(Table - 100, 256), 256L), (unmap.Dead!.Value.Range, unmap.Dead.Value.Count));
    }

    /// <summary>What follows the last dirty shared page in its table is flushed with it, other tables at the end.</summary>
    [Fact]
    public void Unmap_OfPrivatePagesBehindThem_FlushesTheseAtTheEnd()
    {
        TestSpace space = Shared(Table - 4, 4);
        space.Map(Table, 8);
        space.Touch(Table, 8, AccessKind.Store);

        MmResult unmap = space.Unmap(Table - 4, 12);

        Assert.Equal([Pages(Table - 4, 4)], unmap.Forced.Select(dead => dead.Range));
        Assert.Equal(Pages(Table, 8), unmap.DeadAtEnd!.Value.Range);
        Assert.Equal(12, unmap.Dead!.Value.Count);
    }

    [Theory]
    [InlineData(AccessKind.Load, true)]
    [InlineData(AccessKind.Store, false)]
    public void Unmap_OfCleanOrPrivatePages_FlushesOnce(AccessKind kind, bool shared)
    {
        TestSpace space = new();
        KeepTables(space);
        space.Map(Table - 4, 8, shared: shared);
        space.Touch(Table - 4, 8, kind);

        MmResult unmap = space.Unmap(Table - 4, 8);

        Assert.Empty(unmap.Forced);
        Assert.Equal(unmap.Dead, unmap.DeadAtEnd);
    }

    private static TestSpace Shared(ulong page, ulong pages)
    {
        TestSpace space = new();
        KeepTables(space);
        space.Map(page, pages, shared: true);
        space.Touch(page, pages, AccessKind.Store);
        return space;
    }

    /// <summary>Has a page in each of the tables that stays.</summary>
    private static void KeepTables(TestSpace space)
    {
        space.Map(0, 1);
        space.Map((2 * Table) - 1, 1);
        space.Touch(0, 1, AccessKind.Store);
        space.Touch((2 * Table) - 1, 1, AccessKind.Store);
    }

    private static DeadRange Pages(ulong page, ulong pages) => new(TestSpace.At(page), pages, PageSize.Size4K);
}
