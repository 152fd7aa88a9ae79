using VmSim.Core.Addresses;
using VmSim.Core.Mapping;
using VmSim.Core.Memory;
using VmSim.Core.Paging;
using VmSim.Core.Programs;

namespace VmSim.Core.Tests.Memory;

/// <summary>What a real kernel (Linux 6.18) did in the same situations: faults, dead translations, counts.</summary>
public sealed class VirtualMemoryTests
{
    [Fact]
    public void AnonymousMemory_WrittenPageByPage_TakesOneFaultAPage()
    {
        TestSpace space = new();
        space.Map(0, 4096);
        Assert.Equal(new() { [FaultKind.Anonymous] = 4096 }, space.Touch(0, 4096, AccessKind.Store));
        Assert.Equal(4096, space.Memory.Resident.Anonymous);
        Assert.Equal(4096, space.Pool.Allocated);
    }

    [Fact]
    public void AnonymousMemory_ReadThenWritten_MapsTheZeroPageThenACopy()
    {
        TestSpace space = new();
        space.Map(0, 16);
        Assert.Equal(new() { [FaultKind.ZeroPage] = 16 }, space.Touch(0, 16, AccessKind.Load));
        Assert.Equal((16, 0), (space.Memory.Resident.Zero, space.Pool.Allocated));
        FaultResult write = space.Fault(3, AccessKind.Store);
        Assert.Equal(FaultKind.CopyOnWrite, write.Kind);
        Assert.Equal(new DeadTranslations(new DeadRange(TestSpace.At(3), 1, PageSize.Size4K), 1, false), write.Dead);
        Assert.Null(write.Release);
        Assert.Equal((15, 1), (space.Memory.Resident.Zero, space.Memory.Resident.Anonymous));
    }

    [Fact]
    public void MapAndUnmap_OfUntouchedPages_KillsNothing()
    {
        TestSpace space = new();
        Assert.Null(space.Map(0, 512).Dead);
        MmResult unmap = space.Unmap(0, 512);
        Assert.Null(unmap.Dead);
        Assert.Null(unmap.Release);
        Assert.False(unmap.TablesFreed);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(33)]
    [InlineData(500)]
    public void Unmap_OfTouchedPages_KillsThemOnce(ulong pages)
    {
        TestSpace space = new();
        space.Map(0, 512);
        space.Touch(0, 1, AccessKind.Store);
        space.Touch(4, pages, AccessKind.Store);
        MmResult unmap = space.Unmap(4, pages);
        Assert.Equal(new DeadTranslations(new DeadRange(TestSpace.At(4), pages, PageSize.Size4K), (long)pages, true), unmap.Dead);
        Assert.Equal((long)pages, unmap.PagesZapped);
        Assert.False(unmap.TablesFreed);
        Assert.Equal(1, space.Pool.Allocated);
    }

    [Fact]
    public void Unmap_OfTheLastAreaOfATable_FreesTablesAndWidensToTheTablesBeginning()
    {
        TestSpace space = new();
        space.Map(100, 8);
        space.Touch(104, 1, AccessKind.Store);
        MmResult unmap = space.Unmap(100, 8);
        Assert.Equal(3, unmap.TablesReleased);
        Assert.Equal((TestSpace.At(0), 105UL, 1L), (unmap.Dead!.Value.Range.Start, unmap.Dead.Value.Range.Pages, unmap.Dead.Value.Count));
        Assert.Equal(1, space.Memory.Table.TablePages);
    }

    [Fact]
    public void Unmap_AfterDontNeed_StillReportsTheFreedTables()
    {
        TestSpace space = new();
        space.Map(0, 8);
        space.Touch(0, 8, AccessKind.Store);
        MmResult dropped = space.Advise(0, 8, Advice.DontNeed);
        Assert.Equal(8, dropped.Dead!.Value.Count);
        Assert.False(dropped.TablesFreed);
        MmResult unmap = space.Unmap(0, 8);
        Assert.Equal(3, unmap.TablesReleased);
        Assert.Equal((0L, true), (unmap.Dead!.Value.Count, unmap.Dead.Value.FreesMemory));
    }

