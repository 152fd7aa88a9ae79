using VmSim.Core.Addresses;
using VmSim.Core.Memory;
using VmSim.Core.Programs;

namespace VmSim.Core.Tests.Memory;

/// <summary>Pages of files: what a real kernel (Linux 6.18) did in the same situations, and reclaim.</summary>
public sealed class FileMemoryTests
{
    [Fact]
    public void File_ReadWithGaps_FaultsOnceAWindow()
    {
        TestSpace space = new();
        space.MapFile(TestSpace.FileA, 0, 1000);
        Dictionary<FaultKind, int> faults = space.Touch(0, 1000, AccessKind.Load);
        Assert.Equal(new() { [FaultKind.File] = 63 }, faults);
        Assert.Equal(1000, space.Memory.Resident.File);
        Assert.Equal(new() { [FaultKind.FilePrivateCopy] = 1000 }, space.Touch(0, 1000, AccessKind.Store));
        Assert.Equal((1000, 0), (space.Memory.Resident.Anonymous, space.Memory.Resident.File));
        Assert.Equal(2000, space.Pool.Allocated);
    }

    [Fact]
    public void File_FaultAround_StaysInAreaAndTable()
    {
        TestSpace space = new();
        space.MapFile(TestSpace.FileA, 505, 100);
        Assert.Equal(7, space.Fault(508, AccessKind.Load).PagesMapped);
        Assert.Equal(16, space.Fault(512, AccessKind.Load).PagesMapped);
        Assert.False(space.Memory.Table.Query(TestSpace.At(504)).Mapped);
        Assert.False(space.Memory.Table.Query(TestSpace.At(528)).Mapped);
    }

    [Fact]
    public void File_WrittenFirst_MapsOnePrivatePageWithoutDeadTranslations()
    {
        TestSpace space = new();
        space.MapFile(TestSpace.FileA, 0, 100);
        FaultResult write = space.Fault(5, AccessKind.Store);
        Assert.Equal((FaultKind.FilePrivateCopy, 1L, null), (write.Kind, write.PagesMapped, write.Dead));
        FaultResult around = space.Fault(6, AccessKind.Load);
        Assert.Equal(15, around.PagesMapped);
        FaultResult copy = space.Fault(7, AccessKind.Store);
        Assert.Equal((FaultKind.FilePrivateCopy, 1L), (copy.Kind, copy.Dead!.Value.Count));
        Assert.Equal(1, copy.Release!.FrameReferences);
    }

    [Fact]
    public void File_PastItsEnd_IsABusError()
    {
        TestSpace space = new();
        space.MapFile(TestSpace.FileB, 0, 100);
        Assert.Equal(FaultKind.File, space.Fault(40, AccessKind.Load).Kind);
        Assert.Equal(FaultKind.BusError, space.Fault(41, AccessKind.Load).Kind);
        MemoryObject file = space.Memory.Cache.Files[TestSpace.FileB];
        MmResult cut = space.Memory.Truncate(file, 10 << 12);
        Assert.Equal(9, cut.PagesZapped);
        space.Memory.Release(cut.Release!);
        space.Memory.Cache.SetLength(file, 10 << 12);
        Assert.Equal(FaultKind.BusError, space.Fault(40, AccessKind.Load).Kind);
        Assert.Equal(space.Memory.Cache.CachedPages, space.Pool.Allocated);
    }

    [Fact]
    public void File_OutsideTheCache_IsAMajorFaultWithReadAround()
    {
        TestSpace space = new(warm: false);
        space.MapFile(TestSpace.FileA, 0, 1000);
        FaultResult major = space.Fault(100, AccessKind.Load);
        Assert.Equal((FaultKind.Major, 32L, 16L), (major.Kind, major.ReadAheadPages, major.PagesMapped));
        Assert.Equal(FaultKind.File, space.Fault(95, AccessKind.Load).Kind);
        Assert.Equal(FaultKind.Major, space.Fault(120, AccessKind.Load).Kind);
        space.Advise(0, 1000, Advice.Random);
        Assert.Equal(1, space.Fault(500, AccessKind.Load).ReadAheadPages);
        Assert.Equal(100, space.Advise(600, 100, Advice.WillNeed).ReadAheadPages);
        Assert.Equal(FaultKind.FilePrivateCopy, space.Fault(650, AccessKind.Store).Kind);
    }

