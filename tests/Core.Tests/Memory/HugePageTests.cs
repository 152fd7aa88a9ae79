using VmSim.Core.Addresses;
using VmSim.Core.Memory;
using VmSim.Core.Programs;

namespace VmSim.Core.Tests.Memory;

/// <summary>Huge pages: what a real kernel (Linux 6.18) did, and the explicit huge backends.</summary>
public sealed class HugePageTests
{
    private const ulong Huge = 512;

    private static readonly VirtualMemoryOptions Advised = new() { TransparentHugePages = TransparentHugePages.Madvise };

    [Fact]
    public void Write_InAnAdvisedArea_MapsTwoMebibytes()
    {
        TestSpace space = new(Advised);
        space.Map(0, 8 * Huge);
        space.Advise(0, 8 * Huge, Advice.HugePage);
        Assert.Equal(new() { [FaultKind.Huge] = 8 }, space.Touch(0, 8 * Huge, AccessKind.Store));
        Assert.Equal((8 * 512, 8 * 512), (space.Memory.Resident.Anonymous, space.Pool.Allocated));
        space.Map(20 * Huge, 2 * Huge);
        Assert.Equal(FaultKind.Anonymous, space.Fault(20 * Huge, AccessKind.Store).Kind);
    }

    [Fact]
    public void Read_ThenWrite_MapsTheHugeZeroPageThenMemory()
    {
        TestSpace space = new(Advised);
        space.Map(0, 2 * Huge);
        space.Advise(0, 2 * Huge, Advice.HugePage);
        Assert.Equal(new() { [FaultKind.Huge] = 2 }, space.Touch(0, 2 * Huge, AccessKind.Load));
        Assert.Equal((0L, 1024L), (space.Pool.Allocated, space.Memory.Resident.Zero));
        FaultResult write = space.Fault(100, AccessKind.Store);
        Assert.Equal(
            (FaultKind.Huge, new DeadTranslations(new DeadRange(TestSpace.At(0), 1, PageSize.Size2M), 1, false)), (write.Kind, write.Dead));
        Assert.Equal(512, space.Pool.Allocated);
    }

    [Fact]
    public void Write_WhereTheRegionDoesNotFit_FallsBackToSmallPages()
    {
        TestSpace space = new(new VirtualMemoryOptions { TransparentHugePages = TransparentHugePages.Always }, poolBytes: 5 << 20);
        space.Map(1, 2 * Huge);
        Assert.Equal(FaultKind.Anonymous, space.Fault(1, AccessKind.Store).Kind);
        space.Map(10 * Huge, 2 * Huge);
        Assert.Equal(FaultKind.Huge, space.Fault(10 * Huge, AccessKind.Store).Kind);
        Assert.Equal(FaultKind.Anonymous, space.Fault(11 * Huge, AccessKind.Store).Kind);
        Assert.Equal(FaultKind.Anonymous, space.Fault((11 * Huge) + 1, AccessKind.Store).Kind);
        Assert.Equal(515, space.Pool.Allocated);
    }

    [Fact]
    public void Protect_OfOneSmallPage_SplitsTheHugeOneAndFlushesAllOfIt()
    {
        TestSpace space = new(Advised);
        space.Map(0, Huge);
        space.Advise(0, Huge, Advice.HugePage);
        space.Touch(0, 1, AccessKind.Store);
        MmResult result = space.Protect(8, 1, Protection.Read);
        Assert.Equal(
            (TestSpace.At(0), 512UL, PageSize.Size4K),
            (result.Dead!.Value.Range.Start, result.Dead.Value.Range.Pages, result.Dead.Value.Range.Stride));
        Assert.Empty(space.Touch(9, 503, AccessKind.Store));
        Assert.Equal(FaultKind.SegmentationFault, space.Fault(8, AccessKind.Store).Kind);
        Assert.Equal(512, space.Memory.Resident.Anonymous);
    }

    [Fact]
    public void Protect_OfTheWholeHugePage_KeepsIt()
    {
        TestSpace space = new(Advised);
        space.Map(0, Huge);
        space.Advise(0, Huge, Advice.HugePage);
        space.Touch(0, 1, AccessKind.Store);
        Assert.Equal(
            new DeadTranslations(new DeadRange(TestSpace.At(0), 1, PageSize.Size2M), 1, false),
            space.Protect(0, Huge, Protection.Read).Dead);
        Assert.Equal(PageSize.Size2M, space.Memory.Table.Query(TestSpace.At(7)).Size);
    }