    [Fact]
    public void Protect_ToReadOnlyAndBack_KillsBothTimesWithoutFaults()
    {
        TestSpace space = new();
        space.Map(0, 64);
        space.Touch(8, 16, AccessKind.Store);
        foreach (Protection rights in (Protection[])[Protection.Read, TestSpace.ReadWrite])
        {
            MmResult result = space.Protect(0, 64, rights);
            Assert.Equal(new DeadTranslations(new DeadRange(TestSpace.At(8), 16, PageSize.Size4K), 16, false), result.Dead);
            Assert.Equal(16, result.PagesProtected);
        }

        Assert.Empty(space.Touch(8, 16, AccessKind.Store));
        Assert.Equal(1, space.Memory.AreaCount);
    }

    [Fact]
    public void Protect_OfZeroPagesToWritable_ChangesNoEntry()
    {
        TestSpace space = new();
        space.Map(0, 8, Protection.Read);
        space.Touch(0, 8, AccessKind.Load);
        Assert.Null(space.Protect(0, 8, TestSpace.ReadWrite).Dead);
        Assert.Equal(new() { [FaultKind.CopyOnWrite] = 8 }, space.Touch(0, 8, AccessKind.Store));
    }

    [Fact]
    public void Protect_ToNoneAndBack_KeepsThePage()
    {
        TestSpace space = new();
        space.Map(0, 1);
        space.Touch(0, 1, AccessKind.Store);
        Assert.Equal(1, space.Protect(0, 1, Protection.None).Dead!.Value.Count);
        Assert.False(space.Memory.Table.Query(TestSpace.At(0)).Present);
        Assert.Equal(FaultKind.SegmentationFault, space.Fault(0, AccessKind.Load).Kind);
        Assert.Null(space.Protect(0, 1, TestSpace.ReadWrite).Dead);
        Assert.Empty(space.Touch(0, 1, AccessKind.Store));
        Assert.Equal(1, space.Pool.Allocated);
    }

    [Fact]
    public void Protect_OfARangeWithAHole_ChangesWhatStandsBeforeIt()
    {
        // LTP mprotect01 and mprotect(2): ENOMEM; do_mprotect_pkey has changed the areas before the hole by then.
        TestSpace space = new();
        space.Map(0, 4);
        space.Map(5, 4);
        space.Touch(0, 9, AccessKind.Store);
        SystemCall call = new() { Kind = SystemCallKind.Protect, Start = TestSpace.At(0), Length = 9 << 12, Protection = Protection.Read };
        MmResult result = space.Memory.Apply(call);
        Assert.Equal((null, Errno.NoMemory, 4L), (result.Error, result.Errno, result.PagesProtected));
        Assert.Equal(FaultKind.SegmentationFault, space.Fault(3, AccessKind.Store).Kind);
        Assert.Empty(space.Touch(5, 4, AccessKind.Store));

        result = space.Memory.Apply(call with { Start = TestSpace.At(4) });
        Assert.Equal((MappingErrorKind.NoMemory, Errno.NoMemory), (result.Error!.Value.Kind, result.Errno));
        Assert.Empty(space.Touch(5, 4, AccessKind.Store));
    }

    [Fact]
    public void Populate_TakesItsFaultsInTheCall()
    {
        TestSpace space = new();
        MmResult result = space.Map(0, 4096, populate: true);
        Assert.Equal((4096, 4096, 4096), (result.PagesPopulated, result.PopulateFaults, space.Memory.Resident.Anonymous));
        Assert.Empty(space.Touch(0, 4096, AccessKind.Store));
        space.Map(5000, 64);
        Assert.Equal(64, space.Advise(5000, 64, Advice.PopulateRead).PagesPopulated);
        Assert.Equal(64, space.Advise(5000, 64, Advice.PopulateWrite).PopulateFaults);
        Assert.Equal(64, space.Memory.Resident.Anonymous - 4096);
    }

    [Fact]
    public void AnonymousBackend_Populate_MapsFramesAtOnce_OrNothing()
    {
        TestSpace space = new(new VirtualMemoryOptions { Anonymous = "populate" }, poolBytes: 100 << 12);
        Assert.Equal(60, space.Map(0, 60).PagesPopulated);
        MmResult refused = space.Memory.Apply(
            new SystemCall { Kind = SystemCallKind.Map, Start = TestSpace.At(100), Length = 41 << 12, Protection = TestSpace.ReadWrite });
        Assert.Equal(MappingErrorKind.NoMemory, refused.Error!.Value.Kind);
        Assert.Equal((60L, 1), (space.Pool.Allocated, space.Memory.AreaCount));
        Assert.Empty(space.Touch(0, 60, AccessKind.Store));
    }