    [Fact]
    public void SharedFile_StoresAreNoticedAndWrittenBack()
    {
        TestSpace space = new();
        space.MapFile(TestSpace.FileA, 0, 100, shared: true);
        Assert.Equal(FaultKind.File, space.Fault(3, AccessKind.Load).Kind);
        FaultResult dirty = space.Fault(3, AccessKind.Store);
        Assert.Equal((FaultKind.ReuseWrite, null), (dirty.Kind, dirty.Dead));
        Assert.Equal(FaultKind.FileShared, space.Fault(20, AccessKind.Store).Kind);
        Assert.Equal(2, space.Memory.Cache.DirtyPages);
        MmResult sync = space.Ok(new SystemCall { Kind = SystemCallKind.Sync, Start = TestSpace.At(0), Length = 100 << 12 });
        Assert.Equal((2L, 2L, 18UL), (sync.PagesWrittenBack, sync.Dead!.Value.Count, sync.Dead.Value.Range.Pages));

        // each page is flushed as it is cleaned, and nothing is left for the end
        Assert.Equal([3, 20], sync.Forced.Select(dead => (int)(dead.Range.Start.PageNumber - TestSpace.At(0).PageNumber)));
        Assert.All(sync.Forced, dead => Assert.Equal((1L, 1UL, false), (dead.Count, dead.Range.Pages, dead.FreesMemory)));
        Assert.Null(sync.DeadAtEnd);
        Assert.Equal(0, space.Memory.Cache.DirtyPages);
        Assert.Equal(FaultKind.ReuseWrite, space.Fault(3, AccessKind.Store).Kind);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void PageOut_CleanFilePages_LeaveMemory(bool shared)
    {
        TestSpace space = new();
        space.MapFile(TestSpace.FileA, 0, 64, shared: shared);
        space.Touch(0, 64, AccessKind.Load);
        long before = space.Pool.Allocated;
        MmResult result = space.Advise(8, 40, Advice.PageOut);
        Assert.Equal((40L, 40UL, 40L), (result.Dead!.Value.Count, result.Dead.Value.Range.Pages, result.PagesZapped));
        Assert.True(result.Dead.Value.FreesMemory);
        Assert.Equal(before - 40, space.Pool.Allocated);
        Assert.Equal(24, space.Memory.Cache.CachedPages);
        Assert.Equal(FaultKind.File, space.Fault(8, AccessKind.Load).Kind);
        Assert.Null(space.Advise(0, 8, Advice.PageOut).Error);
    }

    [Fact]
    public void PageOut_ColdCache_IsReadAgain()
    {
        TestSpace space = new(warm: false);
        space.MapFile(TestSpace.FileA, 0, 64, shared: true);
        Assert.Equal(FaultKind.Major, space.Fault(3, AccessKind.Load).Kind);
        space.Advise(0, 64, Advice.PageOut);
        Assert.Equal(FaultKind.Major, space.Fault(3, AccessKind.Load).Kind);
    }

    [Fact]
    public void PageOut_AnonymousDirtyAndSharedPages_Stay()
    {
        TestSpace space = new();
        space.Map(0, 16);
        space.Touch(0, 16, AccessKind.Store);
        space.MapFile(TestSpace.FileA, 100, 16, shared: true);
        space.Touch(100, 16, AccessKind.Store);
        space.MapFile(TestSpace.FileA, 200, 16, offsetPages: 16);
        space.Touch(200, 16, AccessKind.Store);
        space.MapFile(TestSpace.FileA, 300, 16, offsetPages: 32);
        space.MapFile(TestSpace.FileA, 400, 16, offsetPages: 32);
        space.Touch(300, 16, AccessKind.Load);
        space.Touch(400, 16, AccessKind.Load);
        space.MapFile(TestSpace.MemoryFile, 500, 16, shared: true);
        space.Touch(500, 16, AccessKind.Load);
        long before = space.Pool.Allocated;
        foreach (ulong page in (ulong[])[0, 100, 200, 300, 400, 500])
        {
            // Pages that stay become old, and lose their translations so; those with two mappings are passed over.
            MmResult result = space.Advise(page, 16, Advice.PageOut);
            Assert.Equal((0L, page is 300 or 400 ? null : 16L), (result.PagesZapped, result.Dead?.Count));
        }

        Assert.Equal(before, space.Pool.Allocated);
    }
}
