using VmSim.Core.Addresses;
using VmSim.Core.Memory;
using VmSim.Core.Programs;

namespace VmSim.Core.Tests.Memory;

/// <summary>
/// madvise and process_madvise as their manual pages, the Linux Test Project (LTP) and the kernel's own tests (tools/testing/selftests/mm)
/// have them.
/// </summary>
public sealed class AdviseTests
{
    private const ulong HugePages = 512;

    [Fact]
    public void DontNeed_OverAHole_DropsTheMappedPartsAndSaysSo()
    {
        // madvise(2): "ENOMEM: Addresses in the specified range are not currently mapped"; mapped parts are done (LTP madvise02).
        TestSpace space = new();
        space.Map(0, 3);
        space.Touch(0, 3, AccessKind.Store);
        space.Unmap(1, 1);
        MmResult result = Advise(space, 0, 3, Advice.DontNeed);
        Assert.Equal((null, Errno.NoMemory, 2L), (result.Error, result.Errno, result.PagesZapped));
        Assert.Equal(new() { [FaultKind.Anonymous] = 1 }, space.Touch(0, 1, AccessKind.Store));
        Assert.Equal(new() { [FaultKind.Anonymous] = 1 }, space.Touch(2, 1, AccessKind.Store));
        Assert.Equal(Errno.NoMemory, Advise(space, 1, 1, Advice.DontNeed).Errno);
        Assert.NotNull(Advise(space, 1, 1, Advice.DontNeed).Error);
    }

    [Theory]
    [InlineData((Advice)1212, Errno.InvalidArgument)]
    [InlineData((Advice)26, Errno.InvalidArgument)]
    [InlineData(Advice.HardwarePoison, Errno.PermissionDenied)]
    [InlineData(Advice.SoftOffline, Errno.PermissionDenied)]
    [InlineData(Advice.Remove, Errno.InvalidArgument)]
    public void Advise_WhatAnonymousMemoryDoesNotTake_Fails(Advice advice, Errno errno)
    {
        // LTP madvise02: EINVAL for unknown advice; madvise(2): EPERM for MADV_HWPOISON without CAP_SYS_ADMIN.
        TestSpace space = new();
        space.Map(0, 4);
        MmResult result = Advise(space, 0, 4, advice);
        Assert.Equal(errno, result.Errno);
        Assert.NotNull(result.Error);
    }

    [Theory]
    [InlineData(Advice.Free, false, Errno.InvalidArgument)]
    [InlineData(Advice.Free, true, Errno.InvalidArgument)]
    [InlineData(Advice.WipeOnFork, false, Errno.InvalidArgument)]
    [InlineData(Advice.WipeOnFork, true, Errno.InvalidArgument)]
    [InlineData(Advice.Remove, false, Errno.NoAccess)]
    [InlineData(Advice.Collapse, true, Errno.InvalidArgument)]
    public void Advise_WhatFilesDoNotTake_Fails(Advice advice, bool shared, Errno errno)
    {
        // LTP madvise02: MADV_FREE and MADV_WIPEONFORK of file mappings are EINVAL; madvise(2): MADV_REMOVE needs a shared one.
        TestSpace space = new();
        space.MapFile(TestSpace.FileA, 0, 4, shared: shared);
        Assert.Equal(errno, Advise(space, 0, 4, advice).Errno);
    }

    [Fact]
    public void Advise_Unaligned_IsInvalid()
    {
        TestSpace space = new();
        space.Map(0, 4);
        SystemCall call = new() { Kind = SystemCallKind.Advise, Start = TestSpace.At(0) + 1, Length = 4096, Advice = Advice.Normal };
        Assert.Equal(Errno.InvalidArgument, space.Memory.Apply(call).Errno);
        Assert.Equal(Errno.None, space.Memory.Apply(call with { Start = TestSpace.At(0), Length = 0 }).Errno);
    }