    [Fact]
    public void SharedMemory_LivesAsLongAsAMapping()
    {
        TestSpace space = new();
        space.Map(0, 16, shared: true);
        Assert.Equal(new() { [FaultKind.FileShared] = 16 }, space.Touch(0, 16, AccessKind.Store));
        TestSpace child = space.Fork(out _);
        Assert.Equal(0, child.Memory.MappedPages);
        Assert.Equal(FaultKind.File, child.Fault(2, AccessKind.Load).Kind);
        Assert.Equal(16, child.Memory.Resident.SharedMemory);
        space.Exit();
        Assert.Equal(16, space.Pool.Allocated);
        child.Exit();
        Assert.Equal(0, space.Pool.Allocated);
    }

    [Fact]
    public void MemoryFile_AtSeveralAddresses_IsOneSetOfFrames()
    {
        TestSpace space = new();
        space.MapFile(TestSpace.MemoryFile, 0, 8, shared: true);
        space.MapFile(TestSpace.MemoryFile, 100, 8, offsetPages: 4, shared: true);
        space.Touch(4, 1, AccessKind.Store);
        space.Touch(100, 1, AccessKind.Load);
        Assert.Equal(space.Memory.Table.Query(TestSpace.At(4)).Frame, space.Memory.Table.Query(TestSpace.At(100)).Frame);
        Assert.Equal(3, space.Pool.References(space.Memory.Table.Query(TestSpace.At(4)).Frame));
    }

    [Fact]
    public void TwoSpaces_WithOneCache_ShareAFile()
    {
        TestSpace first = new();
        VirtualMemory other = new(
            new PageTable(PageTableFormats.X64),
            first.Pool,
            first.Memory.Cache,
            new VirtualMemoryOptions(),
            [new ProgramFile("/b"), new ProgramFile("/a")]);
        TestSpace second = new(other);
        first.MapFile(TestSpace.FileA, 0, 8, shared: true);
        second.MapFile(1, 300, 8, offsetPages: 4, shared: true);
        Assert.Equal(FaultKind.FileShared, first.Fault(5, AccessKind.Store).Kind);
        Assert.Equal(FaultKind.File, second.Fault(301, AccessKind.Load).Kind);
        PhysAddr frame = first.Memory.Table.Query(TestSpace.At(5)).Frame;
        Assert.Equal(frame, second.Memory.Table.Query(TestSpace.At(301)).Frame);
        Assert.Equal(3, first.Pool.References(frame));
        first.Exit();
        Assert.Equal(2, first.Pool.References(frame));
        Assert.True(first.Memory.Cache.Files[TestSpace.FileA].IsDirty(5));
        second.Exit();
        Assert.Equal(first.Memory.Cache.CachedPages - 1, first.Memory.Cache.DropClean());
        Assert.Equal(1, first.Pool.Allocated);
    }

    [Fact]
    public void Fork_SharesPagesUntilTheyAreWritten()
    {
        TestSpace space = new();
        space.Map(0, 8);
        space.Touch(0, 8, AccessKind.Store);
        TestSpace child = space.Fork(out MmResult effect);
        Assert.Equal((8L, true, 8L), (effect.Dead!.Value.Count, effect.Dead.Value.Range == DeadRange.WholeSpace, effect.PagesShared));
        Assert.Equal(8, space.Pool.Allocated);
        FaultResult copy = space.Fault(0, AccessKind.Store);
        Assert.Equal((FaultKind.CopyOnWrite, 1L), (copy.Kind, copy.Dead!.Value.Count));
        Assert.Equal(FaultKind.ReuseWrite, child.Fault(0, AccessKind.Store).Kind);
        space.Protect(1, 1, Protection.Read);
        space.Protect(1, 1, TestSpace.ReadWrite);
        Assert.Equal(FaultKind.CopyOnWrite, space.Fault(1, AccessKind.Store).Kind);
        child.Exit();
        FaultResult reuse = space.Fault(2, AccessKind.Store);
        Assert.Equal((FaultKind.ReuseWrite, null), (reuse.Kind, reuse.Dead));
        Assert.Equal(8, space.Pool.Allocated);
    }