    [Fact]
    public void DontNeed_AndUnmap_OfOneSmallPage_FreeIt()
    {
        TestSpace space = new(Advised);
        space.Map(0, Huge);
        space.Advise(0, Huge, Advice.HugePage);
        space.Touch(0, 1, AccessKind.Store);
        space.Advise(8, 1, Advice.DontNeed);
        Assert.Equal(511, space.Pool.Allocated);
        Assert.Equal(FaultKind.Anonymous, space.Fault(8, AccessKind.Store).Kind);
        MmResult unmap = space.Unmap(9, 1);
        Assert.Equal(1, unmap.PagesZapped);
        Assert.Equal(511, space.Pool.Allocated);
        space.Exit();
        Assert.Equal(0, space.Pool.Allocated);
    }

    [Fact]
    public void Fork_FirstWriteSplits_AndEverySmallPageIsCopiedByItself()
    {
        TestSpace space = new(Advised);
        space.Map(0, 4 * Huge);
        space.Advise(0, 4 * Huge, Advice.HugePage);
        space.Touch(0, 4 * Huge, AccessKind.Store);
        TestSpace child = space.Fork(out MmResult effect);
        Assert.Equal((4L, 4L), (effect.PagesShared, effect.Dead!.Value.Count));
        FaultResult first = space.Fault(0, AccessKind.Store);
        Assert.Equal((FaultKind.CopyOnWrite, 512UL), (first.Kind, first.Dead!.Value.Range.Pages));
        Assert.Equal(511, space.Touch(0, Huge, AccessKind.Store)[FaultKind.CopyOnWrite]);
        child.Exit();
        Assert.Equal(new() { [FaultKind.ReuseWrite] = 3 }, space.Touch(Huge, 3 * Huge, AccessKind.Store));
        Assert.Equal(2048, space.Pool.Allocated);
    }

    [Fact]
    public void HugeBackend_UsesTheLargestPageThatFits()
    {
        TestSpace space = new(poolBytes: 5UL << 30);
        ulong gigabyte = 512 * Huge;
        ulong page = gigabyte - (Huge / 2);
        space.Ok(
            new SystemCall
            {
                Kind = SystemCallKind.Map,
                Start = TestSpace.At(page),
                Length = (2 * gigabyte) << 12,
                Protection = Protection.Read | Protection.Write,
                Backend = "huge-1g"
            });
        Assert.Equal(FaultKind.Anonymous, space.Fault(page, AccessKind.Store).Kind);
        Assert.Equal(FaultKind.Huge, space.Fault(gigabyte, AccessKind.Store).Kind);
        Assert.Equal(PageSize.Size1G, space.Memory.Table.Query(TestSpace.At(gigabyte)).Size);
        Assert.Equal(FaultKind.Huge, space.Fault(2 * gigabyte, AccessKind.Store).Kind);
        Assert.Equal(PageSize.Size2M, space.Memory.Table.Query(TestSpace.At(2 * gigabyte)).Size);
        MmResult split = space.Unmap(gigabyte + 3, 1);
        Assert.Equal((gigabyte, 1L), (split.Dead!.Value.Range.Pages, split.PagesZapped));
        space.Exit();
        Assert.Equal(0, space.Pool.Allocated);
    }

    [Fact]
    public void Remap_OfAHugePage_ToAnUnalignedPlace_SplitsIt()
    {
        TestSpace space = new(Advised);
        space.Map(0, Huge);
        space.Advise(0, Huge, Advice.HugePage);
        space.Touch(0, 1, AccessKind.Store);
        MmResult moved = space.Ok(
            new SystemCall
            {
                Kind = SystemCallKind.Remap,
                Start = TestSpace.At(0),
                Length = Huge << 12,
                NewStart = TestSpace.At(5001),
                NewLength = Huge << 12,
                RemapFlags = RemapFlags.MayMove,
            });
        Assert.Equal((512L, 512UL), (moved.PagesMoved, moved.Dead!.Value.Range.Pages));
        Assert.Empty(space.Touch(5001, Huge, AccessKind.Store));
    }
}