    [Fact]
    public void Advise_AnAreaThatRefuses_LeavesWhatCameBeforeItDone()
    {
        // madvise_walk_vmas stops at the error and takes nothing back.
        TestSpace space = new();
        space.Map(0, 2);
        space.MapFile(TestSpace.FileA, 2, 2);
        space.Touch(0, 2, AccessKind.Store);
        MmResult result = Advise(space, 0, 4, Advice.Free);
        Assert.Equal((null, Errno.InvalidArgument, 2L), (result.Error, result.Errno, result.Dead!.Value.Count));
    }

    [Fact]
    public void Fork_AfterAdvice_LeavesOutAndWipes()
    {
        // LTP madvise10: MADV_WIPEONFORK gives the child zeros; madvise(2): a page with MADV_DONTFORK is not there.
        TestSpace space = new();
        space.Map(0, 12);
        space.Touch(0, 12, AccessKind.Store);
        space.Advise(0, 4, Advice.WipeOnFork);
        space.Advise(4, 4, Advice.DontFork);
        TestSpace child = space.Fork(out MmResult effect);
        Assert.Equal(4, effect.PagesShared);
        Assert.Equal(FaultKind.ZeroPage, child.Fault(0, AccessKind.Load).Kind);
        Assert.Equal(FaultKind.SegmentationFault, child.Fault(4, AccessKind.Load).Kind);
        Assert.Equal(FaultKind.CopyOnWrite, child.Fault(8, AccessKind.Store).Kind);
        Assert.Empty(space.Touch(0, 4, AccessKind.Load));

        space.Advise(0, 4, Advice.KeepOnFork);
        space.Advise(4, 4, Advice.DoFork);
        Assert.Equal(1, space.Memory.AreaCount);
        Assert.Equal(12, space.Fork(out effect).Memory.Resident.Anonymous);
    }

    [Theory]
    [InlineData(Advice.DontDump, Advice.DoDump)]
    [InlineData(Advice.Mergeable, Advice.Unmergeable)]
    [InlineData(Advice.HugePage, Advice.NoHugePage)]
    public void Advise_OnFlags_SplitsAreasAndChangesNoTranslation(Advice set, Advice clear)
    {
        TestSpace space = new();
        space.Map(0, 12);
        space.Touch(0, 12, AccessKind.Store);
        MmResult result = space.Advise(4, 4, set);
        Assert.Equal((null, 0L, 3), (result.Dead, result.PagesProtected, space.Memory.AreaCount));
        space.Advise(0, 12, clear);
        Assert.Equal(1, space.Memory.AreaCount);
    }

    [Fact]
    public void Cold_OfPagesOfOneMapping_ClearsTheAccessedBitAndKillsTranslations()
    {
        // madvise_cold_or_pageout_pte_range: pages with one mapping alone; each young entry is made old and flushed.
        TestSpace space = new();
        space.Map(0, 8);
        space.Touch(0, 4, AccessKind.Store);
        space.Touch(4, 4, AccessKind.Load);
        Assert.Equal(4, space.Advise(0, 8, Advice.Cold).Dead!.Value.Count);
        Assert.Null(space.Advise(0, 8, Advice.Cold).Dead);
        Assert.Empty(space.Touch(0, 8, AccessKind.Load));
        space.Fork(out _);
        Assert.Null(space.Advise(0, 8, Advice.Cold).Dead);
    }

    [Fact]
    public void Remove_OfSharedMemory_TakesThePagesFromTheObject()
    {
        // madvise(2), MADV_REMOVE: "Free up a given range of pages and its associated backing store"; then they read as zeros.
        TestSpace space = new();
        space.MapFile(TestSpace.MemoryFile, 0, 8, shared: true);
        space.MapFile(TestSpace.MemoryFile, 100, 8, shared: true);
        space.Touch(0, 8, AccessKind.Store);
        space.Touch(100, 8, AccessKind.Load);
        Assert.Equal(8, space.Pool.Allocated);
        MmResult result = space.Advise(2, 4, Advice.Remove);
        Assert.Equal((8L, 4), (result.PagesZapped, space.Pool.Allocated));
        Assert.Equal(FaultKind.FileShared, space.Fault(102, AccessKind.Load).Kind);
        Assert.Empty(space.Touch(0, 2, AccessKind.Store));
    }