    [Fact]
    public void Fork_WithoutRoomForReferences_ChangesNothing()
    {
        FramePool pool = new(1 << 20, maxReferences: 2);
        VirtualMemory memory = new(new PageTable(PageTableFormats.X64), pool, new PageCache(pool), new VirtualMemoryOptions(), []);
        TestSpace space = new(memory);
        space.Map(0, 8);
        space.Touch(0, 8, AccessKind.Store);
        space.Fork(out _);
        space.Touch(0, 4, AccessKind.Store);
        long allocated = pool.Allocated;
        Assert.Null(memory.Fork(new PageTable(PageTableFormats.X64), pool, out MmResult effect));
        Assert.Equal(MappingErrorKind.NoMemory, effect.Error!.Value.Kind);
        Assert.Equal(allocated, pool.Allocated);
        Assert.Empty(space.Touch(0, 4, AccessKind.Store));
    }

    [Fact]
    public void SetBreak_GrowsAndShrinksTheHeap()
    {
        TestSpace space = new();
        space.Memory.SetInitialBreak(TestSpace.At(0) + 100);
        space.Ok(new SystemCall { Kind = SystemCallKind.SetBreak, Start = TestSpace.At(5) + 1 });
        Assert.Equal(AddrRange.Of(TestSpace.At(1), 5 << PageSizes.BaseShift), space.Memory.Areas.Single().Range);
        space.Touch(1, 5, AccessKind.Store);
        MmResult shrunk = space.Ok(new SystemCall { Kind = SystemCallKind.SetBreak, Start = TestSpace.At(2) });
        Assert.Equal(4, shrunk.Dead!.Value.Count);
        space.Map(10, 1);
        Assert.NotNull(space.Memory.Apply(new SystemCall { Kind = SystemCallKind.SetBreak, Start = TestSpace.At(11) }).Error);
        Assert.Equal(TestSpace.At(2), space.Memory.Break);
    }

    [Fact]
    public void Remap_MovesPagesAndGrows()
    {
        TestSpace space = new();
        space.Map(0, 16);
        space.Touch(0, 16, AccessKind.Store);
        PhysAddr frame = space.Memory.Table.Query(TestSpace.At(3)).Frame;
        MmResult moved = space.Ok(Remap(0, 16, 1000, 32));
        Assert.Equal((16L, 16L), (moved.PagesMoved, moved.Dead!.Value.Count));
        Assert.Equal(frame, space.Memory.Table.Query(TestSpace.At(1003)).Frame);
        Assert.Empty(space.Touch(1000, 16, AccessKind.Store));
        Assert.Equal(FaultKind.SegmentationFault, space.Fault(0, AccessKind.Load).Kind);
        Assert.Equal(FaultKind.Anonymous, space.Fault(1031, AccessKind.Store).Kind);
        Assert.Equal(24, space.Ok(Remap(1000, 32, 1000, 8)).PagesZapped + 15);
        Assert.Null(space.Ok(Remap(1000, 8, 1000, 64)).Dead);
        Assert.Equal(64UL << 12, space.Memory.Areas.Single().Range.Size);
    }

    [Fact]
    public void Remap_OfAFile_KeepsItsPages()
    {
        TestSpace space = new();
        space.MapFile(TestSpace.FileA, 0, 16, offsetPages: 50);
        space.Touch(0, 16, AccessKind.Load);
        space.Ok(Remap(4, 8, 100, 8));
        Assert.Equal([50UL << 12, 62UL << 12, 54UL << 12], space.Memory.Areas.Select(area => area.Offset));
        space.Advise(100, 8, Advice.DontNeed);
        Assert.Equal(FaultKind.File, space.Fault(100, AccessKind.Load).Kind);
        Assert.True(space.Memory.Cache.Files[0].TryGetFrame(54, out PhysAddr expected));
        Assert.Equal(expected, space.Memory.Table.Query(TestSpace.At(100)).Frame);
        space.Exit();
        Assert.Equal(0, space.Memory.Cache.Files[0].MappedPages);
    }