    [Fact]
    public void PopulateReadAndWrite_AsTheSelftestHasThem()
    {
        // selftests/mm/madv_populate.c: test_prot_read, test_prot_write, test_holes, test_populate_read, test_populate_write.
        TestSpace space = new();
        space.Map(0, 4, Protection.Read);
        Assert.Equal(Errno.InvalidArgument, Advise(space, 0, 4, Advice.PopulateWrite).Errno);
        Assert.Equal((Errno.None, 4L), (Advise(space, 0, 4, Advice.PopulateRead).Errno, space.Memory.Resident.Zero));
        space.Map(10, 4, Protection.Write);
        Assert.Equal((Errno.None, 4L), (Advise(space, 10, 4, Advice.PopulateWrite).Errno, space.Memory.Resident.Anonymous));
        space.Map(20, 4);
        space.Unmap(22, 1);
        MmResult hole = Advise(space, 20, 4, Advice.PopulateWrite);
        Assert.Equal((Errno.NoMemory, 2L), (hole.Errno, hole.PagesPopulated));
        Assert.Equal(Errno.NoMemory, Advise(space, 22, 2, Advice.PopulateWrite).Errno);
        space.MapFile(TestSpace.FileB, 30, 60);
        Assert.Equal(Errno.BadAddress, Advise(space, 30, 60, Advice.PopulateRead).Errno); // "a SIGBUS would have been generated"
    }

    [Fact]
    public void Collapse_OfAnonymousMemory_AsTheSelftestHasIt()
    {
        // selftests/mm/khugepaged.c: collapse_full, collapse_empty, collapse_single_pte_entry, collapse_fork.
        TestSpace space = new();
        space.Map(0, 3 * HugePages);
        space.Touch(0, HugePages, AccessKind.Store);
        space.Touch(HugePages + 7, 1, AccessKind.Store);
        MmResult result = Advise(space, 0, 3 * HugePages, Advice.Collapse);
        Assert.Equal((null, Errno.InvalidArgument, 2L), (result.Error, result.Errno, result.PagesCollapsed));
        Assert.Equal((513L, true), (result.Dead!.Value.Count, result.TablesFreed));
        Assert.Equal(PageSize.Size2M, space.Memory.Table.Query(TestSpace.At(HugePages)).Size);
        Assert.Equal(2 * (long)HugePages, space.Pool.Allocated);
        Assert.Equal(Errno.None, Advise(space, 0, HugePages, Advice.Collapse).Errno);
        Assert.NotNull(Advise(space, 2 * HugePages, HugePages, Advice.Collapse).Error);
        Assert.Empty(space.Touch(0, 2 * HugePages, AccessKind.Store));
    }

    [Fact]
    public void ProcessMadvise_OfSeveralRanges_IsOneOperation()
    {
        TestSpace space = new();
        space.Map(0, 12);
        space.Touch(0, 12, AccessKind.Store);
        SystemCall call = new()
        {
            Kind = SystemCallKind.Advise,
            Start = TestSpace.At(0),
            Length = 4096,
            Advice = Advice.DontNeed,
            MoreRanges = [AddrRange.Of(TestSpace.At(5), 8192), AddrRange.Of(TestSpace.At(20), 4096)],
        };
        MmResult result = space.Ok(call);
        Assert.Equal((3L, Errno.None), (result.Dead!.Value.Count, result.Errno)); // process_madvise(2): it answers the bytes advised
        Assert.Equal(new() { [FaultKind.Anonymous] = 3 }, space.Touch(0, 12, AccessKind.Store));
        Assert.Equal(Errno.NoMemory, space.Memory.Apply(call with { Start = TestSpace.At(30) }).Errno);
    }

    private static MmResult Advise(TestSpace space, ulong page, ulong pages, Advice advice)
    {
        MmResult result = space.Memory.Apply(
            new SystemCall { Kind = SystemCallKind.Advise, Start = TestSpace.At(page), Length = pages << 12, Advice = advice });
        if (result.Release is { } release)
        {
            space.Memory.Release(release);
        }

        return result;
    }
}