    [Fact]
    public void Stack_GrowsDownwardsToItsLimit()
    {
        TestSpace space = new(new VirtualMemoryOptions { StackLimitBytes = 64 << 12 });
        space.Ok(
            new SystemCall
            {
                Kind = SystemCallKind.Map,
                Start = TestSpace.At(1000),
                Length = 4 << 12,
                Protection = TestSpace.ReadWrite,
                Name = "[stack]"
            });
        Assert.Equal(FaultKind.Anonymous, space.Fault(990, AccessKind.Store).Kind);
        Assert.Equal(TestSpace.At(990), space.Memory.Areas.Single().Range.Start);
        Assert.Equal(FaultKind.SegmentationFault, space.Fault(900, AccessKind.Store).Kind);
        space.Map(600, 130);
        Assert.Equal(FaultKind.SegmentationFault, space.Fault(980, AccessKind.Store).Kind);
    }

    [Fact]
    public void VeryLastPage_IsAPageLikeAnyOther()
    {
        TestSpace space = new();
        VirtAddr last = new(0xffff_ffff_ffff_f000);
        space.Ok(new SystemCall { Kind = SystemCallKind.Map, Start = last, Length = 4096, Protection = TestSpace.ReadWrite });
        Assert.Equal(FaultKind.Anonymous, space.Memory.HandleFault(last + 8, AccessKind.Store).Kind);
        SystemCall protect = new() { Kind = SystemCallKind.Protect, Start = last, Length = 4096, Protection = Protection.Read };
        Assert.Equal(1, space.Ok(protect).Dead!.Value.Count);
        MmResult unmap = space.Ok(new SystemCall { Kind = SystemCallKind.Unmap, Start = last, Length = 4096 });
        Assert.Equal((1L, 3), (unmap.PagesZapped, unmap.TablesReleased));
        Assert.Equal(0, space.Pool.Allocated);
    }

    [Fact]
    public void MaxAreas_IsALimit()
    {
        TestSpace space = new(new VirtualMemoryOptions { MaxAreas = 2 });
        space.Map(0, 3);
        MmResult split = space.Memory.Apply(
            new SystemCall { Kind = SystemCallKind.Protect, Start = TestSpace.At(1), Length = 4096, Protection = Protection.Read });
        Assert.Equal(MappingErrorKind.NoMemory, split.Error!.Value.Kind);
        Assert.Equal(1, space.Memory.AreaCount);
    }

    [Theory]
    [InlineData(1, 0x1000, Errno.InvalidArgument)]
    [InlineData(0, 0, Errno.InvalidArgument)]
    [InlineData(0, ulong.MaxValue, Errno.NoMemory)]
    [InlineData(1UL << 48, 0x1000, Errno.NoMemory)]
    public void Apply_WithAnImpossibleRange_FailsAsMmapDoes(ulong offset, ulong length, Errno errno)
    {
        TestSpace space = new();
        SystemCall call =
            new() { Kind = SystemCallKind.Map, Start = TestSpace.At(0) + offset, Length = length, Protection = TestSpace.ReadWrite };
        MmResult result = space.Memory.Apply(call);
        Assert.NotNull(result.Error);
        Assert.Equal(errno, result.Errno);
    }

    [Fact]
    public void Release_OfABatchTwice_IsABug()
    {
        TestSpace space = new();
        space.Map(0, 1);
        space.Touch(0, 1, AccessKind.Store);
        MmResult unmap = space.Memory.Apply(new SystemCall { Kind = SystemCallKind.Unmap, Start = TestSpace.At(0), Length = 4096 });
        Assert.Equal(1, space.Pool.Allocated);
        space.Memory.Release(unmap.Release!);
        Assert.Equal(0, space.Pool.Allocated);
        Assert.Throws<InvalidOperationException>(() => space.Memory.Release(unmap.Release!));
    }

    private static SystemCall Remap(ulong page, ulong pages, ulong newPage, ulong newPages) => new()
    {
        Kind = SystemCallKind.Remap,
        Start = TestSpace.At(page),
        Length = pages << 12,
        NewStart = TestSpace.At(newPage),
        NewLength = newPages << 12,
        RemapFlags = page == newPage ? RemapFlags.None : RemapFlags.MayMove | RemapFlags.Fixed,
    };
}
